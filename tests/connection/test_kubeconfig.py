"""The kubeconfig: which files, whose entry, and what is said of one that cannot be meant.

The lines expected here are what kubectl 1.36 prints for the same files and flags, unless a comment says why not.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_oom.errors import OomError
from kubectl_oom.read.connection import connect
from kubectl_oom.read.target import ConnectOptions, settle
from tests.connection.conftest import write_kubeconfig
from tests.connection.kubeconfigs import HERE, PLUGIN, document, refused

if TYPE_CHECKING:
    from pathlib import Path

    from tests.connection.pki import Pki


BOTH = "certificate-authority are both specified for"
FOR_A_PLUGIN = "to use exec authentication plugin"
BAD_HEADER = 'Unable to connect to the server: net/http: invalid header field value for "Authorization"'


# --- files


def test_of_several_files_the_first_that_names_something_wins(tmp_path: Path) -> None:
    first, second = tmp_path / "a" / "first", tmp_path / "b" / "second"
    first.parent.mkdir()
    second.parent.mkdir()
    (first.parent / "ca.pem").write_bytes(b"first's")
    (second.parent / "ca.pem").write_bytes(b"second's")
    cluster = {"certificate-authority": "ca.pem"}
    first.write_text(document(clusters={"one": {"server": "https://one", **cluster}}, users={"u": {"token": "first"}}))
    second.write_text(
        document(
            current_context="x",
            contexts={"x": {"cluster": "one", "user": "u"}, "y": {"cluster": "two", "user": "u", "namespace": "n"}},
            clusters={"one": {"server": "https://not-me"}, "two": {"server": "https://two", **cluster}},
            users={"u": {"token": "second", "username": "discarded with the rest of the entry"}},
        )
    )
    environ = {"KUBECONFIG": os.pathsep.join(["", str(tmp_path / "missing"), str(first), str(second), str(first)])}

    here, there = settle(ConnectOptions(environ=environ)), settle(ConnectOptions(environ=environ, context="y"))

    assert (here.server.address, here.server.ca, here.user.token, here.namespace) == (
        "https://one",
        b"first's",
        "first",
        "default",
    )
    assert (there.server.address, there.server.ca, there.user.token, there.namespace) == (
        "https://two",
        b"second's",
        "first",
        "n",
    )


def test_without_kubeconfig_the_home_folders_file_is_read_and_the_flag_outweighs_both(tmp_path: Path) -> None:
    (tmp_path / ".kube").mkdir()
    write_kubeconfig(tmp_path / ".kube", {"server": "https://home"}, {}, "config")
    given = write_kubeconfig(tmp_path, {"server": "https://flag"}, {})
    home = {"HOME": str(tmp_path)}

    assert settle(ConnectOptions(environ=home)).server.address == "https://home"
    named = {**home, "KUBECONFIG": str(tmp_path / "missing")}
    assert settle(ConnectOptions(environ=named)).server.address == "http://localhost:8080"
    assert settle(ConnectOptions(environ=named, kubeconfig=str(given))).server.address == "https://flag"


LOADING = 'error: error loading config file "{file}": '


@pytest.mark.parametrize(
    ("text", "line"),
    [
        # Go's own texts name its types and its parser; these name the field.
        (": : [", "yaml: line 1: did not find expected key"),
        ("[]", "not a kubeconfig: a map is expected"),
        (
            "kind: Pod\napiVersion: v1",
            'no kind "Pod" is registered for version "v1": a kubeconfig is kind Config, apiVersion v1',
        ),
        ("contexts: {}", "kubeconfig 'kubeconfig': contexts must be a list of maps"),
        ("users: [{name: u, user: [secret]}]", "user 'u' must be a map"),
        (
            document(
                current_context="x",
                contexts={"x": {"cluster": "c", "user": "u"}},
                clusters={"c": HERE},
                users={"u": {"exec": "gate"}},
            ),
            "user 'u': exec must be a map",
        ),
        (
            "users: [{name: u, user: {token: a}}, {name: u, user: {token: b}}]",
            'duplicate name "u" in users',
        ),
        (
            document(
                current_context="x",
                contexts={"x": {"cluster": "c", "user": "u"}},
                clusters={"c": HERE},
                users={"u": {"token": 5551234}},
            ),
            "user 'u': token must be a string",
        ),
        (
            document(
                current_context="x",
                contexts={"x": {"cluster": "c", "user": "u"}},
                clusters={"c": {**HERE, "certificate-authority-data": "s3cret!"}},
            ),
            "cluster 'c': certificate-authority-data must be base64",
        ),
        (
            document(
                current_context="x",
                contexts={"x": {"cluster": "c", "user": "u"}},
                clusters={"c": {**HERE, "insecure-skip-tls-verify": "yes"}},
            ),
            "cluster 'c': insecure-skip-tls-verify must be true or false",
        ),
        (
            document(
                current_context="x",
                contexts={"x": {"cluster": "c", "user": "u"}},
                clusters={"c": HERE},
                users={"u": {"as": "a", "as-groups": "ops"}},
            ),
            "user 'u': as-groups must be a list of strings",
        ),
    ],
)
def test_a_file_of_another_form_is_refused_without_showing_what_is_in_it(tmp_path: Path, text: str, line: str) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(text)

    error = refused(ConnectOptions(kubeconfig=str(file)))

    assert error.message == LOADING.format(file=file) + line
    assert error.hint == "`kubectl config view` shows what is in it"


def test_a_broken_file_does_not_show_the_token_beside_the_mistake(tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text("users:\n- name: u\n  user: {token: s3cret\n- name: v\n")

    assert "s3cret" not in refused(ConnectOptions(kubeconfig=str(file))).message


def test_files_that_cannot_be_read_are_said_as_kubectl_says_it(tmp_path: Path) -> None:
    missing, folder = tmp_path / "missing", tmp_path / "folder"
    folder.mkdir()

    assert (
        refused(ConnectOptions(kubeconfig=str(missing))).message == f"error: stat {missing}: no such file or directory"
    )
    assert refused(ConnectOptions(kubeconfig=str(folder))).message == (
        f'error: error loading config file "{folder}": read {folder}: is a directory'
    )


# --- a user's fields


@pytest.mark.parametrize(
    ("user", "line"),
    [
        ({"exec": {**PLUGIN, "interactiveMode": None}}, f"interactiveMode must be specified for u {FOR_A_PLUGIN}"),
        ({"exec": {**PLUGIN, "interactiveMode": "Odd"}}, 'invalid interactiveMode for u: "Odd"'),
        ({"exec": {**PLUGIN, "command": ""}}, f"command must be specified for u {FOR_A_PLUGIN}"),
        ({"exec": {**PLUGIN, "apiVersion": None}}, f"apiVersion must be specified for u {FOR_A_PLUGIN}"),
        (
            {"exec": {**PLUGIN, "apiVersion": "client.authentication.k8s.io/v1alpha1"}},
            'exec plugin: invalid apiVersion "client.authentication.k8s.io/v1alpha1"',
        ),
        (
            {"exec": PLUGIN, "auth-provider": {"name": "oidc"}},
            "authProvider cannot be provided in combination with an exec plugin for u",
        ),
        (
            {"client-certificate": __file__, "client-certificate-data": "YQ==", "client-key": __file__},
            "client-cert-data and client-cert are both specified for u. client-cert-data will override.",
        ),
        (
            {"client-certificate": __file__, "client-key-data": "YQ==", "client-key": __file__},
            "client-key-data and client-key are both specified for u; client-key-data will override",
        ),
    ],
)
def test_a_user_that_contradicts_itself_is_refused_as_kubectl_refuses_it(
    tmp_path: Path, user: dict[str, Any], line: str
) -> None:
    file = write_kubeconfig(tmp_path, HERE, user)

    assert refused(ConnectOptions(kubeconfig=str(file))).message == f"error: {line}"


@pytest.mark.parametrize(
    ("cluster", "line"),
    [
        (
            {"certificate-authority": __file__, "certificate-authority-data": "YQ=="},
            f"certificate-authority-data and {BOTH} c. certificate-authority-data will override.",
        ),
        ({"server": ""}, 'no server found for cluster "c"'),  # kubectl would ask localhost:8080
        (  # kubectl prints the URL as well, with the password that may be in it
            {"proxy-url": "ftp://me:pass@proxy"},
            'invalid \'proxy-url\' for cluster "c": unsupported scheme "ftp", must be http, https, or socks5',
        ),
    ],
)
def test_a_cluster_that_contradicts_itself_is_refused(tmp_path: Path, cluster: dict[str, Any], line: str) -> None:
    file = write_kubeconfig(tmp_path, {**HERE, **cluster}, {})

    assert refused(ConnectOptions(kubeconfig=str(file))).message == f"error: {line}"


@pytest.mark.parametrize(
    ("cluster", "user", "line"),
    [
        (
            {"certificate-authority-data": "YWJj"},
            {},
            "error: unable to load root certificates: unable to parse bytes as PEM block",
        ),
        (
            {},
            {"client-certificate-data": "YWJj", "client-key-data": "YWJj"},
            "error: tls: failed to find any PEM data in the input",
        ),
        ({}, {"token": "two\nlines"}, BAD_HEADER),
        ({}, {"tokenFile": "missing"}, "error: open {folder}/missing: no such file or directory"),
        ({}, {"tokenFile": "empty"}, 'error: read empty token from file "{folder}/empty"'),
    ],
)
def test_what_cannot_be_shown_to_a_server_is_said_before_one_is_asked(
    tmp_path: Path, cluster: dict[str, Any], user: dict[str, Any], line: str
) -> None:
    (tmp_path / "empty").write_text("\n")
    file = write_kubeconfig(tmp_path, {**HERE, **cluster}, user)

    with pytest.raises(OomError) as caught:
        connect(ConnectOptions(kubeconfig=str(file)))

    assert caught.value.message == line.format(folder=tmp_path)


def test_a_key_of_another_certificate_or_with_a_password_is_named_and_nothing_is_asked(
    tmp_path: Path, pki: Pki
) -> None:
    locked = tmp_path / "locked.key"
    locked.write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGj\n-----END ENCRYPTED PRIVATE KEY-----\n")
    lines = []
    for key in (pki.server.key, locked):
        file = write_kubeconfig(tmp_path, HERE, {"client-certificate": str(pki.client.cert), "client-key": str(key)})
        with pytest.raises(OomError) as caught:
            connect(ConnectOptions(kubeconfig=str(file)))
        lines.append(caught.value.message)

    assert lines == [
        "error: tls: private key does not match public key",
        "error: tls: failed to find any PEM data in the input",
    ]


@pytest.mark.parametrize("name", ["2024-01-01", "2024-01-01T00:00:00Z", "12:30:45", "12:30", "=", "1:30.5"])
def test_what_is_a_string_to_kubectl_is_one_here(tmp_path: Path, name: str) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(
        f"current-context: {name}\ncontexts:\n- name: {name}\n  context:\n    cluster: {name}\n    user: {name}\n"
        f"clusters:\n- name: {name}\n  cluster: {{server: 'https://api.test'}}\n"
        f"users:\n- name: {name}\n  user:\n    token: {name}\n"
    )

    target = settle(ConnectOptions(kubeconfig=str(file)))

    assert (target.server.address, target.user.token) == ("https://api.test", name)


@pytest.mark.parametrize("rest", ["---\n", "---\nkind: List\n", "...\n---\nclusters: [\n"])
def test_of_several_documents_the_first_is_read(tmp_path: Path, rest: str) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(
        document(current_context="x", contexts={"x": {"cluster": "c"}}, clusters={"c": HERE}) + rest,
    )

    assert settle(ConnectOptions(kubeconfig=str(file))).server.address == HERE["server"]
