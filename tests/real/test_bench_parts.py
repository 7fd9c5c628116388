"""What `make bench` rests on: memory that is the program's own, and a store that holds what was written."""

from __future__ import annotations

import os
import random
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from benchmarks.blocks import BLOCK, Course, write
from benchmarks.process import run
from benchmarks.survey_store import DAY, KILLED, LIMIT, Slot, Week, backfill
from tests.engines import RunningEngine, free_port, program, require_program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.block_index import Labels

MIB = 1 << 20


@pytest.mark.parametrize("held_mib", [0, 500])
def test_the_memory_of_a_program_is_its_own_however_much_the_benchmark_holds(held_mib: int, tmp_path: Path) -> None:
    held = bytearray(b"x") * (held_mib * MIB)

    small, large = (
        run([sys.executable, "-c", code], os.environ, tmp_path / "out").peak_bytes / MIB
        for code in ("pass", f"b'x' * {300 * MIB}")
    )

    assert len(held) == held_mib * MIB
    assert small < 60
    assert 300 < large < 360


def test_a_program_that_fails_ends_the_benchmark(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="failed with 3"):
        run([sys.executable, "-c", "raise SystemExit(3)"], os.environ, tmp_path / "out")


# --- the store -----------------------------------------------------------------------------------------------------


@contextmanager
def opened(store: Path) -> Iterator[RunningEngine]:
    """A Prometheus that holds the store."""
    require_program("prometheus")
    port = free_port()
    config = store.with_suffix(".yml")
    config.write_text("")
    command = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={store}"]
    command += ["--storage.tsdb.retention.time=50y", f"--web.listen-address=127.0.0.1:{port}"]
    url = f"http://127.0.0.1:{port}"
    with program(command, store.parent, f"{url}/-/ready") as server:
        yield RunningEngine("prometheus", url, server.pid)


def samples(engine: RunningEngine, selector: str, until: int) -> list[list[tuple[int, float]]]:
    found = engine.ask("query", query=f"{selector}[30d]", time=str(until))["data"]["result"]
    return [[(at, float(value)) for at, value in one["values"]] for one in found]


def test_prometheus_reads_every_sample_that_was_written(tmp_path: Path) -> None:
    dice = random.Random(1)
    begin = 1_764_028_800 - BLOCK // 1000 * 3 + 77  # in the middle of a block
    courses = {
        "steps": Course(begin, 60, [dice.randrange(1 << 40) // 4096 * 4096 for _ in range(5000)]),
        "odd": Course(begin + 9, 15, [0, 0.1, -1.5, 1e300, 2.0**60, 3, 3, 3.5, 2.0**-1000, -0.25] * 300),
        "flat": Course(begin + DAY, 30, [1] * 121),
        "one": Course(begin + DAY, 30, [7]),
    }
    series: list[tuple[Labels, Course]] = [((("__name__", name),), course) for name, course in courses.items()]
    alike: list[tuple[Labels, Course]] = [
        ((("__name__", "alike"), ("number", str(number))), courses["flat"]) for number in range(300)
    ]

    write([*series, *alike], tmp_path / "store")

    with opened(tmp_path / "store") as engine:
        for name, course in courses.items():
            taken = [(course.first + n * course.step, value) for n, value in enumerate(course.values)]
            assert samples(engine, name, course.end) == [taken]
        assert len(samples(engine, "alike", begin + 2 * DAY)) == 300
        assert len(samples(engine, 'alike{number=~"1.*"}', begin + 2 * DAY)) == 111
        assert len(samples(engine, 'alike{number="42"}', begin + 2 * DAY)) == 1


def test_the_store_holds_a_week_of_every_pod_and_its_kills(tmp_path: Path) -> None:
    week, killed, calm = Week(), Slot(KILLED), Slot(KILLED + 1)
    backfill([killed, calm], tmp_path / "store", week)

    with opened(tmp_path / "store") as engine:

        def of(metric: str, slot: Slot, place: int) -> list[list[tuple[int, float]]]:
            return samples(engine, f'{metric}{{pod="{slot.pod(place)}"}}', week.until)

        for place in (0, 1):
            every = list(range(*week.lives[place], 60))
            [used] = of("container_memory_working_set_bytes", calm, place)
            assert [at for at, _ in used] == every
            assert max(value for _, value in used) < LIMIT
            assert of("kube_pod_container_resource_limits", calm, place) == [[(at, LIMIT) for at in every]]
            kills = week.kills(killed, place)
            assert len(kills) in (3, 4)
            assert len(of("container_memory_working_set_bytes", killed, place)) == len(kills) + 1
            [restarts] = of("kube_pod_container_status_restarts_total", killed, place)
            assert restarts[-1][1] == len(kills)
            [last] = of("kube_pod_container_status_last_terminated_timestamp", killed, place)
            assert {value for _, value in last} == set(kills)
            assert of("kube_pod_container_status_last_terminated_reason", calm, place) == []
