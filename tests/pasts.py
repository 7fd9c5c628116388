"""The memory of a container as a test tells it: lives, kills and what is known of a week, in Mi and in hours ago."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from kubectl_oom.evidence import (
    Confidence,
    ContainerHistory,
    ContainerType,
    Kill,
    Life,
    Owner,
    Pattern,
    Recommendation,
    Sample,
    Spread,
    Verdict,
)
from kubectl_oom.judge.sizing import Wishes, recommend

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


MI = 1 << 20
UNTIL = datetime(2026, 5, 8, 12, 0, tzinfo=timezone.utc)
WEEK = 168.0


def ago(hours: float) -> datetime:
    return UNTIL - timedelta(hours=hours)


def life(
    values: Callable[[float], float] | float,
    *,
    since: float = WEEK,
    to: float = 0.0,
    every: float = 60,
    pod: str = "api-1",
    limit: float | None = None,
) -> Life:
    """A life with samples (in Mi, by hours before the end) from `since` to `to` hours before the end."""
    count = max(1, int((since - to) * 3600 / every) + 1)
    at = [UNTIL - timedelta(hours=since) + timedelta(seconds=n * every) for n in range(count)]
    hours = [since - n * every / 3600 for n in range(count)]
    need = values if callable(values) else lambda _: values
    return Life(
        pod=pod,
        container="app",
        container_id=None,
        working_set=tuple(Sample(at=when, value=int(need(h) * MI)) for when, h in zip(at, hours, strict=True)),
        limit=(Sample(at=at[0], value=int(limit * MI)), Sample(at=at[-1], value=int(limit * MI))) if limit else (),
    )


def kill(
    hours: float,
    limit: float | None,
    *,
    verdict: Verdict = Verdict.CONTAINER_LIMIT,
    pod: str = "api-1",
    highest: float | None = None,
) -> Kill:
    return Kill(
        at=ago(hours),
        exact=True,
        namespace="shop",
        pod=pod,
        pod_gone=True,
        node=None,
        container="app",
        verdict=verdict,
        confidence=Confidence.LIKELY,
        exit_code=137,
        limit_bytes=int(limit * MI) if limit is not None else None,
        highest_sampled_bytes=int(highest * MI) if highest else None,
        pattern=Pattern.UNKNOWN,
        image=None,
        sources=("pod status",),
    )


def history(
    *lives: Life,
    kills: Sequence[Kill] = (),
    limit: float | None = None,
    request: float | None = None,
    kind: str | None = "Deployment",
    since: float = WEEK,
    pattern: Pattern = Pattern.UNKNOWN,
    confidence: Confidence | None = None,
    growth: float | None = None,
    spread: Spread | None = None,
    stepped: float | None = None,
) -> ContainerHistory:
    return ContainerHistory(
        namespace="shop",
        workload=Owner(api_version="apps/v1", kind=kind, name="api") if kind else None,
        pods=tuple(sorted({one.pod for one in lives})),
        container="app",
        container_type=ContainerType.APP,
        since=ago(since),
        until=UNTIL,
        interval_seconds=None,
        samples=sum(len(one.working_set) for one in lives),
        working_set=spread,
        usage=None,
        limit_bytes=int(limit * MI) if limit else None,
        request_bytes=int(request * MI) if request else None,
        pattern=pattern,
        confidence=confidence,
        reason="",
        data_needed=None,
        growth_bytes_per_hour=growth * MI if growth else None,
        seconds_to_limit=None,
        kills=tuple(kills),
        restarts=None,
        kills_per_week=None,
        findings=(),
        lives=lives,
        stepped_seconds=stepped,
    )


WISHES = {"profile", "headroom", "guaranteed", "workload_class"}


def size(past: ContainerHistory, **asked: object) -> Recommendation:
    wishes = Wishes(**{name: asked.pop(name) for name in WISHES & set(asked)})  # type: ignore[arg-type]  # the test's words
    return recommend(past, kills=past.kills, until=UNTIL, wishes=wishes, **asked)  # type: ignore[arg-type]  # as above


def sizes_of(answer: Recommendation) -> tuple[int, int]:
    """Request and limit in bytes."""
    assert answer.recommended is not None
    assert answer.recommended.request_bytes is not None
    assert answer.recommended.limit_bytes is not None
    return answer.recommended.request_bytes, answer.recommended.limit_bytes


def limit_of(answer: Recommendation) -> float:
    return sizes_of(answer)[1] / MI
