"""Which server and which user the flags and the environment make of a kubeconfig, or of none.

The lines expected here are what kubectl 1.36 prints for the same files and flags, unless a comment says why not.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_oom.errors import OomError
from kubectl_oom.read import connection as connection_module
from kubectl_oom.read import target as target_module
from kubectl_oom.read.connection import connect
from kubectl_oom.read.target import ConnectOptions, settle
from tests.connection.kubeconfigs import HERE, document, refused
from tests.connection.servers import api_server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.connection.pki import Pki


UNREADABLE = "error: unable to read {0} {1} for {2} due to open {1}: no such file or directory"


# --- flags


@pytest.fixture
def shop(tmp_path: Path) -> Callable[..., ConnectOptions]:
    """`shop(**flags)`: a kubeconfig of two contexts, two clusters and three users, with these flags."""
    (tmp_path / "ca.pem").write_bytes(b"file's")
    file = tmp_path / "kubeconfig"
    data = base64.b64encode(b"data's").decode()
    file.write_text(
        document(
            current_context="a",
            contexts={"a": {"cluster": "ca", "user": "ua", "namespace": "na"}, "b": {"cluster": "cb", "user": "ub"}},
            clusters={
                "ca": {"server": "https://a/", "certificate-authority-data": data, "tls-server-name": "inner.a"},
                "cb": {"server": "https://b:6443/prefix/?x#y", "certificate-authority": "ca.pem"},
            },
            users={
                "ua": {"token": "ta", "as": "someone", "as-groups": ["g"], "as-user-extra": {"k": ["1"], "l": ["2"]}},
                "ub": {"username": "nb", "password": "pb"},
                "uc": {"tokenFile": "token", "token": "stale"},
            },
        )
    )
    return lambda **flags: ConnectOptions(kubeconfig=str(file), **flags)


def test_the_current_context_stands_where_no_flag_is_given(shop: Callable[..., ConnectOptions]) -> None:
    target = settle(shop())

    assert (target.server.address, target.server.ca, target.server.tls_server_name) == (
        "https://a",
        b"data's",
        "inner.a",
    )
    assert (target.user.token, target.namespace, target.unconfigured) == ("ta", "na", "")
    assert target.impersonation == (
        ("Impersonate-User", "someone"),
        ("Impersonate-Group", "g"),
        ("Impersonate-Extra-k", "1"),
        ("Impersonate-Extra-l", "2"),
    )


def test_each_flag_replaces_what_it_names_and_nothing_else(shop: Callable[..., ConnectOptions], tmp_path: Path) -> None:
    context = settle(shop(context="b"))
    assert (context.server.address, context.server.ca, context.namespace) == (
        "https://b:6443/prefix",
        b"file's",
        "default",
    )
    assert (context.user.username, context.user.password, context.impersonation) == ("nb", "pb", ())

    mixed = settle(shop(cluster="cb", user="uc"))
    assert (mixed.server.address, mixed.namespace) == ("https://b:6443/prefix", "na")
    assert (mixed.user.token, mixed.user.token_file) == ("stale", tmp_path / "token")

    token = settle(shop(user="uc", token="given"))
    assert (token.user.token, token.user.token_file) == ("given", None)

    server = settle(shop(server="https://elsewhere:1"))
    assert (server.server.address, server.server.ca, server.server.tls_server_name) == (
        "https://elsewhere:1",
        b"data's",
        "",
    )
    assert settle(shop(tls_server_name="outer")).server.tls_server_name == "outer"

    other_ca = settle(shop(certificate_authority=str(tmp_path / "ca.pem")))
    assert other_ca.server.ca == b"file's"
    insecure = settle(shop(insecure_skip_tls_verify=True))
    assert (insecure.server.ca, insecure.server.insecure) == (b"", True)


def test_impersonation_flags_outweigh_the_kubeconfig_field_by_field(shop: Callable[..., ConnectOptions]) -> None:
    assert settle(shop(as_user="bob", as_uid="7", as_groups=("x", "y"), as_user_extra=("k=3",))).impersonation == (
        ("Impersonate-User", "bob"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Group", "x"),
        ("Impersonate-Group", "y"),
        ("Impersonate-Extra-k", "3"),
        ("Impersonate-Extra-l", "2"),
    )


@pytest.mark.parametrize(
    ("flags", "line", "hint"),
    [
        (
            {"context": "nope"},
            "Error in configuration: context was not found for specified context: nope",
            "Contexts in the kubeconfig: a, b",
        ),
        ({"cluster": "nope"}, 'error: no server found for cluster "nope"', "`kubectl config get-clusters` lists them"),
        (
            {"cluster": "nope", "server": "https://x"},
            'error: cluster "nope" does not exist',
            "`kubectl config get-clusters` lists them",
        ),
        ({"user": "nope"}, 'error: auth info "nope" does not exist', "`kubectl config get-users` lists them"),
        ({"server": "https://bad host"}, 'error: host must be a URL or a host:port pair: "https://bad host"', None),
        ({"server": "host:1/path"}, 'error: host must be a URL or a host:port pair: "host:1/path"', None),
        ({"server": "https://host:port"}, 'error: host must be a URL or a host:port pair: "https://host:port"', None),
        ({"server": "ftp://host"}, 'Unable to connect to the server: unsupported protocol scheme "ftp"', None),
        (  # kubectl would send them; they would stand in every message that names the server
            {"server": "https://me:pass@host"},
            "error: the server's URL holds a user name: it belongs into the kubeconfig's user, or --token",
            None,
        ),
        (
            {"certificate_authority": "/missing/ca"},
            UNREADABLE.format("certificate-authority", "/missing/ca", "ca"),
            None,
        ),
        (
            {"certificate_authority": __file__, "insecure_skip_tls_verify": True},
            "error: specifying a root certificates file with the insecure flag is not allowed",
            None,
        ),
        (
            {"client_certificate": "/missing/crt", "client_key": __file__},
            UNREADABLE.format("client-cert", "/missing/crt", "ua"),
            None,
        ),
        (
            {"client_certificate": __file__},
            "error: client-key-data or client-key must be specified for ua to use the clientCert authentication method.",
            None,
        ),
        (
            {"context": "b", "token": "given"},
            "error: more than one authentication method found for ub; found [token basicAuth], only one is allowed",
            None,
        ),
        (
            {"context": "b", "as_groups": ("x",)},
            "error: requesting uid, groups or user-extra for ub without impersonating a user",
            "Give --as as well",
        ),
    ],
)
def test_a_flag_that_cannot_be_meant_is_refused_as_kubectl_refuses_it(
    shop: Callable[..., ConnectOptions], flags: dict[str, Any], line: str, hint: str | None
) -> None:
    error = refused(shop(**flags))

    assert (error.message, error.hint) == (line, hint)


def test_a_bare_host_and_port_means_plain_http_without_credentials(shop: Callable[..., ConnectOptions]) -> None:
    target = settle(shop(server="127.0.0.1:8001"))

    assert (target.server.address, target.user.token) == ("http://127.0.0.1:8001", "")


def test_no_secret_is_in_the_printed_form_of_anything(shop: Callable[..., ConnectOptions], pki: Pki) -> None:
    secret = shop(context="b", client_certificate=str(pki.client.cert), client_key=str(pki.client.key))
    token = shop(token="s3cret", as_user="x")
    shown = repr([secret, settle(secret), token, settle(token)])

    assert [word for word in ("pb'", "PRIVATE", "s3cret") if word in shown] == []


# --- nothing configured


def test_without_a_kubeconfig_kubectls_error_comes_with_the_reason(tmp_path: Path) -> None:
    """The four ways to have no server end at localhost:8080, where usually nobody listens."""
    file = tmp_path / "kubeconfig"
    looked = tmp_path / ".kube" / "config"
    hints = {
        "": f"No kubeconfig was found ({looked}): set KUBECONFIG, or give --kubeconfig",
        "# nothing but a comment": f"No cluster is configured in {file}: `kubectl config get-contexts` lists them",
        document(users={}): f"No cluster is configured in {file}: `kubectl config get-contexts` lists them",
        document(
            contexts={"a": {}, "b": {}}
        ): "The kubeconfig has no current-context: choose one with --context (a, b)",
        document(current_context="a", contexts={"a": {"cluster": "gone"}}): (
            'The context "a" names the cluster "gone", which the kubeconfig does not define'
        ),
    }
    for text, hint in hints.items():
        if text:
            file.write_text(text)
        with pytest.raises(OomError) as caught:
            connect(ConnectOptions(kubeconfig=str(file) if text else None, environ={"HOME": str(tmp_path)}))
        assert (caught.value.message, caught.value.hint) == (
            "The connection to the server localhost:8080 was refused - did you specify the right host or port?",
            hint,
        )


def test_without_a_kubeconfig_a_server_on_kubectls_old_port_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with api_server() as plain:
        monkeypatch.setattr(connection_module, "LEGACY_SERVER", plain.url)
        monkeypatch.setattr(target_module, "LEGACY_SERVER", plain.url)
        connection = connect(ConnectOptions(environ={"HOME": str(tmp_path)}))

        assert (connection.get_json("/version"), connection.namespace) == ({}, "default")


def test_kubernetes_master_takes_the_place_of_the_old_port(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "KUBERNETES_MASTER": "https://master:6443"}

    assert settle(ConnectOptions(environ=environ)).server.address == "https://master:6443"


# --- in a pod


@pytest.fixture
def pod(tmp_path: Path, pki: Pki, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of a pod with a service account of its own."""
    folder = tmp_path / "serviceaccount"
    folder.mkdir()
    (folder / "token").write_text("the pod's\n")
    (folder / "ca.crt").write_bytes(pki.ca.read_bytes())
    (folder / "namespace").write_text("inside")
    monkeypatch.setattr(target_module, "SERVICE_ACCOUNT", folder)
    return {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "443", "HOME": str(tmp_path)}


