"""The options of `fix` and its forms of output, as a program of its own on bundled incidents."""

from __future__ import annotations

import json

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.documents import text_of
from tests.program import oom
from tests.replay import INCIDENTS

TARGET = ["fix", "deploy/slow-growth", "-n", "demo"]
GROWING = [*TARGET, "--from", str(INCIDENTS / "slow-growth.json")]
SNAPSHOT = "error: a snapshot cannot be changed: --apply needs a cluster"
REDUCED = "error: a snapshot holds objects reduced to what is read, which must not be applied as a whole"
BAD = {
    "--limit 5x": 'error: invalid value "5x" for --limit: must be a size such as 768Mi',
    "--limit -1Gi": 'error: invalid value "-1Gi" for --limit: must be a size such as 768Mi',
    "--request 0": 'error: invalid value "0" for --request: must be a size such as 768Mi',
    "--limit 512m": 'error: invalid value "512m" for --limit: that is 1 byte',
    "--request 512": 'error: invalid value "512" for --request: that is 512 bytes',
    "--limit 1Gi --request 2Gi": "error: --request is above --limit: the API server would refuse that",
    "--dry-run=foo": 'error: Invalid dry-run value (foo). Must be "none", "server", or "client".',
    "--undo --limit 1Gi": "error: --undo brings back what was: it takes no --limit and no --request",
    "--undo --request 1Gi": "error: --undo brings back what was: it takes no --limit and no --request",
    "--undo": "error: deployment/slow-growth keeps no values from before a fix",
    "--timeout soon": 'error: invalid duration "soon"',
    "--watch-for 5x": 'error: invalid duration "5x"',
    "--profile x": 'error: invalid value "x" for --profile: must be one of lean, balanced, safe, default, stateless, '
    "stateful, batch, peak",
    "-c nobody": "error: container nobody is not valid for pod",
    "-o name": 'error: unable to match a printer suitable for the output format "name", allowed formats are: '
    "changes,helm-values,json,kustomize,markdown,patch,text,wide,yaml",
    "-o yaml": REDUCED,
    "-o json": REDUCED,
    "--apply": SNAPSHOT,
    "--apply --yes": SNAPSHOT,
    "--dry-run=server": SNAPSHOT.replace("--apply", "--dry-run=server"),
    "-o helm-values": "error: deploy/slow-growth in demo does not say that a Helm chart made it (label helm.sh/chart)",
}


@pytest.mark.parametrize("flags", BAD)
def test_what_cannot_be_done_is_refused_in_one_line(flags: str) -> None:
    assert oom(*GROWING, *flags.split()).line.startswith(BAD[flags])


def test_a_seconds_count_without_a_unit_is_a_duration() -> None:
    assert oom(*GROWING, "--watch-for", "5").code == 0


def test_a_plan_that_is_printed_is_an_answer_also_where_something_stands_against_it() -> None:
    ran = oom(*GROWING)

    assert (ran.code, ran.err) == (0, "")
    assert "BLOCKS low-confidence" in ran.out
    assert "kubectl oom fix deploy/slow-growth -n demo --accept-low-confidence --apply" in " ".join(ran.out.split())


def test_every_form_has_the_same_sizes() -> None:
    flags = ("--limit", "768Mi", "--request", "512Mi")
    sizes = {"limits": {"memory": "768Mi"}, "requests": {"memory": "512Mi"}}
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "app", "resources": sizes}]}}}}

    (item,) = oom(*GROWING, *flags, "-o", "changes").document["items"]
    (entry,) = yaml.safe_load(oom(*GROWING, *flags, "-o", "kustomize").out)["patches"]

    assert json.loads(oom(*GROWING, *flags, "-o", "patch").out) == patch == item["patch"]
    assert patch.items() <= yaml.safe_load(entry["patch"]).items()
    assert item["command"] in oom(*GROWING, *flags, "-o", "markdown").out.splitlines()
    for form in ("text", "wide", "markdown"):
        shown = oom(*GROWING, *flags, "-o", form, "--width", "200").out
        assert "kubectl oom fix deploy/slow-growth -n demo --limit 768Mi --request 512Mi --apply" in shown


def test_the_answer_as_data_fits_the_schema() -> None:
    document = oom(*GROWING, "-o", "changes").document

    Draft202012Validator(json.loads(text_of("schema.json"))).validate(document)
    assert document["kind"] == "ChangeList"


def test_a_dry_run_by_the_client_prints_the_plan() -> None:
    plan = oom(*GROWING, "-o", "changes").document["items"][0]
    tried = oom(*GROWING, "--dry-run=client", "-o", "changes")

    assert tried.document["items"][0] == plan | {"dryRun": "client"}


@pytest.mark.parametrize("form", ["patch", "kustomize", "helm-values"])
def test_a_plan_without_a_change_says_so_beside_the_forms_for_git(form: str) -> None:
    ran = oom(*GROWING, "--limit", "128Mi", "-o", form)

    assert (ran.code, ran.out, ran.err) == (0, "", "deploy/slow-growth in demo: nothing to change\n")


@pytest.mark.parametrize("form", ["text", "wide", "markdown"])
def test_a_plan_without_a_change_says_so_to_people(form: str) -> None:
    ran = oom(*GROWING, "--limit", "128Mi", "-o", form)

    assert (ran.code, ran.err) == (0, "")
    assert "deploy/slow-growth in demo: nothing to change" in ran.out.splitlines()[0]
    assert "--apply" not in ran.out


def test_a_plan_without_a_change_says_so_to_scripts() -> None:
    document = oom(*GROWING, "--limit", "128Mi", "-o", "changes").document

    assert (document["items"], [one["workload"]["name"] for one in document["unchanged"]]) == ([], ["slow-growth"])


def test_the_printed_command_has_what_was_asked_for_and_no_secret() -> None:
    asked = ("--profile", "safe", "--with-heap", "--context", "prod", "--prometheus-label", "a=b", "--no-logs")
    secret = ("--token", "hunter2", "--prometheus-token", "hunter2", "--prometheus-header", "X:hunter2")

    shown = oom(*GROWING, *asked, *secret, "--width", "300").out

    assert (
        "  kubectl oom fix deploy/slow-growth -n demo --with-heap --profile safe --no-logs --prometheus-label a=b "
        "--accept-low-confidence --apply --context prod" in shown.splitlines()
    )
    assert "  kubectl oom fix deploy/slow-growth -n demo --undo --apply --context prod" in shown.splitlines()
    assert "hunter2" not in shown


def test_without_a_target_it_says_how_to_name_one() -> None:
    assert oom("fix", "--from", GROWING[-1]).line.startswith("error: ")
