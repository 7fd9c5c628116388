"""What holds for any change in any form: nothing sticks out, nothing steers the terminal, nothing is lost or broken."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from kubectl_oom.errors import OomError
from kubectl_oom.evidence import (
    Check,
    ContainerChange,
    ContainerType,
    FixOutcome,
    FixPlan,
    FixReport,
    Owner,
    Rolled,
    RolloutState,
    Severity,
    Watched,
    WorkloadFacts,
    Written,
)
from kubectl_oom.judge.patching import commands_of, heap_commands_of, patch_of, undo_command_of, undo_patch_of
from kubectl_oom.show.colour import NO_PAINT
from kubectl_oom.show.document import to_json, to_yaml
from kubectl_oom.show.fix_commands import Flags
from kubectl_oom.show.fix_document import changes_document
from kubectl_oom.show.fix_markdown import changes_markdown
from kubectl_oom.show.fix_objects import FOR_GIT
from kubectl_oom.show.fixes import difference, lines
from kubectl_oom.show.words import cells
from tests.build import NOW
from tests.documents import SCHEMA
from tests.hostile import (
    BYTES,
    CITATIONS,
    COUNTS,
    GAPS,
    MAYBE_BYTES,
    MAYBE_TEXT,
    NAMES,
    NASTY,
    SIZES,
    TEXTS,
    patient,
    steering,
    without_fences,
    without_surrogates,
)

KINDS = {"Deployment": "apps/v1", "CronJob": "batch/v1", "Job": "batch/v1", "Pod": "v1", "StatefulSet": "apps/v1"}
OWNERS = st.builds(
    lambda kind, name: Owner(api_version=KINDS[kind], kind=kind, name=name), st.sampled_from(list(KINDS)), NAMES
)
TYPES = st.sampled_from([ContainerType.APP, ContainerType.INIT, ContainerType.SIDECAR])
QUANTITIES = st.none() | st.sampled_from(["64Mi", "500M", "1.5Gi"]) | NASTY
WRITTEN = st.builds(
    Written,
    name=NAMES,
    type=TYPES,
    request=QUANTITIES,
    limit=QUANTITIES,
    settings=st.dictionaries(NASTY, MAYBE_TEXT, max_size=2),
)
CHECKS = st.builds(
    Check,
    code=st.sampled_from(["low-confidence", "decrease", "quota", "nothing-to-change"]),
    severity=st.sampled_from(Severity),
    message=NASTY,
    evidence=st.lists(CITATIONS, max_size=2).map(tuple),
    remedy=MAYBE_TEXT,
    blocks=st.booleans(),
)
FACTS = st.builds(
    WorkloadFacts,
    namespace=NAMES,
    target=OWNERS,
    resource_version=st.just("1"),
    written=st.lists(WRITTEN, max_size=2).map(tuple),
    replicas=st.none() | COUNTS,
    surge=COUNTS,
    unavailable=COUNTS,
    strategy=st.just("RollingUpdate"),
    marks=st.dictionaries(st.sampled_from(["helm.sh/chart", "meta.helm.sh/release-name"]), NASTY, max_size=2),
)
CHANGES = st.builds(
    lambda written, before, after, env: ContainerChange(
        container=written.name, type=written.type, before=before, after=after, written=written, env=env
    ),
    WRITTEN,
    SIZES,
    SIZES,
    st.dictionaries(NASTY, MAYBE_TEXT, max_size=2),
)


@st.composite
def plans(draw: st.DrawFn) -> FixPlan:
    """Any plan, with the patches and commands that belong to its changes."""
    facts = draw(FACTS)
    changes = tuple(draw(st.lists(CHANGES, max_size=2, unique_by=lambda change: change.container)))
    target, patch, undo = facts.target, patch_of(facts.target, changes), undo_patch_of(facts.target, changes)
    return FixPlan(
        facts=facts,
        changes=changes,
        patch=patch,
        undo=undo,
        commands=commands_of(facts, changes, patch) if changes else (),
        undo_commands=(undo_command_of(facts, undo),) if changes else (),
        heap_commands=tuple(heap_commands_of(facts.namespace, target, changes)),
        preflight=tuple(draw(st.lists(CHECKS, max_size=3))),
        effects=draw(TEXTS),
        qos_before=draw(MAYBE_TEXT),
        qos_after=draw(MAYBE_TEXT),
        in_place=draw(st.booleans()),
        is_undo=draw(st.booleans()),
        evidence=draw(TEXTS),
    )


ROLLED = st.builds(
    Rolled,
    state=st.sampled_from(RolloutState),
    updated=COUNTS,
    wanted=COUNTS,
    seconds=st.floats(0, 1e6),
    because=NASTY,
    remedy=MAYBE_TEXT,
    verified=st.none() | st.booleans(),
)
OUTCOMES = st.builds(
    FixOutcome,
    plan=plans(),
    applied=st.booleans(),
    dry_run=st.sampled_from([None, "client", "server"]),
    rollout=st.none() | ROLLED,
    watched=st.none()
    | st.builds(
        Watched, seconds=st.floats(0, 1e6), kills=COUNTS, highest_bytes=MAYBE_BYTES, limit_bytes=st.none() | BYTES
    ),
    rolled_back=st.booleans(),
)
REPORTS = st.builds(
    FixReport,
    items=st.lists(OUTCOMES, max_size=3).map(tuple),
    gaps=st.lists(GAPS, max_size=2).map(tuple),
    warnings=TEXTS,
)
FLAGS = st.builds(Flags, change=TEXTS, cluster=TEXTS, sizes_again=st.booleans())


@patient
@given(report=REPORTS, width=st.integers(40, 200), ascii_only=st.booleans(), flags=FLAGS)
def test_no_line_is_wider_than_the_screen_and_none_steers_it(
    *, report: FixReport, width: int, ascii_only: bool, flags: Flags
) -> None:
    shown = list(lines(report, width=width, paint=NO_PAINT, ascii_only=ascii_only, flags=flags))

    assert [line for line in shown if cells(line) > width] == []
    assert [line for line in shown if steering(line)] == []
    assert all(line.isascii() for line in shown) or not ascii_only
    assert shown


@patient
@given(report=REPORTS, width=st.integers(40, 200))
def test_the_wide_form_and_the_question_steer_no_screen_either(report: FixReport, width: int) -> None:
    shown = list(lines(report, width=width, paint=NO_PAINT, wide=True))
    shown += [line for outcome in report.items for line in difference(outcome.plan, width=width)]

    assert [line for line in shown if steering(line)] == []


@patient
@given(report=REPORTS)
def test_every_document_is_valid_and_the_same_in_json_and_yaml(report: FixReport) -> None:
    tree = changes_document(report, NOW)
    as_json, as_yaml = to_json(tree), to_yaml(tree)

    SCHEMA.validate(json.loads(as_json))
    assert as_json.isascii()
    assert not steering((as_json + as_yaml).replace("\n", ""))
    assert json.loads(as_json) == tree
    assert without_surrogates(yaml.safe_load(as_yaml)) == without_surrogates(tree)
    assert len(tree["items"]) + len(tree["unchanged"]) == sum(max(1, len(one.plan.changes)) for one in report.items)


def _in_git(report: FixReport, form: str) -> str | None:
    """The text; None where a chart's keys cannot be told."""
    try:
        return FOR_GIT[form](report.items)
    except OomError as error:
        if form == "helm-values" and error.message.startswith("error: "):
            return None
        raise


