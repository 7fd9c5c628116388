"""The section of a post-mortem about impact: which replicas went on serving, and how long the others did not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.show.blocks import At, Blank, Heading, Paragraph, Points, Table
from kubectl_oom.show.memory import still_running
from kubectl_oom.show.words import duration, iso, listed, plural

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from kubectl_oom.evidence import Outage, PostMortem
    from kubectl_oom.show.blocks import Block, Line

_PODS_NAMED = 5  # of those that went on serving; the rest is a number


def impact_section(item: PostMortem, now: datetime) -> Iterator[Block]:
    """The replicas, each pod that was down, and blanks for what no source knows."""
    yield Heading(2, "Impact")
    yield Paragraph((replicas_words(item),))
    impact = item.impact
    if impact.outages:
        rows = tuple(_outage_row(outage, now) for outage in impact.outages)
        yield Table("Pods that did not serve", ("pod", "ended", "restarted after", "ready again after"), rows)
    elif item.diagnosis is not None:
        went_on = still_running(item.diagnosis)
        told = "The container went on" if went_on else "No source says when it ended"
        yield Paragraph((f"{told}, so no down time is known.",))
    if impact.untold:
        about = f"Of {plural(impact.untold, 'other kill')} in the window no source keeps how long the pod was down: "
        yield Paragraph((about, Blank("down time of those, if it matters")))
    yield Points(
        (
            (("Users and requests affected: ", Blank("who, how many, what failed; no source here knows")), ()),
            (("Data lost or work repeated: ", Blank("none, or what")), ()),
        )
    )


def replicas_words(item: PostMortem) -> str:
    """Which replicas went on serving, as far as the API still shows it."""
    impact = item.impact
    if item.workload is None:
        return "The pod belongs to no workload: no other replica could serve in its place."
    steady, wanted = impact.kept_serving, impact.wanted
    of = f" of {plural(wanted, 'replica')}" if wanted is not None else ""
    named = f" ({listed(list(steady[:_PODS_NAMED]))}{', …' if len(steady) > _PODS_NAMED else ''})" if steady else ""
    if impact.since is None:
        told = "Which replicas went on serving cannot be told: no source keeps what was ready when it happened."
    elif steady:
        told = f"{len(steady)}{of} kept serving, ready without a break since before it happened{named}."
    elif wanted == 1:
        told = "It is the only replica: nothing else could serve in its place."
    else:
        told = f"No other pod{of} is known to have been ready all the time."
    if impact.later_ready:
        told += f" {plural(len(impact.later_ready), 'pod')} became ready only later."
    if impact.ready_now is not None and wanted is not None:
        told += f" Ready when this was written: {impact.ready_now} of {wanted}."
    return told


def down_words(outage: Outage, now: datetime) -> str:
    """How long one pod was down, as a sentence without its full stop."""
    if outage.until is not None:
        took = duration((outage.until - outage.since).total_seconds())
        return f"Pod {outage.pod} was down for {took}, from {iso(outage.since)} to {iso(outage.until)}"
    if outage.goes_on:
        return f"Pod {outage.pod} is not ready since {iso(outage.since)}: {duration((now - outage.since).total_seconds())} so far"
    return f"Pod {outage.pod} ended at {iso(outage.since)}; when it was ready again, no source says"


def _outage_row(outage: Outage, now: datetime) -> tuple[Line, ...]:
    restarted: Line = (Blank("not seen"),)
    if outage.restarted_at is not None:
        restarted = (duration((outage.restarted_at - outage.since).total_seconds()),)
    ready: Line = (Blank("not seen"),)
    if outage.until is not None:
        ready = (duration((outage.until - outage.since).total_seconds()),)
    elif outage.goes_on:
        ready = (f"not ready after {duration((now - outage.since).total_seconds())}",)
    return (outage.pod,), (At(outage.since),), restarted, ready
