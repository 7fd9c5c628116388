"""What `fix` does before it changes anything: read, size, and plan, workload by workload."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from kubectl_oom.errors import OomError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kubectl_oom.evidence import CaseFile, FixPlan, FixReport, Proposal, Room, WorkloadPast
    from kubectl_oom.judge.fixing import FixAsked
    from kubectl_oom.read.source import Json, Source

    Around = tuple[Json, WorkloadPast, Room]  # a workload's object, its past, and what it has to fit into

WITH_HISTORY = ("Deployment", "StatefulSet", "DaemonSet")  # kinds whose earlier templates the cluster keeps


@dataclass(frozen=True, slots=True)
class Planned:
    """The plans, and beside each the object that it is about, as it was read."""

    report: FixReport
    objects: tuple[Json, ...]

    def patched(self) -> list[Json]:
        """The objects as they would be."""
        from kubectl_oom.judge.merging import merged

        pairs = zip(self.objects, self.report.items, strict=True)
        return [merged(item, outcome.plan.patch) if outcome.plan.changes else item for item, outcome in pairs]


def planned(source: Source, values: dict[str, Any], asked: FixAsked, now: datetime) -> Planned:
    """A plan for every workload of the scope; nothing is changed."""
    from kubectl_oom.cli.durations import span_of
    from kubectl_oom.cli.reading import read_for_sizes, scope_of
    from kubectl_oom.cli.sizing import asked_of
    from kubectl_oom.evidence import FixOutcome, FixReport
    from kubectl_oom.judge.propose import propose

    sizing = asked_of(values)
    scope = scope_of(source, values)
    since = now - timedelta(seconds=span_of(values["since"]))
    case, pasts, rooms = read_for_sizes(source, scope, values, since, now)
    proposals = propose(case, pasts, rooms, since=since, until=now, asked=sizing)
    if not pasts:
        raise OomError("error: no pods match, so there is nothing to fix")
    around = list(zip([_object(source, past) for past in pasts], pasts, rooms, strict=True))
    silent: tuple[str, ...] = ()
    if values["undo"]:
        around, silent = _with_values_from_before(around, whole=scope.is_selection)
    plans = [_plan(source, item, case, past, room, proposals.items, asked, values) for item, past, room in around]
    _refuse_unknown_container(plans, case, asked.container)
    outcomes = tuple(FixOutcome(plan=plan, applied=False, dry_run=values["dry_run"]) for plan in plans)
    gaps_of_plans = [gap for plan in plans for gap in plan.facts.gaps]
    report = FixReport(
        items=outcomes,
        gaps=tuple(dict.fromkeys((*proposals.gaps, *gaps_of_plans))),
        warnings=(*proposals.warnings, *silent),
    )
    return Planned(report, tuple(item for item, _, _ in around))


def _with_values_from_before(around: list[Around], *, whole: bool) -> tuple[list[Around], tuple[str, ...]]:
    """Those that an undo can take back, and of a selection a sentence for each of the others; OomError without any."""
    from kubectl_oom.read.workload import facts_of

    keeping, silent = [], list[str]()
    for one in around:
        item, past, _ = one
        kind = past.workload.kind if past.workload else "Pod"
        facts = facts_of(item, "", kind)
        name = f"{kind.lower()}/{facts.target.name}"
        if facts.saved is not None:
            keeping.append(one)
        elif whole:
            silent.append(f"{name} in {facts.namespace} keeps no values from before a fix, and stays as it is.")
        else:
            hint = f"`kubectl rollout history {name} -n {facts.namespace}` shows what its template was before"
            raise OomError(f"error: {name} keeps no values from before a fix", hint if kind in WITH_HISTORY else None)
    if not keeping:
        raise OomError("error: nothing that was selected keeps values from before a fix")
    return keeping, tuple(silent)


def _plan(
    source: Source,
    item: Json,
    case: CaseFile,
    past: WorkloadPast,
    room: Room,
    proposals: Sequence[Proposal],
    asked: FixAsked,
    values: dict[str, Any],
) -> FixPlan:
    from kubectl_oom.judge.fixing import in_place, plan_of, undo_plan_of
    from kubectl_oom.judge.preflight import preflight
    from kubectl_oom.read.standing import with_surroundings
    from kubectl_oom.read.workload import facts_of

    kind = past.workload.kind if past.workload else "Pod"
    pods = [pod for pod in case.pods if pod.namespace == past.namespace and pod.name in past.pods]
    homes = {pod.node: case.nodes[pod.node] for pod in pods if pod.node and pod.node in case.nodes}
    facts = facts_of(item, past.workload.api_version if past.workload else "v1", kind)
    facts = with_surroundings(facts, item, source, homes)
    own = [one for one in proposals if _is_about(one, past)]
    if values["undo"]:
        plan = undo_plan_of(facts)
        if plan is not None:  # which those that keep none have not come to
            _refuse_half_an_undo(plan, asked.container)
            return preflight(replace(plan, in_place=in_place(kind, asked)), own, room, pods, asked)
    return plan_of(facts, own, room, pods, asked)


def _refuse_half_an_undo(plan: FixPlan, name: str | None) -> None:
    """OomError where more would be taken back than the container that was named: there is one note for all."""
    others = [change.container for change in plan.changes if change.container != name]
    if name and others:
        target = plan.facts.target
        raise OomError(
            f"error: --undo takes back all that the last fix of {target.kind.lower()}/{target.name} changed, "
            f"{', '.join(others)} as well",
            "Leave out -c",
        )


def _refuse_unknown_container(plans: Sequence[FixPlan], case: CaseFile, name: str | None) -> None:
    """OomError for a container that neither a template nor a pod has: of workloads without pods only they tell."""
    there = {one.name for plan in plans for one in plan.facts.written}
    there |= {one.name for pod in case.pods for one in pod.containers}
    if name and name not in there:
        target, own = plans[0].facts.target, plans[0].facts.written
        wrong = f"container {name} is not valid for {target.kind.lower()}/{target.name}"
        raise OomError(f"error: {wrong} out of: {', '.join(one.name for one in own)}")


def _is_about(proposal: Proposal, past: WorkloadPast) -> bool:
    same = (proposal.size.namespace, proposal.size.workload) == (past.namespace, past.workload)
    return same and (past.workload is not None or proposal.pod in past.pods)


def _object(source: Source, past: WorkloadPast) -> Json:
    """The workload's own object; OomError as kubectl words it where it cannot be read."""
    from kubectl_oom.cli.reading import fatal
    from kubectl_oom.read.kinds import kind_named
    from kubectl_oom.read.source import ReadError

    owner = past.workload
    kind_name, name = (owner.kind, owner.name) if owner else ("Pod", past.pods[0])
    kind = kind_named(kind_name.lower())
    try:
        return {"apiVersion": f"{kind.group}/{kind.version}".lstrip("/"), "kind": kind.name} | source.get(
            kind, past.namespace, name
        )
    except ReadError as error:
        raise fatal(error, source) from error
