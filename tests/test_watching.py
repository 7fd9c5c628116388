"""A watch from its first list on. One that cannot hear any more ends and says so: silence means that nothing was killed."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, cast

import pytest

from kubectl_oom.cli.looking import SETTLE_SECONDS
from kubectl_oom.cli.output import Output
from kubectl_oom.cli.watching import Asked, Watching
from kubectl_oom.read.gather import Wants
from tests.in_memory import InMemory, killed_status, pod_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_oom.read.live import LiveSource
    from kubectl_oom.read.source import Json

A_SLOW_PAGE_SECONDS = 0.1


class _Server:
    """A server that lists pods page by page, slowly, and whose watch never answers, or is met by an error."""

    server = "https://cluster.example:6443"

    def __init__(self, *pages: Sequence[Json], broken: bool = False) -> None:
        self._pages = pages
        self._broken = broken

    def get_json(self, path: str, params: Mapping[str, str] | None = None, *, timeout: float | None = None) -> Json:
        del path, timeout
        place = int((params or {}).get("continue", "0"))
        time.sleep(place * A_SLOW_PAGE_SECONDS)
        more = {"continue": str(place + 1)} if place + 1 < len(self._pages) else {}
        return {"items": [*self._pages[place]], "metadata": {"resourceVersion": "7", **more}}

    def stream(self, path: str, params: Mapping[str, str], *, silent_seconds: float) -> Any:
        if not self._broken:
            threading.Event().wait()
        raise RuntimeError(f"{path} {params['resourceVersion']} {silent_seconds:g}")


@dataclass
class _Source(InMemory):
    connection: _Server = field(default_factory=_Server)


def watching(server: _Server, *, since: timedelta = timedelta(0), for_seconds: float = 60) -> Watching:
    asked = Asked(
        namespace="shop",
        everywhere=False,
        labels="",
        container=None,
        since=since,
        for_seconds=for_seconds,
        interval_seconds=30,
        renew_seconds=None,
        program=(),
        wants=Wants(metrics=False),
    )
    output = Output(format="json", width=80, colour=False, ascii_only=True)
    return Watching(cast("LiveSource", _Source(connection=server)), asked, output, datetime.now(timezone.utc))


def killed(name: str, minutes: float) -> Json:
    finished = datetime.now(timezone.utc) - timedelta(minutes=minutes)
    return pod_json(name, killed_status(finishedAt=finished.strftime("%Y-%m-%dT%H:%M:%SZ")))


def test_what_nobody_expected_ends_the_watch(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="/api/v1/namespaces/shop/pods 7"):
        watching(_Server((), broken=True)).run()

    assert capsys.readouterr().err == "Watching 0 pods in namespace shop. Ctrl-C ends it.\n"


def test_kills_from_before_are_told_oldest_first_however_long_the_list_takes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    server = _Server([killed("now", 5)], [killed("today", 30)], [killed("hours-ago", 150)])

    watching(server, since=timedelta(hours=3), for_seconds=SETTLE_SECONDS + 1).run()

    told = [json.loads(line)["pod"] for line in capsys.readouterr().out.splitlines()]
    assert told == ["hours-ago", "today", "now"]
