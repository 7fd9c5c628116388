"""Every command, end to end, on a cluster and a metrics engine whose answers are damaged on the way."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from kubectl_oom.show.words import iso
from tests.build import NOW
from tests.documents import text_of
from tests.engines import require_program, running
from tests.fuzz_cluster import DAMAGES, Cluster, Damage, series
from tests.fuzz_runs import Said, assert_orderly, said
from tests.replay import served

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(300)

SCHEMA = Draft202012Validator(json.loads(text_of("schema.json")))
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "15"))  # of each command: FUZZ_EXAMPLES=500 finds what is rare
TARGETS = ("deploy/api", "pod/api-0", "-lapp=api", "pods")
SCREENS = ("text", "wide")
DATA = ("json", "yaml")
# command → its words, one of which is drawn, and its forms
COMMANDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "why": ((*TARGETS, "node/node-a"), (*SCREENS, *DATA, "markdown", "name")),
    "history": (TARGETS, (*SCREENS, *DATA, "markdown", "svg")),
    "recommend": ((*TARGETS, "-A"), (*SCREENS, *DATA, "markdown", "csv", "hpa")),
    "fix": (TARGETS, (*SCREENS, "changes", "patch", "kustomize", "helm-values", "markdown", *DATA)),
    "report": (TARGETS, ("markdown", "html", "json")),
    "list": (("", "-A", "--all-137", "--exit-code"), (*SCREENS, *DATA, "name")),
    "alerts": (("--check",), ("text", *DATA)),
    "doctor": (("",), ("text", *DATA)),
    "snapshot": (TARGETS, ("",)),
}
SILENT = {("fix", "helm-values"), ("recommend", "hpa")}  # made by no chart; and it has an autoscaler: said on stderr


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, list[str]]]:
    """The cluster, and the flags that lead to it."""
    require_program("prometheus", "promtool")
    with running("prometheus", series(), tmp_path_factory.mktemp("engine")) as engine:
        held = Cluster(engine)
        with served(held) as server:
            yield held, ["-n", "shop", "-s", server.url, "--request-timeout=5s"]


def _args(command: str, words: str, form: str, flags: list[str]) -> list[str]:
    output = ["-f", "-"] if command == "snapshot" else ["-o", form]
    args = [command, *filter(None, [words]), *output, *flags]
    return args if command in ("doctor", "snapshot") else [*args, "--now", iso(NOW)]


def _assert_data(command: str, ran: Said, form: str) -> None:
    """Data is data, whatever went wrong: a document that fits the schema, in ASCII."""
    if not ran.out or form not in (*DATA, "changes"):
        return
    assert ran.out.isascii()
    document = yaml.safe_load(ran.out) if form == "yaml" else json.loads(ran.out)
    if command != "fix" or form == "changes":
        SCHEMA.validate(document)


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_whole_is_answered_by(command: str, cluster: tuple[Cluster, list[str]]) -> None:
    held, flags = cluster
    held.damages = ()
    words, forms = COMMANDS[command]
    for number, form in enumerate(forms):
        ran = said(_args(command, words[number % len(words)], form, flags))

        assert_orderly(ran)
        assert ran.out or (command, form) in SILENT, ran.err
        _assert_data(command, ran, form)


@pytest.mark.parametrize("command", COMMANDS)
def test_whatever_is_answered_there_is_an_answer_or_an_error_in_words_by(
    command: str, cluster: tuple[Cluster, list[str]]
) -> None:
    held, flags = cluster
    words, forms = COMMANDS[command]

    @settings(max_examples=EXAMPLES)
    @given(
        damages=DAMAGES,
        what=st.sampled_from(words),
        form=st.sampled_from(forms),
        encoding=st.sampled_from(["utf-8", "utf-8", "ascii", "cp1252"]),
        is_terminal=st.booleans(),
    )
    def check(damages: list[Damage], what: str, form: str, encoding: str, *, is_terminal: bool) -> None:
        held.damages = damages
        ran = said(_args(command, what, form, flags), encoding=encoding, is_terminal=is_terminal)

        assert_orderly(ran)
        _assert_data(command, ran, form)

    check()
