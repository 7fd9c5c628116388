"""What `fix` prints on a real API server, held against what it does there."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from tests.documents import text_of
from tests.real.fixing import ANNOTATION, fix, read, without_note, written
from tests.real.stage import Stage
from tests.real.stand_in import StandIn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.cluster import Cluster

pytestmark = pytest.mark.timeout(300)

SIZES = ("-c", "app", "--limit", "96Mi", "--request", "48Mi")
MAKE = ("--apply", "--yes", "--timeout", "60s")
TARGET = "deploy/shop"
SCHEMA = Draft202012Validator(json.loads(text_of("schema.json")))


@pytest.fixture
def stage(api_server: Cluster) -> Iterator[Stage]:
    stage = Stage.on(api_server)
    with StandIn(stage):
        owner = stage.workload("deployments", "shop")
        stage.made_by(owner)
        yield stage


def test_the_object_that_is_printed_is_the_one_that_the_change_makes_and_so_for_the_way_back(stage: Stage) -> None:
    before = read(stage, "deployments", "shop")

    shown = fix(stage, TARGET, *SIZES, "-o", "json").document()
    assert written(read(stage, "deployments", "shop")) == written(before)  # printing sends nothing
    assert fix(stage, TARGET, *SIZES, *MAKE).code == 0
    assert written(shown) == without_note(read(stage, "deployments", "shop"))

    shown = fix(stage, TARGET, "--undo", "-o", "json").document()
    assert fix(stage, TARGET, "--undo", *MAKE).code == 0
    assert without_note(shown) == written(read(stage, "deployments", "shop")) == written(before)


def test_once_something_was_sent_json_says_what_became_of_it(stage: Stage) -> None:
    tried = fix(stage, TARGET, *SIZES, "--dry-run=server", "-o", "json").document()
    made = fix(stage, TARGET, *SIZES, *MAKE, "-o", "json").document()
    again = fix(stage, TARGET, *SIZES, *MAKE, "-o", "json").document()

    for document in (tried, made, again):
        SCHEMA.validate(document)
    assert [(one["workload"]["name"], one["rollout"]["state"]) for one in again["unchanged"]] == [("shop", "done")]
    assert [(one["applied"], one["dryRun"], one["rollout"]) for one in tried["items"]] == [(False, "server", None)]
    assert [(one["applied"], one["rollout"]["state"], one["rollout"]["verified"]) for one in made["items"]] == [
        (True, "done", True),
    ]


def test_the_command_that_is_printed_does_what_it_says_and_so_does_its_way_back(stage: Stage) -> None:
    before = read(stage, "deployments", "shop")

    shown = fix(stage, TARGET, *SIZES, "--width", "300").out
    make = _printed(shown, "--apply")
    back = _printed(shown, "--undo --apply")

    assert fix(stage, *make, "--yes").code == 0
    assert ANNOTATION in read(stage, "deployments", "shop")["metadata"]["annotations"]
    assert fix(stage, *back, "--yes").code == 0
    assert written(read(stage, "deployments", "shop")) == written(before)


def _printed(shown: str, ending: str) -> list[str]:
    """The words of the first command of ours with that ending, without its beginning."""
    ours = [line for line in shown.splitlines() if line.startswith("  kubectl oom fix ") and line.endswith(ending)]
    return shlex.split(ours[0])[3:]


def test_what_blocks_is_an_answer_when_printed_and_a_failure_when_applied(stage: Stage) -> None:
    lower = ("-c", "app", "--limit", "48Mi")

    printed = fix(stage, TARGET, *lower)
    refused = fix(stage, TARGET, *lower, *MAKE)

    assert printed.code == 0
    assert "  kubectl oom fix deploy/shop" in printed.out
    assert "--allow-decrease --apply" in " ".join(printed.out.replace("\\\n", " ").split())
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.splitlines()[-2:] == [
        "error: deployment/shop: The limit of app goes down from 64Mi to 48Mi.",
        "apply it with --allow-decrease",
    ]
