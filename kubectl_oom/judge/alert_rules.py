"""The alert rules that this tool writes: what each is true of, for how long, and what a person reads.

Every expression names a container by namespace, pod and container, and takes `max by` of them: two replicas of
kube-state-metrics tell everything twice. What is true of a kill is so for a while after it, and then ends by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from kubectl_oom.evidence import Severity
from kubectl_oom.judge.alert_lint.syntax import Matcher, quoted

_OF = ("namespace", "pod", "container")
_WHO = "container {{ $labels.container }} of pod {{ $labels.namespace }}/{{ $labels.pod }}"
_TARGET = "pod/{{ $labels.pod }} -n {{ $labels.namespace }} -c {{ $labels.container }}"
_NODE = "{{ or $labels.nodename $labels.node $labels.instance }}"
# A finished pod stays until its Job is cleaned up, often for days.
FINISHED_FOR_SECONDS = 3600
COUNTED_OVER = "15m"
# A line needs an hour of samples; a container that is younger has its start-up in it, which is no trend.
TREND_OVER = "1h"
# Below half of the limit a line into it is no news yet: caches and heaps fill like that.
TREND_FROM = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertAsked:
    """What the rules shall be like; percents of the limit, durations as Prometheus spells them."""

    namespaces: tuple[Matcher, ...] = ()
    cluster_label: str | None = None
    window_seconds: int = 600
    info_percent: int = 85
    warning_percent: int = 90
    critical_percent: int = 95
    warning_for: str = "10m"
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


def alert_rules(asked: AlertAsked) -> tuple[AlertRule, ...]:
    """All rules, in the order of what they are worth; those of the node only where no namespace was chosen."""
    text = _Text(asked)
    of_node = () if asked.namespaces else (_node(text),)
    return (*_killed(text), _finished(text), _child(text), *of_node, *_near(text), _growing(text))


class _Text:
    """The parts that expressions share."""

    def __init__(self, asked: AlertAsked) -> None:
        self.asked = asked
        self.labels = ", ".join((*filter(None, (asked.cluster_label,)), *_OF))
        self.pod_labels = ", ".join((*filter(None, (asked.cluster_label,)), *_OF[:2]))
        self.by = f"max by ({self.labels})"
        self.on = f"on ({self.labels})"
        minutes, rest = divmod(asked.window_seconds, 60)
        self.window = f"{asked.window_seconds}s" if rest else f"{minutes}m"

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


def _killed(text: _Text) -> tuple[AlertRule, ...]:
    return (
        _killed_now(text, "", "ContainerOOMKilled", "2.12"),
        _killed_before(text, "", "ContainerOOMKilledByRestarts"),
        _killed_now(text, "init_", "InitContainerOOMKilled", "2.20"),
        _killed_before(text, "init_", "InitContainerOOMKilledByRestarts"),
    )


def _killed_now(text: _Text, kind: str, name: str, version: str) -> AlertRule:
    """By the time of the last end, which kube-state-metrics tells since that version."""
    moment, reason = _last(kind, "timestamp"), _last(kind, "reason")
    killed = text.select(reason, 'reason="OOMKilled"')
    expr = (
        f"(time() - {text.by} ({text.select(moment)}) < {text.asked.window_seconds})\n"
        f"and {text.on}\n"
        f"{text.by} ({killed} == 1)"
    )
    return _kill_rule(kind, name, expr, "{{ $value | humanizeDuration }} ago", version)


def _killed_before(text: _Text, kind: str, name: str) -> AlertRule:
    """By restarts, where an older kube-state-metrics does not tell that time."""
    moment, reason, restarts = (
        _last(kind, "timestamp"),
        _last(kind, "reason"),
        f"kube_pod_{kind}container_status_restarts_total",
    )
    killed = text.select(reason, 'reason="OOMKilled"')
    expr = (
        f"({text.by} (increase({text.select(restarts)}[{text.window}])) > 0)\n"
        f"and {text.on}\n"
        f"{text.by} ({killed} == 1)\n"
        f"unless {text.on}\n"
        f"{text.by} ({text.select(moment)})"
    )
    return _kill_rule(kind, name, expr, f"within {text.window}", None)


def _last(kind: str, what: str) -> str:
    return f"kube_pod_{kind}container_status_last_terminated_{what}"


def _kill_rule(kind: str, name: str, expr: str, when: str, version: str | None) -> AlertRule:
    who = _WHO.replace("container {{", "init container or sidecar {{", 1) if kind else _WHO
    since = (
        f"Needs kube-state-metrics {version} or later."
        if version
        else "For a kube-state-metrics that does not tell when a container ended."
    )
    return AlertRule(
        name=name,
        severity=Severity.WARNING,
        expr=expr,
        waits=None,
        summary=f"OOM kill: {who}",
        description=f"The runtime reports OOMKilled for {who}: it ended {when}, and is started again. {since}",
        runbook=f"kubectl oom why {_TARGET}",
    )


def _finished(text: _Text) -> AlertRule:
    """Ended by an OOM kill for good. The moment is that of the pod; of init containers none is told."""
    ended = "kube_pod_{}container_status_terminated_reason"
    reason = [text.select(ended.format(kind), 'reason="OOMKilled"') for kind in ("", "init_")]
    moment = text.select("kube_pod_completion_time")
    expr = (
        f"(\n  {text.by} ({reason[0]} == 1)\n"
        f"  and on ({text.pod_labels})\n"
        f"  (time() - max by ({text.pod_labels}) ({moment}) < {FINISHED_FOR_SECONDS})\n"
        f")\nor\n(\n  {text.by} ({reason[1]} == 1)\n"
        f"  unless {text.on}\n"
        f"  {text.by} ({reason[1]} offset {FINISHED_FOR_SECONDS // 3600}h == 1)\n)"
    )
    return AlertRule(
        name="ContainerFinishedByOOM",
        severity=Severity.WARNING,
        expr=expr,
        waits="1m",  # longer than a container is ended before it is started again for the first time
        summary=f"Finished by an OOM kill: {_WHO}",
        description=f"The runtime reports OOMKilled for {_WHO}, and nothing starts it again: its work may not be done. "
        "This alert ends an hour after that.",
        runbook=f"kubectl oom why {_TARGET}",
    )


def _child(text: _Text) -> AlertRule:
    counter = text.select("container_oom_events_total", 'container!=""', 'container!="POD"')
    return AlertRule(
        name="ContainerProcessOOMKilled",
        severity=Severity.WARNING,
        expr=f"sum by ({text.labels}) (increase({counter}[{COUNTED_OVER}])) > 0",
        waits=None,
        summary=f"OOM kill of a process inside: {_WHO}",
        description=f'About {{{{ $value | printf "%.0f" }}}} processes were OOM-killed within {COUNTED_OVER} inside '
        f"{_WHO}, which lives on: its restarts do not show it, its requests fail.",
        runbook=f"kubectl oom why {_TARGET}",
    )


def _node(text: _Text) -> AlertRule:
    cluster = f"{text.asked.cluster_label}, " if text.asked.cluster_label else ""
    killed = f"max by ({cluster}instance, node) (increase(node_vmstat_oom_kill[{COUNTED_OVER}]))"
    expr = (
        f"(\n  {killed}\n"
        f"  * on ({cluster}instance) group_left (nodename)\n"
        f"  max by ({cluster}instance, nodename) (node_uname_info)\n"
        f"  or on ({cluster}instance)\n  {killed}\n) > 0"
    )
    return AlertRule(
        name="NodeOOMKill",
        severity=Severity.INFO,  # every kill at a container's limit is counted here too, and has an alert of its own
        expr=expr,
        waits=None,
        summary=f"OOM kills on node {_NODE}",
        description=f'The kernel killed about {{{{ $value | printf "%.0f" }}}} processes within {COUNTED_OVER} on node '
        f"{_NODE}: at a container's limit, or because the node itself ran out. Where no container's alert stands beside "
        f"this one, it was the node, or a process that is in no container.",
        runbook=f"kubectl oom why node/{_NODE}",
    )


def _near(text: _Text) -> tuple[AlertRule, ...]:
    """One name at three severities, so that Alertmanager's usual rule lets the highest inhibit the others."""
    asked = text.asked
    levels = (
        (Severity.INFO, asked.info_percent, "15m"),
        (Severity.WARNING, asked.warning_percent, asked.warning_for),
        (Severity.CRITICAL, asked.critical_percent, "2m"),
    )
    return tuple(_near_at(text, severity, percent, waits) for severity, percent, waits in levels)


