"""How a rollout is followed, without a cluster: step by step, for as long as it takes or may take."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from kubectl_oom.act.rollout import Patience, follow
from kubectl_oom.evidence import Rolled, RolloutState
from kubectl_oom.read.source import ReadError
from tests.in_memory import InMemory, stamp
from tests.rollouts import Json, deployment, plan

if TYPE_CHECKING:
    from kubectl_oom.act.steps import Step


@dataclass
class Time:
    """A clock that moves when somebody waits, and changes the cluster while it does."""

    source: InMemory
    then: dict[float, Json | ReadError] = field(
        default_factory=dict
    )  # seconds → what the API server holds from then on
    seconds: float = 0.0

    def clock(self) -> float:
        return self.seconds

    def wait(self, seconds: float) -> None:
        self.seconds += seconds
        for at in [at for at in self.then if at <= self.seconds]:
            now = self.then.pop(at)
            self.source.failures = {"get deployments": now} if isinstance(now, ReadError) else {}
            if not isinstance(now, ReadError):
                self.source.objects["deployments.apps"] = [now]


def followed(
    first: Json, then: dict[float, Json | ReadError] | None = None, seconds: float = 60
) -> tuple[Rolled, list[str]]:
    """What was seen, and what was said on the way."""
    source = InMemory(objects={"deployments.apps": [first]})
    time = Time(source, then or {})
    said: list[Step] = []
    rolled = follow(source, plan(first), Patience(seconds=seconds, clock=time.clock, wait=time.wait), said.append)
    return rolled, [step.because for step in said]


GOING = deployment(replicas=3, updatedReplicas=1, availableReplicas=2)
DONE = deployment(replicas=2, updatedReplicas=2, availableReplicas=2)


def test_a_rollout_is_told_step_by_step_until_it_is_done() -> None:
    unseen = deployment(observed=1, replicas=2, updatedReplicas=2, availableReplicas=2)
    ending = deployment(replicas=3, updatedReplicas=2, availableReplicas=2)

    rolled, said = followed(unseen, {1: GOING, 5: ending, 9: DONE})

    assert said == [
        "Deployment has not seen the change yet.",
        "1 of 2 pods updated, 2 available.",
        "2 of 2 pods updated, 2 available, 1 old ones still to end.",
        "2 of 2 pods run with the new size.",
    ]
    assert (rolled.state, rolled.updated, rolled.wanted, rolled.remedy) == (RolloutState.DONE, 2, 2, None)


def test_what_is_not_done_in_time_says_where_it_stands_and_that_it_goes_on() -> None:
    rolled, _ = followed(GOING, seconds=30)

    assert (rolled.state, rolled.updated, rolled.wanted) == (RolloutState.TIMED_OUT, 1, 2)
    assert rolled.because == "Not finished within 30 s: 1 of 2 pods updated, 2 available."
    assert rolled.remedy == "It goes on all the same; the same command again follows it"
    assert rolled.seconds == pytest.approx(30)


def test_a_lost_connection_is_waited_for() -> None:
    lost = ReadError("Unreachable", "Unable to connect to the server: EOF")

    rolled, said = followed(GOING, {1: lost, 20: DONE})

    assert rolled.state is RolloutState.DONE
    assert said[1] == "The cluster cannot be asked now (Unable to connect to the server: EOF)."


def test_a_workload_that_is_gone_ends_it() -> None:
    gone = ReadError("NotFound", 'deployments.apps "api" not found', 404)

    rolled, _ = followed(GOING, {1: gone})

    assert (rolled.state, rolled.because) == (RolloutState.FAILED, "deployment/api is gone.")


def test_who_takes_the_change_back_is_named() -> None:
    reverted = deployment("64Mi", replicas=2, updatedReplicas=2, availableReplicas=2)
    owner = reverted["metadata"]["managedFields"][0]
    reverted["metadata"]["managedFields"].append(owner | {"manager": "argocd-controller", "time": stamp(60)})

    rolled, _ = followed(GOING, {1: reverted})

    assert rolled.state is RolloutState.FAILED
    assert rolled.because == (
        "The memory of app is no longer what was set, written by argocd-controller: the change was reverted."
    )


def test_a_quota_is_given_time_to_get_free_and_then_it_is_a_failure() -> None:
    message = 'pods "api-1" is forbidden: exceeded quota: small, requested: limits.memory=96Mi'
    condition = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}
    stuck = deployment(replicas=2, updatedReplicas=0, availableReplicas=2, conditions=[condition])

    failed, _ = followed(stuck, seconds=300)
    passed, _ = followed(stuck, {10: DONE}, seconds=300)

    assert (failed.state, failed.because) == (RolloutState.FAILED, f"A ResourceQuota refuses the new pods: {message}")
    assert 30 <= failed.seconds <= 36
    assert passed.state is RolloutState.DONE
