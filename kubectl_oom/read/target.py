"""Which API server and which user: the kubeconfig, the flags and the environment, weighed as kubectl weighs them.

The order of things follows client-go's tools/clientcmd (client_config.go, overrides.go, validation.go); wherever
kubectl has words for an error, they are these. Nothing is contacted here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from kubectl_oom.errors import OomError
from kubectl_oom.read.identity import User, impersonation_of, user_of
from kubectl_oom.read.kubeconfig import Entry, contents_of, load
from kubectl_oom.read.proxy import proxy_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_oom.read.kubeconfig import Kubeconfig

# Where the kubelet puts what a pod needs to speak to its API server.
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
# kubectl's default where nothing is configured, from the days of an API server without TLS.
LEGACY_SERVER = "http://localhost:8080"
EXEC_EXTENSION = "client.authentication.k8s.io/exec"  # the cluster's extension that is meant for the plugin


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectOptions:
    """kubectl's connection flags, None or empty where not given, and the environment they are weighed against."""

    kubeconfig: str | None = None
    context: str | None = None
    cluster: str | None = None
    user: str | None = None
    server: str | None = None
    token: str | None = field(default=None, repr=False)
    as_user: str | None = None
    as_uid: str | None = None
    as_groups: tuple[str, ...] = ()
    as_user_extra: tuple[str, ...] = ()  # key=value
    certificate_authority: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None
    insecure_skip_tls_verify: bool = False
    tls_server_name: str | None = None
    request_timeout_seconds: float | None = None  # None: our default; 0: as long as we ever wait
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The API server: how to reach it, and how to know that it is the right one."""

    address: str  # https://host:port[/prefix]
    ca: bytes = field(default=b"", repr=False)  # PEM; empty: the authorities this system trusts
    insecure: bool = False
    tls_server_name: str = ""
    proxy: str | None = field(default=None, repr=False)  # its URL may hold a password
    compressed: bool = True
    plugin_config: Any = field(default=None, repr=False)

    @property
    def secure(self) -> bool:
        """Whether credentials may go there."""
        return self.address.startswith("https:")

    @property
    def netloc(self) -> str:
        """`host:port`, as kubectl names a server in its errors."""
        return urlsplit(self.address).netloc


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where every request goes, and as whom."""

    server: Server
    user: User
    impersonation: tuple[tuple[str, str], ...] = ()  # headers
    namespace: str = "default"
    unconfigured: str = ""  # where the server is only kubectl's default: why, and what to do


def settle(options: ConnectOptions) -> Target:
    """The target that kubectl would speak to with these flags; OomError in its words where it would refuse."""
    config = load(options.kubeconfig, options.environ)
    context = _context(config, options)
    cluster = _chosen(config.clusters, options.cluster, context, "cluster")
    user = _chosen(config.users, options.user, context, "user")
    _refuse_unknown(options, cluster, user)
    if cluster is None and not options.server and _inside_a_pod(options.environ):
        cluster, user = _service_account(options.environ)
    server = _server(cluster, options)
    checked = user_of(user, options)
    return Target(
        server=server,
        # Over plain HTTP anybody on the way could read them: kubectl sends none there either.
        user=checked if server.secure else User(),
        impersonation=impersonation_of(user, options),
        namespace=(context.text("namespace") if context else "") or _pod_namespace(options.environ) or "default",
        unconfigured="" if cluster or options.server else _why_unconfigured(config, context),
    )


def _context(config: Kubeconfig, options: ConnectOptions) -> Entry | None:
    name = options.context or config.current_context
    if name and name not in config.contexts:
        message = f"Error in configuration: context was not found for specified context: {name}"
        raise OomError(message, f"Contexts in the kubeconfig: {', '.join(sorted(config.contexts)) or 'none'}")
    return config.contexts.get(name)


def _chosen(entries: Mapping[str, Entry], flag: str | None, context: Entry | None, kind: str) -> Entry | None:
    return entries.get(flag or (context.text(kind) if context else ""))


def _refuse_unknown(options: ConnectOptions, cluster: Entry | None, user: Entry | None) -> None:
    if options.cluster and cluster is None:
        missing = "cluster {} does not exist" if options.server else "no server found for cluster {}"
        raise OomError("error: " + missing.format(f'"{options.cluster}"'), "`kubectl config get-clusters` lists them")
    if options.user and user is None:
        raise OomError(f'error: auth info "{options.user}" does not exist', "`kubectl config get-users` lists them")


