"""What a watch prints: one line for each event, whole and harmless, and one document that the schema knows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from kubectl_oom.evidence import ContainerType, EndsMissed, KillSeen, Mark, Owner, Warned, WatchEvent
from kubectl_oom.show.colour import NO_PAINT, Paint
from kubectl_oom.show.watching import event_document, line, to_json_line
from tests.build import LIMIT, MI, NOW, ago, container, end, pod
from tests.test_show_cases import diagnosis

SCHEMA = Draft202012Validator(json.loads((Path(__file__).parents[1] / "docs" / "schema.json").read_text()))
API = Owner(api_version="apps/v1", kind="Deployment", name="api")
KILLED = KillSeen(diagnosis=diagnosis(), gaps=())
CLOSE = Warned(
    namespace="shop",
    pod="api-0",
    node="node-a",
    container="app",
    container_type=ContainerType.APP,
    workload=API,
    limit_bytes=LIMIT,
    mark=Mark.CLOSE,
    working_set_bytes=87 * MI,
    growth_bytes_per_hour=None,
    least_seconds=None,
    most_seconds=None,
)
PROJECTED = replace(
    CLOSE,
    mark=Mark.PROJECTED,
    working_set_bytes=60 * MI,
    growth_bytes_per_hour=10.0 * MI,
    least_seconds=7200.0,
    most_seconds=14400.0,
)
MISSED = EndsMissed(pod=pod(container(end())), container=container(end()), ends=2, since=ago(60))
EVENTS: dict[str, WatchEvent] = {"kill": KILLED, "close": CLOSE, "projected": PROJECTED, "missed": MISSED}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "kill",
            (
                "2026-11-20T10:44:48Z  KILLED   shop/api-7d4b9c6f5-x2k4q app  container-limit [likely]  limit 100Mi  "
                "highest sampled 96.1Mi  pattern leak  6 restarts  deploy/api  on worker-3"
            ),
        ),
        (
            "close",
            (
                "2026-11-22T09:00:00Z  WARNING  shop/api-0 app  at 87% of its limit  working set 87Mi of 100Mi  deploy/api  "
                "on node-a"
            ),
        ),
        (
            "projected",
            (
                "2026-11-22T09:00:00Z  WARNING  shop/api-0 app  reaches its limit in 2\N{EN DASH}4 h at this rate  working "
                "set 60Mi of 100Mi, rises 10Mi/h  deploy/api  on node-a"
            ),
        ),
        (
            "missed",
            (
                "2026-11-22T09:00:00Z  MISSED   shop/api-0 app  2 more ends of this container since 2026-11-22T08:59:00Z that "
                "nobody saw: the API keeps only the last"
            ),
        ),
    ],
)
def test_an_event_is_one_line(name: str, expected: str) -> None:
    assert line(EVENTS[name], NOW, paint=NO_PAINT, ascii_only=False) == expected


def test_where_only_ascii_can_be_shown_a_span_is_written_with_a_hyphen() -> None:
    assert "in 2-4 h at this rate" in line(PROJECTED, NOW, paint=NO_PAINT, ascii_only=True)


def test_a_kill_is_red_and_a_warning_yellow() -> None:
    assert "\x1b[31mKILLED \x1b[0m" in line(KILLED, NOW, paint=Paint(on=True), ascii_only=False)
    assert "\x1b[33mWARNING\x1b[0m" in line(CLOSE, NOW, paint=Paint(on=True), ascii_only=False)


@pytest.mark.parametrize("name", EVENTS)
def test_every_event_is_a_document_of_the_schema_on_one_line(name: str) -> None:
    text = to_json_line(EVENTS[name], NOW)

    SCHEMA.validate(json.loads(text))
    assert "\n" not in text
    assert json.loads(text) == event_document(EVENTS[name], NOW)


@pytest.mark.parametrize(
    ("least", "most", "words"),
    [
        (7200.0, 14400.0, "2\N{EN DASH}4 h"),
        (10_000.0, 10_900.0, "about 3 h"),
        (1200.0, 2400.0, "20\N{EN DASH}40 min"),
        (5.0, 20.0, "about 1 min"),
        (3000.0, 7100.0, "50\N{EN DASH}118 min"),
    ],
)
def test_the_time_left_is_said_in_whole_hours_or_minutes(least: float, most: float, words: str) -> None:
    event = replace(PROJECTED, least_seconds=least, most_seconds=most)

    assert f"in {words} at this rate" in line(event, NOW, paint=NO_PAINT, ascii_only=False)


def test_a_hostile_name_steers_no_terminal() -> None:
    evil = "api\x1b[2J\nKILLED"
    event = replace(CLOSE, pod=evil)

    shown = line(event, NOW, paint=NO_PAINT, ascii_only=True)

    assert "\x1b" not in shown + to_json_line(event, NOW)
    assert len(shown.splitlines()) == 1
    assert json.loads(to_json_line(event, NOW))["pod"] == evil
