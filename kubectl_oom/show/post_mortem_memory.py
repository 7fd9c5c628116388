"""The section of a post-mortem about memory: the charts, and the numbers behind them."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from kubectl_oom.quantity import show_bytes, show_percent
from kubectl_oom.show import history as of_history
from kubectl_oom.show.blocks import Blank, Figure, Heading, Paragraph, Table
from kubectl_oom.show.chart import sample_interval
from kubectl_oom.show.memory import memory_caption, memory_rows, picture, still_running
from kubectl_oom.show.words import duration, iso, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kubectl_oom.evidence import Diagnosis, PostMortem
    from kubectl_oom.show.blocks import Block, Line
    from kubectl_oom.show.chart import Picture
    from kubectl_oom.show.memory import Row

_USUAL_SECONDS = 60.0  # between samples, where nothing tells
# Of the table of samples: what a person can go through, and enough to see a shape.
SPANS = 24
# Ages are counted from here, and what lies ahead is written as its time: a post-mortem is read in a year.
_BEFORE_ALL = datetime.min.replace(tzinfo=timezone.utc)


def memory_section(item: PostMortem, now: datetime) -> Iterator[Block]:
    """What the memory did before the end, and over the whole window."""
    yield Heading(2, "What the memory did")
    told = item.diagnosis
    before = _before_the_end(told, now) if told else None
    if told is not None:
        if before:
            yield before
        yield _rows(
            "In numbers, before the end" if not still_running(told) else "In numbers",
            list(memory_rows(told, _BEFORE_ALL)),
        )
    whole = _whole_window(item, now)
    if whole and (before is None or len(whole.picture.samples) > len(before.picture.samples)):
        yield whole
    span = duration((item.history.until - item.history.since).total_seconds())
    yield _rows(f"In numbers, over {span}, all pods together", list(of_history.facts(item.history)))
    if before is None and whole is None:
        yield Paragraph(("There are no samples to draw. ", Blank("a chart from elsewhere, if there is one")))


def _before_the_end(told: Diagnosis, now: datetime) -> Figure | None:
    drawn = picture(told, now)
    if drawn is None:
        return None
    caption = memory_caption(told, drawn=True)
    return Figure(
        caption=caption,
        description=_description(drawn, told.limit_bytes, ended=told.killed_at),
        picture=drawn,
        runs=(drawn.samples,),
        usual_seconds=sample_interval(drawn.samples) or _USUAL_SECONDS,
    )


def _whole_window(item: PostMortem, now: datetime) -> Figure | None:
    history = item.history
    drawn = of_history.picture(history, now)
    if drawn is None:
        return None
    usual = history.stepped_seconds or history.interval_seconds or _USUAL_SECONDS
    return Figure(
        caption=f"Memory over the window (working set, {plural(len(history.pods), 'pod')}, all instances)",
        description=_description(drawn, history.limit_bytes, ended=None)
        + f" {plural(len(history.kills), 'OOM kill')} in the window.",
        picture=drawn,
        runs=tuple(life.working_set for life in history.lives if life.working_set),
        usual_seconds=usual,
    )


def _description(drawn: Picture, limit: int | None, *, ended: datetime | None) -> str:
    """The chart in a few sentences, for those who cannot see it."""
    first, last = drawn.samples[0], drawn.samples[-1]
    highest = max(drawn.samples, key=lambda sample: sample.value)
    of_limit = f", {show_percent(highest.value, limit)} of the limit of {show_bytes(limit)}" if limit else ""
    told = (
        f"Working set from {iso(first.at)} to {iso(last.at)}, {plural(len(drawn.samples), 'sample')}: "
        f"first {show_bytes(first.value)}, highest sampled {show_bytes(highest.value)} at {iso(highest.at)}{of_limit}, "
        f"last {show_bytes(last.value)}."
    )
    return f"{told} The end came at {iso(ended)}." if ended else told


def sample_rows(figure: Figure) -> tuple[tuple[str, str, str], ...]:
    """Time, the highest sample of that span and the limit then: the chart as at most SPANS rows of numbers."""
    drawn = figure.picture
    samples = drawn.samples
    seconds = (samples[-1].at - samples[0].at).total_seconds()
    each = max(seconds / SPANS, 1.0)
    highest: dict[int, int] = {}
    for place, sample in enumerate(samples):
        span = min(int((sample.at - samples[0].at).total_seconds() / each), SPANS - 1)
        if span not in highest or sample.value > samples[highest[span]].value:
            highest[span] = place
    rows = []
    for place in highest.values():
        sample = samples[place]
        limit = next((one.value for one in reversed(drawn.limits) if one.at <= sample.at), None)
        rows.append((iso(sample.at), show_bytes(sample.value), show_bytes(limit) if limit else "not known"))
    return tuple(rows)


def _rows(caption: str, rows: Sequence[Row]) -> Table:
    lines: list[tuple[Line, ...]] = [((label,), (words,)) for label, words in rows]
    return Table(caption, ("", ""), tuple(lines))
