"""What the memory of one container did, as rows of words and as a picture."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kubectl_oom.evidence import KERNEL_OOM_VERDICTS, Pattern, Sample, Verdict
from kubectl_oom.quantity import show_bytes, show_percent
from kubectl_oom.show.words import ago, duration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from kubectl_oom.evidence import Diagnosis, LastSample, RunUp
    from kubectl_oom.show.chart import Picture

Row = tuple[str, str]

_ENOUGH_FOR_A_PICTURE = 6  # fewer samples are said faster in words than seen in a chart
_KILLS = KERNEL_OOM_VERDICTS | {Verdict.PROBE_KILL, Verdict.SIGKILL_UNKNOWN}


def end_word(verdict: Verdict) -> str:
    """What sentences call the end of this container: `the kill` or `the end`."""
    return "the kill" if verdict in _KILLS else "the end"


def still_running(diagnosis: Diagnosis) -> bool:
    """Whether the very instance the verdict is about goes on: nothing ended, or only a process inside it."""
    child_only = diagnosis.verdict is Verdict.CHILD_KILLED and diagnosis.exit_code is None
    return child_only or diagnosis.verdict is Verdict.NO_TERMINATION


def memory_caption(diagnosis: Diagnosis, *, drawn: bool) -> str:
    """The head of the section: which series, how often sampled, from where."""
    end = "" if still_running(diagnosis) else f" before {end_word(diagnosis.verdict)}"
    last = diagnosis.last_sample
    if last is None:
        return f"Memory{end}"
    interval = last.interval_seconds
    if not interval and diagnosis.run_up:
        from kubectl_oom.show.chart import sample_interval  # noqa: PLC0415 - as below

        interval = sample_interval(diagnosis.run_up.samples)
    every = f"a sample every {duration(interval)}" if interval else "one sample"
    return f"Memory{end} ({'working set, ' if drawn else ''}{every}, {short_source(last.source)})"


def short_source(source: str) -> str:
    """The source without its address: `Prometheus`. The person asking gave the address."""
    return re.sub(r"\s+https?://\S*", "", source)


def memory_rows(diagnosis: Diagnosis, now: datetime) -> Iterator[Row]:
    """Label and words: the limit, the highest and the last sample, and the pattern; what is not known is not there."""
    yield "limit", limit_words(diagnosis)
    run_up, last, limit = diagnosis.run_up, diagnosis.last_sample, diagnosis.limit_bytes
    if run_up is not None:
        highest = both_sizes(run_up.highest_working_set_bytes, run_up.highest_usage_bytes, limit)
        if highest:
            yield "highest sampled", highest
    if last is not None:
        yield "last sample", _last_sample(diagnosis, last, now)
    if last is None and (run_up is None or not run_up.samples):
        before = "" if still_running(diagnosis) else f" before {end_word(diagnosis.verdict)}"
        yield "samples", f"none: nothing that was read knows its memory{before}"
    if run_up is not None and (run_up.pattern is not Pattern.UNKNOWN or last is not None or run_up.samples):
        sure = f" [{run_up.confidence.value}]" if run_up.confidence else ""
        yield "pattern", f"{run_up.pattern.value}{sure}: {run_up.reason}"


def limit_words(diagnosis: Diagnosis) -> str:
    """`100Mi, request 64Mi`; says when no limit was set, and when that is not known."""
    if diagnosis.limit_bytes is not None:
        limit = show_bytes(diagnosis.limit_bytes)
    else:
        limit = "none set" if diagnosis.limit_known else "not known for that time"
    return limit + (f", request {show_bytes(diagnosis.request_bytes)}" if diagnosis.request_bytes is not None else "")


def picture(diagnosis: Diagnosis, now: datetime) -> Picture | None:
    """The run-up as a picture, where there are samples enough to see anything."""
    run_up = diagnosis.run_up
    if run_up is None or len(run_up.samples) < _ENOUGH_FOR_A_PICTURE:
        return None
    from kubectl_oom.show.chart import Mark, MarkKind, Picture  # noqa: PLC0415 - only where there is something to draw

    killed_at, samples = diagnosis.killed_at, run_up.samples
    kill = killed_at is not None and diagnosis.verdict in _KILLS
    limit = diagnosis.limit_bytes
    return Picture(
        samples=samples,
        since=samples[0].at,
        until=max(samples[-1].at, killed_at) if killed_at else samples[-1].at,
        now=now,
        limits=(Sample(at=samples[0].at, value=limit),) if limit is not None else (),
        marks=(Mark(at=killed_at, kind=MarkKind.KILL),) if kill and killed_at else (),
    )


def _last_sample(diagnosis: Diagnosis, last: LastSample, now: datetime) -> str:
    sizes = both_sizes(last.working_set_bytes, last.usage_bytes, diagnosis.limit_bytes) or "without a value"
    run_up = diagnosis.run_up
    if run_up is not None and run_up.samples and _is_highest(run_up, last):
        sizes = "the highest"
    told = f"{sizes}; {_sampled_when(diagnosis, last.at, now)}"
    value = last.usage_bytes if last.usage_bytes is not None else last.working_set_bytes
    if value is None or diagnosis.limit_bytes is None:
        return told
    which = "usage " if None not in (last.usage_bytes, last.working_set_bytes) else ""
    left = diagnosis.limit_bytes - value
    return f"{told}, {which}{show_bytes(abs(left))} {'below' if left >= 0 else 'above'} the limit"


def _is_highest(run_up: RunUp, last: LastSample) -> bool:
    highest = (run_up.highest_working_set_bytes, run_up.highest_usage_bytes)
    return highest == (last.working_set_bytes, last.usage_bytes)


def _sampled_when(diagnosis: Diagnosis, at: datetime, now: datetime) -> str:
    if diagnosis.killed_at is None or still_running(diagnosis):
        return ago(at, now)
    before = (diagnosis.killed_at - at).total_seconds()
    side = "before" if before >= 0 else "after"
    return f"{duration(abs(before))} {side} {end_word(diagnosis.verdict)}"


def both_sizes(working_set: int | None, usage: int | None, limit: int | None) -> str:
    """`working set 96Mi (96%), usage 98Mi (98%)`: the two are never one number."""
    told = []
    for name, value in (("working set", working_set), ("usage", usage)):
        if value is not None:
            share = f" ({show_percent(value, limit)})" if limit else ""
            told.append(f"{name} {show_bytes(value)}{share}")
    return ", ".join(told)
