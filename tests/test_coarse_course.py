"""What is made of a week in numbers and the highest sample of every six hours: as much as it shows, and no more."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kubectl_oom.evidence import (
    Band,
    ContainerWindow,
    Life,
    MemoryHistory,
    MemoryWindow,
    Owner,
    PastKill,
    Pattern,
    Sample,
    Spread,
    WorkloadPast,
)
from kubectl_oom.judge.history import recount
from kubectl_oom.judge.seen import Seen, seen
from kubectl_oom.judge.sizing import recommend
from kubectl_oom.read.values import from_json, to_json
from tests.build import MI, NOW, case, container, pod

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_oom.evidence import ContainerHistory

WEEK = timedelta(days=7)
STEP = timedelta(hours=6)
API = Owner(api_version="apps/v1", kind="Deployment", name="api")


def course(pod_name: str, first: float, last: float, top: float = 80.0, rise: float = 0.0) -> Life:
    """A life seen from `first` to `last` hours before the end; `rise` is Mi a day."""
    ends = [NOW - STEP * n for n in range(28) if last <= n * 6 < first]
    points = [Sample(at=at, value=round((top - rise * ((NOW - at) / timedelta(days=1))) * MI)) for at in reversed(ends)]
    return Life(pod=pod_name, container="app", container_id=None, working_set=tuple(points))


def surveyed(lives: Sequence[Life], kills: Sequence[float] = (), samples: int | None = None) -> ContainerHistory:
    """The history of lives sampled once a minute, OOM-killed so many hours before the end."""
    rows = []
    for life in lives:
        highest = max(sample.value for sample in life.working_set)
        spread = Spread(
            samples=samples or 360 * len(life.working_set),
            mean_bytes=None,
            p50_bytes=None,
            p95_bytes=highest // 2,
            p99_bytes=None,
            max_sampled_bytes=highest,
        )
        rows.append(
            ContainerWindow(
                pod=life.pod,
                container="app",
                working_set=spread,
                usage=None,
                limit_bytes=100 * MI,
                lowest_limit_bytes=100 * MI,
                restarts=None,
                oom_events=None,
                node=None,
                image=None,
            )
        )
    told = tuple(
        PastKill(
            pod=lives[0].pod,
            container="app",
            at=NOW - timedelta(hours=hours),
            exact=True,
            exit_code=137,
            source="kube_pod_container_status_last_terminated_timestamp",
        )
        for hours in kills
    )
    window = MemoryWindow(
        source="Prometheus",
        since=NOW - WEEK,
        until=NOW,
        containers=tuple(rows),
        kills=told,
        kills_known=True,
        interval_seconds=60.0,
    )
    past = WorkloadPast(
        namespace="shop",
        workload=API,
        pods=tuple(life.pod for life in lives),
        window=window,
        history=MemoryHistory(source="Prometheus", since=NOW - WEEK, until=NOW, lives=tuple(lives)),
        stepped_seconds=STEP.total_seconds(),
    )
    running = pod(container(), name=lives[-1].pod)
    [history] = recount(case(running), [past], since=NOW - WEEK, until=NOW).items
    return history


def found(history: ContainerHistory) -> Seen:
    return seen(history, history.kills, until=NOW)


def test_a_week_of_one_pod_is_a_week_and_its_jumps_are_not_known() -> None:
    history = surveyed([course("api-1", 168, 0)])
    what = found(history)
    assert (what.span_hours, what.sampled_hours, what.interval_seconds) == (168, 168, 60)
    assert (what.jump_bytes, what.highest_bytes, what.steady_bytes) == (None, 80 * MI, 40 * MI)
    assert (history.pattern, history.growth_of_lives) == (Pattern.UNKNOWN, ())
    size = recommend(history, kills=(), until=NOW)
    assert size.confidence is Band.MEDIUM
    assert size.confidence_reason == "only numbers were read, not the course of its samples"


def test_rollouts_do_not_make_a_week_shorter() -> None:
    """Seven pods, one a day: each was seen for a day, and all together for a week, to a step."""
    what = found(surveyed([course(f"api-{day}", 24 * (day + 1), 24 * day) for day in range(7)]))
    assert what.span_hours == 162
    assert what.sampled_hours == 168


def test_a_pod_that_is_two_hours_old_was_not_seen_for_six() -> None:
    what = found(surveyed([course("api-1", 6, 0)], samples=120))
    assert (what.span_hours, what.sampled_hours) == (2, 2)


def test_days_that_rise_are_growth() -> None:
    what = found(surveyed([course("api-1", 168, 0, top=80, rise=6)]))
    assert what.rise_per_day
    assert round(what.rise_per_day / MI) == 6


def test_one_kill_in_a_week_is_one_day_of_seven() -> None:
    assert round(found(surveyed([course("api-1", 168, 0)], kills=[50])).killed_share, 2) == round(1 / 7, 2)


def test_the_rules_that_need_what_was_not_asked_for_do_not_answer() -> None:
    size = recommend(surveyed([course("api-1", 168, 0)]), kills=(), until=NOW)
    assert {"stateful", "p99x1.3"}.isdisjoint(size.alternatives)
    assert {"default", "stateless", "peak", "krr", "vpa-target"} <= size.alternatives.keys()


def test_a_window_of_an_older_snapshot_has_what_was_added_since_at_its_default() -> None:
    window = MemoryWindow(source="x", since=NOW, until=NOW, containers=(), kills=(), kills_known=True)
    document = to_json(window)
    del document["interval_seconds"]
    assert from_json(MemoryWindow, document) == window
