"""The watch itself: what the API server and the metrics engine show becomes events, each said once."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from queue import Empty, Queue
from threading import Thread
from typing import TYPE_CHECKING

import click

from kubectl_oom.cli.handing import Handing
from kubectl_oom.cli.looking import Looks
from kubectl_oom.cli.reading import fatal, tell
from kubectl_oom.evidence import EndsMissed
from kubectl_oom.judge.ledger import Ledger
from kubectl_oom.judge.nearing import Lookout
from kubectl_oom.read.connection import api_error_line
from kubectl_oom.read.gauges import Gauges, NoRound, NoRounds, Rounds
from kubectl_oom.read.late_evidence import workload_of
from kubectl_oom.read.source import ReadError
from kubectl_oom.read.watching import POLL_SECONDS, WATCH_SECONDS, Follower, Listed, Over, Pace, Refused, Shown, Trouble
from kubectl_oom.show import watching as words
from kubectl_oom.show.colour import Paint
from kubectl_oom.show.words import duration, plural

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kubectl_oom.cli.output import Output
    from kubectl_oom.evidence import Sighting, WatchEvent
    from kubectl_oom.read.gather import Wants
    from kubectl_oom.read.gauges import Round
    from kubectl_oom.read.live import LiveSource
    from kubectl_oom.read.watching import Report

# What was read and not yet taken in: more of it waits at the API server, so that a new list of a large cluster is never
# held as a whole.
WAITING_AT_MOST = 1000
LONGEST_NAP_SECONDS = 1.0  # so that Ctrl-C is heard where a waiting thread cannot be woken


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to watch, and for how long."""

    namespace: str | None
    everywhere: bool
    labels: str
    container: str | None
    since: timedelta
    for_seconds: float | None
    interval_seconds: float
    renew_seconds: int | None  # how long one watch lasts, if not as usual
    program: tuple[str, ...]
    wants: Wants


