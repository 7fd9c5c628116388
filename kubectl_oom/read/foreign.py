"""Credentials of the kinds that we leave to the official client: `auth-provider` (OpenID Connect, …), things to come.

It costs 0.3 s to import, which is why it is not the way for the others. The server, its authority and the user's
certificate stay ours: the official client is asked for one thing, the Authorization header.
"""

from __future__ import annotations

import copy
import os
import ssl
import tempfile
from contextlib import suppress
from importlib import import_module
from threading import Lock
from typing import TYPE_CHECKING, Any

from kubectl_oom.errors import OomError
from kubectl_oom.read.credentials import Credential
from kubectl_oom.read.deadline import within
from kubectl_oom.read.source import ReadError

if TYPE_CHECKING:
    from kubectl_oom.read.identity import User
    from kubectl_oom.read.kubeconfig import Entry
    from kubectl_oom.read.target import Server

# An identity provider is asked for a new token at most twice: where its token endpoint is, and there.
REFRESH_SECONDS = 30.0
CERTIFICATE_FIELDS = frozenset(("client-certificate", "client-certificate-data", "client-key", "client-key-data"))
# What kubectl says of the two it once knew.
PLUGINS = "https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins"
GKE = "https://cloud.google.com/blog/products/containers-kubernetes/kubectl-auth-changes-in-gke"
REMOVED = {"gcp": ('"gke-gcloud-auth-plugin"', GKE), "azure": ("https://github.com/Azure/kubelogin", PLUGINS)}


class ForeignCredentials:
    """The official client's Authorization header for one user of a kubeconfig."""

    def __init__(self, entry: Entry, user: User, server: Server) -> None:
        self._entry, self._user, self._server = entry, user, server
        self._stanza = _stanza(entry)
        self._provider = str((self._stanza.get("auth-provider") or {}).get("name", ""))
        self._configuration: Any = None
        self._lock = Lock()  # held while a token is renewed: a refresh token is often good for one use

    def current(self) -> Credential:
        """The one to use now; a token that was renewed is written back to the kubeconfig, as kubectl does."""
        with self._lock:
            before = copy.deepcopy(self._stanza)
            try:
                header = within(REFRESH_SECONDS, self._authorization, whom="the identity provider")
            except ReadError as error:
                raise OomError(f"Unable to connect to the server: getting credentials: {error.message}") from error
            if self._stanza != before:
                _write_back(self._entry, self._stanza)
        if not header and self._provider and not self._user.certificate:
            raise self._nothing_given()
        return Credential(header, self._user.certificate, self._user.key)

    def refused(self, credential: Credential) -> None:  # noqa: ARG002 - the client alone knows what it has
        """Has the official client start afresh before the next request."""
        with self._lock:
            self._configuration = None

    def _authorization(self) -> str:
        from kubernetes.client import Configuration  # noqa: PLC0415 - 300 ms, and only here
        from kubernetes.config import load_kube_config_from_dict  # noqa: PLC0415

        try:
            if self._configuration is None:
                configuration = Configuration()
                load_kube_config_from_dict(self._document(), client_configuration=configuration, persist_config=False)
                self._configuration = configuration
            header = self._configuration.auth_settings().get("BearerToken", {}).get("value")
        except _failures() as error:
            if self._provider in REMOVED:
                return ""
            why = (str(error).splitlines() or [""])[0] or type(error).__name__
            raise OomError(f"Unable to connect to the server: getting credentials: {why}") from error
        return str(header or "")

    def _document(self) -> dict[str, Any]:
        """A kubeconfig of this one user. The stanza in it is ours, so that we see what the client changes."""
        return {
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "here"}}],
            "clusters": [{"name": "here", "cluster": {"server": self._server.address}}],
            "users": [{"name": "here", "user": self._stanza}],
        }

    def _nothing_given(self) -> OomError:
        """Kubectl's error for an auth-provider that gave no token."""
        if self._provider not in REMOVED:
            known = "The official client got no token from it" if self._provider == "oidc" else None
            return OomError(f'error: no Auth Provider found for name "{self._provider}"', known)
        instead, page = REMOVED[self._provider]
        advice = (
            f"Please use the {instead} kubectl/client-go credential plugin instead.\nSee {page} for further details"
        )
        return OomError(f"error: The {self._provider} auth plugin has been removed.", advice)


def _stanza(entry: Entry) -> dict[str, Any]:
    """The user's fields for the official client, without the keys, which it would write to the disk."""
    stanza = {key: copy.deepcopy(value) for key, value in entry.fields.items() if key not in CERTIFICATE_FIELDS}
    provider = entry.entry("auth-provider")
    config = provider.entry("config") if provider else None
    if config is not None and not config.fields.keys() & {
        "idp-certificate-authority",
        "idp-certificate-authority-data",
    }:
        # Without an authority the official client does not verify the provider at all, and then sends the refresh
        # token and the client's secret to wherever that answer points.
        stanza["auth-provider"]["config"]["idp-certificate-authority"] = _trusted_here()
    return stanza


def _trusted_here() -> str:
    """The file of the authorities that this system trusts."""
    import certifi  # noqa: PLC0415 - the official client needs it anyway

    return ssl.get_default_verify_paths().cafile or certifi.where()


def _failures() -> tuple[type[BaseException], ...]:
    """What the official client and the libraries under it raise; no common base is narrower than Exception."""
    from kubernetes.config import ConfigException  # noqa: PLC0415 - as above
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    kinds = [ConfigException, HTTPError, OSError, ValueError, LookupError, TypeError, AttributeError]
    kinds.append(import_module("oauthlib.oauth2").OAuth2Error)
    with suppress(ImportError):  # not everybody has it
        kinds.append(import_module("google.auth.exceptions").GoogleAuthError)
    return tuple(kinds)


def _write_back(entry: Entry, stanza: dict[str, Any]) -> None:
    """Puts the renewed tokens into the kubeconfig: many providers accept a refresh token only once.

    The file is replaced as a whole, so that no reader meets half of it. A file that cannot be written is left
    alone: this run has its token.
    """
    import yaml  # noqa: PLC0415 - 25 ms; --help and TAB must stay instant

    file = os.path.realpath(entry.file)
    with suppress(OSError, yaml.YAMLError, LookupError, TypeError):
        with open(file, "rb") as current:  # noqa: PTH123 - realpath gave a str
            document = yaml.safe_load(current)
        fields = next(item["user"] for item in document["users"] if item["name"] == entry.name)
        renewed = stanza["auth-provider"]["config"]
        for key in ("id-token", "refresh-token", "access-token", "expiry"):
            if key in renewed:
                fields["auth-provider"].setdefault("config", {})[key] = renewed[key]
        descriptor, name = tempfile.mkstemp(dir=os.path.dirname(file), prefix=".kubeconfig-")  # noqa: PTH120
        try:
            with open(descriptor, "w", encoding="utf-8") as new:  # noqa: PTH123 - a descriptor
                yaml.safe_dump(document, new, default_flow_style=False)
            os.chmod(name, os.stat(file).st_mode & 0o777)  # noqa: PTH101, PTH116 - strings
            os.replace(name, file)  # noqa: PTH105
        except BaseException:
            os.unlink(name)  # noqa: PTH108
            raise
