"""The metrics engine over TLS: authorities, client certificates and what cannot be trusted."""

from __future__ import annotations

import ssl
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from kubectl_oom.read.engine import Engine, EngineOptions
from kubectl_oom.read.engines import connect_engine
from tests.engines import require_program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

from tests.engine_server import SECRET, SUCCESS, Server, answering, ask, refused, reply

# --- TLS


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority of its own, with a server certificate for localhost and a client certificate."""
    require_program("openssl")
    folder = tmp_path_factory.mktemp("pki")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for name, subject, more in (
        ("ca", "/CN=Test authority", ["-addext", "keyUsage=critical,keyCertSign"]),
        ("server", "/CN=localhost", ["-addext", "subjectAltName=DNS:localhost", "-CA", "ca.crt", "-CAkey", "ca.key"]),
        ("client", "/CN=kubectl-oom", ["-CA", "ca.crt", "-CAkey", "ca.key"]),
    ):
        files = ["-x509", "-days", "2", "-subj", subject, "-keyout", f"{name}.key", "-out", f"{name}.crt"]
        subprocess.run(["openssl", "req", *key, *files, *more], cwd=folder, check=True, capture_output=True)
    return folder


@contextmanager
def over_tls(pki: Path, *, wants_client: bool = False) -> Iterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "server.crt", pki / "server.key")
    if wants_client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(pki / "ca.crt")
    server = Server(lambda handler: reply(handler, 200, SUCCESS))
    server.use_tls(context)
    with server.listening():
        yield server


def test_a_certificate_of_an_unknown_authority_is_not_trusted(pki: Path) -> None:
    with over_tls(pki) as server:
        error = refused(server, token=SECRET)
        assert server.asked == []
    assert error.reason == "BadCertificate"
    assert error.message.startswith(f"the certificate of Prometheus {server.url} is not trusted: ")


def test_the_given_authority_is_trusted_for_the_names_it_vouches_for(pki: Path) -> None:
    ca = str(pki / "ca.crt")
    with over_tls(pki) as server:
        assert len(ask(server, ca_file=ca).rows) == 1
        error = refused(f"https://127.0.0.1:{server.port}", ca_file=ca)
    assert error.reason == "BadCertificate"
    assert "IP address mismatch" in error.message


def test_verification_is_off_only_when_asked_for(pki: Path) -> None:
    with over_tls(pki) as server:
        assert len(ask(server, insecure_skip_tls_verify=True).rows) == 1


def test_a_client_certificate_is_shown_to_a_server_that_wants_one(pki: Path) -> None:
    ca = str(pki / "ca.crt")
    with over_tls(pki, wants_client=True) as server:
        certificate = {"client_certificate": str(pki / "client.crt"), "client_key": str(pki / "client.key")}
        assert len(ask(server, ca_file=ca, **certificate).rows) == 1
        assert refused(server, ca_file=ca).reason == "Unreachable"


def test_a_plain_http_server_under_an_https_url_is_said(pki: Path) -> None:
    with answering(200, SUCCESS) as server:
        error = refused(f"https://127.0.0.1:{server.port}", ca_file=str(pki / "ca.crt"))
    assert error.reason == "Unreachable"
    assert error.message.startswith(f"no TLS connection to Prometheus https://127.0.0.1:{server.port}: ")


def test_an_authority_file_that_is_not_there_is_said() -> None:
    error = refused("https://127.0.0.1:1", ca_file="/no/such/ca.crt")
    assert error.reason == "Invalid"
    assert "/no/such/ca.crt" in error.message


def test_an_engine_is_shown_without_its_credentials() -> None:
    engine: Engine = connect_engine(EngineOptions(url="https://me:pw@prom.example:9443/a/"), None)
    assert engine.label == "Prometheus https://prom.example:9443/a"
