"""When a watch looks into what it saw: in a moment, again where nobody answered, and a minute later once more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.cli.looking import (
    BETWEEN_TRIES_SECONDS,
    READ_TOGETHER,
    SECOND_LOOK_SECONDS,
    SETTLE_SECONDS,
    TRIES,
    Looks,
)
from kubectl_oom.evidence import EndSeen, StuckSeen, Verdict
from kubectl_oom.read.gather import Wants
from kubectl_oom.read.objects import pod_of
from kubectl_oom.read.source import EVENTS, PODS, ReadError
from tests.build import LIMIT, NOW, ago, history, life, pod, samples, waiting
from tests.in_memory import InMemory, cluster, event_json, killed_status, pod_json

if TYPE_CHECKING:
    from kubectl_oom.read.source import Json

DOWN = ReadError("Unreachable", "Unable to connect to the server: EOF")
MARKED, UNMARKED = killed_status(), killed_status(reason="Error")
UNEXPLAINED = history(life(samples(0.5 * LIMIT), oom_events=samples(0)))
COUNTED = history(life(samples(0.5 * LIMIT), oom_events=samples(1)))


def seen(name: str = "api-0", status: Json = UNMARKED) -> EndSeen:
    """The end of a pod's one container, as a watch has seen it."""
    shown = pod_of(pod_json(name, status))
    return EndSeen(pod=shown, container=shown.containers[0], end=shown.containers[0].terminations[0])


def verdicts(looks: Looks, at: float, *, is_last: bool = False) -> list[Verdict]:
    return [kill.diagnosis.verdict for _, kill in looks.judge(at, NOW, is_last=is_last)]


def silent() -> InMemory:
    """A cluster in which nothing explains the end but a SIGKILL."""
    return cluster(objects={PODS.qualified: [pod_json("api-0", UNMARKED)]}, pages={}, remembered=UNEXPLAINED)


def test_a_kill_is_told_as_soon_as_its_evidence_has_settled() -> None:
    looks = Looks(cluster(), Wants())
    looks.note(seen(status=MARKED), 100.0)

    assert looks.next_at == 100.0 + SETTLE_SECONDS
    assert verdicts(looks, 100.0) == []
    assert verdicts(looks, 100.0 + SETTLE_SECONDS) == [Verdict.CONTAINER_LIMIT]
    assert looks.next_at is None


def test_a_sigkill_that_nothing_explains_is_told_when_the_kernels_count_of_it_arrives_within_the_minute() -> None:
    source = silent()
    looks = Looks(source, Wants())
    looks.note(seen(), 0.0)

    assert verdicts(looks, SETTLE_SECONDS) == []
    assert looks.next_at == SETTLE_SECONDS + SECOND_LOOK_SECONDS
    source.remembered = COUNTED
    assert verdicts(looks, SETTLE_SECONDS + SECOND_LOOK_SECONDS - 1) == []
    assert verdicts(looks, SETTLE_SECONDS + SECOND_LOOK_SECONDS) == [Verdict.CONTAINER_LIMIT]
    assert looks.next_at is None


def test_there_is_no_third_look() -> None:
    looks = Looks(silent(), Wants())
    looks.note(seen(), 0.0)

    assert [verdicts(looks, at) for at in (SETTLE_SECONDS, SETTLE_SECONDS + SECOND_LOOK_SECONDS)] == [[], []]
    assert looks.next_at is None


def test_what_somebody_else_ended_is_not_looked_into_again() -> None:
    source = silent()
    source.objects[EVENTS.qualified] = [
        event_json("k", "Killing", "Container app failed liveness probe, will be restarted", lastTimestamp=None)
    ]
    (told,) = source.objects[EVENTS.qualified]
    told["lastTimestamp"] = told["firstTimestamp"] = "2026-11-22T08:54:58Z"
    looks = Looks(source, Wants())
    looks.note(seen(), 0.0)

    assert verdicts(looks, SETTLE_SECONDS) == []
    assert looks.next_at is None


