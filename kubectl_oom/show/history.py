"""A history as lines of text and as Markdown: the picture, the numbers, every kill, what may be behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Sample, Severity
from kubectl_oom.quantity import show_bytes, show_percent
from kubectl_oom.show import chart
from kubectl_oom.show.chart import Mark, MarkKind, Picture
from kubectl_oom.show.memory import short_source
from kubectl_oom.show.table import table
from kubectl_oom.show.words import age, duration, iso, pad, plural, printable, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import ContainerHistory, HistoryReport, Kill, Spread
    from kubectl_oom.show.colour import Paint

_LABEL = 14
_LIVES_SHOWN = 5
_KILLS_SHOWN = 15  # a crash loop has hundreds; -o wide and json show them all
_TONES = {Severity.CRITICAL: "killed", Severity.WARNING: "warning", Severity.INFO: "talk"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """Who reads: everything that is the same for all lines."""

    now: datetime
    paint: Paint
    width: int
    height: int
    wide: bool
    ascii_only: bool

    def item(self, item: ContainerHistory) -> Iterator[str]:
        yield from map(self.paint.heading, wrap(title(item), self.width))
        drawn = picture(item, self.now)
        if drawn is not None:
            yield from wrap(_caption(item), self.width)
            yield from chart.draw(
                drawn, width=self.width, height=self.height, ascii_only=self.ascii_only, paint=self.paint
            )
        for label, words in facts(item):
            yield from wrap(printable(words), self.width, pad("  " + label, _LABEL + 2), " " * (_LABEL + 2))
        yield from self._kills(item.kills)
        for finding in item.findings:
            tone = getattr(self.paint, _TONES[finding.severity])
            head = f"  {finding.severity.value} "
            told = list(wrap(f"{finding.code}: {printable(finding.message)}", self.width - len(head), "", "  "))
            yield tone(head) + told[0]
            yield from ("  " + line for line in told[1:])
            if finding.remedy:
                yield from wrap(printable(finding.remedy), self.width, "    -> ", "       ")

    def _kills(self, kills: Sequence[Kill]) -> Iterator[str]:
        if not kills:
            return
        shown = kills if self.wide else kills[:_KILLS_SHOWN]
        yield self.paint.heading("Kills, newest first:")
        optional = ("NODE", "HIGHEST-SAMPLED", "PATTERN", "CONFIDENCE")
        yield from ("  " + line for line in table(kill_rows(shown, self.now, wide=self.wide), self._inner, optional))
        if len(shown) < len(kills):
            yield self.paint.talk(f"  and {len(kills) - len(shown)} more: -o wide")

    @property
    def _inner(self) -> int | None:
        return None if self.wide else self.width - 2


def lines(
    report: HistoryReport,
    *,
    now: datetime,
    width: int,
    height: int,
    paint: Paint,
    wide: bool = False,
    ascii_only: bool = False,
) -> Iterator[str]:
    """The lines of `history`: each container with its chart, numbers, kills and causes; then the gaps."""
    page = _Page(now=now, paint=paint, width=width, height=height, wide=wide, ascii_only=ascii_only)
    if not report.items:
        yield "No container is known for this window."
    for number, item in enumerate(report.items):
        if number:
            yield ""
        yield from page.item(item)
    if report.gaps:
        yield ""
        yield paint.heading("Could not be seen:")
        for gap in report.gaps:
            remedy = f" -> {gap.remedy}" if gap.remedy else ""
            yield from wrap(printable(f"{gap.source}: {gap.reason}{remedy}"), width, "  ", "    ")


def title(item: ContainerHistory) -> str:
    """Which container, and how often it was killed in the window."""
    what = f"{item.workload.kind.lower()}/{item.workload.name}" if item.workload else ", ".join(item.pods) or "?"
    span = duration((item.until - item.since).total_seconds())
    kills = plural(len(item.kills), "OOM kill") if item.kills else "no OOM kill that any source shows"
    return printable(f"{what} in {item.namespace}, container {item.container}: {kills} in {span}")


def facts(item: ContainerHistory) -> Iterator[tuple[str, str]]:
    """Label and words, for what is known."""
    limit = show_bytes(item.limit_bytes) if item.limit_bytes else "none known"
    request = f", request {show_bytes(item.request_bytes)}" if item.request_bytes else ""
    yield "limit", limit + request
    if item.now and item.now.working_set_bytes is not None:
        yield (
            "now",
            f"working set {_of_limit(item.now.working_set_bytes, item.limit_bytes)}, {short_source(item.now.source)}",
        )
    if item.working_set:
        yield "working set", _spread(item.working_set, item.limit_bytes)
    if item.usage:
        yield "usage", _spread(item.usage, item.limit_bytes) + _cache(item)
    sure = f" [{item.confidence.value}]" if item.confidence else ""
    yield "pattern", f"{item.pattern.value}{sure}: {item.reason}"
    if item.data_needed:
        yield "to be surer", item.data_needed
    if item.growth_bytes_per_hour is not None:
        yield "growth", _growth(item)
    if any(life.bytes_per_hour is not None for life in item.growth_of_lives):
        yield "in each life", _growth_of_lives(item)
    yield "kills", _rate(item)
    for change in item.image_changes:
        yield "image (I)", f"{change.image} from {iso(change.at)}"


def _spread(spread: Spread, limit: int | None) -> str:
    parts = (
        ("avg", spread.mean_bytes),
        ("p50", spread.p50_bytes),
        ("p95", spread.p95_bytes),
        ("p99", spread.p99_bytes),
        ("highest sampled", spread.max_sampled_bytes),
    )
    return ", ".join(f"{name} {_of_limit(value, limit)}" for name, value in parts if value is not None)


def _of_limit(value: int, limit: int | None) -> str:
    return show_bytes(value) + (f" ({show_percent(value, limit)})" if limit else "")


def _cache(item: ContainerHistory) -> str:
    """What explains a usage above the working set: file cache that the kernel can take back."""
    if not item.usage or not item.working_set:
        return ""
    more = item.usage.max_sampled_bytes - item.working_set.max_sampled_bytes
    if more <= item.usage.max_sampled_bytes // 10:
        return ""
    return f"; {show_bytes(more)} more than the working set is file cache, which the kernel can take back"


def _growth(item: ContainerHistory) -> str:
    per_hour = round(item.growth_bytes_per_hour or 0)
    words = f"{_signed(per_hour)} an hour in the floor, over all lives"
    if item.seconds_to_limit is not None:
        words += f"; at this rate the limit is {duration(item.seconds_to_limit)} away"
    return words


def _growth_of_lives(item: ContainerHistory) -> str:
    """The newest lives first; one that was seen too shortly says so."""
    told = []
    for life in reversed(item.growth_of_lives[-_LIVES_SHOWN:]):
        rate = "seen too shortly" if life.bytes_per_hour is None else f"{_signed(life.bytes_per_hour)}/h"
        told.append(f"{rate} over {duration((life.until - life.since).total_seconds())}")
    more = len(item.growth_of_lives) - len(told)
    return ", ".join(told) + (f", and {more} earlier" if more else "")


def _signed(size: float) -> str:
    return ("+" if size >= 0 else "") + show_bytes(round(size))


def _rate(item: ContainerHistory) -> str:
    words = plural(len(item.kills), "kill") if item.kills else "none that any source shows"
    if item.kills_per_week is not None and item.kills:
        words += f", {item.kills_per_week:.1f} a week at this rate"
    if item.restarts is not None:
        words += f"; {plural(item.restarts, 'restart')} of any cause, at least"
    return words


def kill_rows(kills: Sequence[Kill], now: datetime, *, wide: bool) -> list[list[str]]:
    """Headers, then a row per kill."""
    headers = ["AGE", "POD", "VERDICT", "CONFIDENCE", "LIMIT", "HIGHEST-SAMPLED", "PATTERN", "NODE"]
    headers += ["TIME", "EXIT-CODE", "IMAGE", "SOURCES"] if wide else []
    rows = [headers]
    for kill in kills:
        sampled = kill.highest_sampled_bytes
        row = [
            ("" if kill.exact else "~") + age(kill.at, now),
            kill.pod + (" (gone)" if kill.pod_gone else ""),
            kill.verdict.value,
            kill.confidence.value,
            show_bytes(kill.limit_bytes) if kill.limit_bytes else "<unknown>",
            _of_limit(sampled, kill.limit_bytes) if sampled is not None else "<unknown>",
            kill.pattern.value,
            kill.node or "<unknown>",
        ]
        if wide:
            code_text = "<none>" if kill.exit_code is None else str(kill.exit_code)
            row += [iso(kill.at), code_text, kill.image or "<unknown>", ", ".join(kill.sources)]
        rows.append(row)
    return rows


# --- the picture ---------------------------------------------------------------------------------------------------


def picture(item: ContainerHistory, now: datetime) -> Picture | None:
    """All lives of all pods over one another: the highest sample of each moment, with limits, kills and restarts."""
    samples = sorted((s for life in item.lives for s in life.working_set), key=lambda s: s.at)
    if not samples:
        return None
    marks = [Mark(at=kill.at, kind=MarkKind.KILL) for kill in item.kills]
    killed = {kill.at for kill in item.kills}
    for life in item.lives:
        started = life.working_set[0].at if life.working_set else None
        if started and started > item.since and not any(abs((started - at).total_seconds()) < _NEAR for at in killed):
            marks.append(Mark(at=started, kind=MarkKind.RESTART))
    marks += [Mark(at=change.at, kind=MarkKind.IMAGE) for change in item.image_changes]
    return Picture(
        samples=tuple(samples),
        since=min(samples[0].at, *(m.at for m in marks)) if marks else samples[0].at,
        until=max(item.until, samples[-1].at),
        now=now,
        limits=_limits(item, samples[0].at),
        marks=tuple(marks),
    )


_NEAR = 120.0  # seconds between a kill and the first sample of the next life: one mark is enough


def _limits(item: ContainerHistory, first: datetime) -> tuple[Sample, ...]:
    """The moments at which the limit changed; today's where the engine kept none."""
    known = sorted((s for life in item.lives for s in life.limit), key=lambda s: s.at)
    changes: list[Sample] = []
    for sample in known:
        if not changes or changes[-1].value != sample.value:
            changes.append(sample)
    if changes:
        return tuple(changes)
    return (Sample(at=first, value=item.limit_bytes),) if item.limit_bytes else ()


def _caption(item: ContainerHistory) -> str:
    every = f"a sample every {duration(item.interval_seconds)}" if item.interval_seconds else "few samples"
    reduced = f", the highest of each {duration(item.stepped_seconds)} shown" if item.stepped_seconds else ""
    pods = len({life.pod for life in item.lives if life.working_set})
    return f"Working set, {plural(item.samples, 'sample')} of {plural(pods, 'pod')} ({every}{reduced}):"
