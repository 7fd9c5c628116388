"""What to do: the change, what would make it rarer or seen earlier, and how to see whether it helped."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kubectl_oom.evidence import KERNEL_OOM_VERDICTS, Measure, MeasureKind, Severity, Sizes, Verdict
from kubectl_oom.judge.alert_levels import CRITICAL, INFO, WARNING
from kubectl_oom.judge.commands import SETTABLE, shell, where
from kubectl_oom.judge.instance import span_words
from kubectl_oom.judge.post_mortem.timeline import NEAR_THE_LIMIT, near_limit_since
from kubectl_oom.quantity import exact_bytes, show_bytes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from kubectl_oom.evidence import ContainerHistory, Diagnosis, Finding, Impact, Proposal

_TOO_LATE = "Alert on the kill itself: an alert on the level of memory would have come too late"
_NEAR = f"{NEAR_THE_LIMIT:.0%}"
LOOKBACK_SECONDS = 300  # how long Prometheus takes the last sample for the present one
_REPLICATED = ("Deployment", "StatefulSet")
# Findings that ask for another reading or say what the report itself shows; they change nothing in the cluster.
_NOT_TO_BE_DONE = frozenset({"restarts-not-all-kills", "limit-changed-since", "missed-by-samples", "leak-suspected"})


def measures_of(
    history: ContainerHistory,
    told: Diagnosis | None,
    proposal: Proposal | None,
    impact: Impact,
    commands: Collection[str],
) -> tuple[Measure, ...]:
    """The measures, most urgent first, each with the fact that speaks for it."""
    by_kernel = told is None or told.verdict in KERNEL_OOM_VERDICTS
    return (
        *(_change(proposal) if proposal else ()),
        *_by_findings(history, told),
        *_lasting(proposal),
        *_replicas(history, impact),
        *((_alert(told, commands),) if by_kernel else ()),
        *_follow_up(history, told, commands),
    )


def _change(proposal: Proposal) -> Iterator[Measure]:
    wanted, change = proposal.offer or proposal.size.recommended, proposal.change
    container = proposal.size.container
    if wanted is None or wanted == proposal.size.current:
        return
    yield Measure(
        kind=MeasureKind.CHANGE,
        what=f"Set the memory of container {container}: {_sizes(wanted)}",
        because=f"Recommended with {proposal.size.confidence.value} confidence."
        + (f" No command can set it: {change.why_not}." if change.command is None and change.why_not else ""),
        command=change.command,
    )
    if proposal.heap and proposal.heap.settings:
        named = ", ".join(f"{one.name} to {one.value}" for one in proposal.heap.settings)
        yield Measure(
            kind=MeasureKind.CHANGE,
            what=f"Set {named} together with the limit",
            because=f"The program ({proposal.heap.runtime}) sizes its own memory.",
            command=change.heap_command,
        )
    for fit in proposal.fits:
        if not fit.ok:
            yield Measure(
                kind=MeasureKind.CHANGE,
                what=fit.remedy or f"Settle what stands against the size ({fit.check})",
                because=fit.detail,
            )


def _sizes(wanted: Sizes) -> str:
    told = (("limit", wanted.limit_bytes), ("request", wanted.request_bytes))
    return ", ".join(f"{name} {exact_bytes(size)}" for name, size in told if size is not None)


def _by_findings(history: ContainerHistory, told: Diagnosis | None) -> Iterator[Measure]:
    """The remedies of what matters, of the end and of the history, each once."""
    findings: dict[str, Finding] = {}
    for finding in (*(told.findings if told else ()), *history.findings):
        if finding.severity is not Severity.INFO and finding.remedy and finding.code not in _NOT_TO_BE_DONE:
            findings.setdefault(finding.code, finding)
    for finding in findings.values():
        remedy = finding.remedy or ""
        yield Measure(
            kind=MeasureKind.PREVENTION, what=remedy[:1].upper() + remedy[1:].rstrip("."), because=finding.message
        )


def _lasting(proposal: Proposal | None) -> Iterator[Measure]:
    if proposal is None or proposal.size.lasts_seconds is None:
        return
    begin = "each start" if proposal.size.leaks else "now"
    span = span_words(proposal.size.lasts_seconds)
    yield Measure(
        kind=MeasureKind.PREVENTION,
        what="End the growth, or look again before the new limit is used up",
        because=f"It grows: the new limit lasts about {span} from {begin}, as fast as it grows today.",
    )


def _replicas(history: ContainerHistory, impact: Impact) -> Iterator[Measure]:
    kind = history.workload.kind if history.workload else None
    if kind in _REPLICATED and impact.wanted == 1 and impact.outages:
        yield Measure(
            kind=MeasureKind.PREVENTION,
            what="Run a second replica, if the program can have one",
            because="There is one replica: while it was down, nothing served.",
        )


def _alert(told: Diagnosis | None, commands: Collection[str]) -> Measure:
    """An alert that would have told before the kill, where the samples show that one could have."""
    what, because = _alert_words(told)
    command = "kubectl oom alerts" if "alerts" in commands else None
    return Measure(kind=MeasureKind.PREVENTION, what=what, because=because, command=command)


def _alert_words(told: Diagnosis | None) -> tuple[str, str]:
    if told is None:
        return "Alert on the kill itself", "It is known from the metrics engine alone: an alert there could have told."
    if told.verdict is Verdict.CHILD_KILLED:
        counter = "container_oom_events_total"
        return f"Alert on {counter}: kills inside a container", "The API shows no kill of a child; the counter does."
    if told.verdict in (Verdict.NODE, Verdict.POD_LIMIT):
        return (
            "Alert on the kill itself",
            "It was not at its own limit, so its own level of memory would not have told.",
        )
    if told.killed_at and (level := _alert_in_time(told, told.killed_at)):
        percent, before = level
        return (
            f"Alert on memory above {percent}% of the limit, and on the kill itself",
            f"Its working set was sampled above {percent}% of the limit for {span_words(before)} before the kill.",
        )
    if told.killed_at and (near := near_limit_since(told)):
        before = (told.killed_at - near).total_seconds()
        near_for = f"Its samples were at {_NEAR} of the limit or more for {span_words(before)} before the kill"
        return _TOO_LATE, f"{near_for}: too short, or too much of it file cache, for an alert on the working set."
    if told.run_up and told.run_up.samples and told.limit_bytes:
        highest = told.run_up.highest_usage_bytes or told.run_up.highest_working_set_bytes
        seen = f" The highest was {show_bytes(highest)}." if highest is not None else ""
        return (
            _TOO_LATE,
            f"The last sample before the kill was below {_NEAR} of the limit.{seen}",
        )
    return "Alert on the kill itself, and have memory sampled", "No source has samples of the life that ended."


def _alert_in_time(told: Diagnosis, killed_at: datetime) -> tuple[int, float] | None:
    """Which of our rules on the level of memory would have fired first: its percent, and for how long it was true."""
    limit = told.limit_bytes
    samples = [sample for sample in (told.run_up.samples if told.run_up else ()) if sample.at <= killed_at]
    if not samples or not limit:
        return None
    end = min(killed_at, samples[-1].at + timedelta(seconds=LOOKBACK_SECONDS))
    fired = []
    for percent, minutes in (INFO, WARNING, CRITICAL):
        since = end
        for sample in reversed(samples):
            if sample.value * 100 <= percent * limit:
                break
            since = sample.at
        before = (end - since).total_seconds()
        if before >= 60 * minutes:
            fired.append((before - 60 * minutes, percent, before))
    return max(fired)[1:] if fired else None


def _follow_up(history: ContainerHistory, told: Diagnosis | None, commands: Collection[str]) -> Iterator[Measure]:
    if "history" not in commands:
        return
    owner = history.workload
    pod = told.pod if told else next(iter(history.pods), None)
    known = owner is not None and (owner.kind in SETTABLE or owner.kind == "Job")
    target = where(owner) if owner and known else f"pod/{pod}"
    yield Measure(
        kind=MeasureKind.FOLLOW_UP,
        what="A week after the last change, see whether it came back",
        because="A change is proven by the kills that do not come.",
        command=shell("kubectl", "oom", "history", target, "-n", history.namespace),
    )