def test_an_end_that_is_marked_while_it_waits_for_its_second_look_is_told_then_and_not_again() -> None:
    looks = Looks(silent(), Wants())
    looks.note(seen(), 0.0)
    before = verdicts(looks, SETTLE_SECONDS)
    looks.note(seen(status=MARKED), 10.0)

    assert (before, verdicts(looks, 10.0 + SETTLE_SECONDS)) == ([], [Verdict.CONTAINER_LIMIT])
    assert looks.next_at is None


def test_where_the_api_server_does_not_answer_it_is_asked_again_and_the_verdict_given_without_it() -> None:
    looks = Looks(cluster(failures={"list pod events": DOWN}), Wants())
    looks.note(seen(status=MARKED), 0.0)

    told = [verdicts(looks, SETTLE_SECONDS + BETWEEN_TRIES_SECONDS * number) for number in range(TRIES + 1)]

    assert told == [*[[]] * TRIES, [Verdict.CONTAINER_LIMIT]]


def test_after_an_outage_an_unexplained_sigkill_still_has_its_second_look() -> None:
    source = silent()
    source.failures["list pod events"] = DOWN
    looks = Looks(source, Wants())
    looks.note(seen(), 0.0)
    for number in range(TRIES + 1):
        assert verdicts(looks, SETTLE_SECONDS + BETWEEN_TRIES_SECONDS * number) == []
    del source.failures["list pod events"]
    source.remembered = COUNTED

    assert looks.next_at == SETTLE_SECONDS + BETWEEN_TRIES_SECONDS * TRIES + SECOND_LOOK_SECONDS
    assert verdicts(looks, looks.next_at) == [Verdict.CONTAINER_LIMIT]


def test_at_the_end_of_the_watch_nothing_is_put_off() -> None:
    source = silent()
    source.failures["list pod events"] = DOWN
    looks = Looks(source, Wants())
    looks.note(seen(status=MARKED), 0.0)
    looks.note(seen("api-1"), 0.0)

    assert verdicts(looks, 0.0, is_last=True) == [Verdict.CONTAINER_LIMIT]
    assert looks.next_at is None


def test_many_at_once_are_read_a_few_at_a_time_and_none_is_lost() -> None:
    looks = Looks(cluster(), Wants())
    for number in range(2 * READ_TOGETHER + 5):
        looks.note(seen(f"api-{number}", MARKED), 0.0)

    told = [len(verdicts(looks, SETTLE_SECONDS)) for _ in range(4)]

    assert told == [READ_TOGETHER, READ_TOGETHER, 5, 0]


def test_kills_that_are_due_together_are_told_oldest_first() -> None:
    looks = Looks(cluster(), Wants())
    for name, killed in (("late", 100), ("early", 200)):
        finished = ago(killed).isoformat()
        looks.note(seen(name, killed_status(finishedAt=finished)), 0.0)

    assert [kill.diagnosis.pod for _, kill in looks.judge(SETTLE_SECONDS, NOW)] == ["early", "late"]


def test_more_than_are_read_together_are_told_oldest_first_too() -> None:
    looks = Looks(cluster(), Wants())
    for number in range(READ_TOGETHER + 2):
        finished = ago(100 + number).isoformat()
        looks.note(seen(f"api-{number}", killed_status(finishedAt=finished)), 0.0)

    told = [kill.diagnosis.pod for _ in range(2) for _, kill in looks.judge(SETTLE_SECONDS, NOW)]

    assert told == [f"api-{number}" for number in reversed(range(READ_TOGETHER + 2))]


def test_a_container_that_cannot_start_is_looked_into_as_it_stands() -> None:
    message = "failed to create shim task: container init was OOM-killed (memory limit too low?)"
    stuck = pod(waiting(reason="RunContainerError", message=message))
    looks = Looks(cluster(), Wants())
    looks.note(StuckSeen(pod=stuck, container=stuck.containers[0]), 0.0)

    assert verdicts(looks, SETTLE_SECONDS) == [Verdict.START_OOM]
