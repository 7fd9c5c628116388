"""Whatever a cluster or a file answers: an answer, an OomError or a ReadError, and soon."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubectl_oom.errors import OomError
from kubectl_oom.judge.diagnose import diagnose
from kubectl_oom.read import kubelet, objects
from kubectl_oom.read.allowances import limit_rules_of, quota_of
from kubectl_oom.read.autoscalers import horizontal_of, vertical_of
from kubectl_oom.read.gather import Wants, gather
from kubectl_oom.read.heap_log import MAX_LINE, MAX_LINES, heap_lines_in
from kubectl_oom.read.history_json import history_from_json, history_to_json
from kubectl_oom.read.node_room import node_room_of
from kubectl_oom.read.past_case import workloads_of
from kubectl_oom.read.recording import RecordingSource
from kubectl_oom.read.replay import RecordedSource, load
from kubectl_oom.read.resources import requested_bytes
from kubectl_oom.read.rollout import pod_spec_of, rollout_of, template_of
from kubectl_oom.read.room import read_rooms
from kubectl_oom.read.settings import command_of, settings_of
from kubectl_oom.read.slim import slim
from kubectl_oom.read.source import DEPLOYMENTS, PODS, Json, Kind, ReadError
from kubectl_oom.read.targets import Scope, Target
from tests import junk
from tests.build import NOW
from tests.in_memory import InMemory, cluster
from tests.junk import JUNK, mangled

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# The machine that runs this may be busy; what takes seconds on so little input is still found.
quick = settings(deadline=2000, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
KINDS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob")
TARGETS = (Target(PODS, "api-0"), Target(PODS, None), Target(DEPLOYMENTS, "api"), Target(DEPLOYMENTS, None))

READERS: dict[str, tuple[Callable[[Json], object], Json]] = {
    "pod": (objects.pod_of, junk.POD),
    "slim pod": (slim, junk.POD),
    "pod of a slim pod": (lambda item: objects.pod_of(slim(item)), junk.POD),
    "requests": (requested_bytes, junk.POD),
    "owners": (objects.owners_of, junk.POD),
    "event": (objects.event_of, junk.EVENTS[0]),
    "slim event": (slim, junk.EVENTS[1]),
    "event of a series": (objects.event_of, junk.EVENTS[4]),
    "node": (objects.node_of, junk.NODE),
    "limit range": (objects.limit_defaults_of, junk.LIMIT_RANGE),
    "summary": (kubelet.from_summary, junk.SUMMARY),
    "slim summary": (lambda item: kubelet.from_summary(kubelet.memory_of(item)), junk.SUMMARY),
    "pod metrics": (kubelet.from_pod_metrics, junk.POD_METRICS),
    "limit rules": (limit_rules_of, junk.LIMIT_RANGE),
    "quota": (lambda item: quota_of(item, {}, ()), junk.RESOURCE_QUOTA),
    "quota of any pod": (lambda item: quota_of(junk.RESOURCE_QUOTA, item, (None,)), junk.POD["spec"]),
    "horizontal autoscaler": (horizontal_of, junk.HORIZONTAL_AUTOSCALER),
    "slim horizontal autoscaler": (lambda item: horizontal_of(slim(item)), junk.HORIZONTAL_AUTOSCALER),
    "vertical autoscaler": (vertical_of, junk.VERTICAL_AUTOSCALER),
    "rollout": (lambda item: [rollout_of(item, kind) for kind in KINDS], junk.WORKLOAD),
    "template": (lambda item: template_of(pod_spec_of(item, "Deployment")), junk.WORKLOAD),
    "node for pods": (lambda item: node_room_of(item, junk.POD["spec"], "Deployment"), junk.NODE),
    "pods for a node": (lambda item: node_room_of(junk.NODE, item, "DaemonSet"), junk.POD["spec"]),
    "settings": (settings_of, junk.POD["spec"]["containers"][0]),
    "command": (command_of, junk.POD["spec"]["containers"][0]),
}


@pytest.mark.parametrize("name", READERS)
def test_any_object_is_read_as_far_as_it_goes(name: str) -> None:
    read, whole = READERS[name]

    @quick
    @given(mangled(whole) | st.dictionaries(junk.KEYS, JUNK, max_size=4))
    def check(item: Json) -> None:
        read(item)

    check()


@quick
@given(junk.pages())
def test_any_page_of_a_kubelet_is_read_as_far_as_it_goes(page: str) -> None:
    numbers = kubelet.from_cadvisor(page)

    assert all(now.source == kubelet.CADVISOR for both in numbers.containers.values() for now in both)
    kubelet.lines_about(kubelet.memory_lines(page), {("shop", "api-0")})


@quick
@given(st.text(max_size=400))
def test_any_log_gives_a_few_short_lines(text: str) -> None:
    lines = heap_lines_in(f"{text}\nfatal error: out of memory {text}\n" * 7, pod="p", container="c")

    assert 1 <= len(lines) <= MAX_LINES
    assert all(len(line.text) <= MAX_LINE for line in lines)


@quick
@given(junk.histories())
def test_any_history_of_a_file_is_one_or_is_refused(document: Json) -> None:
    try:
        read = history_from_json(document, pods=None, nodes=None, since=None, until=None)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return
    again = history_from_json(history_to_json(read), pods=None, nodes=None, since=None, until=None)
    assert again == read


@pytest.mark.parametrize(
    "read",
    [
        lambda: kubelet.from_cadvisor("container_memory_rss{" + "a" * 200_000 + "} 1\n"),
        lambda: kubelet.from_cadvisor('container_memory_rss{a="' + "\\" * 200_000 + "} 1\n"),
        lambda: kubelet.from_cadvisor("container_memory_rss{" + "} 1 " * 50_000 + "\n"),
        lambda: kubelet.lines_about('a="' * 70_000, set()),
        lambda: heap_lines_in("FATAL ERROR: " * 20_000, pod="p", container="c"),
        lambda: heap_lines_in("could not resize shared memory segment " * 7_000, pod="p", container="c"),
        lambda: objects.when("1" * 200_000),
        lambda: objects.pod_of({"spec": {"containers": [{"resources": {"limits": {"memory": "9" * 200_000}}}]}}),
        lambda: slim({"spec": {"containers": [{"args": ["-XX:" + "a" * 20_000, "-w " * 20_000]}]}}),
    ],
    ids=range(9),
)
def test_long_input_takes_no_long_time(read: Callable[[], object]) -> None:
    started = time.perf_counter()

    read()

    assert time.perf_counter() - started < 2


# --- whole cases ----------------------------------------------------------------------------------------------------


@dataclass
class Anything(InMemory):
    """Whatever is asked for, what is there of that kind is the answer."""

    def get(self, kind: Kind, namespace: str | None, name: str) -> Json:
        items = self.list(kind, namespace)
        if not items:
            raise ReadError("NotFound", f"{name} not found", 404)
        return items[0]

    def list(self, kind: Kind, namespace: str | None, *, labels: str = "", fields: str = "") -> list[Json]:
        self.asked[f"{kind.plural} {namespace} {labels} {fields}"] += 1
        return self.objects.get(kind.qualified, [])


@st.composite
def sources(draw: st.DrawFn) -> Anything:
    """A cluster whose every answer is mangled."""
    deployment = {
        "kind": "Deployment",
        "metadata": {"name": "api", "uid": "u"},
        "spec": {"selector": {"matchLabels": {"app": "api"}}},
    }
    held = {
        "pods": [draw(mangled(junk.POD)), draw(mangled(junk.POD, most=2))],
        "events": [draw(mangled(event, most=2)) for event in junk.EVENTS],
        "nodes": [draw(mangled(junk.NODE))],
        "limitranges": [draw(mangled(junk.LIMIT_RANGE))],
        "replicasets.apps": [draw(mangled(junk.REPLICA_SET))],
        "deployments.apps": [draw(mangled(deployment))],
        "resourcequotas": [draw(mangled(junk.RESOURCE_QUOTA))],
        "horizontalpodautoscalers.autoscaling": [draw(mangled(junk.HORIZONTAL_AUTOSCALER))],
        "verticalpodautoscalers.autoscaling.k8s.io": [draw(mangled(junk.VERTICAL_AUTOSCALER))],
    }
    try:
        remembered = history_from_json(draw(junk.histories()), pods=None, nodes=None, since=None, until=None)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        remembered = None
    return Anything(
        objects=held,
        pages={"node-a": draw(junk.pages())},
        summaries={"node-a": draw(mangled(junk.SUMMARY))},
        metrics={"api-0": draw(mangled(junk.POD_METRICS))},
        remembered=remembered,
        failures=draw(st.sampled_from([{}, {"kubelet metrics": ReadError("Forbidden", "no", 403)}])),
    )


def _why(source: InMemory | RecordedSource | RecordingSource, target: Target) -> Any:
    """The report, or None where the answer is an error with one line."""
    scope = Scope(targets=(target,), namespace="shop")
    try:
        case = gather(source, scope, now=NOW, wants=Wants())
    except (OomError, ReadError):
        return None
    pasts = workloads_of(scope, case)
    assert len(read_rooms(source, case, pasts)) == len(pasts)
    report = diagnose(case, now=NOW)
    assert all(item.because for item in report.items)
    return report


@quick
@given(sources(), st.sampled_from(TARGETS))
def test_any_cluster_gets_a_report_or_an_error_of_ours(source: Anything, target: Target) -> None:
    report = _why(source, target)

    if report is not None:
        keys = [(item.namespace, item.pod, item.container) for item in report.items]
        assert len(set(keys)) <= len(keys)


@quick
@given(sources(), st.sampled_from(TARGETS))
def test_any_cluster_can_be_recorded_and_read_again(
    tmp_path_factory: pytest.TempPathFactory, source: Anything, target: Target
) -> None:
    recording = RecordingSource(source, NOW)
    live = _why(recording, target)
    path = tmp_path_factory.getbasetemp() / "recorded.json"
    path.write_text(json.dumps(recording.tape.to_json()), encoding="utf-8")

    replayed = _loaded(path)  # None: one without a name, which no API server has
    if live is not None and replayed is not None:
        _why(replayed, target)


def _snapshot() -> Json:
    source = cluster()
    recording = RecordingSource(source, NOW)
    for target in TARGETS:
        gather(recording, Scope(targets=(target,), namespace="shop"), now=NOW, wants=Wants())
    recording.kubelet_summary("node-a")
    recording.pod_metrics("shop", "api-0")
    recording.heap_lines("shop", "api-0", "app", previous=True)
    return recording.tape.to_json()


@quick
@given(mangled(json.loads(json.dumps(_snapshot()))), st.sampled_from(TARGETS))
def test_any_snapshot_is_answered_or_refused(
    tmp_path_factory: pytest.TempPathFactory, tape: Json, target: Target
) -> None:
    path: Path = tmp_path_factory.getbasetemp() / "mangled.json"
    path.write_text(json.dumps(tape), encoding="utf-8")

    source = _loaded(path)
    if source is None:
        return
    _why(source, target)
    with contextlib.suppress(ReadError):
        kubelet.from_summary(source.kubelet_summary("node-a"))
    with contextlib.suppress(ReadError):
        kubelet.from_pod_metrics(source.pod_metrics("shop", "api-0"))
    with contextlib.suppress(ReadError):
        source.heap_lines("shop", "api-0", "app", previous=True)


def _loaded(path: Path) -> RecordedSource | None:
    """The snapshot, or None where it was refused with one clear line and the next step."""
    try:
        return load(str(path))
    except OomError as error:
        return None if error.message.startswith("error: ") and error.hint else pytest.fail(str(error))


@quick
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_no_snapshot(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes.json"
    path.write_bytes(content)

    with pytest.raises(OomError):
        load(str(path))
