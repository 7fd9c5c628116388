"""A size against the owner above the workload, and what it does to the quality of service."""

from __future__ import annotations

import pytest

from kubectl_oom.evidence import Owner, Rollout, Room
from tests.room import app, held, judged, recommended, replicas, room


def test_an_operator_above_is_where_the_size_is_set() -> None:
    (fit,), _ = judged(recommended(), room(owned_by=Owner(api_version="acme.io/v1", kind="Shop", name="main")))

    assert (fit.check, fit.ok, fit.detail, fit.remedy) == (
        "owner",
        False,
        "Deployment api belongs to Shop main (acme.io/v1), whose controller would set it back.",
        "set the size in Shop main",
    )


@pytest.mark.parametrize(
    ("today", "now", "then", "told"),
    [
        (
            "Guaranteed",
            (128, 128),
            (256, 512),
            "The QoS class changes from Guaranteed to Burstable: the kubelet protects it less when the node runs out.",
        ),
        (
            "BestEffort",
            (None, None),
            (256, 512),
            "The QoS class changes from BestEffort to Burstable: the kubelet protects it more when the node runs out.",
        ),
        (
            "Burstable",
            (64, 128),
            (512, 512),
            (
                "With request and limit of memory the same everywhere, the QoS class becomes Guaranteed where CPU is set so "
                "as well; today it is Burstable."
            ),
        ),
        ("Burstable", (64, 128), (256, 512), None),
        ("Guaranteed", (128, 128), (512, 512), None),
        (None, (64, 128), (512, 512), None),
    ],
)
def test_a_change_of_the_qos_class_is_told(
    today: str | None, now: tuple[int | None, int | None], then: tuple[int, int], told: str | None
) -> None:
    fits, _ = held(recommended(*then), room(), replicas(1, app(*now), qos_class=today))

    assert fits == ([("qos", True, told)] if told else [])


def test_a_bare_pod_cannot_be_resized_into_another_class() -> None:
    around = Room(namespace="shop", workload=None, rollout=Rollout(replicas=1, surge=0, strategy="bare pod"))

    (fit,), _ = judged(recommended(), around, replicas(1, app(128, 128), qos_class="Guaranteed"))

    assert (fit.ok, fit.detail, fit.remedy) == (
        False,
        "The QoS class would change from Guaranteed to Burstable, which no resize of a pod may do.",
        "create the pod anew with the new size",
    )


def test_a_bare_pod_that_may_become_guaranteed_is_told_that_the_command_may_be_refused() -> None:
    around = Room(namespace="shop", workload=None, rollout=Rollout(replicas=1, surge=0, strategy="bare pod"))

    (fit,), _ = judged(recommended(512, 512), around, replicas(1, app(64, 128), qos_class="Burstable"))

    assert fit.ok
    assert fit.detail == (
        "With request and limit of memory the same everywhere, the QoS class becomes Guaranteed where CPU is set so as "
        "well, and the API server then refuses to resize the pod; today it is Burstable."
    )
