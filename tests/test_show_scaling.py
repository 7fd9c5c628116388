"""An autoscaler as it is printed: an object with its reasons, one for each workload, and why the others have none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from kubectl_oom.evidence import Autoscaler, ContainerType, Proposal, Scaling, ScalingAnswer
from kubectl_oom.show.scaling import hpa_text, scaling_document, without_hpa
from tests.hostile import NASTY, TEXTS, patient, steering
from tests.proposals import SCALED, bare, hostile, killed, many, named, report_of, screen, with_all
from tests.scaled import Shape, advised, item_of, of_the_day
from tests.test_show_any_proposal import AUTOSCALERS
from tests.worlds import container

if TYPE_CHECKING:
    from collections.abc import Sequence

DAILY = Shape(of_the_day(150, 400))


def objects(items: Sequence[Proposal]) -> list[Any]:
    return list(yaml.safe_load_all(hpa_text(items)))


def test_the_object_is_what_the_numbers_say_with_every_reason_above_it() -> None:
    assert hpa_text([with_all()]) == PRINTED


PRINTED = """\
# deploy/api in shop, container app.
# Its memory seems to fall with load: every day it goes between 50Mi and 80Mi a pod.
# Target 80% of the request of 96Mi, 76.8Mi a pod on average.
# From 3 pods, as many as today, to 6.
# But: ResourceQuota team has 100Mi of requests left.
# The controller needs the metrics API (metrics-server). Take `replicas` out of the workload's
#   manifest, or every apply sets it back.
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: api
  namespace: shop
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: api
  minReplicas: 3
  maxReplicas: 6
  metrics:
  - type: Resource
    resource:
      name: memory
      target:
        type: Utilization
        averageUtilization: 80
  behavior:
    scaleDown:
      stabilizationWindowSeconds: 300
      policies:
      - type: Pods
        value: 1
        periodSeconds: 180
"""


def test_every_workload_has_a_document_of_its_own() -> None:
    items = [with_all(), named(with_all(), "shop", "worker"), named(with_all(), "tools", "api")]

    found = [(made["metadata"]["namespace"], made["metadata"]["name"]) for made in objects(items)]
    assert found == [("shop", "api"), ("shop", "worker"), ("tools", "api")]


def test_two_containers_of_a_workload_are_two_metrics_and_the_larger_numbers() -> None:
    assert SCALED.autoscaler is not None
    of_app = replace(SCALED.autoscaler, container="app")
    of_web = replace(SCALED.autoscaler, container="web", max_replicas=9, keep_seconds=900, target_percent=70)
    app, web = (
        replace(with_all(), scaling=replace(SCALED, autoscaler=made), size=replace(with_all().size, container=name))
        for made, name in ((of_app, "app"), (of_web, "web"))
    )
    (made,) = objects([app, web])

    assert [metric["containerResource"]["container"] for metric in made["spec"]["metrics"]] == ["app", "web"]
    assert made["spec"]["metrics"][1] == {
        "type": "ContainerResource",
        "containerResource": {
            "container": "web",
            "name": "memory",
            "target": {"type": "Utilization", "averageUtilization": 70},
        },
    }
    assert (made["spec"]["minReplicas"], made["spec"]["maxReplicas"]) == (3, 9)
    assert made["spec"]["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 900


def test_a_container_with_others_beside_it_is_scaled_by_its_own_memory() -> None:
    proxy = container("proxy", limit=64, request=32, type=ContainerType.SIDECAR)
    (made,) = objects(advised(DAILY, proxy).items)

    assert [metric["type"] for metric in made["spec"]["metrics"]] == ["ContainerResource"]


def test_nothing_is_printed_where_nothing_applies_and_the_reason_is_said_beside_it() -> None:
    level = advised(Shape(lambda _: 300)).items

    assert hpa_text(level) == ""
    (told,) = without_hpa(level)
    assert told == (
        "no autoscaler for deploy/api in shop, container app: Its memory does not fall with load: an autoscaler would only "
        "ever add pods. What tells: in 7 days the average over its pods stayed between 300Mi and 300Mi."
    )
    (told,) = without_hpa(bare().items)
    assert told == (
        "no autoscaler for pod/api-0 in shop, container app: A pod that nothing owns has no number of pods that an "
        "autoscaler could set."
    )


def test_many_workloads_without_an_autoscaler_are_counted_by_the_reason() -> None:
    level = item_of(advised(Shape(lambda _: 300)))
    items = [named(level, "shop", f"level-{n}") for n in range(12)] + [with_all()]

    assert list(without_hpa(items)) == ["no autoscaler for 12 workloads: memory does not fall with load"]
    assert len(objects(items)) == 1


def test_the_screen_has_one_short_section_and_only_where_there_is_something_to_do() -> None:
    assert "More replicas instead (possible):" in screen(killed()).splitlines()
    for report in (bare(), advised(Shape(lambda _: 300))):
        assert "eplicas instead" not in screen(report)


def test_the_wide_screen_says_why_not_and_what_would_tell() -> None:
    level = screen(advised(Shape(lambda _: 300)), wide=True)
    short = screen(advised(replace(DAILY, since=24)), wide=True)

    assert "More replicas instead: no:" in level.splitlines()
    assert "More replicas instead: not known:" in short.splitlines()
    assert "What would tell: two days of samples, which hold two highs and two lows." in " ".join(short.split())


def test_an_autoscaler_that_only_ever_adds_pods_is_told_on_every_screen() -> None:
    existing = replace(SCALED, answer=ScalingAnswer.EXISTS, autoscaler=None, warnings=("It only adds pods.",))
    shown = screen(report_of(replace(with_all(), scaling=existing))).splitlines()

    assert shown[shown.index("Its autoscaler:") + 1] == "  - It only adds pods."


def test_the_data_has_every_number_and_null_for_what_is_not_there() -> None:
    found = scaling_document(SCALED)
    nothing = scaling_document(Scaling(answer=ScalingAnswer.CANNOT_SCALE, reason="It runs as one pod."))

    assert found is not None and nothing is not None
    assert found["autoscaler"] == {
        "container": None,
        "targetPercent": 80,
        "targetBytes": 80_530_636,
        "requestBytes": 100_663_296,
        "minReplicas": 3,
        "maxReplicas": 6,
        "keepSeconds": 300,
        "pauseSeconds": 180,
    }
    assert nothing == {
        "answer": "cannot-scale",
        "reason": "It runs as one pod.",
        "confidence": None,
        "sentences": [],
        "warnings": [],
        "wouldTell": None,
        "autoscaler": None,
    }


def test_hostile_names_stay_in_their_place() -> None:
    (made,) = objects(hostile().items)

    assert set(made) == {"apiVersion", "kind", "metadata", "spec"}
    assert objects(many().items)


@patient
@given(made=AUTOSCALERS, reason=NASTY, texts=TEXTS, name=NASTY, count=st.integers(1, 3))
def test_whatever_the_texts_are_they_are_comments_and_the_objects_are_whole(
    *, made: Autoscaler, reason: str, texts: tuple[str, ...], name: str, count: int
) -> None:
    scaling = replace(SCALED, autoscaler=made, reason=reason, sentences=texts, warnings=texts)
    items = [named(replace(with_all(), scaling=scaling), "shop", f"{name}{n}") for n in range(count)]
    text = hpa_text(items)

    assert text.isascii()
    assert [line for line in text.splitlines() if steering(line)] == []
    found = list(yaml.safe_load_all(text))
    assert [document["kind"] for document in found] == ["HorizontalPodAutoscaler"] * count
    assert {document["spec"]["minReplicas"] for document in found} == {made.min_replicas}
