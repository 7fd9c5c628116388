"""Credentials from a program: what it is told, what may come back, and what is said when it fails."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_oom.errors import OomError
from kubectl_oom.read import plugin as plugin_module
from tests.connection.conftest import write_kubeconfig

if TYPE_CHECKING:
    from pathlib import Path

    from tests.connection.conftest import Opened
    from tests.connection.pki import Pki
    from tests.connection.servers import ApiServer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the plugins here are shell scripts")

V1 = "client.authentication.k8s.io/v1"
STATUS = '"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":'


def stanza(folder: Path, script: str, **fields: Any) -> dict[str, Any]:
    """An `exec` that runs this shell script."""
    file = folder / "plugin"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return {"exec": {"apiVersion": V1, "command": "./plugin", "interactiveMode": "Never", **fields}}


def refused(opened: Opened, user: dict[str, Any], **options: Any) -> OomError:
    with pytest.raises(OomError) as caught:
        opened("https://127.0.0.1:1", user, **options)
    return caught.value


def test_a_plugin_gets_its_arguments_its_environment_and_the_users(
    server: ApiServer, opened: Opened, tmp_path: Path
) -> None:
    script = f"""echo "{{{STATUS.replace('"', chr(92) + '"')}{{\\"token\\":\\"$1-$OWN-$USERS\\"}}}}" """
    user = stanza(tmp_path, script, args=["one"], env=[{"name": "OWN", "value": "two"}])

    opened(server.url, user, environ={"PATH": os.environ["PATH"], "OWN": "not this", "USERS": "three"}).get("/version")

    assert [asked.header("Authorization") for asked in server.asked] == ["Bearer one-two-three"]


def told(folder: Path) -> dict[str, Any]:
    """What the plugin was told in KUBERNETES_EXEC_INFO."""
    information: dict[str, Any] = json.loads((folder / "told").read_text())
    return information


TELL = """printf %s "$KUBERNETES_EXEC_INFO" > "${0%/*}/told"; echo '{""" + STATUS + """{"token":"t"}}'"""


def test_a_plugin_that_wants_to_know_the_cluster_is_told_all_of_it(opened: Opened, tmp_path: Path, pki: Pki) -> None:
    cluster = {
        "certificate-authority": str(pki.ca),
        "tls-server-name": "api.test",
        "proxy-url": "http://proxy:3128",
        "disable-compression": True,
        "extensions": [
            {"name": "other", "extension": 1},
            {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "x"}},
        ],
    }
    opened("https://127.0.0.1:1/prefix", stanza(tmp_path, TELL, provideClusterInfo=True), cluster)

    assert told(tmp_path) == {
        "kind": "ExecCredential",
        "apiVersion": V1,
        "spec": {
            "interactive": False,
            "cluster": {
                "server": "https://127.0.0.1:1/prefix",
                "tls-server-name": "api.test",
                "certificate-authority-data": base64.b64encode(pki.ca.read_bytes()).decode(),
                "proxy-url": "http://proxy:3128",
                "disable-compression": True,
                "config": {"audience": "x"},
            },
        },
    }


def test_a_plugin_that_does_not_ask_is_not_told_the_cluster(opened: Opened, tmp_path: Path) -> None:
    opened("https://127.0.0.1:1", stanza(tmp_path, TELL))

    assert told(tmp_path) == {"kind": "ExecCredential", "apiVersion": V1, "spec": {"interactive": False}}


def test_a_token_or_certificate_that_is_there_already_keeps_the_plugin_from_running(
    server: ApiServer, opened: Opened, tmp_path: Path
) -> None:
    user = stanza(tmp_path, "touch ${0%/*}/ran; exit 1")
    opened(server.url, user, token="given").get("/version")

    assert [asked.header("Authorization") for asked in server.asked] == ["Bearer given"]
    assert not (tmp_path / "ran").exists()


FAILED = "Unable to connect to the server: getting credentials: "
LEARN_MORE = "https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins"


@pytest.mark.parametrize(
    ("hint", "shown"),
    [("apt install gate\nthen log in", "apt install gate\nthen log in"), ("", f"Install it: {LEARN_MORE}")],
)
def test_a_plugin_that_is_not_installed_comes_with_its_install_hint(opened: Opened, hint: str, shown: str) -> None:
    user = {"exec": {"apiVersion": V1, "command": "no-such-gate", "interactiveMode": "Never", "installHint": hint}}
    error = refused(opened, user)

    assert (error.message, error.hint) == (f"{FAILED}exec: executable no-such-gate not found", shown)


def test_what_a_failing_plugin_wrote_to_stderr_is_shown(opened: Opened, tmp_path: Path) -> None:
    error = refused(opened, stanza(tmp_path, "seq 1 9 >&2; printf 'log in \\033[31mfirst\\n' >&2; exit 7"))

    assert error.message == f"{FAILED}exec: executable {tmp_path}/plugin failed with exit code 7"
    assert error.hint == "6\n7\n8\n9\nlog in  [31mfirst"


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("kill -9 $$", "exec: executable {plugin} failed with exit code -1"),
        ("echo s3cret", "decoding stdout: the plugin printed something that is not JSON"),
        ("echo '[]'", f"exec plugin is configured to use API version {V1}, plugin returned version None"),
        (
            """echo '{"apiVersion":"client.authentication.k8s.io/v1beta1","status":{"token":"s3cret"}}'""",
            (
                f"exec plugin is configured to use API version {V1}, "
                "plugin returned version client.authentication.k8s.io/v1beta1"
            ),
        ),
        (f"""echo '{{{STATUS}null}}'""", "exec plugin didn't return a status field"),
        (f"""echo '{{{STATUS}{{}}}}'""", "exec plugin didn't return a token or cert/key pair"),
        (
            f"""echo '{{{STATUS}{{"clientKeyData":"s3cret"}}}}'""",
            "exec plugin returned only certificate or key, not both",
        ),
        (
            f"""echo '{{{STATUS}{{"token":"s3cret","expirationTimestamp":"soon"}}}}'""",
            "decoding stdout: expirationTimestamp is not a time of RFC 3339",
        ),
    ],
)
def test_an_answer_that_is_no_credential_is_said_as_kubectl_says_it_without_showing_it(
    opened: Opened, tmp_path: Path, script: str, why: str
) -> None:
    error = refused(opened, stanza(tmp_path, script))

    assert (error.message, error.hint) == (FAILED + why.format(plugin=tmp_path / "plugin"), None)


def test_a_file_that_cannot_be_run_is_said(opened: Opened, tmp_path: Path) -> None:
    user = stanza(tmp_path, "")
    (tmp_path / "plugin").write_text("#!/no/such/shell\n")

    assert refused(opened, user).message == f"{FAILED}exec: fork/exec {tmp_path}/plugin: no such file or directory"


def test_a_plugin_that_hangs_is_ended(opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin_module, "UNATTENDED_SECONDS", 0.3)
    start = time.monotonic()
    error = refused(opened, stanza(tmp_path, "echo waiting for a browser >&2; echo $$ > ${0%/*}/pid; exec sleep 20"))

    assert time.monotonic() - start < 5
    assert (error.message, error.hint) == (
        f"{FAILED}exec: executable {tmp_path}/plugin gave no credentials within 0.3 s",
        "waiting for a browser",
    )
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_plugin_that_needs_a_person_fails_at_once_where_there_is_none(opened: Opened, tmp_path: Path) -> None:
    error = refused(opened, stanza(tmp_path, "exit 1", interactiveMode="Always"))

    assert error.message == f"{FAILED}exec plugin cannot support interactive mode: standard input is not a terminal"


@pytest.mark.parametrize("mode", ["IfAvailable", "Always", "Never"])
def test_at_a_terminal_a_plugin_may_ask_unless_it_says_that_it_never_does(tmp_path: Path, mode: str) -> None:
    """A real terminal: the plugin's question is seen on it, and what is typed there is the token."""
    script = "echo Token? >&2; read -r typed || typed=nobody; " + TELL.replace('"t"', "\"'$typed'\"")
    file = write_kubeconfig(tmp_path, {"server": "https://127.0.0.1:1"}, stanza(tmp_path, script, interactiveMode=mode))
    code = f"""
        import os
        from kubectl_oom.read.connection import connect
        from kubectl_oom.read.target import ConnectOptions
        connection = connect(ConnectOptions(kubeconfig={str(file)!r}, environ=dict(os.environ)))
        print(connection._credentials.current().authorization)
    """
    master, slave = os.openpty()
    try:
        os.write(master, b"typed-in\n")
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)],
            stdin=slave,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    finally:
        os.close(master)
        os.close(slave)

    interactive = mode != "Never"
    assert (done.stdout, done.stderr) == (f"Bearer {'typed-in' if interactive else 'nobody'}\n", "Token?\n")
    assert told(tmp_path)["spec"] == {"interactive": interactive}


