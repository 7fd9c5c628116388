"""`kubectl oom report` as a program, on the bundled incidents: whole documents, and what goes wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.documents import SCHEMA
from tests.post_mortems import ALLOWED, Page
from tests.program import Ran, oom

INCIDENTS = Path(__file__).parents[1] / "kubectl_oom" / "incidents"
SECTIONS = [
    "Summary",
    "Impact",
    "Timeline",
    "Root cause",
    "What the memory did",
    "Why the kernel kills and does not throttle",
    "Recommended change",
    "Prevention",
    "Action items",
]
OF_NO_KERNEL_KILL = [section for section in SECTIONS if not section.startswith("Why")]
NAMES = {
    "slow-growth": SECTIONS,
    "child-kill": SECTIONS,
    "memory-volume": SECTIONS,
    "probe-kill": OF_NO_KERNEL_KILL,
}


def report(incident: str, *more: str) -> Ran:
    return oom("report", f"deploy/{incident}", "-n", "demo", "--from", str(INCIDENTS / f"{incident}.json"), *more)


@pytest.mark.parametrize("incident", NAMES)
def test_every_section_that_applies_is_there_and_no_other(incident: str) -> None:
    ran = report(incident)

    assert (ran.code, ran.err) == (0, "")
    assert re.findall(r"^## (.+)$", ran.out, re.MULTILINE) == NAMES[incident]


@pytest.mark.parametrize("incident", NAMES)
def test_no_age_stands_in_it_but_in_the_chart(incident: str) -> None:
    words = re.sub(r"^```text$.*?^```$", "", report(incident).out, flags=re.MULTILINE | re.DOTALL)

    assert re.findall(r"\d+[smhd] ago", words) == []


@pytest.mark.parametrize("incident", NAMES)
def test_what_nobody_recorded_is_left_to_a_person(incident: str) -> None:
    blanks = re.findall(r"_\(to be filled in: ([^)]+)\)_", report(incident).out)

    assert {"names", "by whom, by what", "who, by when"} <= set(blanks)


def test_the_facts_of_an_incident_are_those_of_the_other_commands() -> None:
    out = report("slow-growth").out

    assert "was OOM-killed at its own memory limit of 128Mi.** It happened at 2026-11-22T12:21:08Z." in out
    assert "1 of 2 replicas kept serving" in out
    assert "was down for 12s, from 2026-11-22T12:21:08Z to 2026-11-22T12:21:20Z" in out
    assert "- [ ] Set the memory of container app: limit 320Mi, request 160Mi" in out
    assert "+0.58 USD a month" in out
    assert "kubectl set resources deployment/slow-growth -n demo -c app" in out


@pytest.mark.parametrize("incident", NAMES)
def test_the_page_says_what_the_markdown_says(incident: str) -> None:
    page = Page(report(incident, "-o", "html").out)
    words = " ".join(" ".join(page.words).split())

    assert page.tags <= ALLOWED
    assert page.fetched == ["href=data:,"]
    assert all(section in words for section in NAMES[incident])
    assert "(to be filled in: names)" in words


@pytest.mark.parametrize("incident", NAMES)
def test_the_data_is_valid_and_holds_what_the_commands_say(incident: str) -> None:
    tree = report(incident, "-o", "json").document
    file = ("-n", "demo", "--from", str(INCIDENTS / f"{incident}.json"), "-o", "json")
    why, history = (oom(command, f"deploy/{incident}", *file).document for command in ("why", "history"))

    SCHEMA.validate(tree)
    (item,) = tree["items"]
    assert item["diagnosis"] == why["items"][0]
    assert item["history"] == history["items"][0]
    assert item["recommendation"]["container"] == "app"


def test_a_file_is_written_whole_and_said_on_stderr(tmp_path: Path) -> None:
    ran = report("slow-growth", "-o", "html", "-f", str(tmp_path / "a.html"))

    assert (ran.code, ran.out) == (0, "")
    assert ran.err.endswith("KiB\n")
    assert (tmp_path / "a.html").read_text(encoding="utf-8") == report("slow-growth", "-o", "html", "-f", "-").out
    assert [file.name for file in tmp_path.iterdir()] == ["a.html"]


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    assert report("slow-growth", "-f", str(tmp_path / "no" / "a.md")).line.startswith("error: No such file")


def test_an_unknown_form_is_refused_in_kubectls_words() -> None:
    assert "allowed formats are: html,json,markdown" in report("slow-growth", "-o", "pdf").line


def test_the_size_is_the_one_asked_for() -> None:
    safe = report("slow-growth", "--profile", "safe", "--ram-price", "0", "-o", "json").document["items"][0]

    assert safe["recommendation"]["profile"] == "safe"
    assert safe["recommendation"]["cost"] is None


def test_where_nothing_was_killed_the_document_says_so(tmp_path: Path) -> None:
    snapshot = json.loads((INCIDENTS / "slow-growth.json").read_text(encoding="utf-8"))
    text = json.dumps(snapshot).replace("OOMKilled", "Completed").replace('"exitCode": 137', '"exitCode": 0')
    file = tmp_path / "quiet.json"
    file.write_text(text, encoding="utf-8")

    ran = oom("report", "deploy/slow-growth", "-n", "demo", "--from", str(file), "--no-prometheus")

    assert ran.code == 0
    assert ran.out.startswith("# No incident to report\n")
