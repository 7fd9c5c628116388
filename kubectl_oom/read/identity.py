"""Who we are to the API server, as a kubeconfig's user and the flags say it; checked as kubectl checks it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from kubectl_oom.errors import OomError
from kubectl_oom.read.kubeconfig import Entry, contents_of

if TYPE_CHECKING:
    from kubectl_oom.read.target import ConnectOptions

PLUGIN_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
# What is understood of a user here. Anything else (auth-provider, things to come) is for the official client.
KNOWN_FIELDS = frozenset(
    ("token", "tokenFile", "username", "password", "exec", "as", "as-uid", "as-groups", "as-user-extra", "extensions")
) | {"client-certificate", "client-certificate-data", "client-key", "client-key-data"}
# Besides letters and digits: what a header's name may hold (RFC 9110), without the % that the escapes begin with.
NAME_CHARACTERS = "!#$&'*+-.^_`|~"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """A program that prints credentials, as the kubeconfig's `exec` describes it."""

    command: str
    args: tuple[str, ...] = field(repr=False)
    env: tuple[tuple[str, str], ...] = field(repr=False)
    api_version: str
    interactive_mode: str  # Never | IfAvailable | Always
    provide_cluster_info: bool
    install_hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Who we are, by one or more of the ways a kubeconfig has to say so."""

    token: str = field(default="", repr=False)
    token_file: Path | None = None
    username: str = ""
    password: str = field(default="", repr=False)
    certificate: bytes = field(default=b"", repr=False)  # PEM, as is the key
    key: bytes = field(default=b"", repr=False)
    plugin: Plugin | None = None
    foreign: Entry | None = None  # a user that only the official client may understand


def user_of(entry: Entry | None, options: ConnectOptions) -> User:
    """The user of a kubeconfig, with the flags weighed in; `entry` None means that nobody is named."""
    user = entry or Entry(kind="user", name="", fields={}, file=Path("kubeconfig"))
    token = options.token or user.text("token")
    username, password = user.text("username"), user.text("password")
    if token and (username or password):
        found = "[token basicAuth], only one is allowed"
        raise OomError(f"error: more than one authentication method found for {user.name}; found {found}")
    plugin = _plugin(user)
    # A flag outweighs the file; otherwise the file, which is read again and again, outweighs the token beside it.
    token_file = None if options.token else user.path("tokenFile")
    certificate, key = _key_pair(user, options)
    understood = token or token_file or username or password or plugin
    foreign = user if user.fields.keys() - KNOWN_FIELDS and not understood else None
    return User(
        token=token,
        token_file=token_file,
        username=username,
        password=password,
        certificate=certificate,
        key=key,
        plugin=plugin,
        foreign=foreign,
    )


def _key_pair(user: Entry, options: ConnectOptions) -> tuple[bytes, bytes]:
    """The client certificate and its key, both empty where there is none."""
    certificate_flag, key_flag = options.client_certificate, options.client_key
    certificate_data = b"" if certificate_flag else user.data("client-certificate-data")
    key_data = b"" if key_flag else user.data("client-key-data")
    certificate_file = Path(certificate_flag) if certificate_flag else user.path("client-certificate")
    key_file = Path(key_flag) if key_flag else user.path("client-key")
    if not (certificate_data or certificate_file):
        return b"", b""
    if certificate_data and certificate_file:
        both = f"client-cert-data and client-cert are both specified for {user.name}. client-cert-data will override."
        raise OomError(f"error: {both}")
    if key_data and key_file:
        both = f"client-key-data and client-key are both specified for {user.name}; client-key-data will override"
        raise OomError(f"error: {both}")
    if not (key_data or key_file):
        missing = f"client-key-data or client-key must be specified for {user.name}"
        raise OomError(f"error: {missing} to use the clientCert authentication method.")
    certificate = contents_of(certificate_file, "client-cert", user.name) if certificate_file else certificate_data
    return certificate, contents_of(key_file, "client-key", user.name) if key_file else key_data


def _plugin(user: Entry) -> Plugin | None:
    stanza = user.entry("exec")
    if stanza is None:
        return None
    if "auth-provider" in user.fields:
        problem = f"authProvider cannot be provided in combination with an exec plugin for {user.name}"
        raise OomError(f"error: {problem}")
    command, api_version = stanza.text("command"), stanza.text("apiVersion")
    for name, value in (("command", command), ("apiVersion", api_version)):
        if not value:
            raise OomError(f"error: {name} must be specified for {user.name} to use exec authentication plugin")
    # v1 asks for the mode; before it there was no such field, and a terminal was used where there was one.
    mode = stanza.text("interactiveMode") or ("" if api_version == PLUGIN_VERSIONS[0] else "IfAvailable")
    if not mode:
        raise OomError(f"error: interactiveMode must be specified for {user.name} to use exec authentication plugin")
    if mode not in ("Never", "IfAvailable", "Always"):
        raise OomError(f'error: invalid interactiveMode for {user.name}: "{mode}"')
    if api_version not in PLUGIN_VERSIONS:
        raise OomError(f'error: exec plugin: invalid apiVersion "{api_version}"', f"Use {PLUGIN_VERSIONS[0]}")
    return Plugin(
        # Only a command with a slash is a path; any other is looked up in PATH.
        command=str(stanza.path("command")) if "/" in command or "\\" in command else command,
        args=stanza.texts("args"),
        env=tuple((item.text("name"), item.text("value")) for item in stanza.entries("env")),
        api_version=api_version,
        interactive_mode=mode,
        provide_cluster_info=stanza.flag("provideClusterInfo"),
        install_hint=stanza.text("installHint"),
    )


def impersonation_of(entry: Entry | None, options: ConnectOptions) -> tuple[tuple[str, str], ...]:
    """The headers that say as whom we ask: a flag outweighs the kubeconfig's field of the same name."""
    user = entry or Entry(kind="user", name="", fields={}, file=Path("kubeconfig"))
    name = options.as_user or user.text("as")
    uid = options.as_uid or user.text("as-uid")
    groups = options.as_groups or user.texts("as-groups")
    extra = _extra(user, options.as_user_extra)
    if (uid or groups or extra) and not name:
        problem = f"requesting uid, groups or user-extra for {user.name} without impersonating a user"
        raise OomError(f"error: {problem}", "Give --as as well")
    headers = [("Impersonate-User", name)] if name else []
    headers += [("Impersonate-Uid", uid)] if uid else []
    headers += [("Impersonate-Group", group) for group in groups]
    headers += [(f"Impersonate-Extra-{quote(key, safe=NAME_CHARACTERS)}", value) for key, value in extra]
    return tuple(headers)


def _extra(user: Entry, flags: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    given = tuple((key, value) for key, equals, value in (flag.partition("=") for flag in flags) if equals)
    stanza = user.entry("as-user-extra")
    replaced = {key for key, _ in given}
    kept = stanza.fields if stanza else {}
    written = tuple((key, value) for key in kept if stanza and key not in replaced for value in stanza.texts(key))
    return given + written
