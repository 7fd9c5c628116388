"""A relay in front of a server that counts what comes back; TLS goes through it untouched."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

READ_BYTES = 1 << 16


class Relay:
    """Listens at `url` on 127.0.0.1; `received` are the bytes that the server has sent so far, as on the wire."""

    def __init__(self, server: str) -> None:
        parts = urlsplit(server)
        assert parts.hostname
        assert parts.port
        self._behind = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"{parts.scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        self.received = 0
        self._counting = threading.Lock()

    def __enter__(self) -> Relay:  # noqa: PYI034 - Self needs Python 3.11
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # ends the wait for the next client
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._behind) as server:
            back = threading.Thread(target=self._answer, args=(server, client), daemon=True)
            back.start()
            for _ in _blocks(client, server):
                pass
            back.join()

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        for size in _blocks(server, client):
            with self._counting:
                self.received += size


def _blocks(source: socket.socket, target: socket.socket) -> Iterator[int]:
    """The size of each block that comes, before it is passed on; at the end the other side is told so."""
    with contextlib.suppress(OSError):
        while block := source.recv(READ_BYTES):
            yield len(block)
            target.sendall(block)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
