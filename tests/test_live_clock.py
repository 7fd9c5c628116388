"""Clocks apart: an engine that lives in another minute is said, since its samples are put beside our events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, cast

import pytest

from kubectl_oom.read.engine import EngineOptions
from kubectl_oom.read.live import LiveSource
from kubectl_oom.read.source import ReadError
from tests.engines import Series, require_program, running

if TYPE_CHECKING:
    from pathlib import Path

    from kubectl_oom.evidence import MemoryHistory
    from kubectl_oom.read.connection import Connection

POD = "api-0"


@dataclass
class Nowhere:
    """The connection of a source that is asked for metrics only."""

    server: str = "https://127.0.0.1:1"
    namespace: str = "shop"


def _history(folder: Path, off: int) -> MemoryHistory:
    """What is read with a clock of ours that is so many seconds ahead of the engine's."""
    require_program("prometheus", "promtool")
    start = int(datetime.now(timezone.utc).timestamp()) - 1800
    labels = {"__name__": "container_memory_working_set_bytes", "namespace": "shop", "pod": POD, "container": "app"}
    samples = [(start + step * 30, 1024.0 + step) for step in range(20)]
    with running("prometheus", [Series(labels, samples)], folder) as engine:
        source = LiveSource(cast("Connection", Nowhere()), EngineOptions(url=engine.url))
        ours = datetime.now(timezone.utc) + timedelta(seconds=off)

        return source.history("shop", [POD], [], ours - timedelta(days=1), ours)


def _clock_warnings(history: MemoryHistory) -> list[str]:
    return [warning for warning in history.warnings if "its clock is" in warning]


def test_a_clock_that_is_right_is_not_spoken_of(tmp_path: Path) -> None:
    assert _clock_warnings(_history(tmp_path, 0)) == []


def test_an_engine_an_hour_behind_is_a_warning_beside_its_samples(tmp_path: Path) -> None:
    (warning,) = _clock_warnings(_history(tmp_path, 3600))

    assert warning.startswith("its clock is 3")  # 3600 s, but for what starting took
    assert "behind ours" in warning


def test_an_engine_an_hour_ahead_has_nothing_in_our_window_and_the_error_says_why(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"; its clock is 3\d+ s ahead of ours"):
        _history(tmp_path, -3600)
