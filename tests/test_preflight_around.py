"""The sizes of a plan against what surrounds them, and what the change means inside the pod."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubectl_oom.evidence import (
    HorizontalAutoscaler,
    MemoryMetric,
    Room,
    Sizes,
    Verdict,
    VerticalAutoscaler,
    VerticalPolicy,
)
from kubectl_oom.judge.fixing import FixAsked, plan_of
from tests.build import MI
from tests.preflights import by_hand, check, facts, found, planned, pod_with, proposal, written
from tests.room import app, limit_rule, node_room, quota, replicas, room, template

VERTICAL = VerticalAutoscaler(
    name="vpa",
    update_mode="Recreate",
    controls_limits=True,
    policies=(VerticalPolicy(container="*", mode="Auto", min_bytes=None, max_bytes=200 * MI),),
)
HORIZONTAL = HorizontalAutoscaler(
    name="hpa",
    min_replicas=1,
    max_replicas=10,
    current_replicas=2,
    memory=(
        MemoryMetric(container=None, target_percent=80, target_bytes=None, current_percent=80, current_bytes=None),
    ),
)


@pytest.mark.parametrize(
    ("around", "code", "blocks", "evidence"),
    [
        (room(limit_rules=(limit_rule(most=400),)), "limit-range", True, ("limitrange/mem", "max 400Mi")),
        (
            room(quotas=(quota(limits=(1000, 256)),)),
            "quota",
            True,
            ("resourcequota/mem", "1000Mi, 256Mi used"),
        ),
        (room(nodes=(node_room(gib=0.2),)), "node-too-small", True, ("node/node-a", "205Mi")),
        (room(nodes=(node_room(gib=0.4),)), "node-overcommitted", False, ("node/node-a", "410Mi")),
        (room(nodes=(node_room(gib=8, requested=7.9),)), "no-free-room", False, ("node/node-a", "8Gi")),
        (room(vertical=(VERTICAL,)), "vertical-autoscaler", True, ("verticalpodautoscaler/vpa", "Recreate")),
        (
            room(horizontal=(HORIZONTAL,)),
            "horizontal-autoscaler",
            False,
            ("horizontalpodautoscaler/hpa", "target 80%, now 80%"),
        ),
    ],
)
def test_what_does_not_fit_blocks_where_somebody_would_refuse_it(
    around: Room, code: str, *, blocks: bool, evidence: tuple[str, str]
) -> None:
    for asked in (FixAsked(), by_hand(512, 256)):
        plan = planned(around=around, asked=asked)
        one = check(plan, code)

        assert found(plan) == {code: blocks}
        assert one.message.startswith("app: ")
        assert (one.evidence[0].source, one.evidence[0].value) == evidence
        assert one.remedy


def test_an_autoscaler_of_requests_only_leaves_a_change_of_the_limit_alone() -> None:
    around = room(vertical=(replace(VERTICAL, controls_limits=False),))

    assert found(planned(around=around, asked=by_hand(512))) == {}
    assert found(planned(around=around, asked=by_hand(512, 256))) == {"vertical-autoscaler": True}


def test_sizes_by_hand_are_held_against_the_room_and_not_the_recommended_ones() -> None:
    around = room(limit_rules=(limit_rule(most=400),))

    assert found(planned(around=around, asked=by_hand(300))) == {}
    assert found(planned(around=around, asked=by_hand(500))) == {"limit-range": True}


def test_a_size_by_hand_that_leaves_the_request_alone_keeps_it_in_the_reckoning() -> None:
    plan = planned(around=room(limit_rules=(limit_rule(ratio=3),)), asked=by_hand(256))

    assert "4 times the request 64Mi" in check(plan, "limit-range").message


def test_a_container_nobody_recommends_for_is_held_against_the_room_too() -> None:
    around = room(limit_rules=(limit_rule(most=400),), template=(template(), template("log")))
    two = facts(written=(written(), written("log")))
    pods = replicas(2, app(), app(name="log"))

    assert found(planned(two, around=around, pods=pods, asked=by_hand(500, container="log"))) == {"limit-range": True}


def test_without_a_room_nothing_is_claimed_about_it() -> None:
    assert found(plan_of(facts(), [proposal()], None, replicas(2), FixAsked())) == {}


def test_limits_of_the_workloads_own_pods_beyond_their_node_are_said() -> None:
    plan = planned(around=room(nodes=(node_room(gib=0.9),)))

    assert found(plan) == {"node-overcommitted": False}
    assert check(plan, "node-overcommitted").message == (
        "The limits of the workload's pods on node-a come to 1Gi, and the node has 922Mi: it may run out before a limit "
        "is reached."
    )


# --- inside the pod --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("istio-proxy", "sidecar.istio.io/proxyMemory and sidecar.istio.io/proxyMemoryLimit"),
        ("linkerd-proxy", "config.linkerd.io/proxy-memory-request and config.linkerd.io/proxy-memory-limit"),
        ("daprd", "dapr.io/sidecar-memory-request and dapr.io/sidecar-memory-limit"),
        ("vault-agent", "vault.hashicorp.com/agent-requests-mem and vault.hashicorp.com/agent-limits-mem"),
        ("mystery", "kubectl get mutatingwebhookconfigurations"),
    ],
)
def test_a_container_that_a_webhook_adds_is_set_by_its_annotations(name: str, said: str) -> None:
    pods = replicas(2, app(), app(name=name))
    plan = planned(pods=pods, asked=by_hand(512, container=name))

    assert plan.changes == ()
    assert found(plan) == {"injected-container": True}  # nothing else was asked for
    assert said in (check(plan, "injected-container").remedy or "")


def test_a_container_that_a_webhook_adds_stands_against_nothing_where_others_are_changed() -> None:
    pods = replicas(2, app(), app(name="istio-proxy"))
    plan = planned(None, proposal(), proposal(size={"container": "istio-proxy"}), pods=pods)

    assert [change.container for change in plan.changes] == ["app"]
    assert found(plan)["injected-container"] is False


def test_a_limit_that_a_limit_range_gave_is_told_from_a_chosen_one() -> None:
    pods = pod_with(app(64, 128, limit_defaulted=True))
    plan = planned(facts(written=(written(limit=None),)), pods=pods)

    assert found(plan) == {"limit-from-limit-range": False}
    assert "128Mi, is the default of a LimitRange" in check(plan, "limit-from-limit-range").message
    assert found(planned(pods=pods)) == {}


@pytest.mark.parametrize(
    ("verdict", "said"), [(Verdict.NODE, "because its node ran out"), (Verdict.POD_LIMIT, "because its pod reached")]
)
def test_kills_that_came_from_elsewhere_make_a_higher_limit_useless(verdict: Verdict, said: str) -> None:
    plan = planned(None, proposal(kills=0, kills_elsewhere=(verdict,)))

    assert found(plan) == {"not-the-limit": False}
    assert said in check(plan, "not-the-limit").message
    assert found(planned(None, proposal(kills=1, kills_elsewhere=(verdict,)))) == {}


def test_heap_settings_move_along_or_are_named_with_their_command() -> None:
    heap_size = "--max-old-space-size=512"
    of_node = app(command=("node", "server.js"), env={"NODE_OPTIONS": heap_size}, image="node:22")
    subject = facts(written=(written(settings={"NODE_OPTIONS": heap_size}),))
    alone = planned(subject, pods=pod_with(of_node), asked=by_hand(512))
    along = planned(subject, pods=pod_with(of_node), asked=by_hand(512, with_heap=True))

    (command,) = alone.heap_commands
    assert found(alone) == {"heap-settings": False}
    assert check(alone, "heap-settings").remedy == f"apply it with --with-heap, or: {command}"
    assert command.startswith("kubectl set env deployment/api -n shop -c app NODE_OPTIONS=--max-old-space-size=")
    assert found(along) == {"heap-moves-along": False}
    assert along.changes[0].env["NODE_OPTIONS"] == command.rpartition("NODE_OPTIONS=")[2]


@pytest.mark.parametrize(
    ("limit", "codes"),
    [(512, {"above-pod-limit": True}), (250, {"pod-limit-binds": False}), (150, {})],
)
def test_a_pods_own_limit_stands_above_those_of_its_containers(limit: int, codes: dict[str, bool]) -> None:
    own: dict[str, Any] = {"pod_level": Sizes(request_bytes=None, limit_bytes=300 * MI)}
    pods = replicas(2, app(), app(name="log"), limit_bytes=300 * MI)
    two = facts(written=(written(), written("log")), **own)

    assert found(planned(two, pods=pods, around=room(), asked=by_hand(limit, container="app"))) == codes


def test_what_blocks_comes_first_and_then_what_matters_most() -> None:
    around = room(horizontal=(HORIZONTAL,), limit_rules=(limit_rule(most=400),))
    plan = planned(facts(paused=True, marks={"kapp.k14s.io/app": "1"}), around=around)

    assert next(iter(found(plan))) == "limit-range"
    assert [one.blocks for one in plan.preflight] == sorted((one.blocks for one in plan.preflight), reverse=True)
    assert plan.blocked_by == plan.preflight[:1]


def test_force_takes_no_check_away() -> None:
    around = room(limit_rules=(limit_rule(most=400),))

    assert found(planned(around=around, asked=by_hand(512, force=True))) == {"limit-range": True}
