"""What the check of alert rules found: rule by rule on a screen, and as a document."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from kubectl_oom.evidence import Severity
from kubectl_oom.show.document import envelope
from kubectl_oom.show.words import listed, one_line, plural, printable, wrap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from kubectl_oom.evidence.alerting import CheckedRule, RuleCheck, RuleFault
    from kubectl_oom.show.colour import Paint

Json = dict[str, Any]
_ORDER = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)


def check_lines(check: RuleCheck, *, width: int, paint: Paint) -> Iterator[str]:
    """The rules with something wrong, each with what is right, then how many there were."""
    for checked in check.rules:
        if checked.faults:
            yield from _rule_lines(checked, width, paint)
            yield ""
    yield from wrap(_summary(check), width)


def _rule_lines(checked: CheckedRule, width: int, paint: Paint) -> Iterator[str]:
    rule = checked.rule
    what = "alert" if rule.is_alert else "record"
    lines = list(wrap(f"{place_of(checked)}: group {rule.group or '(none)'}, {what} {rule.name}", width))
    yield from map(paint.heading, lines)
    for fault in _by_code(checked.faults):
        yield from _fault_lines(fault, [f.at for f in checked.faults if f.code == fault.code and f.at], width, paint)
    if checked.mended is not None:
        yield "  instead:"
        # An expression is copied: it keeps its one line, however long.
        yield "    " + paint.memory(printable(checked.mended))
    elif any(fault.severity is not Severity.INFO for fault in checked.faults):
        yield from wrap("no ready expression: see `kubectl oom alerts` for rules that are right", width, "  ", "  ")


def _by_code(faults: tuple[RuleFault, ...]) -> list[RuleFault]:
    """Each code once, the worst first."""
    found: dict[str, RuleFault] = {}
    for fault in faults:
        found.setdefault(fault.code, fault)
    return sorted(found.values(), key=lambda fault: _ORDER.index(fault.severity))


def _fault_lines(fault: RuleFault, places: list[str], width: int, paint: Paint) -> Iterator[str]:
    tone: Callable[[str], str] = {Severity.CRITICAL: paint.killed, Severity.WARNING: paint.warning}.get(
        fault.severity, paint.plain
    )
    first, *rest = wrap(f"{fault.severity.value} {fault.code}: {fault.message}", width, "  ", "    ")
    head = f"  {fault.severity.value} {fault.code}:"
    yield tone(head) + first[len(head) :] if first.startswith(head) else first
    yield from rest
    for at in dict.fromkeys(places):
        yield from wrap(f"at: {at}", width, "    ", "      ")
    if fault.remedy:
        yield from wrap(f"to do: {fault.remedy}", width, "    ", "      ")


def place_of(checked: CheckedRule) -> str:
    """`file:line`, or the object."""
    rule = checked.rule
    return one_line(rule.source) + (f":{rule.line}" if rule.line is not None else "")


def _summary(check: RuleCheck) -> str:
    wrong = [rule for rule in check.rules if rule.faults]
    total = plural(len(check.rules), "rule")
    if not wrong:
        return f"{total} checked: nothing wrong was found in what they say about memory and OOM kills."
    counts = Counter(fault.severity for rule in wrong for fault in _by_code(rule.faults))
    said = listed([f"{counts[severity]} {severity.value}" for severity in _ORDER if counts[severity]])
    return f"{total} checked, {len(wrong)} with something to mend: {said}."


def check_document(check: RuleCheck, now: datetime) -> Json:
    """The same for scripts: every rule, also those that are right."""
    return envelope("RuleCheckList", [_item(checked) for checked in check.rules], check.gaps, now)


def _item(checked: CheckedRule) -> Json:
    rule = checked.rule
    return {
        "source": rule.source,
        "line": rule.line,
        "group": rule.group,
        "rule": rule.name,
        "ruleType": "alert" if rule.is_alert else "record",
        "expr": rule.expr,
        "faults": [
            {
                "code": fault.code,
                "severity": fault.severity.value,
                "message": fault.message,
                "at": fault.at or None,
                "remedy": fault.remedy,
            }
            for fault in checked.faults
        ],
        "mendedExpr": checked.mended,
    }