def _why_unconfigured(config: Kubeconfig, context: Entry | None) -> str:
    if context is not None:
        named = context.text("cluster")
        return f'The context "{context.name}" names the cluster "{named}", which the kubeconfig does not define'
    if config.contexts:
        known = ", ".join(sorted(config.contexts))
        return f"The kubeconfig has no current-context: choose one with --context ({known})"
    if config.files:
        return (
            f"No cluster is configured in {', '.join(map(str, config.files))}: `kubectl config get-contexts` lists them"
        )
    places = ", ".join(map(str, config.looked_at)) or "neither KUBECONFIG nor HOME is set"
    return f"No kubeconfig was found ({places}): set KUBECONFIG, or give --kubeconfig"


# --- the pod we may run in


def _inside_a_pod(environ: Mapping[str, str]) -> bool:
    named = environ.get("KUBERNETES_SERVICE_HOST") and environ.get("KUBERNETES_SERVICE_PORT")
    return bool(named) and (SERVICE_ACCOUNT / "token").is_file()


def _service_account(environ: Mapping[str, str]) -> tuple[Entry, Entry]:
    host = environ["KUBERNETES_SERVICE_HOST"]
    bracketed = f"[{host}]" if ":" in host else host
    file = SERVICE_ACCOUNT / "kubeconfig"  # no such file: only its folder counts, for the paths below
    cluster = {"server": f"https://{bracketed}:{environ['KUBERNETES_SERVICE_PORT']}", "certificate-authority": "ca.crt"}
    return (
        Entry(kind="cluster", name="in-cluster", fields=cluster, file=file),
        Entry(kind="user", name="service account", fields={"tokenFile": "token"}, file=file),
    )


def _pod_namespace(environ: Mapping[str, str]) -> str:
    if not _inside_a_pod(environ):
        return ""
    try:
        written = (SERVICE_ACCOUNT / "namespace").read_text("utf-8").strip()
    except (OSError, UnicodeError):
        written = ""
    return environ.get("POD_NAMESPACE") or written


# --- the server


def _server(cluster: Entry | None, options: ConnectOptions) -> Server:
    entry = cluster or Entry(kind="cluster", name="", fields={}, file=Path("kubeconfig"))
    address = _address(options.server or entry.text("server") or _default_server(cluster, options.environ))
    by_flag = options.insecure_skip_tls_verify or bool(options.certificate_authority)
    insecure = options.insecure_skip_tls_verify if by_flag else entry.flag("insecure-skip-tls-verify")
    ca = _authority(entry, options.certificate_authority, by_flag=by_flag)
    if insecure and ca:
        raise OomError("error: specifying a root certificates file with the insecure flag is not allowed")
    by_name = options.tls_server_name or options.server
    return Server(
        address=address,
        ca=ca,
        insecure=insecure,
        tls_server_name=(options.tls_server_name or "") if by_name else entry.text("tls-server-name"),
        proxy=proxy_for(address, entry, options.environ),
        compressed=not entry.flag("disable-compression"),
        plugin_config=next(
            (
                item.fields.get("extension")
                for item in entry.entries("extensions")
                if item.text("name") == EXEC_EXTENSION
            ),
            None,
        ),
    )


def _default_server(cluster: Entry | None, environ: Mapping[str, str]) -> str:
    if cluster is not None:
        raise OomError(f'error: no server found for cluster "{cluster.name}"')
    return environ.get("KUBERNETES_MASTER") or LEGACY_SERVER


def _address(text: str) -> str:
    """The server's URL without a slash at its end; a bare `host:port` means plain HTTP, as for kubectl."""
    try:
        split = urlsplit(text)
        if not split.netloc:
            split = urlsplit(f"http://{text}")
            whole = bool(split.hostname) and split.path in ("", "/")
        else:
            whole = bool(split.hostname)
        whole = whole and (split.port is None or split.port > 0) and not any(c.isspace() for c in text)
    except ValueError:
        whole = False
    if not whole:
        raise OomError(f'error: host must be a URL or a host:port pair: "{_without_password(text)}"')
    if split.scheme not in ("http", "https"):
        raise OomError(f'Unable to connect to the server: unsupported protocol scheme "{split.scheme}"')
    if "@" in split.netloc:
        raise OomError("error: the server's URL holds a user name: it belongs into the kubeconfig's user, or --token")
    return urlunsplit((split.scheme, split.netloc, split.path.rstrip("/"), "", ""))


def _without_password(url: str) -> str:
    head, at, tail = url.rpartition("@")
    return f"{head.partition('://')[0]}://…@{tail}" if at else url


def _authority(entry: Entry, flag: str | None, *, by_flag: bool) -> bytes:
    data = b"" if by_flag else entry.data("certificate-authority-data")
    file = (Path(flag) if flag else None) if by_flag else entry.path("certificate-authority")
    if data and file:
        both = "certificate-authority-data and certificate-authority are both specified"
        raise OomError(f"error: {both} for {entry.name}. certificate-authority-data will override.")
    return data or (contents_of(file, "certificate-authority", entry.name) if file else b"")
