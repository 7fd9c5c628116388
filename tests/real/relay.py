"""A relay in front of a real API server: it passes on what it is asked, and loses answers when it is told to."""

from __future__ import annotations

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, final

import urllib3
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cluster.cluster import Cluster


@final
class Relay:
    """Speaks plain HTTP on this machine, and is the `user` of its kubeconfig to the API server behind it.

    `loses` is asked about every answer (method, path); `refuses` about every request, before it is passed on.
    """

    def __init__(self, cluster: Cluster, user: str, folder: Path) -> None:
        config = yaml.safe_load(cluster.kubeconfig(user).read_text())
        self._token = config["users"][0]["user"]["token"]
        behind = config["clusters"][0]["cluster"]
        authority = base64.b64decode(behind["certificate-authority-data"]).decode()
        self._pool = urllib3.PoolManager(ca_cert_data=authority, retries=False)
        self._behind = behind["server"]
        self.loses: Callable[[str, str], bool] = lambda *_: False
        self.refuses: Callable[[str, str], bool] = lambda *_: False
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """Nothing: the test's own output is enough."""

            def _pass_on(self) -> None:
                relay.answer(self)

            do_GET = do_PATCH = _pass_on  # noqa: N815 - the names that http.server calls

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.kubeconfig = folder / "through-the-relay"
        address = f"http://127.0.0.1:{self._server.server_port}"
        self.kubeconfig.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "relay",
                    "contexts": [{"name": "relay", "context": {"cluster": "relay", "user": "relay"}}],
                    "clusters": [{"name": "relay", "cluster": {"server": address}}],
                    "users": [{"name": "relay", "user": {}}],
                }
            )
        )

    def __enter__(self) -> Relay:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, asked: BaseHTTPRequestHandler) -> None:
        """Pass one request on, and its answer back."""
        length = int(asked.headers.get("Content-Length") or 0)
        body = asked.rfile.read(length) if length else None
        if self.refuses(asked.command, asked.path):
            asked.close_connection = True
            return
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        if kind := asked.headers.get("Content-Type"):
            headers["Content-Type"] = kind
        got = self._pool.request(asked.command, self._behind + asked.path, body=body, headers=headers)
        if self.loses(asked.command, asked.path):
            asked.close_connection = True
            return
        asked.send_response(got.status)
        asked.send_header("Content-Type", got.headers.get("Content-Type", "application/json"))
        asked.send_header("Content-Length", str(len(got.data)))
        asked.end_headers()
        asked.wfile.write(got.data)
