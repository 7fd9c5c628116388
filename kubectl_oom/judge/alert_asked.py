"""What the rules that this tool writes have in common: what was asked for, and the parts of their expressions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_oom.judge.alert_levels import CRITICAL, INFO, WARNING
from kubectl_oom.judge.alert_lint.syntax import Matcher, quoted

if TYPE_CHECKING:
    from kubectl_oom.evidence import Severity

_OF = ("namespace", "pod", "container")
WHO = "container {{ $labels.container }} of pod {{ $labels.namespace }}/{{ $labels.pod }}"
TARGET = "pod/{{ $labels.pod }} -n {{ $labels.namespace }} -c {{ $labels.container }}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertAsked:
    """What the rules shall be like; percents of the limit, durations as Prometheus spells them."""

    namespaces: tuple[Matcher, ...] = ()
    cluster_label: str | None = None
    window_seconds: int = 600
    info_percent: int = INFO.percent
    warning_percent: int = WARNING.percent
    critical_percent: int = CRITICAL.percent
    info_for: str = f"{INFO.minutes}m"
    warning_for: str = f"{WARNING.minutes}m"
    critical_for: str = f"{CRITICAL.minutes}m"
    grow_window_seconds: int = 3600  # a line needs as many samples; a younger container has its start-up in it
    ahead_seconds: int = 4 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """One rule: `waits` is its `for`, None where one moment is enough."""

    name: str
    severity: Severity
    expr: str
    waits: str | None
    summary: str
    description: str
    runbook: str


class RuleText:
    """The parts that expressions share."""

    def __init__(self, asked: AlertAsked) -> None:
        self.asked = asked
        self.labels = ", ".join((*filter(None, (asked.cluster_label,)), *_OF))
        self.pod_labels = ", ".join((*filter(None, (asked.cluster_label,)), *_OF[:2]))
        self.by = f"max by ({self.labels})"
        self.on = f"on ({self.labels})"
        self.window = duration_text(asked.window_seconds)

    def select(self, name: str, *matchers: str) -> str:
        """A selector of these namespaces."""
        own = (f"{m.label}{m.op}{quoted(m.value)}" for m in self.asked.namespaces)
        inside = ", ".join((*matchers, *own))
        return f"{name}{{{inside}}}" if inside else name

    def used(self) -> str:
        """What containers use: not their pods' totals, not the sandboxes."""
        return self.select("container_memory_working_set_bytes", 'container!=""', 'container!="POD"')

    def limits(self, indent: str) -> str:
        """The memory limits of containers, init containers and sidecars; nothing where there is none."""
        of = [self.select(f"kube_pod_{kind}container_resource_limits", 'resource="memory"') for kind in ("", "init_")]
        return f"{self.by} (\n{indent}  {of[0]}\n{indent}  or\n{indent}  {of[1]}\n{indent})"


def duration_text(seconds: int) -> str:
    """The duration as Prometheus spells it: `10m`, `90s`."""
    for unit, letter in ((3600, "h"), (60, "m")):
        if seconds % unit == 0:
            return f"{seconds // unit}{letter}"
    return f"{seconds}s"
