"""What must hold of every diagnosis, whatever the evidence."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_oom.evidence import Condition, Confidence, ContainerType, Verdict
from kubectl_oom.judge.diagnose import diagnose
from kubectl_oom.judge.fullness import AT_THE_LIMIT, HAD_ROOM
from tests.build import (
    EARLIER_ID,
    KILLED,
    LIMIT,
    MI,
    NODE_SIZE,
    NOW,
    TMPFS,
    ago,
    case,
    container,
    counted,
    end,
    event,
    heap_line,
    history,
    kernel_line,
    killing,
    last_end,
    life,
    node,
    node_event,
    now_of,
    pod,
    samples,
    system_oom,
    unhealthy,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import DrawFn

    from kubectl_oom.evidence import CaseFile, Container, Diagnosis, Event, Node, Pod

quick = settings(deadline=2000, max_examples=40)
REASONS = st.sampled_from(["OOMKilled", "Error", "Completed", "StartError", "ContainerStatusUnknown", None])
CODES = st.sampled_from([137, 0, 1, 2, 128, 134, 139, 143, None])
SECONDS = st.integers(0, 5000)
SHARES = st.floats(0.01, 1.3)
KILLS = {Verdict.NOT_OOM, Verdict.NO_TERMINATION}


@st.composite
def containers(draw: DrawFn, name: str) -> Container:
    """A container with none, one or two ends, of any kind."""
    ends = [draw(_ends(n)) for n in range(draw(st.integers(0, 2)))]
    return container(
        *ends,
        name=name,
        limit=draw(st.sampled_from([LIMIT, None, 400 * MI])),
        type=draw(st.sampled_from(ContainerType)),
        restart_count=draw(st.integers(0, 9)),
        probes=draw(st.sampled_from([(), ("liveness",), ("startup", "readiness")])),
        memory_volumes=draw(st.sampled_from([(), (TMPFS,)])),
        runtime=draw(st.sampled_from([None, "containerd", "cri-o"])),
    )


@st.composite
def _ends(draw: DrawFn, place: int) -> Any:
    make = last_end if place == 0 and draw(st.booleans()) else end
    timing: dict[str, Any] = {"killed": KILLED + 2000 * place + draw(SECONDS), "lived": draw(SECONDS)}
    whose: dict[str, Any] = {} if place == 0 else {"container_id": EARLIER_ID}
    return make(draw(REASONS), draw(CODES), **timing, **whose)


@st.composite
def pod_events(draw: DrawFn) -> tuple[Event, ...]:
    """What the kubelet told about the pod."""
    makers: list[Callable[..., Event]] = [killing, unhealthy, lambda at: event("Started", "Container started", at=at)]
    many: dict[str, Any] = {"count": 4, "since": 6000}
    events = [draw(st.sampled_from(makers))(at=draw(SECONDS)) for _ in range(draw(st.integers(0, 3)))]
    return (*events, *([killing(at=draw(SECONDS), **many)] if draw(st.booleans()) else []))


@st.composite
def pods(draw: DrawFn, name: str = "api-0") -> Pod:
    """A pod with one to three containers."""
    names = ["app", "sidecar", "init"][: draw(st.integers(1, 3))]
    disruption = Condition(
        type="DisruptionTarget", status="True", reason="EvictionByEvictionAPI", message=None, at=ago(100)
    )
    return pod(
        *(draw(containers(each)) for each in names),
        name=name,
        uid=f"uid-of-{name}",
        reason=draw(st.sampled_from([None, None, None, "Evicted", "NodeLost"])),
        limit_bytes=draw(st.sampled_from([None, None, 150 * MI])),
        resized=draw(st.booleans()),
        resized_at=draw(st.sampled_from([None, ago(KILLED + 9000), ago(100)])),
        deletion_at=draw(st.sampled_from([None, None, ago(KILLED)])),
        grace_seconds=draw(st.sampled_from([0, 30, 3600, 1 << 62])),
        conditions=draw(st.sampled_from([(), (disruption,)])),
        events=draw(pod_events()),
    )


@st.composite
def nodes(draw: DrawFn) -> Node | None:
    """A node with any of the events that tell of memory, or none."""
    makers: list[Callable[..., Event]] = [
        system_oom,
        kernel_line,
        lambda at: node_event("Starting", at=at),
        lambda at: node_event("NodeReady", at=at),
    ]
    events = [draw(st.sampled_from(makers))(at=draw(SECONDS)) for _ in range(draw(st.integers(0, 3)))]
    return draw(st.sampled_from([node(*events), node(*events, runtime_version="cri-o://1.36"), None]))


@st.composite
def cases(draw: DrawFn, of: Pod | None = None) -> CaseFile:
    """Any evidence about one pod."""
    about = of or draw(pods())
    share = draw(SHARES)
    lives = [
        life(
            samples(
                *draw(st.lists(SHARES.map(lambda s: s * LIMIT), min_size=1, max_size=8)), last=KILLED + draw(SECONDS)
            ),
            container=draw(st.sampled_from(["app", "sidecar"])),
            container_id=draw(st.sampled_from([None, "e" * 64, EARLIER_ID])),
            oom_events=samples(*draw(st.sampled_from([(), (0,), (0, 2)]))),
            limit=samples(*draw(st.sampled_from([(), (0,), (LIMIT,)]))),
        )
        for _ in range(draw(st.integers(0, 2)))
    ]
    seen = history(
        *lives,
        node_share=draw(st.sampled_from([None, share])),
        pod_usage=draw(st.sampled_from([{}, {about.name: samples(share * LIMIT)}])),
    )
    return case(
        about,
        draw(nodes()),
        draw(st.sampled_from([seen, None])),
        heap_lines=draw(st.sampled_from([(), (heap_line("MemoryError", "python", pod=about.name),)])),
        **draw(st.sampled_from([{}, counted(now_of(oom_events=2)), counted(now_of("e" * 64, oom_events=1))])),
    )


def _key(item: Diagnosis) -> tuple[str, str, str]:
    return item.namespace, item.pod, item.container


@quick
@given(cases())
def test_any_evidence_gets_one_answer_for_each_killed_container(file: CaseFile) -> None:
    report = diagnose(file, now=NOW)

    keys = [_key(item) for item in report.items]
    assert len(set(keys)) == len(keys)
    assert set(keys) <= {(of.namespace, of.name, each.name) for of in file.pods for each in of.containers}
    quiet = [item.verdict in KILLS for item in report.items]
    assert all(quiet) or not any(quiet)
    if all(quiet):
        assert len(keys) == sum(len(of.containers) for of in file.pods)


@quick
@given(cases())
def test_every_answer_says_why_on_what_and_with_whole_sentences(file: CaseFile) -> None:
    for item in diagnose(file, now=NOW).items:
        assert item.because.endswith(".")
        assert item.evidence
        assert "None" not in item.because
        assert all(finding.message.endswith(".") for finding in item.findings)
        assert all("None" not in finding.message for finding in item.findings)
        assert bool(item.candidates) == (item.verdict is Verdict.SIGKILL_UNKNOWN)
        assert item.limit_known or item.limit_bytes is None


@quick
@given(cases())
def test_certain_of_the_own_limit_only_with_usage_there_and_a_node_with_room(file: CaseFile) -> None:
    for item in diagnose(file, now=NOW).items:
        if (item.verdict, item.confidence) != (Verdict.CONTAINER_LIMIT, Confidence.CERTAIN):
            continue
        assert file.history is not None
        assert item.limit_bytes is not None
        assert item.killed_at is not None
        late = [
            sample.value
            for each in file.history.lives
            for sample in each.usage
            if 0 <= (item.killed_at - sample.at).total_seconds() <= 90
        ]
        pod_wide = [sample.value for series in file.history.pod_usage.values() for sample in series]
        assert max(late + pod_wide) >= AT_THE_LIMIT * item.limit_bytes
        whole = [sample.value for series in file.history.node_usage.values() for sample in series]
        assert whole
        assert min(whole) <= HAD_ROOM * NODE_SIZE
        assert not any(line.reason == "SystemOOM" and line.last_at == item.killed_at for line in _node_events(file))


def _node_events(file: CaseFile) -> tuple[Event, ...]:
    return file.nodes["node-a"].events if file.nodes else ()


@quick
@given(cases())
def test_a_kernel_verdict_needs_a_mark_or_a_count_or_the_nodes_word(file: CaseFile) -> None:
    for item in diagnose(file, now=NOW).items:
        if item.verdict in (Verdict.CONTAINER_LIMIT, Verdict.POD_LIMIT, Verdict.OOM_SCOPE_UNKNOWN):
            kills = [sample.value for each in file.history.lives for sample in each.oom_events] if file.history else []
            numbers = [now.oom_events for both in file.now_by_container.values() for now in both]
            assert item.reason == "OOMKilled" or any(kills) or any(numbers)
            assert item.exit_code in (137, None)
        if item.verdict is Verdict.NODE:
            assert (
                item.reason == "OOMKilled"
                or any(kind.reason in ("SystemOOM", "OOMKilling") for kind in _node_events(file))
                or (item.limit_bytes is None or file.history is not None)
            )


@quick
@given(cases(), pods("other-0"), st.data())
def test_evidence_about_an_unrelated_pod_changes_nothing(file: CaseFile, unrelated: Pod, data: st.DataObject) -> None:
    elsewhere = data.draw(cases(of=unrelated))
    lives = tuple(replace(each, pod=unrelated.name) for each in (elsewhere.history.lives if elsewhere.history else ()))
    more = replace(
        file,
        pods=(*file.pods, replace(unrelated, events=(*unrelated.events, killing(at=KILLED + 1)))),
        heap_lines=(*file.heap_lines, *elsewhere.heap_lines),
        history=replace(file.history, lives=(*file.history.lives, *lives)) if file.history else None,
    )

    alone = {_key(item): item for item in diagnose(file, now=NOW).items if item.verdict not in KILLS}
    beside = {_key(item): item for item in diagnose(more, now=NOW).items}

    assert {key: beside[key] for key in alone} == alone


@quick
@given(cases())
def test_the_same_evidence_gets_the_same_answer(file: CaseFile) -> None:
    assert diagnose(file, now=NOW) == diagnose(file, now=NOW)


@quick
@given(cases(), st.sampled_from(["app", "sidecar", "init"]))
def test_naming_a_container_narrows_the_answer_to_it(file: CaseFile, name: str) -> None:
    narrowed = diagnose(file, now=NOW, container=name).items

    assert {item.container for item in narrowed} <= {name}
    whole = {_key(item): item for item in diagnose(file, now=NOW).items}
    assert all(whole[_key(item)] == item for item in narrowed if _key(item) in whole)
