"""Servers that answer by script, as raw as HTTP is, and what a follower of pods makes of them."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qs, urlsplit

from kubectl_oom.read.watching import Follower, Report, Shown

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

Json = dict[str, Any]


def pod_at(version: int, name: str = "a") -> Json:
    return {"metadata": {"name": name, "namespace": "shop", "uid": name, "resourceVersion": str(version)}}


def plain(status: int, document: Json) -> bytes:
    body = json.dumps(document).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + body


def listed(version: int, *pods: Json, token: str = "") -> bytes:
    return plain(200, {"items": list(pods), "metadata": {"resourceVersion": str(version), "continue": token}})


def refused(code: int, reason: str) -> bytes:
    return plain(code, {"kind": "Status", "code": code, "reason": reason, "message": reason.lower()})


CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
THE_END = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def event(kind: str, item: Json) -> bytes:
    return json.dumps({"type": kind, "object": item}).encode() + b"\n"


def watch(*events: bytes, end: bytes = THE_END) -> bytes:
    return CHUNKED + b"".join(map(chunk, events)) + end


def expired() -> bytes:
    return event("ERROR", {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"})


@dataclass
class Script:
    """Answers each request with the next of its answers; `None` is a connection that is dropped without one.

    After the last one every request hangs, as a watch in which nothing happens.
    """

    answers: list[bytes | None]
    asked: list[dict[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, connection: socket.socket, over: threading.Event) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            got = connection.recv(65536)
            if not got:
                return
            request += got
        target = request.split()[1].decode()
        with self.lock:
            query = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
            self.asked.append(query)
            answer = self.answers.pop(0) if self.answers else b""
        if answer is None:
            return
        if not answer:
            connection.sendall(CHUNKED)
            over.wait(20)
        connection.sendall(answer)

    @property
    def versions(self) -> list[str | None]:
        """Of every request: the version from which it watches, None for a list."""
        return [query.get("resourceVersion") for query in self.asked]


class Made(Protocol):
    """What the fixture `scene` is."""

    def __call__(self, *answers: bytes | None, silent: float = 5.0, labels: str = "") -> Scene:
        """A follower of a server with that script."""


@dataclass
class Scene:
    """A follower and what it did."""

    follower: Follower
    script: Script
    pauses: list[float]

    def follow(self, until: Callable[[Report], bool]) -> list[Report]:
        """What it reports, from its start to the first report of that kind."""
        found = []
        for report in self._all():
            found.append(report)
            if until(report):
                return found
        raise AssertionError(found)

    def _all(self) -> Iterator[Report]:
        yield from self.follower.start()
        yield from self.follower.go_on()


def is_pod(name: str, *, deleted: bool = False) -> Callable[[Report], bool]:
    return lambda report: isinstance(report, Shown) and (report.pod.name, report.deleted) == (name, deleted)


def names(reports: list[Report]) -> list[str]:
    return [report.pod.name for report in reports if isinstance(report, Shown)]
