"""The alert rules that this tool writes: what each is true of, for how long, and what a person reads.

Every expression names a container by namespace, pod and container, and takes `max by` of them: two replicas of
kube-state-metrics tell everything twice. What is true of a kill is so for a while after it, and then ends by itself.
"""

from __future__ import annotations

from kubectl_oom.evidence import Severity
from kubectl_oom.judge.alert_asked import TARGET, WHO, AlertAsked, AlertRule, RuleText
from kubectl_oom.judge.alert_rules_of_memory import growing, near

_NODE = "{{ or $labels.nodename $labels.node $labels.instance }}"
# A finished pod stays until its Job is cleaned up, often for days.
FINISHED_FOR_SECONDS = 3600
COUNTED_OVER = "15m"


def alert_rules(asked: AlertAsked) -> tuple[AlertRule, ...]:
    """All rules, in the order of what they are worth; those of the node only where no namespace was chosen."""
    text = RuleText(asked)
    of_node = () if asked.namespaces else (_node(text),)
    return (*_killed(text), _finished(text), _child(text), *of_node, *near(text), growing(text))


def _killed(text: RuleText) -> tuple[AlertRule, ...]:
    return (
        _killed_now(text, "", "ContainerOOMKilled", "2.12"),
        _killed_before(text, "", "ContainerOOMKilledByRestarts"),
        _killed_now(text, "init_", "InitContainerOOMKilled", "2.20"),
        _killed_before(text, "init_", "InitContainerOOMKilledByRestarts"),
    )


def _killed_now(text: RuleText, kind: str, name: str, version: str) -> AlertRule:
    """By the time of the last end, which kube-state-metrics tells since that version."""
    moment, reason = _last(kind, "timestamp"), _last(kind, "reason")
    killed = text.select(reason, 'reason="OOMKilled"')
    expr = (
        f"(time() - {text.by} ({text.select(moment)}) < {text.asked.window_seconds})\n"
        f"and {text.on}\n"
        f"{text.by} ({killed} == 1)"
    )
    return _kill_rule(kind, name, expr, "{{ $value | humanizeDuration }} ago", version)


def _killed_before(text: RuleText, kind: str, name: str) -> AlertRule:
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
    who = WHO.replace("container {{", "init container or sidecar {{", 1) if kind else WHO
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
        runbook=f"kubectl oom why {TARGET}",
    )


def _finished(text: RuleText) -> AlertRule:
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
        summary=f"Finished by an OOM kill: {WHO}",
        description=f"The runtime reports OOMKilled for {WHO}, and nothing starts it again: its work may not be done. "
        "This alert ends an hour after that.",
        runbook=f"kubectl oom why {TARGET}",
    )


def _child(text: RuleText) -> AlertRule:
    counter = text.select("container_oom_events_total", 'container!=""', 'container!="POD"')
    return AlertRule(
        name="ContainerProcessOOMKilled",
        severity=Severity.WARNING,
        expr=f"sum by ({text.labels}) (increase({counter}[{COUNTED_OVER}])) > 0",
        waits=None,
        summary=f"OOM kill of a process inside: {WHO}",
        description=f'About {{{{ $value | printf "%.0f" }}}} processes were OOM-killed within {COUNTED_OVER} inside '
        f"{WHO}, which lives on: its restarts do not show it, its requests fail.",
        runbook=f"kubectl oom why {TARGET}",
    )


def _node(text: RuleText) -> AlertRule:
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
