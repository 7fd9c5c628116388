"""A heap within the whole answer: it raises the limit, is set beside it, and asks for no more afterwards."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.build import GI, MI, container, end
from tests.heap import run_as
from tests.proposals import over_days, proposed

WEEK = [[600.0, 700.0, 900.0, 700.0]] * 7
OPTIONS = {"JAVA_TOOL_OPTIONS": "-XX:MaxRAMPercentage=90 -XX:+ExitOnOutOfMemoryError"}


def test_a_killed_heap_in_percent_raises_the_limit_by_its_sum_and_not_again() -> None:
    java = container(end(), limit=GI, request_bytes=GI // 2, env=run_as(env=OPTIONS).env)

    (item,) = proposed(java, over_days(*WEEK)).items
    assert item.heap is not None
    assert item.size.recommended is not None
    assert item.heap.least_limit_bytes == pytest.approx(GI * 0.35 / 0.1, abs=8)
    assert item.size.recommended.limit_bytes == 3584 * MI
    assert any("Its own heap decides" in sentence for sentence in item.size.rationale)
    assert item.change.heap_command == (
        "kubectl set env deployment/api -n shop -c app "
        "'JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=75 -XX:+ExitOnOutOfMemoryError'"
    )


def test_the_heap_of_a_limit_that_was_set_asks_for_that_limit_again() -> None:
    java = container(end(), limit=GI, request_bytes=GI // 2, env=run_as(env=OPTIONS).env)
    (first,) = proposed(java, over_days(*WEEK)).items
    assert first.size.recommended is not None

    raised = replace(java, terminations=(), limit_bytes=first.size.recommended.limit_bytes)
    (again,) = proposed(raised, over_days(*WEEK)).items
    assert again.size.recommended is not None
    assert again.size.recommended.limit_bytes is not None
    assert again.size.recommended.limit_bytes <= 3584 * MI


def test_no_command_writes_a_variable_that_is_not_known_whole() -> None:
    env = run_as(env={"JAVA_TOOL_OPTIONS": "-XX:MaxRAMPercentage=90 -javaagent:/agent.jar"}).env

    (item,) = proposed(container(end(), limit=GI, request_bytes=GI // 2, env=env), over_days(*WEEK)).items
    assert item.change.command is not None
    assert item.change.heap_command is None
    assert item.heap is not None
    assert [(one.name, one.value, one.is_env) for one in item.heap.settings] == [("-XX:MaxRAMPercentage", "75", False)]
