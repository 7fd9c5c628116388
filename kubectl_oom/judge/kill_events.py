"""The event with which the kubelet announces that it stops a container, and what is left where it was dropped."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from kubectl_oom.judge.messages import failed_probe, stop_reason
from kubectl_oom.judge.samples import CLOCK_SLACK

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kubectl_oom.evidence import Container, Event, Pod, Termination
# A kill event belongs to an end that follows it within the grace period and this much for the runtime's own work.
STOP_SLACK = timedelta(seconds=10)
# No grace period is longer in practice; the API takes any 64-bit number.
LONGEST_GRACE_SECONDS = 7 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class KillEvent:
    """The kubelet's own word that it stopped this container, and why: `liveness`, `startup` or a stop's wording.

    The kubelet may send 25 events about a pod, then one in five minutes; the rest is dropped. So in a crash loop the
    word about this very life may be missing: `dropped` says that it is inferred from the probe's failure just before
    (`event`) and from the same probe's kills of earlier lives, or, weakest, from those alone.
    """

    event: Event
    probe: str | None
    stop: str | None
    grace_was_over: bool  # SIGKILL followed SIGTERM: the container outlived its grace period
    merged: bool = False  # one of several kills that share an event with only the first and the last time
    dropped: bool = False
    failed_just_before: bool = True


# --- events --------------------------------------------------------------------------------------------------------


def kill_event(pod: Pod, container: Container, end: Termination) -> KillEvent | None:
    """The Killing event that started this end, the latest that fits; else what is left of it when it was dropped."""
    if end.finished_at is None:
        return None
    longest = max(pod.grace_seconds, container.probe_grace_seconds or 0, pod.deletion_grace_seconds or 0)
    grace = timedelta(seconds=min(longest, LONGEST_GRACE_SECONDS))
    own = [e for e in reversed(pod.events) if (e.field_path or "").endswith(f"{{{container.name}}}") and e.last_at]
    earlier: KillEvent | None = None
    for event in own:
        probe, stop = failed_probe(event.message), stop_reason(event.message)
        if event.reason != "Killing" or not (probe or stop):
            continue
        if _led_to(event, end, grace):
            over = _outlived(pod, container, end, event, probe=bool(probe))
            return KillEvent(event=event, probe=probe, stop=stop, grace_was_over=over)
        if _hides_earlier(event, end.finished_at):
            return KillEvent(event=event, probe=probe, stop=stop, grace_was_over=False, merged=True)
        if probe and event.last_at and event.last_at < end.finished_at and earlier is None:
            earlier = KillEvent(event=event, probe=probe, stop=None, grace_was_over=False, dropped=True)
    return _dropped_kill(own, earlier, end, grace)


def _dropped_kill(
    own: Sequence[Event], earlier: KillEvent | None, end: Termination, grace: timedelta
) -> KillEvent | None:
    if earlier is None or earlier.probe is None:
        return None
    for event in own:
        failed = event.reason == "Unhealthy" and event.message.startswith(f"{earlier.probe.capitalize()} probe")
        if failed and _led_to(event, end, grace):
            return replace(earlier, event=event)
    return replace(earlier, failed_just_before=False)


def _outlived(pod: Pod, container: Container, end: Termination, event: Event, *, probe: bool) -> bool:
    if end.finished_at is None or event.last_at is None or end.exit_code != SIGKILL_EXIT:
        return False
    grace = pod.grace_seconds if pod.deletion_grace_seconds is None else pod.deletion_grace_seconds
    if probe:
        grace = pod.grace_seconds if container.probe_grace_seconds is None else container.probe_grace_seconds
    return (end.finished_at - event.last_at).total_seconds() >= grace - 1  # times are whole seconds


SIGKILL_EXIT = 137  # 128 + SIGKILL


def _led_to(event: Event, end: Termination, grace: timedelta) -> bool:
    """True when the event's last occurrence can have started this end: in its own life, and within the grace period."""
    last, ended = event.last_at, end.finished_at
    if last is None or ended is None:
        return False
    of_an_earlier_life = end.started_at is not None and last < end.started_at  # one clock, both cut to seconds
    return ended - grace - STOP_SLACK <= last <= ended + CLOCK_SLACK and not of_an_earlier_life


def _hides_earlier(event: Event, ended: datetime) -> bool:
    """True for merged repeats around this end: of those in between, one may be about it, but their times are gone."""
    return bool(event.count > 1 and event.first_at and event.last_at and event.first_at <= ended < event.last_at)
