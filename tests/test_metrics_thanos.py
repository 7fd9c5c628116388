"""Real Thanos over two real Prometheis: one history from both, and half of it when one does not answer."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from kubectl_oom.read.engine import EngineOptions
from kubectl_oom.read.engines import connect_engine
from kubectl_oom.read.window import read_window
from tests.engines import free_port, program, require_program, running
from tests.test_metrics_history import API, DOTTED, FIRST, MI, SECOND, container, history_of, life
from tests.test_metrics_window import CALM, GONE, SINCE, THERE, UNTIL, moment, usage, working_set
from tests.test_metrics_window import everything as two_weeks

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from tests.engines import Series


class Thanos:
    """A querier over one sidecar per Prometheus."""

    def __init__(self, folder: Path, everything: ExitStack) -> None:
        self._folder = folder
        self._stack = everything
        self._grpc: list[int] = []
        self.sidecars: list[subprocess.Popen[bytes]] = []
        self.url = ""

    def over(self, *stores: list[Series]) -> None:
        """Start it all: a Prometheus and a sidecar for each store, and the querier over them."""
        for place, series in enumerate(stores):
            folder = self._folder / str(place)
            labels = f"global: {{external_labels: {{shard: '{place}'}}}}\n"
            prometheus = self._stack.enter_context(running("prometheus", series, folder, config=labels))
            more = [f"--prometheus.url={prometheus.url}", f"--tsdb.path={folder / 'tsdb'}"]
            self.sidecars.append(self._start("sidecar", folder, *more))
        endpoints = [f"--endpoint-strict=127.0.0.1:{port}" for port in self._grpc]
        self._start("query", self._folder, *endpoints)

    def _start(self, part: str, folder: Path, *flags: str) -> subprocess.Popen[bytes]:
        http, grpc = free_port(), free_port()
        self.url = f"http://127.0.0.1:{http}"
        self._grpc.append(grpc)
        addresses = [f"--http-address=127.0.0.1:{http}", f"--grpc-address=127.0.0.1:{grpc}", "--log.level=warn"]
        return self._stack.enter_context(program(["thanos", part, *addresses, *flags], folder, f"{self.url}/-/ready"))


@pytest.fixture(autouse=True)
def _programs() -> None:
    require_program("prometheus", "promtool", "thanos")


@pytest.fixture
def thanos(tmp_path: Path) -> Iterator[Thanos]:
    with ExitStack() as everything:
        started = Thanos(tmp_path, everything)
        started.over(
            container(API, "app", "first", FIRST, 256 * MI) + container(API, "app", "second", SECOND, 0),
            container("we.b", "app", "dotted", DOTTED, 64 * MI),
        )
        yield started


def test_a_history_is_made_of_all_shards_and_a_silent_one_is_said(thanos: Thanos) -> None:
    engine = connect_engine(EngineOptions(url=thanos.url), None)
    whole = history_of(engine, [API, "we.b"])
    first, second = life(API, "first", FIRST, 256 * MI), life(API, "second", SECOND, 0)
    assert whole.lives == (first, second, life("we.b", "dotted", DOTTED, 64 * MI))
    assert whole.warnings == ()

    thanos.sidecars[1].kill()
    thanos.sidecars[1].wait(timeout=10)
    half = history_of(engine, [API, "we.b"])
    assert half.lives == (first, second)
    said = "\n".join(half.warnings)
    assert f"{engine.label} warns: " in said
    assert "no memory samples of 1 of 2 pods in this window: we.b" in half.warnings


def test_two_weeks_agree_with_the_raw_samples_and_what_a_silent_shard_held_is_not_made_up(tmp_path: Path) -> None:
    stories = (GONE, THERE, CALM)
    with ExitStack() as everything:
        thanos = Thanos(tmp_path, everything)
        series = two_weeks()
        thanos.over(
            [one for one in series if dict(one.labels).get("pod") == GONE.name],
            [one for one in series if dict(one.labels).get("pod") != GONE.name],
        )
        engine = connect_engine(EngineOptions(url=thanos.url), None)
        names = [story.name for story in stories]

        window = read_window(engine, "shop", names, moment(SINCE), moment(UNTIL))
        by_pod = {one.pod: one for one in window.containers}
        for story in stories:
            assert (by_pod[story.name].working_set, by_pod[story.name].usage) == (working_set(story), usage(story))
        assert window.warnings == ()

        thanos.sidecars[0].kill()
        thanos.sidecars[0].wait(timeout=10)
        half = read_window(engine, "shop", names, moment(SINCE), moment(UNTIL))
        assert {one.pod for one in half.containers} == {THERE.name, CALM.name}
        assert any(f"{engine.label} warns: " in said for said in half.warnings)
