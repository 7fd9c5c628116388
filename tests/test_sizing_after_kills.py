"""What a kill still says once the limit was raised, and what one says where a volume of its own filled the pod."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from kubectl_oom.evidence import ContainerHistory, Owner, Verdict, WorkloadPast
from kubectl_oom.judge.history import recount
from kubectl_oom.judge.seen import seen
from tests.build import LIMIT, NOW, TMPFS, case, container, end, other, pod
from tests.pasts import UNTIL, history, kill, life, limit_of, size

if TYPE_CHECKING:
    from kubectl_oom.evidence import Container, Life

HOUR = timedelta(hours=1)

# --- a limit raised since --------------------------------------------------------------------------------------------


def climbing(to: float, *, limit: float) -> Life:
    """The last six minutes: from 10 Mi to this level at one stroke, and on it. Too short to count as time survived."""
    return life(lambda hours: 10 if hours > 0.05 else to, since=0.1, every=30, pod="api-2", limit=limit)


def raised(after: Life | None) -> ContainerHistory:
    """Killed at 144 Mi within minutes of its start, before samples could show a rise; then what came after."""
    before = life(10, since=0.2, to=0.15, every=30, limit=144)
    return history(before, *([after] if after else []), kills=[kill(0.15, 144)])


def test_a_bet_on_a_kill_is_not_raised_by_the_rise_to_where_it_runs_since() -> None:
    first = limit_of(size(raised(None)))
    answer = size(raised(climbing(to=185, limit=first)))

    assert first == 384
    assert limit_of(answer) == first
    assert any("nothing beyond 384Mi, under which it has gone further since" in said for said in answer.rationale)


def test_a_limit_raised_by_a_little_does_not_shrink_the_bet_on_a_kill() -> None:
    assert limit_of(size(raised(climbing(to=150, limit=160)))) >= limit_of(size(raised(None)))


def test_a_limit_raised_since_says_nothing_before_it_was_needed() -> None:
    low, unlimited = raised(climbing(to=140, limit=384)), raised(climbing(to=140, limit=144))

    assert size(low).recommended == size(unlimited).recommended


def test_a_kill_under_the_raised_limit_is_a_bet_of_its_own() -> None:
    past = raised(climbing(to=185, limit=384))
    again = replace(past, kills=(kill(0.01, 384, pod="api-2"), *past.kills))

    assert limit_of(size(again)) >= 2 * 384


# --- a volume of its own ---------------------------------------------------------------------------------------------


def restarted(*others: Container, pod_limit: int | None = None) -> ContainerHistory:
    """Killed two seconds after its third start, by what an earlier instance had left in a memory-backed volume."""
    filled = container(end(lived=2), restart_count=3, memory_volumes=(TMPFS,))
    past = WorkloadPast(
        namespace="shop",
        workload=Owner(api_version="apps/v1", kind="StatefulSet", name="api"),
        pods=("api-0",),
        window=None,
        history=None,
        stepped_seconds=None,
    )
    file = case(pod(filled, *others, limit_bytes=pod_limit))
    return recount(file, [past], since=NOW - HOUR, until=NOW, container="app").items[0]


@pytest.mark.parametrize("others", [(), (other(),)], ids=["alone", "beside another"])
def test_a_pod_filled_by_a_containers_own_volume_says_that_its_limit_is_too_low(others: tuple[Container, ...]) -> None:
    past = restarted(*others)

    assert [one.verdict for one in past.kills] == [Verdict.POD_LIMIT]
    found = seen(past, past.kills, until=UNTIL)
    assert (found.killed_limit_bytes, found.not_its_own) == (LIMIT, 0)


@pytest.mark.parametrize(
    "past",
    [restarted(other(memory_volumes=(TMPFS,))), restarted(pod_limit=LIMIT)],
    ids=["shared volume", "pod-level limit"],
)
def test_a_pod_filled_by_what_is_not_the_containers_alone_says_nothing_about_its_limit(past: ContainerHistory) -> None:
    found = seen(past, past.kills, until=UNTIL)

    assert [one.verdict for one in past.kills] == [Verdict.POD_LIMIT]
    assert (found.killed_limit_bytes, found.not_its_own) == (None, 1)