@patient
@given(report=REPORTS, form=st.sampled_from(list(FOR_GIT)))
def test_what_belongs_in_git_is_yaml_or_json_or_one_clear_error(report: FixReport, form: str) -> None:
    text = _in_git(report, form)
    if text is None:
        return
    with_changes = [outcome.plan for outcome in report.items if outcome.plan.changes]
    assert not steering(text.replace("\n", ""))
    if form == "patch":
        assert [json.loads(line) for line in text.splitlines()] == [plan.patch for plan in with_changes]
    if form == "kustomize":
        patches: list[dict[str, Any]] = (yaml.safe_load(text) or {"patches": []})["patches"]
        assert len(patches) == len(with_changes)
        assert all(yaml.safe_load(one["patch"])["kind"] == one["target"]["kind"] for one in patches)


@patient
@given(report=REPORTS, flags=FLAGS)
def test_a_pull_request_from_a_cluster_stays_text(report: FixReport, flags: Flags) -> None:
    shown = list(changes_markdown(report, now=NOW, flags=flags))
    outside = without_fences(shown)

    assert [line for line in shown if "\n" in line or steering(line)] == []
    assert [line for line in outside if re.search(r"<|(?<!\\)[`~]", line)] == []
    assert [line for line in outside if line.startswith("#") and not re.match(r"##{1,2} \S", line)] == []
    assert shown[-1] == "As of 2026-11-22T09:00:00Z."


@patient
@given(report=REPORTS)
def test_a_change_that_was_taken_back_offers_no_way_back(report: FixReport) -> None:
    back = tuple(replace(outcome, rolled_back=True) for outcome in report.items)

    shown = list(lines(replace(report, items=back), width=400, paint=NO_PAINT))

    assert [line for line in shown if re.match(r"(The way back|Make it so)\b.*:$", line)] == []
