"""`list` as people and scripts use it: its rows, its forms, its exit codes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kubectl_oom.evidence import Confidence, ContainerType, Gap, KillList, ListedKill, Owner, Pattern, Verdict
from kubectl_oom.show.document import to_json, to_yaml
from kubectl_oom.show.kill_list_document import kill_list_document
from kubectl_oom.show.kill_rows import lines, names
from tests.build import LIMIT, MI, NOW, ago
from tests.connection.servers import Asked, Reply, api_server
from tests.documents import ROOT, SCHEMA
from tests.in_memory import pod_json
from tests.program import oom

INCIDENT = str(ROOT / "kubectl_oom" / "incidents" / "child-kill.json")
PROBED = str(ROOT / "kubectl_oom" / "incidents" / "probe-kill.json")
ROW = ListedKill(
    namespace="shop",
    pod="api-7d9c5b6f4d-x2x8p",
    pod_gone=False,
    container="app",
    container_type=ContainerType.APP,
    workload=Owner(api_version="apps/v1", kind="Deployment", name="api"),
    node="node-a",
    verdict=Verdict.CONTAINER_LIMIT,
    confidence=Confidence.LIKELY,
    is_oom=True,
    kills=3,
    at_least=True,
    verdicts={Verdict.CONTAINER_LIMIT: 2, Verdict.CHILD_KILLED: 1},
    last_killed_at=ago(300),
    exit_code=137,
    limit_bytes=LIMIT,
    unlimited=False,
    pattern=Pattern.LEAK,
    highest_sampled_bytes=96 * MI,
    sources=("pod status",),
)
GONE = replace(
    ROW,
    pod="old-1",
    pod_gone=True,
    container_type=None,
    workload=None,
    node=None,
    kills=1,
    at_least=False,
    last_killed_at=None,
    exit_code=None,
    limit_bytes=None,
    pattern=Pattern.UNKNOWN,
    highest_sampled_bytes=None,
)


# --- rows and documents ----------------------------------------------------------------------------------------------


def test_the_columns_are_those_of_the_contract_and_wide_adds_to_them() -> None:
    text = list(lines((ROW, GONE), now=NOW, width=None, wide=False))
    wide = list(lines((ROW, GONE), now=NOW, width=40, wide=True))

    assert [line.split() for line in text] == [
        ["NAMESPACE", "POD", "CONTAINER", "VERDICT", "KILLS", "LAST", "LIMIT", "WORKLOAD"],
        ["shop", ROW.pod, "app", "container-limit", "3+", "5m", "100Mi", "deploy/api"],
        ["shop", "old-1", "app", "container-limit", "1", "<unknown>", "<unknown>", "<unknown>"],
    ]
    assert wide[0].split()[8:] == ["NODE", "EXIT-CODE", "PATTERN", "HIGHEST-SAMPLED"]
    assert wide[1].split()[8:] == ["node-a", "137", "leak", "96Mi"]
    assert wide[2].split()[8:] == ["<unknown>", "<unknown>", "unknown", "<unknown>"]


def test_rows_without_headers_stand_where_they_stand_with_them() -> None:
    assert (
        list(lines((ROW,), now=NOW, width=None, wide=False, with_headers=False))
        == list(lines((ROW,), now=NOW, width=None, wide=False))[1:]
    )


def test_a_narrow_screen_is_never_exceeded_and_keeps_who_and_how_often() -> None:
    text = list(lines((ROW, GONE), now=NOW, width=60, wide=False))

    assert max(map(len, text)) <= 60
    assert {"POD", "VERDICT", "KILLS", "LAST"} <= set(text[0].split())


def test_several_clusters_have_a_column_of_their_own() -> None:
    text = list(lines((replace(ROW, context="eu"),), now=NOW, width=None, wide=False, with_context=True))

    assert [line.split()[0] for line in text] == ["CONTEXT", "eu"]


def test_no_kill_is_no_table() -> None:
    assert list(lines((), now=NOW, width=None, wide=False)) == []


def test_names_are_of_pods_that_exist_once_each() -> None:
    assert list(names((ROW, replace(ROW, container="proxy"), GONE))) == [f"pod/{ROW.pod}"]


def test_the_document_says_what_is_known_and_null_for_the_rest() -> None:
    document = kill_list_document(KillList(items=(ROW, GONE), gaps=(Gap(source="x", reason="y"),)), NOW)

    SCHEMA.validate(document)
    assert yaml.safe_load(to_yaml(document)) == json.loads(to_json(document)) == document
    assert document["kind"] == "KillList"
    first, second = document["items"]
    assert (first["kills"], first["killsAtLeast"], first["lastKilledAt"]) == (3, True, "2026-11-22T08:55:00Z")
    assert first["killsByVerdict"] == [
        {"verdict": "container-limit", "kills": 2},
        {"verdict": "child-killed", "kills": 1},
    ]
    assert {name for name, value in second.items() if value is None} == {
        "context",
        "containerType",
        "workload",
        "node",
        "lastKilledAt",
        "exitCode",
        "limitBytes",
        "highestSampledBytes",
    }


@given(name=st.text(max_size=40), kills=st.integers(1, 10**9), width=st.integers(40, 200))
def test_whatever_names_hold_the_table_is_one_line_a_row_and_fits(name: str, kills: int, width: int) -> None:
    row = replace(ROW, pod=name, container=name, namespace=name, kills=kills)

    text = list(lines((row,), now=NOW, width=width, wide=False))

    assert len(text) == 2
    assert all(line.isprintable() for line in text)
    SCHEMA.validate(kill_list_document(KillList(items=(row,), gaps=()), NOW))


# --- the command -----------------------------------------------------------------------------------------------------


def test_rows_are_all_that_stands_on_stdout() -> None:
    ran = oom("list", "-A", "--no-headers", "--from", INCIDENT)

    assert ran.code == 0
    assert [line.split()[2:5] for line in ran.out.splitlines()] == [["app", "child-killed", "4"]]
    assert ran.err.startswith("Could not see: other pods: ")


def test_a_kill_is_exit_code_1_where_that_was_asked_for() -> None:
    assert oom("list", "-A", "--exit-code", "--from", INCIDENT).code == 1
    assert oom("list", "-A", "--exit-code", "--from", PROBED).code == 0
    assert oom("list", "-A", "--exit-code", "--all-137", "--from", PROBED).code == 0


@pytest.mark.parametrize(
    "wrong",
    [
        ("--from", "/nonexistent"),
        ("--sort-by", "size", "--from", INCIDENT),
        ("-o", "csv", "--from", INCIDENT),
        ("--since", "never", "--from", INCIDENT),
        ("--contexts", "a,b", "--from", INCIDENT),
        ("--contexts", ","),
        ("--unknown",),
        ("extra", "--from", INCIDENT),
    ],
)
def test_trouble_is_exit_code_1_and_above_1_where_1_is_an_answer(wrong: tuple[str, ...]) -> None:
    assert oom("list", *wrong).code == 1
    asked = oom("list", "--exit-code", *wrong)

    assert (asked.code, asked.out) == (2, "")


@pytest.mark.parametrize(
    ("flags", "where"),
    [
        (("-n", "demo"), " in demo namespace"),
        ((), " in default namespace"),  # the context's: nobody has typed it, and it is not all there is
        (("-n", ""), " in default namespace"),
        (("-A",), ""),
        (("-A", "-n", "demo"), ""),
    ],
)
def test_nothing_is_said_on_stderr_with_what_was_looked_at(flags: tuple[str, ...], where: str) -> None:
    ran = oom("list", *flags, "--from", PROBED)

    assert (ran.code, ran.out) == (0, "")
    assert ran.err.splitlines()[0] == f"No OOM kills found{where} in the last 24h."


def test_all_137_says_what_it_was_instead() -> None:
    ran = oom("list", "-A", "--all-137", "-o", "json", "--from", PROBED)

    [item] = json.loads(ran.out)["items"]
    assert (item["verdict"], item["oomKilled"], item["exitCode"]) == ("probe-kill", False, 137)


# --- a list that takes long ------------------------------------------------------------------------------------------


def test_a_list_that_has_expired_is_read_on_from_where_the_server_says() -> None:
    def reply(asked: Asked) -> Reply:
        path = asked.path.partition("?")[0]
        found: dict[str, object] = {"metadata": {}, "items": []}
        if path.endswith("/pods") and "continue=old" in asked.path:
            gone = {"kind": "Status", "status": "Failure", "reason": "Expired", "code": 410, "message": "too old"}
            return Reply.text(410, json.dumps(gone | {"metadata": {"continue": "fresh"}}), "application/json")
        if path.endswith("/pods"):
            first = "continue=" not in asked.path
            found = {"metadata": {"continue": "old"} if first else {}, "items": [pod_json("a" if first else "b")]}
        return Reply.text(200, json.dumps(found), "application/json")

    with api_server() as server:
        server.reply = reply  # type: ignore[method-assign]
        when = ("--now", NOW.isoformat())
        ran = oom("list", "-A", "-o", "name", "--no-prometheus", "--server", server.url, *when)

    assert (ran.code, ran.out.split()) == (0, ["pod/a", "pod/b"])


def test_a_kill_that_lies_ahead_of_our_clock_is_counted_by_every_command() -> None:
    source = ["-n", "demo", "--from", str(ROOT / "kubectl_oom" / "incidents" / "slow-growth.json")]
    source += ["--now", "2026-11-22T12:20:50Z", "-o", "json"]
    target = ["deploy/slow-growth", *source]

    def item(*args: str) -> dict[str, Any]:
        (only,) = json.loads(oom(*args).out)["items"]
        return dict(only)

    assert item("list", *source)["kills"] == 1
    assert len(item("history", *target)["kills"]) == 1
    assert item("recommend", *target)["risk"] == "killed"
    assert len(item("report", *target)["history"]["kills"]) == 1
