"""Credentials from a program, by the rules of client.authentication.k8s.io (`exec` in a kubeconfig).

https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from kubectl_oom.errors import OomError
from kubectl_oom.read.credentials import Credential, bearer
from kubectl_oom.read.kubeconfig import yaml_loader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_oom.read.identity import Plugin
    from kubectl_oom.read.target import Server

# A cloud's plugin takes 0.3-5 s; with a cold cache and a slow line some take 20. Nobody is there to answer it.
UNATTENDED_SECONDS = 60.0
# With a person at the terminal it may open a browser and wait for a second factor.
ATTENDED_SECONDS = 300.0
SHOWN_LINES = 5  # of what a plugin wrote to stderr: enough for a cloud tool's error, not a whole traceback
LEARN_MORE = "https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins"


@dataclass(frozen=True, slots=True)
class _Given:
    credential: Credential
    until: datetime | None

    def stands(self) -> bool:
        # A plugin says the end of its credential as a wall-clock time; no evidence is judged by this clock.
        return self.until is None or datetime.now(timezone.utc) < self.until  # noqa: TID251 - see above


class PluginCredentials:
    """Runs the plugin when there is no credential, when it has expired, and after the server refused it."""

    def __init__(self, plugin: Plugin, server: Server, environ: Mapping[str, str]) -> None:
        self._plugin, self._server, self._environ = plugin, server, environ
        self._lock = Lock()  # held while the plugin runs: eight requests at once must not open eight browsers
        self._given: _Given | None = None

    def current(self) -> Credential:
        """The one to use now."""
        with self._lock:
            if self._given is None or not self._given.stands():
                self._given = _ask(self._plugin, self._server, self._environ)
            return self._given.credential

    def refused(self, credential: Credential) -> None:
        """Has the plugin run again before the next request."""
        with self._lock:
            if self._given is not None and self._given.credential == credential:
                self._given = None


def _ask(plugin: Plugin, server: Server, environ: Mapping[str, str]) -> _Given:
    attended = sys.stdin is not None and sys.stdin.isatty()
    if plugin.interactive_mode == "Always" and not attended:
        raise _failed("exec plugin cannot support interactive mode: standard input is not a terminal")
    interactive = attended and plugin.interactive_mode != "Never"
    environment = dict(environ) | dict(plugin.env)
    # As Go: looked for where our own PATH says, not the plugin's, and never in the folder we happen to be in.
    command = shutil.which(plugin.command, path=environ.get("PATH", ""))
    if command is None or not Path(command).is_absolute():
        raise _failed(
            f"exec: executable {plugin.command} not found", plugin.install_hint or f"Install it: {LEARN_MORE}"
        )
    environment["KUBERNETES_EXEC_INFO"] = json.dumps(_info(plugin, server, interactive=interactive))
    return _given(plugin, _output(plugin, command, environment, attended=attended, interactive=interactive))


def _info(plugin: Plugin, server: Server, *, interactive: bool) -> dict[str, Any]:
    """What KUBERNETES_EXEC_INFO tells the plugin."""
    spec: dict[str, Any] = {"interactive": interactive}
    if plugin.provide_cluster_info:
        optional = {
            "tls-server-name": server.tls_server_name,
            "insecure-skip-tls-verify": server.insecure,
            "certificate-authority-data": base64.b64encode(server.ca).decode(),
            "proxy-url": server.proxy,
            "disable-compression": not server.compressed,
        }
        spec["cluster"] = {
            "server": server.address,
            **{key: value for key, value in optional.items() if value},
            "config": server.plugin_config,
        }
    return {"kind": "ExecCredential", "apiVersion": plugin.api_version, "spec": spec}


def _output(plugin: Plugin, command: str, environment: dict[str, str], *, attended: bool, interactive: bool) -> bytes:
    limit = ATTENDED_SECONDS if attended else UNATTENDED_SECONDS
    try:
        done = subprocess.run(  # noqa: S603 - the user's own kubeconfig names it, and kubectl runs it too
            [command, *plugin.args],
            env=environment,
            stdin=None if interactive else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            # A person may have to act on what it says ("open this page …"); otherwise it belongs into the error.
            stderr=None if attended else subprocess.PIPE,
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        why = f"exec: executable {plugin.command} gave no credentials within {limit:g} s"
        raise _failed(why, _last_lines(error.stderr)) from error
    except OSError as error:
        why = f"exec: fork/exec {command}: {(error.strerror or type(error).__name__).lower()}"
        raise _failed(why) from error
    if done.returncode:
        # Go says -1 for a program that a signal ended.
        code = done.returncode if done.returncode > 0 else -1
        raise _failed(f"exec: executable {plugin.command} failed with exit code {code}", _last_lines(done.stderr))
    return done.stdout


def _given(plugin: Plugin, output: bytes) -> _Given:
    try:
        answer = _decoded(output)
    except ValueError as error:
        raise _failed("decoding stdout: the plugin printed something that is not JSON") from error
    version = answer.get("apiVersion") if isinstance(answer, dict) else None
    if version != plugin.api_version:
        configured = f"exec plugin is configured to use API version {plugin.api_version}"
        raise _failed(f"{configured}, plugin returned version {version}")
    status = answer.get("status")
    if not isinstance(status, dict):
        raise _failed("exec plugin didn't return a status field")
    wanted = ("token", "clientCertificateData", "clientKeyData", "expirationTimestamp")
    token, certificate, key, until = (str(status.get(name) or "") for name in wanted)
    if not (token or certificate or key):
        raise _failed("exec plugin didn't return a token or cert/key pair")
    if bool(certificate) != bool(key):
        raise _failed("exec plugin returned only certificate or key, not both")
    authorization = bearer(token) if token else ""
    return _Given(Credential(authorization, certificate.encode(), key.encode()), _time(until) if until else None)


def _decoded(output: bytes) -> Any:  # noqa: ANN401 - whatever the plugin printed
    """What the plugin printed, JSON or YAML; ValueError where it is neither."""
    with suppress(ValueError):
        return json.loads(output)
    import yaml  # noqa: PLC0415 - only then

    with suppress(yaml.YAMLError):
        document = yaml.load(output, yaml_loader())  # noqa: S506 - a safe loader
        if isinstance(document, dict):
            return document
    raise ValueError


def _time(text: str) -> datetime:
    """The moment; Python before 3.11 knows neither `Z` nor nanoseconds."""
    try:
        moment = datetime.fromisoformat(re.sub(r"\.\d+", "", text.strip()).replace("Z", "+00:00"))
    except ValueError as error:
        raise _failed("decoding stdout: expirationTimestamp is not a time of RFC 3339") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _last_lines(said: bytes | None) -> str | None:
    lines = (said or b"").decode(errors="replace").strip().splitlines()[-SHOWN_LINES:]
    return "\n".join("".join(c if c.isprintable() else " " for c in line) for line in lines) or None


def _failed(why: str, hint: str | None = None) -> OomError:
    return OomError(f"Unable to connect to the server: getting credentials: {why}", hint)