class Watching:
    """One watch, from its first list to its end."""

    def __init__(self, source: LiveSource, asked: Asked, output: Output, began: datetime) -> None:
        self._source = source
        self._asked = asked
        self._output = output
        self._namespace = None if asked.everywhere else asked.namespace or source.namespace
        self._ledger = Ledger(began, since=asked.since, container=asked.container)
        self._lookout = Lookout(asked.container)
        pace = Pace(watch_seconds=asked.renew_seconds or WATCH_SECONDS)
        self._follower = Follower(source.connection, self._namespace, asked.labels, pace)
        self._happened: Queue[Report | Round | Exception] = Queue(WAITING_AT_MOST)
        self._looks = Looks(source, asked.wants)
        self._metrics_down = False
        self._handing = Handing(asked.program, tell) if asked.program else None

    def run(self) -> None:
        """Print what happens, until Ctrl-C or the end of the time asked for. OomError where it cannot begin."""
        end = None if self._asked.for_seconds is None else time.monotonic() + self._asked.for_seconds
        self._begin()
        self._in_background(self._follow, "following the pods")
        if self._asked.wants.metrics:
            self._in_background(self._gauge, "asking the metrics engine")
        while end is None or time.monotonic() < end:
            self._take_next(end)
            self._tell_kills()
        while self._looks.next_at is not None:
            self._tell_kills(is_last=True)
        if self._handing:
            self._handing.finish()

    # --- what comes in ---------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        pods, at = 0, time.monotonic()
        try:
            for report in self._follower.start():
                self._take(report, at)  # as of one moment: what happened before is told oldest first
                pods = len(report.identities) if isinstance(report, Listed) else pods
        except ReadError as error:
            raise fatal(error, self._source) from error
        where = f"namespace {self._namespace}" if self._namespace else "all namespaces"
        tell(f"Watching {plural(pods, 'pod')} in {where}. Ctrl-C ends it.")

    def _in_background(self, work: Callable[[], None], name: str) -> None:
        """What fails there ends the watch: one that hears nothing any more must not look like a quiet cluster."""

        def run() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 - whatever it is: it is raised where it is heard
                self._happened.put(error)

        Thread(target=run, name=name, daemon=True).start()

    def _follow(self) -> None:
        for report in self._follower.go_on():
            self._happened.put(report)

    def _gauge(self) -> None:
        """Ask the metrics engine again and again; not where there is none."""
        rounds = Rounds(self._source, self._namespace)
        while not isinstance(found := rounds.next(_now()), NoRounds):
            self._happened.put(found)
            time.sleep(self._asked.interval_seconds)
        self._happened.put(found)

    def _take_next(self, end: float | None) -> None:
        """Take in what happens next, if anything does before something else is to be done."""
        moments = [moment for moment in (self._looks.next_at, end) if moment is not None]
        nap = min([moment - time.monotonic() for moment in moments], default=LONGEST_NAP_SECONDS)
        try:
            happened = self._happened.get(timeout=min(max(nap, 0.0), LONGEST_NAP_SECONDS))
        except Empty:
            return
        self._take(happened, time.monotonic())

    def _take(self, happened: Report | Round | Exception, at: float) -> None:
        """Take in what was heard at that instant of this machine's clock."""
        match happened:
            case Exception():
                raise happened
            case Shown(pod, deleted):
                found = (self._ledger.goes if deleted else self._ledger.sees)(pod, _now())
                (self._lookout.loses if deleted else self._lookout.sees)(pod)
                self._note(found, at)
            case Listed(identities):
                self._ledger.listed(identities)
                self._lookout.listed(identities)
            case Gauges(near, climbing):
                if self._metrics_down:
                    tell("The metrics engine answers again.")
                self._metrics_down = False
                for warned in (*self._lookout.nears(near, _now()), *self._lookout.climbs(climbing, _now())):
                    self._say(replace(warned, workload=workload_of(self._source, warned.namespace, warned.workload)))
            case Trouble() | Refused() | Over():
                tell(_words(happened))
            case NoRound(error) | NoRounds(error):
                if not self._metrics_down:
                    tell(f"Kills are told, who is next is not: metrics engine: {error.message}")
                self._metrics_down = True

    def _note(self, found: Sequence[Sighting], at: float) -> None:
        for sighting in found:
            if isinstance(sighting, EndsMissed):
                self._say(sighting)
            else:
                self._looks.note(sighting, at)

    # --- what comes out --------------------------------------------------------------------------------------------

    def _tell_kills(self, *, is_last: bool = False) -> None:
        """Look into what is due, and say what is an OOM kill; what cannot be told yet stays to be looked into."""
        for sighting, kill in self._looks.judge(time.monotonic(), _now(), is_last=is_last):
            self._ledger.tells(sighting)
            self._say(kill)

    def _say(self, event: WatchEvent) -> None:
        at = _now()
        document = words.to_json_line(event, at)
        if self._output.format == "json":
            click.echo(document)
        else:
            paint = Paint(on=self._output.colour)
            line = words.line(event, at, paint=paint, ascii_only=self._output.ascii_only)
            click.echo(line, color=True if self._output.colour else None)
        if self._handing:
            self._handing.hand(document)


def _words(happened: Trouble | Refused | Over) -> str:
    """What is said on stderr about the way to the API server."""
    if isinstance(happened, Over):
        return f"The API server answers again, after {duration(happened.seconds)}. What it still knows is told now."
    said = api_error_line(happened.error).removeprefix("error: ").rstrip(".")
    if isinstance(happened, Trouble):
        return f"{said}. Asked again until it answers; kills in the meantime are told then."
    instead = f"The pods are listed every {POLL_SECONDS:g} s instead"
    return f"{said}. {instead}; docs/clusterrole.yaml grants to watch them."


def _now() -> datetime:
    return datetime.now(timezone.utc)
