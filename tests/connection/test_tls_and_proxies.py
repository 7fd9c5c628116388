"""Whom the connection trusts, which certificate it shows, and how it gets through a proxy."""

from __future__ import annotations

import gc
import socket
import ssl
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kubectl_oom.errors import OomError
from kubectl_oom.read.connection import api_error_line
from tests.connection.servers import ApiServer, api_server, failure, raw_server, unused_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.connection.conftest import Opened
    from tests.connection.pki import Pki


# --- TLS


def test_a_client_certificate_is_shown_and_its_key_does_not_stay_on_the_disk(
    server: ApiServer, opened: Opened, pki: Pki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    shown = {"client-certificate": str(pki.client.cert), "client-key": str(pki.client.key)}

    opened(server.url, shown).get("/version")

    assert [(asked.certificate, asked.header("Authorization")) for asked in server.asked] == [("someone", "")]
    assert list(scratch.iterdir()) == []


def test_tls_server_name_stands_in_for_the_host_that_was_dialled(server: ApiServer, opened: Opened) -> None:
    url = f"https://localhost:{server.port}"

    assert opened(url, tls_server_name="api.test").get_json("/version") == {}
    wrong = failure(lambda: opened(url).get("/version"))
    assert api_error_line(wrong) == (
        "Unable to connect to the server: tls: failed to verify certificate: x509: certificate is not valid for localhost"
    )
    assert wrong.reason == "Unreachable"


def test_insecure_skip_tls_verify_asks_nothing_and_warns_of_nothing(
    server: ApiServer, opened: Opened, capfd: pytest.CaptureFixture[str]
) -> None:
    connection = opened(f"https://localhost:{server.port}", cluster={"insecure-skip-tls-verify": True})

    assert connection.get_json("/version") == {}
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("authority", ["other", "system"])
def test_an_unknown_authority_is_named_as_the_cause(
    server: ApiServer, opened: Opened, pki: Pki, authority: str
) -> None:
    cluster = {"certificate-authority": str(pki.other_ca)} if authority == "other" else {}

    assert api_error_line(failure(lambda: opened(server.url, cluster=cluster).get("/version"))) == (
        "Unable to connect to the server: tls: failed to verify certificate: "
        "x509: certificate signed by unknown authority"
    )


def test_an_expired_certificate_is_named_as_the_cause(opened: Opened, pki: Pki) -> None:
    with api_server(pki.expired) as old:
        error = failure(lambda: opened(old.url).get("/version"))

    assert api_error_line(error) == (
        "Unable to connect to the server: tls: failed to verify certificate: "
        "x509: certificate has expired or is not yet valid: certificate has expired"
    )


def test_an_authority_of_the_old_kind_is_trusted_as_kubectl_trusts_it(opened: Opened, pki: Pki) -> None:
    with api_server(pki.old_server) as old:
        assert opened(old.url, cluster={"certificate-authority": str(pki.old_ca)}).get_json("/version") == {}


def test_a_bundle_may_hold_several_authorities_comments_and_the_servers_own_certificate(
    server: ApiServer, opened: Opened, pki: Pki, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle"
    bundle.write_bytes("# Prüfstelle\n".encode() + pki.other_ca.read_bytes() + pki.server.cert.read_bytes())

    assert opened(server.url, cluster={"certificate-authority": str(bundle)}).get_json("/version") == {}


def test_a_certificate_that_cannot_be_parsed_does_not_keep_the_others_of_a_bundle_out(
    server: ApiServer, opened: Opened, pki: Pki, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle"
    broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    bundle.write_bytes(broken + pki.ca.read_bytes() + broken)

    assert opened(server.url, cluster={"certificate-authority": str(bundle)}).get_json("/version") == {}


def test_without_an_authority_in_the_kubeconfig_the_systems_are_trusted(
    server: ApiServer, opened: Opened, pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(pki.ca))

    assert opened(server.url, cluster={}).get_json("/version") == {}


def test_a_server_that_insists_on_a_client_certificate_says_so(opened: Opened, pki: Pki) -> None:
    def insist(connection: socket.socket, _: threading.Event) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pki.server.cert, pki.server.key)
        context.load_verify_locations(pki.ca)
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # it says no before the request is sent
        context.verify_mode = ssl.CERT_REQUIRED
        context.wrap_socket(connection, server_side=True).close()

    with raw_server(insist) as netloc:
        error = failure(lambda: opened(f"https://{netloc}").get("/version"))

    assert api_error_line(error) == "Unable to connect to the server: remote error: tls: handshake failure"


def hang_up(connection: socket.socket, _: threading.Event) -> None:
    connection.recv(65536)


def test_a_server_that_hangs_up_during_the_handshake_is_said_as_go_says_it(opened: Opened) -> None:
    with raw_server(hang_up) as netloc:
        error = failure(lambda: opened(f"https://{netloc}").get("/version"))

    assert api_error_line(error) == "Unable to connect to the server: EOF"


def test_https_to_a_server_without_tls_is_said_as_go_says_it(opened: Opened) -> None:
    with api_server() as plain:
        error = failure(lambda: opened(plain.url.replace("http:", "https:")).get("/version"))

    assert api_error_line(error) == "Unable to connect to the server: http: server gave HTTP response to HTTPS client"


def test_over_plain_http_no_credential_is_sent(opened: Opened, pki: Pki) -> None:
    user = {"token": "s3cret", "client-certificate": str(pki.client.cert), "client-key": str(pki.client.key)}
    with api_server() as plain:
        opened(plain.url, user, {}, as_user="bob").get("/version")

    assert [(asked.header("Authorization"), asked.header("Impersonate-User")) for asked in plain.asked] == [("", "bob")]


# --- proxies


def tunnel(answer: bytes, seen: list[bytes]) -> Callable[[socket.socket, threading.Event], None]:
    """A proxy that grants CONNECT, or says `answer` instead."""

    def behave(connection: socket.socket, over: threading.Event) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            request += connection.recv(65536)
        seen.append(request)
        if answer:
            connection.sendall(answer)
            return
        host, _, port = request.split()[1].decode().rpartition(":")
        with socket.create_connection((host, int(port))) as onward:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            ways = [(connection, onward), (onward, connection)]
            threads = [threading.Thread(target=_pass_on, args=way, daemon=True) for way in ways]
            for thread in threads:
                thread.start()
            over.wait(20)
            for end in (connection, onward):
                end.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(1)

    return behave


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        return


def test_the_kubeconfigs_proxy_is_used_with_its_password_and_never_named_with_it(
    server: ApiServer, opened: Opened, pki: Pki
) -> None:
    seen: list[bytes] = []
    with raw_server(tunnel(b"", seen)) as proxy:
        cluster = {"certificate-authority": str(pki.ca), "proxy-url": f"http://me:p%40ss@{proxy}"}
        connection = opened(server.url, cluster=cluster)
        assert connection.get_json("/version") == {}
        connection.close()

    request, *headers = seen[0].split(b"\r\n")
    assert request.split()[:2] == [b"CONNECT", server.netloc.encode()]
    secrets = [line.partition(b": ")[2] for line in headers if line.lower().startswith(b"proxy-authorization")]
    assert secrets == [b"Basic bWU6cEBzcw=="]
    assert "p%40ss" not in repr(connection._target)


def test_a_proxy_that_refuses_is_told_from_a_server_that_does(opened: Opened, pki: Pki) -> None:
    proxy = f"127.0.0.1:{unused_port()}"
    cluster = {"certificate-authority": str(pki.ca), "proxy-url": f"http://me:p%40ss@{proxy}"}
    closed = failure(lambda: opened("https://127.0.0.1:1", cluster=cluster).get("/version"))

    assert api_error_line(closed) == (
        f"Unable to connect to the server: proxyconnect tcp: dial tcp {proxy}: connection refused"
    )


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # http.client before 3.11 forgets the proxy's answer
def test_a_proxy_that_wants_a_password_says_so(opened: Opened, pki: Pki) -> None:
    with raw_server(tunnel(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", [])) as strict:
        cluster = {"certificate-authority": str(pki.ca), "proxy-url": f"http://{strict}"}
        line = api_error_line(failure(lambda: opened("https://127.0.0.1:1", cluster=cluster).get("/version")))
    gc.collect()

    assert line == (
        f"Unable to connect to the server: proxyconnect tcp: dial tcp {strict}: "
        "tunnel connection failed: 407 proxy authentication required"
    )


def test_a_proxy_may_itself_be_reached_over_tls(
    server: ApiServer, opened: Opened, pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(pki.old_ca))
    seen: list[bytes] = []

    def secured(connection: socket.socket, over: threading.Event) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pki.old_server.cert, pki.old_server.key)
        with context.wrap_socket(connection, server_side=True) as inside:
            tunnel(b"", seen)(inside, over)

    with raw_server(secured) as proxy:
        cluster = {"certificate-authority": str(pki.ca), "proxy-url": f"https://{proxy}"}
        connection = opened(server.url, cluster=cluster)
        assert connection.get_json("/version") == {}
        connection.close()

    assert [request.split()[1] for request in seen] == [server.netloc.encode()]


def test_a_socks_proxy_needs_a_library_and_says_which(
    opened: Opened, pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "socks", None)  # as if it were not installed
    cluster = {"certificate-authority": str(pki.ca), "proxy-url": "socks5://127.0.0.1:1"}
    with pytest.raises(OomError) as caught:
        opened("https://127.0.0.1:1", cluster=cluster)

    assert (caught.value.message, caught.value.hint) == (
        "error: the proxy speaks SOCKS, for which a library is missing",
        "Install PySocks, or use an http:// proxy",
    )