def test_a_plugin_is_run_once_for_eight_threads_at_once(server: ApiServer, opened: Opened, tmp_path: Path) -> None:
    connection = opened(server.url, stanza(tmp_path, "echo run >> ${0%/*}/runs; sleep 0.1; " + TELL))
    connection._credentials.refused(connection._credentials.current())
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(connection.get, [f"/{number}" for number in range(8)]))

    assert (tmp_path / "runs").read_text() == "run\nrun\n"
    assert [asked.header("Authorization") for asked in server.asked] == ["Bearer t"] * 8


def test_a_plugin_is_looked_for_on_our_own_path_whatever_path_it_is_given(
    server: ApiServer, opened: Opened, tmp_path: Path
) -> None:
    user = stanza(tmp_path, f"""printf '%s' '{{{STATUS}{{"token":"t"}}}}'""", command="plugin")
    user["exec"]["env"] = [{"name": "PATH", "value": "/nonexistent"}]

    opened(server.url, user, environ={"PATH": str(tmp_path)}).get("/version")

    assert [asked.header("Authorization") for asked in server.asked] == ["Bearer t"]


@pytest.mark.parametrize("path", [".", "", ":/bin", "/bin:."])
def test_a_program_in_the_folder_we_happen_to_be_in_is_not_run(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    user = stanza(tmp_path, f"touch {tmp_path}/ran", command="plugin")
    monkeypatch.chdir(tmp_path)

    assert refused(opened, user, environ={"PATH": path}).message == f"{FAILED}exec: executable plugin not found"
    assert not (tmp_path / "ran").exists()


def test_a_credential_may_be_printed_as_yaml(server: ApiServer, opened: Opened, tmp_path: Path) -> None:
    printed = (
        f"apiVersion: {V1}\nkind: ExecCredential\nstatus:\n  token: t\n  expirationTimestamp: 2099-01-01T00:00:00Z"
    )

    opened(server.url, stanza(tmp_path, f"echo '{printed}'")).get("/version")

    assert [asked.header("Authorization") for asked in server.asked] == ["Bearer t"]