def test_in_a_pod_without_a_kubeconfig_the_service_account_is_used(pod: dict[str, str], pki: Pki) -> None:
    with api_server(pki.server) as server:
        pod["KUBERNETES_SERVICE_PORT"] = str(server.port)
        connection = connect(ConnectOptions(environ=pod, as_user="bob"))
        connection.get("/version")

    assert (connection.server, connection.namespace) == (server.url, "inside")
    asked = server.asked[0]
    assert (asked.header("Authorization"), asked.header("Impersonate-User")) == ("Bearer the pod's", "bob")


def test_in_a_pod_a_kubeconfig_still_decides_and_only_its_namespace_may_be_the_pods(
    pod: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(document(current_context="x", contexts={"x": {"cluster": "c"}}, clusters={"c": HERE}))

    target = settle(ConnectOptions(kubeconfig=str(file), environ=pod))

    assert (target.server.address, target.user.token_file, target.namespace) == (HERE["server"], None, "inside")
    pod |= {"KUBERNETES_SERVICE_HOST": "fd00::1", "POD_NAMESPACE": "told"}
    inside = settle(ConnectOptions(environ=pod))
    assert (inside.server.address, inside.namespace) == ("https://[fd00::1]:443", "told")
    del pod["POD_NAMESPACE"]
    (tmp_path / "serviceaccount" / "namespace").unlink()
    assert settle(ConnectOptions(environ=pod)).namespace == "default"
