"""A selection that selects nothing is answered as kubectl answers it: with where was looked, and with exit code 0."""

from __future__ import annotations

import json

import pytest

from tests.connection.servers import Asked, Reply, api_server
from tests.program import Ran, oom

NOWHERE = {"-n shop": "No resources found in shop namespace.\n", "-A": "No resources found\n"}


def _nothing(asked: Asked) -> Reply:
    assert asked.method == "GET"
    return Reply(200, b'{"kind": "List", "metadata": {}, "items": []}')


def _asked(command: str, place: str, *flags: str) -> Ran:
    with api_server() as server:
        server.reply = _nothing  # type: ignore[method-assign]
        return oom(command, "-l", "app=none", *place.split(), *flags, "-s", server.url, "--no-prometheus")


@pytest.mark.parametrize("place", NOWHERE)
@pytest.mark.parametrize(
    ("command", "form"),
    [
        *(("why", form) for form in ("text", "wide", "markdown")),
        *(("history", form) for form in ("text", "wide", "markdown", "svg")),
        *(("recommend", form) for form in ("text", "wide", "markdown", "hpa")),
        *(("report", form) for form in ("markdown", "html")),
    ],
)
def test_people_are_told_where_nothing_was(command: str, form: str, place: str) -> None:
    ran = _asked(command, place, "-o", form)

    assert (ran.code, ran.out, ran.err) == (0, "", NOWHERE[place])


@pytest.mark.parametrize("command", ["why", "history", "recommend", "report"])
def test_programs_get_a_document_without_items(command: str) -> None:
    ran = _asked(command, "-n shop", "-o", "json")

    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out)["items"] == []


def test_rows_begin_with_their_header_whatever_follows() -> None:
    ran = _asked("recommend", "-n shop", "-o", "csv")

    assert (ran.code, ran.err) == (0, NOWHERE["-n shop"])
    assert [row.split(",")[0] for row in ran.out.splitlines()] == ["namespace"]
