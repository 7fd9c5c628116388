"""What a resize of running pods cannot do is said before it is tried."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubectl_oom.evidence import ContainerType, Saved
from kubectl_oom.judge.fixing import FixAsked, undo_plan_of
from kubectl_oom.judge.preflight import preflight
from tests.build import MI, last_end, waiting
from tests.preflights import by_hand, check, facts, found, planned, pod_facts, pod_with, written
from tests.room import app

ALLOWED = {"allow_decrease": True}


def test_a_pod_on_a_kubelet_that_can_is_resized_without_checks() -> None:
    assert found(planned(pod_facts(), asked=by_hand(512, 256))) == {}


@pytest.mark.parametrize(
    ("kubelet", "blocked"), [("v1.32.9", True), ("v1.33.0", False), ("v1.36.3", False), ("odd", False)]
)
def test_a_kubelet_before_1_33_cannot_resize(kubelet: str, *, blocked: bool) -> None:
    plan = planned(pod_facts(kubelets={"node-a": kubelet}), asked=by_hand(512))

    assert found(plan) == ({"resize-not-supported": True} if blocked else {})


def test_a_workload_on_old_kubelets_is_fixed_without_the_resize() -> None:
    plan = planned(facts(kubelets={"node-a": "v1.32.9"}), asked=by_hand(512, in_place=True))

    assert check(plan, "resize-not-supported").remedy == "leave out --in-place"
    assert found(planned(facts(kubelets={"node-a": "v1.32.9"}), asked=by_hand(512))) == {}


def test_a_resize_may_not_change_the_class() -> None:
    guaranteed = pod_with(app(128, 128, limit_in_effect_bytes=128 * MI), qos_class="Guaranteed")
    plan = planned(pod_facts(cpu_guaranteed=True), pods=guaranteed, asked=by_hand(512))

    assert found(plan) == {"resize-changes-qos": True}
    assert check(plan, "resize-changes-qos").remedy == "change request and limit together"
    assert found(planned(pod_facts(cpu_guaranteed=True), pods=guaranteed, asked=by_hand(512, 512))) == {}


def test_a_running_container_that_the_kubelet_does_not_report_on_is_not_resized() -> None:
    plan = planned(pod_facts(), pods=pod_with(app()), asked=by_hand(512))

    assert found(plan) == {"resize-not-reported": True}
    assert found(planned(asked=by_hand(512, in_place=True))) == {}


@pytest.mark.parametrize(
    ("kubelet", "policy", "codes"),
    [
        ("v1.33.4", (), {"resize-decrease": True, "decrease": False}),
        ("v1.34.0", (), {"decrease": False, "resize-decrease-may-fail": False}),
        ("v1.33.4", ("app",), {"decrease": False, "resize-restarts": False}),
    ],
)
def test_a_lower_limit_in_place_depends_on_the_kubelet_and_the_policy(
    kubelet: str, policy: tuple[str, ...], codes: dict[str, bool]
) -> None:
    subject = pod_facts(kubelets={"node-a": kubelet}, restarts_on_resize=policy)

    assert found(planned(subject, asked=by_hand(100, **ALLOWED))) == codes


@pytest.mark.parametrize(
    ("kind", "kubelet", "blocked"),
    [
        (ContainerType.INIT, "v1.35.1", True),
        (ContainerType.INIT, "v1.36.0", False),
        (ContainerType.SIDECAR, "v1.33.0", False),
    ],
)
def test_init_containers_are_resized_from_1_36_on_and_sidecars_before(
    kind: ContainerType, kubelet: str, *, blocked: bool
) -> None:
    subject = pod_facts(written=(written(type=kind),), kubelets={"node-a": kubelet})

    assert found(planned(subject, asked=by_hand(512))) == ({"resize-of-init": True} if blocked else {})


@pytest.mark.parametrize(
    ("container", "state"), [(waiting(last_end()), "CrashLoopBackOff"), (app(state="terminated"), "terminated")]
)
def test_a_container_that_is_down_may_not_come_back_by_a_resize(container: Any, state: str) -> None:
    plan = planned(pod_facts(), pods=pod_with(container), asked=by_hand(512))

    assert found(plan) == {"resize-not-running": False}
    assert [(one.source, one.value) for one in check(plan, "resize-not-running").evidence] == [("pod/api-0", state)]


def test_an_undo_to_no_limit_cannot_be_done_in_place() -> None:
    saved = Saved(at=None, version="0.1", containers=(written(limit=None),))
    plan = undo_plan_of(replace(pod_facts(), saved=saved))
    assert plan is not None

    checked = preflight(plan, [], None, pod_with(app(limit_in_effect_bytes=128 * MI)), FixAsked())

    assert found(checked) == {"resize-cannot-remove": True}
    assert check(checked, "resize-cannot-remove").message == "A resize cannot take away the limit of app."
