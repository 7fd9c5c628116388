"""The official client: that we and it read a kubeconfig alike, and what it is still asked for."""

from __future__ import annotations

import base64
import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from kubernetes import client, config

from kubectl_oom.errors import OomError
from kubectl_oom.read import foreign as foreign_module
from kubectl_oom.read.connection import connect
from kubectl_oom.read.credentials import credentials_for
from kubectl_oom.read.source import ReadError
from kubectl_oom.read.target import ConnectOptions, settle
from tests.connection.conftest import write_kubeconfig
from tests.connection.servers import Reply, api_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.connection.conftest import Opened
    from tests.connection.pki import Pki
    from tests.connection.servers import ApiServer, Asked


# --- both ways of reading a kubeconfig


def in_data(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()


def same_corpus() -> dict[str, Callable[[Pki], tuple[dict[str, Any], dict[str, Any]]]]:
    """Kubeconfigs of the plain forms: name → (cluster, user)."""
    return {
        "token": lambda pki: ({"certificate-authority": str(pki.ca)}, {"token": "s3cret"}),
        "token in a file": lambda pki: ({"certificate-authority-data": in_data(pki.ca)}, {"tokenFile": "token"}),
        # Of one letter outside ASCII the official client makes one byte; we and Go make UTF-8 of it.
        "password": lambda _: ({"certificate-authority": "ca.crt"}, {"username": "me", "password": "pass:word"}),
        "certificate in files": lambda pki: (
            {"certificate-authority": str(pki.ca)},
            {"client-certificate": "someone.crt", "client-key": str(pki.client.key)},
        ),
        "certificate in the kubeconfig": lambda pki: (
            {"certificate-authority-data": in_data(pki.ca)},
            {"client-certificate-data": in_data(pki.client.cert), "client-key-data": in_data(pki.client.key)},
        ),
        "certificate and token": lambda pki: (
            {"certificate-authority": str(pki.ca)},
            {"client-certificate": str(pki.client.cert), "client-key": str(pki.client.key), "token": "s3cret"},
        ),
        "plugin": lambda pki: (
            {"certificate-authority": str(pki.ca)},
            {
                "exec": {
                    "apiVersion": "client.authentication.k8s.io/v1",
                    "command": "./plugin",
                    "interactiveMode": "Never",
                }
            },
        ),
        "nobody": lambda pki: ({"certificate-authority": str(pki.ca)}, {}),
        "another server name": lambda pki: (
            {"certificate-authority": str(pki.ca), "tls-server-name": "api.test"},
            {"token": "s3cret"},
        ),
        "any server": lambda _: ({"insecure-skip-tls-verify": True}, {"token": "s3cret"}),
    }


PLUGIN = """#!/bin/sh
echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"from-a-plugin"}}'
"""


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")  # the official client's, for "any server"
@pytest.mark.parametrize("form", same_corpus())
def test_we_and_the_official_client_go_to_the_same_server_as_the_same_user(
    server: ApiServer, tmp_path: Path, pki: Pki, form: str
) -> None:
    for name, content in (("token", "in-a-file"), ("plugin", PLUGIN), ("ca.crt", pki.ca.read_text())):
        (tmp_path / name).write_text(content)
    (tmp_path / "someone.crt").write_text(pki.client.cert.read_text())
    (tmp_path / "plugin").chmod(0o755)
    cluster, user = same_corpus()[form](pki)
    file = str(write_kubeconfig(tmp_path, {"server": f"{server.url}/prefix/", **cluster}, user))
    theirs = client.Configuration()
    config.load_kube_config(config_file=file, client_configuration=theirs)
    options = ConnectOptions(kubeconfig=file)
    target = settle(options)
    ours = credentials_for(target, {}).current()

    def content_of(name: str | None) -> bytes:
        return Path(name).read_bytes() if name else b""

    header = theirs.auth_settings().get("BearerToken", {}).get("value", "")
    assert {
        "server": target.server.address,
        "authority": target.server.ca,
        "insecure": target.server.insecure,
        "name": target.server.tls_server_name,
        "header": ours.authorization,
        "certificate": ours.certificate,
        "key": ours.key,
    } == {
        "server": theirs.host,
        "authority": content_of(theirs.ssl_ca_cert),
        "insecure": not theirs.verify_ssl,
        "name": theirs.tls_server_name or "",
        "header": header,
        "certificate": content_of(theirs.cert_file),
        "key": content_of(theirs.key_file),
    }

    connect(options).get("/version")
    sent = {"Authorization": header} if header else {}
    api = client.ApiClient(theirs)
    api.rest_client.pool_manager.request("GET", f"{theirs.host}/version", headers=sent, retries=False)
    api.rest_client.pool_manager.clear()
    seen = [(asked.path, asked.header("Authorization"), asked.certificate) for asked in server.asked]
    assert seen[0] == seen[1]
    assert len(seen) == 2


# --- OpenID Connect


def id_token(expires: int) -> str:
    """An unsigned token of the form that the client looks into."""
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, {"exp": expires, "pad": "1"})]
    return ".".join([*(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts), "c2ln"])


LONG_GONE, FAR_AWAY = 1_000_000_000, 4_000_000_000


def oidc(token: str, **fields: str) -> dict[str, Any]:
    settings = {"client-id": "oom", "client-secret": "cs", "id-token": token, "refresh-token": "once", **fields}
    return {"auth-provider": {"name": "oidc", "config": settings}}


def test_an_openid_token_that_is_valid_is_used_with_the_users_certificate(
    server: ApiServer, opened: Opened, pki: Pki
) -> None:
    token = id_token(FAR_AWAY)
    shown = {"client-certificate": str(pki.client.cert), "client-key": str(pki.client.key)}

    opened(server.url, {**oidc(token), **shown}, as_user="bob").get("/version")

    asked = server.asked[0]
    assert (asked.header("Authorization"), asked.certificate) == (f"Bearer {token}", "someone")
    assert asked.header("Impersonate-User") == "bob"


