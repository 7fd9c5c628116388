"""The proxy on the way to a server: the kubeconfig's `proxy-url`, or the environment's as Go programs read it."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from kubectl_oom.errors import OomError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_oom.read.kubeconfig import Entry

SCHEMES = ("http", "https", "socks5")
PORTS = {"https": "443", "http": "80"}


def proxy_for(address: str, cluster: Entry, environ: Mapping[str, str]) -> str | None:
    """The proxy's URL, None where requests to `address` go there directly."""
    configured = cluster.text("proxy-url")
    if configured:
        scheme = urlsplit(configured).scheme
        if scheme not in SCHEMES:
            # The URL itself stays out of the message: it may hold a password.
            problem = f'unsupported scheme "{scheme}", must be http, https, or socks5'
            raise OomError(f"error: invalid 'proxy-url' for cluster \"{cluster.name}\": {problem}")
        return configured
    scheme = urlsplit(address).scheme
    from_environment = _either(environ, f"{scheme}_proxy")
    if not from_environment or _goes_directly(address, _either(environ, "no_proxy")):
        return None
    return from_environment if "://" in from_environment else f"http://{from_environment}"


def _either(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name.upper()) or environ.get(name) or ""


def _goes_directly(address: str, no_proxy: str) -> bool:
    """What golang.org/x/net/http/httpproxy decides: this machine never, and then the list of exceptions."""
    split = urlsplit(address)
    host = (split.hostname or "").lower()
    port = str(split.port or PORTS[split.scheme])
    if host == "localhost" or _is_loopback(host):
        return True
    return any(_excepts(entry.strip().lower(), host, port) for entry in no_proxy.split(","))


def _excepts(entry: str, host: str, port: str) -> bool:
    """Whether one entry of NO_PROXY means this host: `*`, a network, an address, a domain; the last two with a port."""
    if entry == "*":
        return True
    if "/" in entry:
        return _lies_in(host, entry)
    name, wanted_port = _host_and_port(entry)
    if not name or (wanted_port and wanted_port != port):
        return False
    if _is_address(name) or _is_address(host):
        return _is_address(name) and _is_address(host) and ip_address(name) == ip_address(host)
    domain = name.removeprefix("*")
    return host.endswith(domain) if domain.startswith(".") else host == domain or host.endswith(f".{domain}")


def _host_and_port(entry: str) -> tuple[str, str]:
    if _is_address(entry):  # an IPv6 address has colons of its own
        return entry, ""
    host, colon, port = entry.rpartition(":")
    return (host.strip("[]"), port) if colon else (entry, "")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return _is_address(host) and ip_address(host).is_loopback


def _lies_in(host: str, network: str) -> bool:
    try:
        return ip_address(host) in ip_network(network, strict=False)
    except ValueError:
        return False
