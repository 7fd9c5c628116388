"""The frozen program answers as the sources do, and leaves no trace in what it starts."""

from __future__ import annotations

import os
import stat
import time
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_oom.cli.group import COMMANDS
from tests.connection.conftest import write_kubeconfig
from tests.connection.servers import Reply, api_server
from tests.connection.test_foreign import FAR_AWAY, LONG_GONE, id_token, identity_provider, oidc
from tests.engines import Series, require_program
from tests.engines import running as engine_running
from tests.packaging.conftest import BUILD_SECONDS, Dist
from tests.program import oom
from tests.real.tool import Ran

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.connection.pki import Pki

pytestmark = pytest.mark.timeout(2 * BUILD_SECONDS)

INCIDENT = ("-n", "demo", "--from", "kubectl_oom/incidents/slow-growth.json")
TARGET = ("deploy/slow-growth", *INCIDENT)
V1 = "client.authentication.k8s.io/v1"
SHELLS_OWN = {"PWD", "OLDPWD", "SHLVL", "_"}


@pytest.mark.parametrize(
    "words",
    [
        ("why", *TARGET),
        ("why", *TARGET, "-o", "json"),
        ("why", *TARGET, "-o", "yaml"),
        ("history", *TARGET),
        ("recommend", *TARGET),
        ("recommend", "-A", "--from", "kubectl_oom/incidents/slow-growth.json"),
        ("recommend", *TARGET, "-o", "csv"),
        ("fix", *TARGET),
        ("why", "--bogus"),
        ("__complete", "why", "--na"),
    ],
    ids=" ".join,
)
def test_it_says_what_the_sources_say(dist: Dist, words: tuple[str, ...]) -> None:
    sources = oom(*words)

    assert dist.run(*words) == Ran(words, sources.code, sources.out, sources.err)


@pytest.mark.parametrize("command", COMMANDS)
def test_it_has_every_command(dist: Dist, command: str) -> None:
    assert dist.run(command, "--help") == Ran((command, "--help"), 0, oom(command, "--help").out, "")


def test_it_unpacks_itself_nowhere(dist: Dist, tmp_path: Path) -> None:
    done = dist.run("why", *TARGET, env={"PATH": os.defpath, "TMPDIR": str(tmp_path), "HOME": str(tmp_path)})

    assert done.code == 0
    assert list(tmp_path.iterdir()) == []


def test_it_writes_utf8_whatever_the_locale_says(dist: Dist) -> None:
    assert "┤" in dist.run("why", *TARGET, env={"PATH": os.defpath, "LC_ALL": "en_US.ISO-8859-1"}).out


@pytest.mark.parametrize("users", [{}, {"LD_LIBRARY_PATH": "/opt/users/lib"}], ids=["unset", "set"])
def test_a_plugin_is_started_with_the_environment_that_the_user_has(
    dist: Dist, pki: Pki, tmp_path: Path, users: dict[str, str]
) -> None:
    status = f'{{"kind":"ExecCredential","apiVersion":"{V1}","status":{{"token":"from-the-plugin"}}}}'
    plugin = tmp_path / "plugin"
    plugin.write_text(
        f"#!/bin/sh\nenv > '{tmp_path}/env'\n'{dist.program}' version > '{tmp_path}/own'\necho '{status}'\n"
    )
    plugin.chmod(plugin.stat().st_mode | stat.S_IXUSR)
    user = {"exec": {"apiVersion": V1, "command": str(plugin), "interactiveMode": "Never"}}
    environment = {"PATH": os.defpath, "HOME": str(tmp_path), **users}

    with api_server(pki.server) as server:
        missing = Reply.status_object(404, "NotFound", 'pods "x" not found')
        server.replies["/api/v1/namespaces/shop/pods/x"] = missing
        asked = _ask(dist, server.url, pki, user, tmp_path, environment)
        authorized = {request.header("Authorization") for request in server.asked}

    seen = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines())
    assert {name: value for name, value in seen.items() if name not in {"KUBERNETES_EXEC_INFO", *SHELLS_OWN}} == {
        **environment,
        "KUBECONFIG": str(tmp_path / "kubeconfig"),
    }
    assert (tmp_path / "own").read_text() == dist.run("version").out
    assert authorized == {"Bearer from-the-plugin"}
    assert (asked.code, asked.err) == (1, 'Error from server (NotFound): pods "x" not found\n')


def test_it_renews_an_openid_token_as_the_official_client_does(dist: Dist, pki: Pki, tmp_path: Path) -> None:
    renewed, seen = id_token(FAR_AWAY), list[str]()
    with api_server(pki.server) as server, api_server(pki.server) as idp:
        identity_provider(idp, renewed, seen)
        issuer = {"idp-issuer-url": idp.url, "idp-certificate-authority": str(pki.ca)}
        _ask(dist, server.url, pki, oidc(id_token(LONG_GONE), **issuer), tmp_path, {"PATH": os.defpath})
        authorized = {request.header("Authorization") for request in server.asked}

    assert authorized == {f"Bearer {renewed}"}


def _ask(dist: Dist, url: str, pki: Pki, user: dict[str, Any], folder: Path, environment: Mapping[str, str]) -> Ran:
    """`why` of a pod that the server does not have."""
    file = write_kubeconfig(folder, {"server": url, "certificate-authority": str(pki.ca)}, user)
    return dist.run("why", "pod/x", "--no-prometheus", env={**environment, "KUBECONFIG": str(file)})


def test_it_reads_a_real_prometheus(dist: Dist, pki: Pki, tmp_path: Path) -> None:
    require_program("prometheus", "promtool")
    now = int(time.time())
    up = Series({"__name__": "up"}, [(now - seconds, 1.0) for seconds in (120, 60, 0)])
    file = write_kubeconfig(tmp_path, {"server": "", "certificate-authority": str(pki.ca)}, {"token": "t"})
    with api_server(pki.server) as server, engine_running("prometheus", [up], tmp_path / "engine") as engine:
        environment = {"PATH": os.defpath, "KUBECONFIG": str(file)}
        done = dist.run("doctor", "--server", server.url, "--prometheus-url", engine.url, env=environment)

    (row,) = [line for line in done.out.splitlines() if line.startswith("metrics engine")]
    assert row.split()[2] == "yes", done.out
