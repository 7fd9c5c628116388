"""Certificates and kubeconfigs of a test cluster: a real authority, real verification, several ways to log in."""

from __future__ import annotations

import base64
import json
import secrets
import stat
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

VALID_DAYS = "30"


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key, as files."""

    cert: Path
    key: Path


def openssl(*args: object) -> None:
    """Run openssl; RuntimeError with its own words when it fails."""
    done = subprocess.run(["openssl", *map(str, args)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"openssl {args[0]} failed:\n{done.stderr}")


def new_key(path: Path) -> None:
    """A new key of the kind that today's clusters use."""
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)


class Authority:
    """A certificate authority in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cert = folder / "ca.crt"
        self._key = folder / "ca.key"
        new_key(self._key)
        openssl(
            *("req", "-x509", "-new", "-key", self._key, "-out", self.cert, "-days", VALID_DAYS),
            *("-subj", "/CN=kubectl-oom test authority"),
        )

    def issue(self, name: str, *, group: str | None = None, names: Sequence[str] = ()) -> Certificate:
        """A certificate for a user (`group` is its Kubernetes group) or a server (`names` are its addresses)."""
        safe = name.replace(":", "-")
        made = Certificate(self.folder / f"{safe}.crt", self.folder / f"{safe}.key")
        request, extensions = self.folder / f"{safe}.csr", self.folder / f"{safe}.ext"
        usage = "serverAuth,clientAuth" if names else "clientAuth"
        alternative = f"\nsubjectAltName={','.join(names)}" if names else ""
        extensions.write_text(f"keyUsage=digitalSignature\nextendedKeyUsage={usage}{alternative}\n")
        subject = (f"/O={group}" if group else "") + f"/CN={name}"
        new_key(made.key)
        openssl("req", "-new", "-key", made.key, "-subj", subject, "-out", request)
        openssl(
            *("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self._key, "-CAcreateserial"),
            *("-days", VALID_DAYS, "-extfile", extensions, "-out", made.cert),
        )
        return made


def signing_key(folder: Path) -> Certificate:
    """The key pair that signs service account tokens (its `cert` is the bare public key)."""
    made = Certificate(folder / "service-accounts.pub", folder / "service-accounts.key")
    new_key(made.key)
    openssl("pkey", "-in", made.key, "-pubout", "-out", made.cert)
    return made


@dataclass(frozen=True)
class Token:
    """A static bearer token of the API server."""

    user: str
    group: str | None
    secret: str

    @classmethod
    def of(cls, user: str, group: str | None = None) -> Token:
        """A new token that nobody knows yet."""
        return cls(user, group, secrets.token_hex(16))

    def line(self) -> str:
        """Its line in the API server's token file."""
        return ",".join([self.secret, self.user, f"uid-{self.user}", *([f'"{self.group}"'] if self.group else [])])


def _inline(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def token_login(secret: str) -> dict[str, Any]:
    """A kubeconfig user that sends a bearer token."""
    return {"token": secret}


def certificate_login(certificate: Certificate) -> dict[str, Any]:
    """A kubeconfig user that shows a client certificate."""
    return {
        "client-certificate-data": _inline(certificate.cert),
        "client-key-data": _inline(certificate.key),
    }


def exec_login(folder: Path, secret: str) -> dict[str, Any]:
    """A kubeconfig user whose token comes from a credential plugin, as with the clouds' own logins."""
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": secret},
    }
    plugin = folder / "credential-plugin"
    plugin.write_text(f"#!{sys.executable}\nprint({json.dumps(json.dumps(credential))})\n")
    plugin.chmod(plugin.stat().st_mode | stat.S_IXUSR)
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": str(plugin),
            "interactiveMode": "Never",
        }
    }


def write_kubeconfig(path: Path, server: str, authority: Path, user: dict[str, Any]) -> Path:
    """Write a kubeconfig with one context, `test`; JSON is YAML too."""
    cluster = {"server": server, "certificate-authority-data": _inline(authority)}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": path.name, "user": user}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": path.name, "namespace": "default"}}],
        "current-context": "test",
    }
    path.write_text(json.dumps(config, indent=1))
    path.chmod(0o600)
    return path