def test_an_openid_token_that_was_refused_is_asked_for_afresh(server: ApiServer, opened: Opened) -> None:
    token = id_token(FAR_AWAY)
    server.replies["/no"] = Reply.status_object(401, "Unauthorized", "Unauthorized")
    connection = opened(server.url, oidc(token))

    with pytest.raises(ReadError):
        connection.get("/no")
    assert connection.get_json("/yes") == {}
    assert [asked.header("Authorization") for asked in server.asked] == [f"Bearer {token}"] * 2


def identity_provider(idp: ApiServer, renewed: str, seen: list[str]) -> None:
    """Makes the server one that renews tokens."""

    def token(asked: Asked) -> Reply:
        seen.append(asked.header("Authorization"))
        document = {"access_token": "a", "token_type": "Bearer", "id_token": renewed, "refresh_token": "next"}
        return Reply(200, json.dumps(document).encode())

    endpoint = json.dumps({"token_endpoint": f"{idp.url}/token"}).encode()
    idp.replies["/.well-known/openid-configuration"] = Reply(200, endpoint)
    idp.replies["/token"] = token


def test_an_openid_token_that_has_expired_is_renewed_and_kept(
    server: ApiServer, opened: Opened, pki: Pki, tmp_path: Path
) -> None:
    renewed, seen = id_token(FAR_AWAY), list[str]()
    with api_server(pki.server) as idp:
        identity_provider(idp, renewed, seen)
        issuer = {"idp-issuer-url": idp.url, "idp-certificate-authority": str(pki.ca)}
        connection = opened(server.url, oidc(id_token(LONG_GONE), **issuer))
        connection.get("/1")
        connection.get("/2")

    assert [asked.header("Authorization") for asked in server.asked] == [f"Bearer {renewed}"] * 2
    assert len(seen) == 1  # a refresh token is often good for one use
    written = yaml.safe_load((tmp_path / "kubeconfig").read_text())
    assert written["users"][0]["user"] == {
        "auth-provider": {
            "name": "oidc",
            "config": {
                "client-id": "oom",
                "client-secret": "cs",
                "id-token": renewed,
                "refresh-token": "next",
                **issuer,
            },
        }
    }
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".kubeconfig")] == []


def test_a_kubeconfig_that_cannot_be_written_is_left_as_it_is(
    server: ApiServer, opened: Opened, pki: Pki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> None:
        raise PermissionError

    renewed = id_token(FAR_AWAY)
    monkeypatch.setattr("os.replace", denied)
    with api_server(pki.server) as idp:
        identity_provider(idp, renewed, [])
        issuer = {"idp-issuer-url": idp.url, "idp-certificate-authority": str(pki.ca)}
        opened(server.url, oidc(id_token(LONG_GONE), **issuer)).get("/version")

    assert [asked.header("Authorization") for asked in server.asked] == [f"Bearer {renewed}"]
    assert [file.name for file in tmp_path.iterdir()] == ["kubeconfig"]
    assert id_token(LONG_GONE) in (tmp_path / "kubeconfig").read_text()


def test_a_refresh_token_is_not_sent_to_a_provider_that_cannot_be_verified(
    server: ApiServer, opened: Opened, pki: Pki
) -> None:
    """Without an authority in the kubeconfig the official client alone would not verify the provider at all."""
    seen: list[str] = []
    with api_server(pki.server) as idp:
        identity_provider(idp, id_token(FAR_AWAY), seen)
        with pytest.raises(OomError) as caught:
            opened(server.url, oidc(id_token(LONG_GONE), **{"idp-issuer-url": idp.url}))

    assert caught.value.message.startswith("Unable to connect to the server: getting credentials: ")
    assert "certificate" in caught.value.message
    assert (seen, idp.asked) == ([], [])


def test_a_provider_that_hangs_is_given_up(
    server: ApiServer, opened: Opened, pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign_module, "REFRESH_SECONDS", 0.3)
    over = threading.Event()

    def hang(_: Asked) -> Reply:
        over.wait(10)
        return Reply(404)

    with api_server(pki.server) as idp:
        idp.replies["/.well-known/openid-configuration"] = hang
        issuer = {"idp-issuer-url": idp.url, "idp-certificate-authority": str(pki.ca)}
        with pytest.raises(OomError) as caught:
            opened(server.url, oidc(id_token(LONG_GONE), **issuer))
        over.set()

    assert caught.value.message == (
        "Unable to connect to the server: getting credentials: the identity provider gave no full answer within 0.3 s"
    )


@pytest.mark.parametrize(
    ("user", "line"),
    [
        ({"auth-provider": {"name": "gcp"}}, "error: The gcp auth plugin has been removed."),
        ({"auth-provider": {"name": "azure", "config": {}}}, "error: The azure auth plugin has been removed."),
        ({"auth-provider": {"name": "other"}}, 'error: no Auth Provider found for name "other"'),
        (oidc("not-a-token"), 'error: no Auth Provider found for name "oidc"'),
    ],
)
def test_a_provider_that_gives_no_token_is_said_as_kubectl_says_it(
    opened: Opened, user: dict[str, Any], line: str
) -> None:
    with pytest.raises(OomError) as caught:
        opened("https://127.0.0.1:1", user)

    assert caught.value.message == line


def test_a_field_that_nobody_knows_leaves_the_user_without_credentials(server: ApiServer, opened: Opened) -> None:
    opened(server.url, {"to-come": {"x": 1}}).get("/version")

    assert [asked.header("Authorization") for asked in server.asked] == [""]
