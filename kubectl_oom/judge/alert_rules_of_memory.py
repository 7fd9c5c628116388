"""The alert rules about memory that nears its limit, before any kill."""

from __future__ import annotations

from kubectl_oom.evidence import Severity
from kubectl_oom.judge.alert_asked import TARGET, WHO, AlertRule, RuleText, duration_text

# Below half of the limit a line into it is no news yet: caches and heaps fill like that.
TREND_FROM = 0.5
# A step (a cache that fills, a batch that begins) bends the line for as long as it is in it, most while it is new: a
# quarter of the window later the rest of it has had its say. Of the default hour that is 15 minutes.
TREND_HOLDS_PART = 4


def near(text: RuleText) -> tuple[AlertRule, ...]:
    """One name at three severities, so that Alertmanager's usual rule lets the highest inhibit the others."""
    asked = text.asked
    levels = (
        (Severity.INFO, asked.info_percent, asked.info_for),
        (Severity.WARNING, asked.warning_percent, asked.warning_for),
        (Severity.CRITICAL, asked.critical_percent, asked.critical_for),
    )
    return tuple(_near_at(text, severity, percent, waits) for severity, percent, waits in levels)


def _near_at(text: RuleText, severity: Severity, percent: int, waits: str) -> AlertRule:
    return AlertRule(
        name="ContainerMemoryNearLimit",
        severity=severity,
        expr=f"{text.by} ({text.used()})\n/ {text.on}\n{text.limits('')}\n> {percent / 100:g}",
        waits=waits,
        summary=f"Memory above {percent}% of the limit: {WHO}",
        description=f"The working set of {WHO} is at {{{{ $value | humanizePercentage }}}} of its memory limit for "
        f"{waits}. At the limit the kernel kills it; file cache in use may be part of it.",
        runbook=f"kubectl oom history {TARGET}",
    )


def growing(text: RuleText) -> AlertRule:
    """True where a line through the window's samples is at the limit in the time asked for."""
    asked = text.asked
    window, ahead = duration_text(asked.grow_window_seconds), duration_text(asked.ahead_seconds)
    used, limits = text.used(), text.limits("  ")
    expr = (
        f"(\n  {text.by} (predict_linear({used}[{window}], {asked.ahead_seconds}) and {used} offset {window})\n"
        f"  / {text.on}\n  {limits}\n  > 1\n)\nand {text.on}\n"
        f"(\n  {text.by} ({used})\n  / {text.on}\n  {limits}\n  > {TREND_FROM:g}\n)"
    )
    return AlertRule(
        name="ContainerMemoryGrowsToLimit",
        severity=Severity.WARNING,
        expr=expr,
        waits=duration_text(asked.grow_window_seconds // TREND_HOLDS_PART),
        summary=f"Memory grows into the limit within {ahead}: {WHO}",
        description=f"At its rate over {window} the working set of {WHO} is at {{{{ $value | humanizePercentage }}}} of "
        f"its memory limit in {ahead}, and the kernel kills it at 100%.",
        runbook=f"kubectl oom history {TARGET}",
    )
