"""Evidence about kills that were just seen: of pods that may be gone, and never later than a verdict is of use."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kubectl_oom.evidence import Verdict
from kubectl_oom.judge.diagnose import diagnose_end
from kubectl_oom.read import late_evidence
from kubectl_oom.read.gather import Wants
from kubectl_oom.read.late_evidence import look_into, workload_of
from kubectl_oom.read.objects import pod_of
from kubectl_oom.read.source import EVENTS, PODS, Json, ReadError
from tests.build import NOW
from tests.in_memory import InMemory, cluster, event_json, pod_json

if TYPE_CHECKING:
    from kubectl_oom.evidence import Pod

SEEN = pod_of(pod_json())
DOWN = ReadError("Unreachable", "Unable to connect to the server: EOF")
REFUSED = ReadError("Forbidden", "events is forbidden", 403)


def verdict(source: InMemory, pod: Pod = SEEN) -> Verdict:
    looked = look_into(source, [pod], now=NOW, wants=Wants())
    full = looked.with_evidence(pod)
    container = full.containers[0]
    return diagnose_end(looked.case_about(full), full, container, container.terminations[0]).verdict


def test_the_evidence_of_a_pod_that_is_gone_is_read_all_the_same() -> None:
    killed = event_json("k", "Killing", "Container app failed liveness probe, will be restarted")
    source = cluster()
    source.objects[PODS.qualified] = []
    source.objects[EVENTS.qualified] = [killed | {"involvedObject": killed["involvedObject"] | {"uid": SEEN.uid}}]

    looked = look_into(source, [SEEN], now=NOW, wants=Wants())
    pod = looked.with_evidence(SEEN)

    assert [event.reason for event in pod.events] == ["Killing"]
    assert [owner.kind for owner in pod.owners] == ["ReplicaSet", "Deployment"]
    assert verdict(source) is Verdict.CONTAINER_LIMIT


def test_of_a_pod_that_was_seen_twice_each_end_is_judged_as_it_was_seen() -> None:
    earlier = replace(SEEN, phase="Pending")

    looked = look_into(cluster(), [earlier, SEEN], now=NOW, wants=Wants())

    assert len(looked.case.pods) == 1
    assert looked.with_evidence(earlier).phase == "Pending"
    assert looked.case_about(earlier).pods == (earlier,)


@pytest.mark.parametrize(("error", "lacking"), [(DOWN, True), (REFUSED, False)])
def test_what_the_api_server_did_not_answer_may_be_asked_again_and_what_it_refused_not(
    error: ReadError,
    lacking: bool,  # noqa: FBT001 - a table
) -> None:
    looked = look_into(cluster(failures={"list pod events": error}), [SEEN], now=NOW, wants=Wants())

    assert looked.is_lacking is lacking


def test_evidence_that_takes_too_long_is_left_out_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(InMemory):
        def kubelet_metrics(self, node: str) -> str:
            time.sleep(1)
            return super().kubelet_metrics(node)

    monkeypatch.setattr(late_evidence, "EVIDENCE_SECONDS", 0.1)
    source = cluster()
    slow = Slow(objects=source.objects)

    start = time.monotonic()
    looked = look_into(slow, [SEEN], now=NOW, wants=Wants())

    assert time.monotonic() - start < 0.9
    assert [gap.source for gap in looked.case.gaps] == ["all evidence but the status"]
    assert verdict(slow) is Verdict.CONTAINER_LIMIT


def test_the_workload_of_a_pod_is_the_top_of_its_owners_or_the_nearest_that_is_known() -> None:
    nearest = SEEN.owners[0]
    no_owners: dict[str, list[Json]] = {}

    assert workload_of(cluster(), "shop", nearest) == replace(nearest, kind="Deployment", name="api")
    assert workload_of(InMemory(objects=no_owners), "shop", nearest) == nearest
    assert workload_of(cluster(), "shop", None) is None
