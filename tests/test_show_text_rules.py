"""What holds for every screen of `why`, beyond the whole ones."""

from __future__ import annotations

import re
from dataclasses import replace

from kubectl_oom.evidence import (
    Citation,
    Confidence,
    ContainerType,
    Finding,
    NodeAnswer,
    Report,
    Severity,
    Verdict,
)
from kubectl_oom.show.colour import NO_PAINT, Paint
from kubectl_oom.show.next_steps import Place
from kubectl_oom.show.text import report
from tests.test_show_cases import BARE, CASES, NO_EVENTS, NO_KUBELET, NO_PROMETHEUS, NOW, before, diagnosis
from tests.test_show_text import screen


def test_one_container_is_one_screen() -> None:
    heights = {case: screen(case).count("\n") for case in CASES if case not in {"two victims", "many"}}

    assert max(heights.values()) <= 45


def test_colour_adds_nothing_but_colour() -> None:
    plain = list(report(CASES["container limit"], now=NOW, paint=NO_PAINT))
    coloured = list(report(CASES["container limit"], now=NOW, paint=Paint(on=True)))

    assert "\x1b" not in "".join(plain)
    assert coloured[0] == (
        "\x1b[31mdeploy/api (pod api-7d4b9c6f5-x2k4q, container app) was OOM-killed at its own\x1b[0m"
    )
    assert coloured[1] == "\x1b[31mmemory limit of 100Mi, 5m12s ago.\x1b[0m  \x1b[2m[likely]\x1b[0m"
    assert [re.sub(r"\x1b\[\d+m", "", line) for line in coloured] == plain


def test_only_commands_that_exist_are_proposed() -> None:
    lines = list(report(CASES["container limit"], now=NOW, paint=NO_PAINT, commands={"why"}))

    assert lines[-1] == "    -> Bind the ClusterRole of docs/rbac.yaml, then: kubectl oom doctor"


def test_the_namespace_of_the_context_needs_no_flag_and_another_one_does() -> None:
    at_home = list(report(CASES["container limit"], now=NOW, paint=NO_PAINT, place=Place(namespace="shop")))
    abroad = list(report(CASES["container limit"], now=NOW, paint=NO_PAINT, place=Place(namespace="default")))

    assert at_home[-1] == "  kubectl oom fix deploy/api        # see the change"
    assert abroad[-1] == "  kubectl oom fix deploy/api -n shop        # see the change"


def test_containers_of_several_namespaces_are_told_apart() -> None:
    report_of_two = Report(items=(diagnosis(), diagnosis(namespace="pay", killed_at=before(900))), gaps=())

    first, second = [line for line in report(report_of_two, now=NOW, paint=NO_PAINT) if line.startswith("deploy/api")]

    assert first.startswith("deploy/api in namespace shop (pod")
    assert second.startswith("deploy/api in namespace pay (pod")


def test_a_node_that_was_asked_about_is_answered_first() -> None:
    told = Citation(source="node event", field="SystemOOM", value="System OOM encountered", at=before(300))
    nodes = (
        NodeAnswer(
            name="worker-3",
            ran_out=True,
            confidence=Confidence.CERTAIN,
            because="The node itself ran out of memory.",
            evidence=(told,),
        ),
        NodeAnswer(name="worker-4", ran_out=False, confidence=Confidence.LIKELY, because="It has room.", evidence=()),
        NodeAnswer(
            name="worker-5", ran_out=None, confidence=Confidence.POSSIBLE, because="It cannot be read.", evidence=()
        ),
    )

    lines = list(report(Report(items=CASES["evicted"].items, gaps=(), nodes=nodes), now=NOW, paint=NO_PAINT))

    assert lines[:11] == [
        "node/worker-3 ran out of memory.  [certain]",
        "The node itself ran out of memory.",
        "Evidence:",
        "  5m  node event: SystemOOM = System OOM encountered",
        "",
        "Nothing shows that node/worker-4 ran out of memory.  [likely]",
        "It has room.",
        "",
        "Whether node/worker-5 ran out of memory cannot be told.  [possible]",
        "It cannot be read.",
        "",
    ]
    assert lines[11].startswith("pod/batch-0 (container app) was evicted")


def test_an_empty_report_says_so() -> None:
    assert list(report(Report(items=(), gaps=()), now=NOW, paint=NO_PAINT)) == ["No container was found to look at."]


def test_an_init_container_that_did_its_work_is_not_an_end_to_explain() -> None:
    done = diagnosis(
        **BARE,
        verdict=Verdict.NOT_OOM,
        container="migrate",
        container_type=ContainerType.INIT,
        exit_code=0,
        reason="Completed",
        because="It ended by itself with exit code 0.",
        evidence=(),
    )

    lines = list(report(Report(items=(done,), gaps=()), now=NOW, paint=NO_PAINT))

    assert lines == [
        "Nothing in deploy/api (pod api-7d4b9c6f5-x2k4q) was killed that any source can",
        "show.",
        "It ended by itself with exit code 0.",
        "Next:",
        "  kubectl logs pod/api-7d4b9c6f5-x2k4q -c migrate --previous -n shop",
        "  kubectl describe pod/api-7d4b9c6f5-x2k4q -n shop  # its probes and events",
    ]


def test_a_crash_beside_a_healthy_container_is_told_in_full_and_the_rest_as_a_row() -> None:
    crash = diagnosis(
        **BARE,
        verdict=Verdict.NOT_OOM,
        exit_code=1,
        reason="Error",
        because="It ended with exit code 1, which is no kernel OOM kill.",
        evidence=(),
    )
    healthy = CASES["nothing killed"].items[1]

    lines = list(report(Report(items=(healthy, crash), gaps=()), now=NOW, paint=NO_PAINT))

    assert lines[0] == "deploy/api (pod api-7d4b9c6f5-x2k4q, container app) ended 5m12s ago (Error, exit"
    assert "Nothing else was killed that any source can show." in lines


def test_gaps_that_the_same_remedy_closes_name_it_once() -> None:
    gaps = (NO_EVENTS, replace(NO_KUBELET, remedy=NO_EVENTS.remedy), NO_EVENTS, NO_PROMETHEUS)

    lines = list(report(Report(items=(), gaps=gaps), now=NOW, paint=NO_PAINT))

    assert lines[1:] == [
        "Could not see:",
        '  node events: forbidden: User "ann" cannot list resource "events" in API group',
        '    "" at the cluster scope',
        '  kubelet metrics/cadvisor: forbidden: User "ann" cannot get resource',
        '    "nodes/proxy" in API group "" at the cluster scope',
        "    -> Bind the ClusterRole of docs/rbac.yaml, then: kubectl oom doctor",
        "  Prometheus: no --prometheus-url was given",
        "    -> kubectl oom why pod/x --prometheus-url URL",
    ]


def test_critical_findings_come_first() -> None:
    findings = tuple(Finding(code=severity.value, severity=severity, message="m") for severity in reversed(Severity))

    lines = list(report(Report(items=(diagnosis(findings=findings),), gaps=()), now=NOW, paint=NO_PAINT))
    place = lines.index("Findings:")

    assert lines[place + 1 : place + 4] == ["  critical critical: m", "  warning warning: m", "  info info: m"]
