"""What stands against another autoscaler, whatever memory does: one that is there, and heaps that keep what they took."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubectl_oom.evidence import (
    ContainerType,
    Gap,
    HorizontalAutoscaler,
    MemoryMetric,
    Owner,
    ScalingAnswer,
    VerticalAutoscaler,
    VerticalPolicy,
)
from tests.scaled import Shape, advised, of_the_day, rolled_out, scaling_of
from tests.worlds import DEPLOYMENT, World, container, pod, report_of

DAILY = Shape(of_the_day(150, 400))
ON_MEMORY = MemoryMetric(container=None, target_percent=80, target_bytes=None, current_percent=None, current_bytes=None)
HPA = HorizontalAutoscaler(name="api", min_replicas=2, max_replicas=9, current_replicas=3, memory=(ON_MEMORY,))
VPA = VerticalAutoscaler(name="api", update_mode="Auto", controls_limits=True, policies=())


@pytest.mark.parametrize("kind", ["DaemonSet", "Rollout"])
def test_only_what_has_replicas_can_be_scaled(kind: str) -> None:
    found = scaling_of(DAILY, kind=replace(DEPLOYMENT, kind=kind))

    assert (found.answer, found.reason) == (
        ScalingAnswer.CANNOT_SCALE,
        f"A {kind} has no number of pods that an autoscaler could set.",
    )


def test_a_pod_that_nothing_owns_cannot_be_scaled() -> None:
    alone = pod(container(limit=512, request=256), name="api-0", owners=())
    (item,) = report_of(World((alone,), DAILY.lives()[:1], workload=None)).items

    assert item.scaling is not None
    assert item.scaling.answer is ScalingAnswer.CANNOT_SCALE


@pytest.mark.parametrize(
    ("changes", "answer", "told"),
    [
        ({"room": {"rollout": rolled_out(1)}}, ScalingAnswer.CANNOT_SCALE, "It runs as one pod."),
        ({"room": {"rollout": rolled_out(0)}}, ScalingAnswer.CANNOT_SCALE, "It is scaled to no pod."),
        (
            {"room": {"owned_by": Owner(api_version="example.com/v1", kind="Database", name="main")}},
            ScalingAnswer.CANNOT_SCALE,
            "Database main sets the number of its pods, and would set it back.",
        ),
        (
            {"room": {"vertical": (VPA,)}},
            ScalingAnswer.CANNOT_SCALE,
            "VerticalPodAutoscaler api sets its memory: one that counts pods by memory would work against it.",
        ),
        (
            {"room": {"gaps": (Gap(source="autoscalers", reason="not permitted (403)", remedy="grant it"),)}},
            ScalingAnswer.UNKNOWN,
            "Whether an autoscaler scales it already could not be read: not permitted (403).",
        ),
        (
            {"room": {"horizontal": (HPA,)}},
            ScalingAnswer.EXISTS,
            "HorizontalPodAutoscaler api scales it from 2 to 9 pods by memory at 80% of the request; a second one",
        ),
        (
            {"room": {"horizontal": (replace(HPA, memory=()),)}},
            ScalingAnswer.EXISTS,
            "HorizontalPodAutoscaler api scales it from 2 to 9 pods by something other than its memory; a second one",
        ),
    ],
)
def test_another_autoscaler_is_not_advised_where(changes: dict[str, Any], answer: ScalingAnswer, told: str) -> None:
    found = scaling_of(DAILY, **changes)

    assert (found.answer, found.autoscaler) == (answer, None)
    assert found.reason.startswith(told)


def test_a_vertical_autoscaler_that_leaves_its_memory_alone_stands_against_nothing() -> None:
    off = VerticalPolicy(container="app", mode="Off", min_bytes=None, max_bytes=None)

    assert scaling_of(DAILY, room={"vertical": (replace(VPA, policies=(off,)),)}).autoscaler
    assert scaling_of(DAILY, room={"vertical": (replace(VPA, update_mode="Off"),)}).autoscaler


def test_an_autoscaler_that_counts_by_memory_that_does_not_fall_is_warned_about() -> None:
    level = scaling_of(Shape(lambda _: 300), room={"horizontal": (HPA,)})
    by_something_else = scaling_of(Shape(lambda _: 300), room={"horizontal": (replace(HPA, memory=()),)})

    (warning,) = level.warnings
    assert warning == (
        "HorizontalPodAutoscaler api: Its memory does not fall with load: an autoscaler would only ever add pods. What tells: "
        "in 7 days the average over its pods stayed between 300Mi and 300Mi."
    )
    assert by_something_else.warnings == ()


def test_init_containers_and_sidecars_are_not_asked_about() -> None:
    setup = container("setup", limit=64, type=ContainerType.INIT)
    proxy = container("proxy", limit=64, request=32, type=ContainerType.SIDECAR)
    report = advised(DAILY, setup, proxy)

    assert {item.size.container: item.scaling is None for item in report.items} == {
        "app": False,
        "setup": True,
        "proxy": True,
    }


# --- heaps -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "env", "told"),
    [
        (("java", "-jar", "api.jar"), {}, "It runs on the JVM, which keeps the heap it has taken unless"),
        (("java", "-Xms300m", "-Xmx300m"), {}, "It runs on the JVM with -Xms as large as -Xmx (300m)"),
        (("java", "-XX:+UseZGC", "-XX:-ZUncommit"), {}, "It runs on the JVM, which keeps the heap it has taken unless"),
        (("node", "server.js"), {}, "It runs on Node.js: V8 gives memory back after full collections only"),
    ],
)
def test_a_heap_that_is_kept_is_warned_about(command: tuple[str, ...], env: dict[str, str], told: str) -> None:
    found = scaling_of(DAILY, app={"command": command, "env": env})

    assert any(warning.startswith(told) for warning in found.warnings)


@pytest.mark.parametrize(
    "env",
    [
        {"JAVA_TOOL_OPTIONS": "-XX:G1PeriodicGCInterval=60000"},
        {"JAVA_TOOL_OPTIONS": "-XX:+UseShenandoahGC -Xms1g -Xmx2g"},
    ],
)
def test_a_heap_that_is_given_back_is_not(env: dict[str, str]) -> None:
    assert scaling_of(DAILY, app={"command": ("java", "-jar", "api.jar"), "env": env}).warnings == ()


def test_a_level_heap_is_told_what_would_give_it_back() -> None:
    found = scaling_of(Shape(lambda _: 300), app={"command": ("java", "-jar", "api.jar")})

    assert found.answer is ScalingAnswer.DOES_NOT_FALL
    assert "-XX:G1PeriodicGCInterval" in " ".join(found.warnings)
