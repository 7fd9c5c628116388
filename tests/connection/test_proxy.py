"""Which proxy is meant, by the kubeconfig or by the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kubectl_oom.read.target import ConnectOptions, settle
from tests.connection.conftest import write_kubeconfig

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("server", "environ", "proxy"),
    [
        ("https://api.test:6443", {}, None),
        ("https://api.test:6443", {"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ("https://api.test:6443", {"https_proxy": "p:1"}, "http://p:1"),
        ("https://api.test:6443", {"HTTP_PROXY": "http://p:1"}, None),
        ("http://api.test:8080", {"HTTP_PROXY": "http://p:1"}, "http://p:1"),
        ("https://localhost:6443", {"HTTPS_PROXY": "http://p:1"}, None),
        ("https://127.1.2.3:6443", {"HTTPS_PROXY": "http://p:1"}, None),
        ("https://[::1]:6443", {"HTTPS_PROXY": "http://p:1"}, None),
        ("https://api.test:6443", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, None),
        ("https://api.test:6443", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "other, TEST"}, None),
        ("https://api.test:6443", {"HTTPS_PROXY": "http://p:1", "no_proxy": ".test"}, None),
        ("https://api.test:6443", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*.test"}, None),
        ("https://test:6443", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": ".test"}, "http://p:1"),
        ("https://contest:6443", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "test"}, "http://p:1"),
        ("https://api.test:6443", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "api.test:6443"}, None),
        ("https://api.test:6443", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "api.test:443"}, "http://p:1"),
        ("https://api.test", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "api.test:443"}, None),
        ("https://10.1.2.3:6443", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, None),
        ("https://10.1.2.3:6443", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.1.2.3"}, None),
        (
            "https://11.1.2.3:6443",
            {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8,10.0.0.0/x,1.2.3,10.1.2.3,:80"},
            "http://p:1",
        ),
        ("https://[fd00::1]:6443", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "fd00::/8"}, None),
        ("https://[fd00::1]:6443", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "[fd00::1]:6443"}, None),
        ("https://[fd00::1]:6443", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "fd00::1"}, None),
    ],
)
def test_the_environments_proxy_is_read_as_go_programs_read_it(
    server: str, environ: dict[str, str], proxy: str | None
) -> None:
    assert settle(ConnectOptions(server=server, environ=environ)).server.proxy == proxy


def test_the_kubeconfigs_proxy_outweighs_the_environment(tmp_path: Path) -> None:
    file = write_kubeconfig(tmp_path, {"server": "https://localhost:1", "proxy-url": "https://own:2"}, {})
    environ = {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}

    assert settle(ConnectOptions(kubeconfig=str(file), environ=environ)).server.proxy == "https://own:2"
