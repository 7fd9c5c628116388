"""What a post-mortem says of the kernel, and what it advises."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_oom.evidence import (
    MeasureKind,
    Replicas,
    Verdict,
)
from kubectl_oom.judge.post_mortem.kernel import why_no_throttling
from tests.build import (
    LIMIT,
    MI,
    case,
    history,
    life,
    node,
    samples,
    why,
)

if TYPE_CHECKING:
    from kubectl_oom.evidence import Diagnosis, Life

from tests.test_post_mortem import killed_pod, one

# --- the kernel's part ---------------------------------------------------------------------------------------------


def told(verdict: Verdict, **changes: Any) -> Diagnosis:
    return replace(why(case(killed_pod())), verdict=verdict, **changes)


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (Verdict.CONTAINER_LIMIT, "its limit of 100Mi"),
        (Verdict.POD_LIMIT, "the limit of the pod"),
        (Verdict.OOM_SCOPE_UNKNOWN, "which one, the evidence does not say"),
        (Verdict.CHILD_KILLED, "kills one process"),
        (Verdict.NODE, "BestEffort, which comes first"),
        (Verdict.START_OOM, "Starting a container needs"),
    ],
)
def test_why_the_kernel_kills_is_told_for_the_verdict_at_hand(verdict: Verdict, words: str) -> None:
    assert words in " ".join(why_no_throttling(told(verdict, limit_bytes=LIMIT), "BestEffort"))


@pytest.mark.parametrize(
    "verdict",
    [Verdict.APP_HEAP, Verdict.PROBE_KILL, Verdict.STOPPED, Verdict.EVICTED, Verdict.SIGKILL_UNKNOWN, Verdict.NOT_OOM],
)
def test_where_the_kernel_did_not_kill_nothing_is_said_of_it(verdict: Verdict) -> None:
    assert why_no_throttling(told(verdict), "Burstable") == ()


def test_how_much_could_be_taken_back_is_a_sampled_number() -> None:
    seen = history(life(usage=samples(99 * MI), working_set=samples(70 * MI)))
    sentences = why_no_throttling(why(case(killed_pod(), node(), seen)), None)

    assert any("29Mi of 99Mi was inactive file cache" in sentence for sentence in sentences)


# --- what to do ----------------------------------------------------------------------------------------------------


def alert_advised(seen: Life) -> tuple[str, str]:
    measures = one(case(killed_pod(), node(), history(seen))).measures
    [(what, because)] = [(one.what, one.because) for one in measures if one.what.startswith("Alert on")]
    return what, because


def test_the_alert_that_would_have_told_is_the_one_advised() -> None:
    climb = life(samples(50 * MI, 91 * MI, 92 * MI, 93 * MI, 94 * MI, every=300))
    late_climb = life(samples(50 * MI, 60 * MI, *[97 * MI] * 10))

    assert alert_advised(climb) == (
        "Alert on memory above 90% of the limit, and on the kill itself",
        "Its working set was sampled above 90% of the limit for 15 min before the kill.",
    )
    assert alert_advised(late_climb)[0] == "Alert on memory above 95% of the limit, and on the kill itself"


@pytest.mark.parametrize(
    ("seen", "because"),
    [
        (life(samples(50 * MI, 51 * MI, 52 * MI)), "The last sample before the kill was below 90% of the limit."),
        (life(samples(50 * MI, 95 * MI, 96 * MI)), "90% of the limit or more for 20 s before the kill: too short"),
        (life(samples(*[99 * MI] * 60), samples(*[50 * MI] * 60)), "or too much of it file cache, for an alert"),
    ],
)
def test_no_alert_on_the_level_of_memory_is_advised_that_would_not_have_fired(seen: Life, because: str) -> None:
    what, told_because = alert_advised(seen)

    assert what == "Alert on the kill itself: an alert on the level of memory would have come too late"
    assert because in told_because


def test_one_replica_is_advised_to_become_two() -> None:
    killed = killed_pod()
    alone = case(killed, replicas={(killed.namespace, "Deployment", "api"): Replicas(ready=1, wanted=1)})
    among = case(killed, replicas={(killed.namespace, "Deployment", "api"): Replicas(ready=2, wanted=2)})

    assert any("second replica" in measure.what for measure in one(alone).measures)
    assert not any("second replica" in measure.what for measure in one(among).measures)


def test_only_commands_that_exist_are_advised() -> None:
    file = case(killed_pod())

    assert [m.command for m in one(file, commands=()).measures if m.command] == []
    assert [m.command for m in one(file, commands=("history", "alerts")).measures if m.command] == [
        "kubectl oom alerts",
        f"kubectl oom history deployment/api -n {file.pods[0].namespace}",
    ]


def test_measures_come_most_urgent_first() -> None:
    kinds = [measure.kind for measure in one(case(killed_pod())).measures]

    assert kinds == sorted(kinds, key=list(MeasureKind).index)
