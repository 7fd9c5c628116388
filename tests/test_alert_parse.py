"""PromQL read into trees: what is read is what Prometheus reads, what is not is refused with its place."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_oom.evidence.alerting import FoundRule
from kubectl_oom.judge.alert_lint import lint
from kubectl_oom.judge.alert_lint.parse import NotReadError, parse
from kubectl_oom.judge.alert_lint.syntax import Binary, Selector, text_of, walk
from tests.engines import require_program
from tests.promtool import check, rules_file

if TYPE_CHECKING:
    from pathlib import Path

SPELLED = {
    "sum(x) by (a)": "sum by (a) (x)",
    "SUM BY(a,b)(rate(x{y='z'}[5m]))": 'sum by (a, b) (rate(x{y="z"}[5m]))',
    "a+b*c^d^e": "a + b * c ^ d ^ e",
    "(a+b)*c": "(a + b) * c",
    "a-b-c": "a - b - c",
    "a AND ON(x) b Or c": "a and on (x) b or c",
    "x offset -5m @ end()": "x offset -5m @ end()",
    "max_over_time(x[1h:])": "max_over_time(x[1h:])",
    "a > bool 1": "a > bool 1",
    "a * on (x) group_left b": "a * on (x) group_left () b",
    '{__name__="up", job="x",}': 'up{job="x"}',
    '{"up", job="x"}': 'up{job="x"}',
    "x{a=`\\d`}": 'x{a="\\\\d"}',
    "inf": "inf",
    "# a comment\n up # more": "up",
    "time() - 1e3": "time() - 1e3",
    "sum by (on, by) (x)": "sum by (on, by) (x)",
}


@pytest.mark.parametrize("expr", SPELLED)
def test_an_expression_is_read_and_spelled_in_one_way(expr: str) -> None:
    assert text_of(parse(expr)) == SPELLED[expr]
    assert parse(SPELLED[expr]) == parse(text_of(parse(expr)))


def test_prometheus_reads_both_spellings(tmp_path: Path) -> None:
    old = [expr for expr in SPELLED if not expr.startswith('{"')]  # quoted names are of version 3

    check(rules_file(tmp_path, {f"A{number}": expr for number, expr in enumerate([*old, *SPELLED.values()])}))


@pytest.mark.parametrize(
    ("expr", "said"),
    [
        ("sum(x", "it ends too early"),
        ("", "it ends too early"),
        ("rate(x[$__rate_interval])", "a window of [$__rate_interval] is not understood"),
        ("x{a=1}", 'not understood from "}" on'),
        ("{{ .Values.expr }}", 'not understood from ".Values.expr }}" on'),
        ("a if b", 'not understood from "if b" on'),
        ("(" * 500 + "x" + ")" * 500, "nested too deeply"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_place(expr: str, said: str) -> None:
    with pytest.raises(NotReadError) as error:
        parse(expr)

    assert str(error.value) == said


def test_operators_bind_as_in_prometheus() -> None:
    outer = parse("a or b unless c == d + e * f")

    assert isinstance(outer, Binary)
    assert [node.op for node, _ in walk(outer) if isinstance(node, Binary)] == ["or", "unless", "==", "+", "*"]


@given(st.text(alphabet="abx_{}()[]=~!<>\"' ,.+-*/^%:5m0@#\\or and unless by sum increase offset", max_size=60))
def test_no_text_breaks_the_check(text: str) -> None:
    (one,) = lint([FoundRule(source="x", line=None, group="", name="x", is_alert=True, expr=text)])
    try:
        tree = parse(text)
    except NotReadError:
        assert [fault.code for fault in one.faults] == ["not-checked"]
    else:
        assert text_of(parse(text_of(tree))) == text_of(tree)


_NAMES = st.sampled_from(
    [
        "kube_pod_container_status_restarts_total",
        "kube_pod_container_status_last_terminated_reason",
        "kube_pod_container_status_terminated_reason",
        "container_memory_usage_bytes",
        "container_spec_memory_limit_bytes",
        "kube_pod_container_resource_limits",
        "container_oom_events_total",
        "node_vmstat_oom_kill",
        "up",
    ]
)
_MATCHERS = st.sampled_from(["", '{reason="OOMKilled"}', '{container!=""}', '{name!=""}', '{namespace="a",pod=~"b.*"}'])
_SELECTORS = st.builds("{}{}".format, _NAMES, _MATCHERS)
_FUNCTIONS = st.sampled_from(["increase", "rate", "changes", "max_over_time", "delta"])
_LEAVES = _SELECTORS | st.builds("{}({}[5m])".format, _FUNCTIONS, _SELECTORS)
_JOINS = st.sampled_from(
    ["and", "unless", "/", "*", "and on (pod)", "/ on (namespace, pod)", "-", "or", "and ignoring (reason)"]
)


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    sums = st.builds("sum by ({}) ({})".format, st.sampled_from(["pod", "namespace, pod", "pod_name"]), inner)
    return (
        sums
        | st.builds("({} {} {})".format, inner, _JOINS, inner)
        | st.builds("({} > {})".format, inner, st.sampled_from("01"))
    )


@given(st.lists(st.recursive(_LEAVES, _larger, max_leaves=4), min_size=1, max_size=4))
def test_whatever_is_mended_is_right_by_the_same_check(expressions: list[str]) -> None:
    for expr in expressions:
        (one,) = lint([FoundRule(source="x", line=None, group="", name="oom", is_alert=True, expr=expr)])
        if one.mended is not None:
            (again,) = lint([FoundRule(source="x", line=None, group="", name="oom", is_alert=True, expr=one.mended)])
            alone = {"oom-counter-alone", "ended-reason-alone"}
            assert {f.code for f in again.faults if f.severity.value != "info"} <= alone
            assert any(isinstance(node, Selector) for node, _ in walk(parse(one.mended)))


def test_what_prometheus_refuses_as_no_expression_is_refused_here_too(tmp_path: Path) -> None:
    require_program("promtool")
    for number, expr in enumerate(("sum(", "a b", "x{", "x[5m", "and a", "x{a}", "by (x) y")):
        file = rules_file(tmp_path, {f"A{number}": expr})
        done = subprocess.run(["promtool", "check", "rules", str(file)], capture_output=True, check=False, timeout=60)
        assert done.returncode != 0
        with pytest.raises(NotReadError):
            parse(expr)
