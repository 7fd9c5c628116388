"""A server with a certificate, a kubeconfig that leads to it, and the connection that comes of both."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any, Protocol

import pytest
import yaml

from kubectl_oom.read.connection import Connection, connect
from kubectl_oom.read.target import ConnectOptions
from kubectl_oom.read.watching import Follower, Pace
from tests.connection.pki import Pki
from tests.connection.scripts import Scene, Script
from tests.connection.servers import ApiServer, api_server, raw_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.connection.scripts import Made

TOKEN = {"token": "s3cret"}


class Opened(Protocol):
    """What the fixture `opened` is."""

    def __call__(
        self, url: str, user: dict[str, Any] | None = None, cluster: dict[str, Any] | None = None, **options: Any
    ) -> Connection:
        """The connection to `url`; with a token, and trusting the test's authority, where nothing else is said."""


@pytest.fixture(scope="package")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not on PATH: it makes the certificates")
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="package")
def shared_server(pki: Pki) -> Iterator[ApiServer]:
    with api_server(pki.server, trusts=pki.ca) as running:
        yield running


@pytest.fixture
def server(shared_server: ApiServer) -> ApiServer:
    shared_server.replies.clear()
    shared_server.asked.clear()
    return shared_server


@pytest.fixture
def opened(pki: Pki, tmp_path: Path) -> Opened:
    def open_it(
        url: str, user: dict[str, Any] | None = None, cluster: dict[str, Any] | None = None, **options: Any
    ) -> Connection:
        cluster = {"certificate-authority": str(pki.ca)} if cluster is None else cluster
        file = write_kubeconfig(tmp_path, {"server": url, **cluster}, TOKEN if user is None else user)
        options.setdefault("environ", {"PATH": os.environ["PATH"]})
        return connect(ConnectOptions(kubeconfig=str(file), **options))

    return open_it


@pytest.fixture
def scene(opened: Opened) -> Iterator[Made]:
    """`scene(answer, …)`: a follower of a server with that script."""
    servers = []

    def make(*answers: bytes | None, silent: float = 5.0, labels: str = "") -> Scene:
        script, pauses = Script(list(answers)), list[float]()
        server = raw_server(script)
        servers.append(server)
        connection = opened(f"http://{server.__enter__()}", {}, {}, request_timeout_seconds=5)
        pace = Pace(wait=pauses.append, silent_seconds=silent)
        return Scene(Follower(connection, "shop", labels, pace), script, pauses)

    yield make
    for server in servers:
        server.__exit__(None, None, None)


def write_kubeconfig(folder: Path, cluster: dict[str, Any], user: dict[str, Any], name: str = "kubeconfig") -> Path:
    """A kubeconfig with one context."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}],
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": user}],
    }
    file = folder / name
    file.write_text(yaml.safe_dump(document))
    return file
