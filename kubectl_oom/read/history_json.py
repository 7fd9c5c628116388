"""A `MemoryHistory` as JSON and back: series as `[[seconds, bytes], …]`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.evidence import Life, MemoryHistory, Sample
from kubectl_oom.read.lives import SPEC_LIMIT
from kubectl_oom.read.objects import moment_of
from kubectl_oom.read.values import count_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from kubectl_oom.read.source import Json

_SERIES = ("working_set", "usage", "rss", "cache", "limit", "oom_events")
_BY_NAME = ("node_usage", "pods_working_set", "pod_usage")


def history_to_json(history: MemoryHistory) -> Json:
    """The JSON document of a history."""
    document: Json = {
        "source": history.source,
        "since": history.since.timestamp(),
        "until": history.until.timestamp(),
        "lives": [_life_to_json(life) for life in history.lives],
        "pods_limit": dict(history.pods_limit),
        "warnings": list(history.warnings),
    }
    for name in _BY_NAME:
        series: Mapping[str, tuple[Sample, ...]] = getattr(history, name)
        document[name] = {key: _to_pairs(samples) for key, samples in series.items()}
    return document


def history_from_json(
    document: Json,
    *,
    pods: Sequence[str] | None,
    nodes: Sequence[str] | None,
    since: datetime | None,
    until: datetime | None,
) -> MemoryHistory:
    """The history back, narrowed to pods, nodes and a window where those are given."""
    low = since.timestamp() if since else float("-inf")
    high = until.timestamp() if until else float("inf")

    def samples(pairs: list[list[float]]) -> tuple[Sample, ...]:
        return tuple(Sample(at=_moment(at), value=count_of(value)) for at, value in pairs if low <= at <= high)

    def named(name: str, wanted: Sequence[str] | None) -> dict[str, tuple[Sample, ...]]:
        return {key: samples(pairs) for key, pairs in document.get(name, {}).items() if wanted is None or key in wanted}

    lives = tuple(
        Life(
            pod=str(life["pod"]),
            container=str(life["container"]),
            container_id=None if life["container_id"] is None else str(life["container_id"]),
            working_set=samples(life["working_set"]),
            usage=samples(life["usage"]),
            rss=samples(life["rss"]),
            cache=samples(life["cache"]),
            limit=samples(life["limit"]),
            oom_events=samples(life["oom_events"]),
            limit_series=str(life.get("limit_series", SPEC_LIMIT)),
        )
        for life in document["lives"]
        if pods is None or life["pod"] in pods
    )
    return MemoryHistory(
        source=str(document["source"]),
        since=_moment(document["since"]),
        until=_moment(document["until"]),
        lives=lives,
        node_usage=named("node_usage", nodes),
        pods_working_set=named("pods_working_set", nodes),
        pods_limit={k: count_of(v) for k, v in document["pods_limit"].items() if nodes is None or k in nodes},
        pod_usage=named("pod_usage", pods),
        warnings=tuple(str(w) for w in document["warnings"]),
    )


def _life_to_json(life: Life) -> Json:
    head: Json = {"pod": life.pod, "container": life.container, "container_id": life.container_id}
    head |= {"limit_series": life.limit_series} if life.limit_series != SPEC_LIMIT else {}
    return head | {name: _to_pairs(getattr(life, name)) for name in _SERIES}


def _to_pairs(samples: Sequence[Sample]) -> list[list[float]]:
    return [[s.at.timestamp(), s.value] for s in samples]


def _moment(seconds: float) -> datetime:
    moment = moment_of(seconds)
    if moment is None:
        raise ValueError(f"{seconds} as a time")
    return moment