def _near_at(text: _Text, severity: Severity, percent: int, waits: str) -> AlertRule:
    return AlertRule(
        name="ContainerMemoryNearLimit",
        severity=severity,
        expr=f"{text.by} ({text.used()})\n/ {text.on}\n{text.limits('')}\n> {percent / 100:g}",
        waits=waits,
        summary=f"Memory above {percent}% of the limit: {_WHO}",
        description=f"The working set of {_WHO} is at {{{{ $value | humanizePercentage }}}} of its memory limit for "
        f"{waits}. At the limit the kernel kills it; file cache in use may be part of it.",
        runbook=f"kubectl oom history {_TARGET}",
    )


def _growing(text: _Text) -> AlertRule:
    hours = f"{text.asked.ahead_seconds / 3600:g}"
    used, limits = text.used(), text.limits("  ")
    expr = (
        f"(\n  {text.by} (predict_linear({used}[{TREND_OVER}], {text.asked.ahead_seconds}) and {used} offset {TREND_OVER})\n"
        f"  / {text.on}\n  {limits}\n  > 1\n)\nand {text.on}\n"
        f"(\n  {text.by} ({used})\n  / {text.on}\n  {limits}\n  > {TREND_FROM:g}\n)"
    )
    return AlertRule(
        name="ContainerMemoryGrowsToLimit",
        severity=Severity.WARNING,
        expr=expr,
        waits="15m",
        summary=f"Memory grows into the limit within {hours}h: {_WHO}",
        description=f"At the rate of the last hour the working set of {_WHO} is at {{{{ $value | humanizePercentage }}}} of "
        f"its memory limit in {hours}h, and the kernel kills it at 100%.",
        runbook=f"kubectl oom history {_TARGET}",
    )
