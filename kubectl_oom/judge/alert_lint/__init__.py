"""What is wrong with the rules that watch for OOM kills, and what they should say instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.evidence.alerting import CheckedRule, RuleFault
from kubectl_oom.judge.alert_lint.codes import LINTS
from kubectl_oom.judge.alert_lint.mend import faults_of, mended
from kubectl_oom.judge.alert_lint.parse import NotReadError, parse
from kubectl_oom.judge.alert_lint.syntax import text_of
from kubectl_oom.judge.alert_lint.together import alone, outlived

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_oom.evidence.alerting import FoundRule
    from kubectl_oom.judge.alert_lint.codes import Fault
    from kubectl_oom.judge.alert_lint.syntax import Expr


def lint(rules: Sequence[FoundRule]) -> tuple[CheckedRule, ...]:
    """Every rule with its faults, in the order given; the rules are taken as all that watch one cluster."""
    read = [_read(rule.expr) for rule in rules]
    together = [expr for expr in read if not isinstance(expr, NotReadError)]
    return tuple(_checked(rule, expr, together) for rule, expr in zip(rules, read, strict=True))


def _read(text: str) -> Expr | NotReadError:
    try:
        return parse(text)
    except NotReadError as error:
        return error


def _checked(rule: FoundRule, expr: Expr | NotReadError, together: Sequence[Expr]) -> CheckedRule:
    if isinstance(expr, NotReadError):
        lint = LINTS["not-checked"]
        message = f"{lint.why} It is {expr}." if str(expr).startswith("not") else f"{lint.why} Here {expr}."
        return CheckedRule(
            rule=rule, faults=(RuleFault(code="not-checked", severity=lint.severity, at="", message=message),)
        )
    inside = [fault for fault, _ in faults_of(expr, rule)]
    better = mended(expr, rule) if inside else None
    # A window that was taken from the expression may be too short for a `for` that nothing was wrong with before.
    waits = [*outlived(expr, rule)] or [*(outlived(parse(better), rule) if better else ())]
    outside = [*waits, *alone(expr, rule, together)]
    return CheckedRule(rule=rule, faults=tuple(dict.fromkeys(map(_told, (*inside, *outside)))), mended=better)


def _told(fault: Fault) -> RuleFault:
    lint = LINTS[fault.code]
    return RuleFault(
        code=fault.code, severity=lint.severity, at=text_of(fault.at), message=lint.why, remedy=lint.remedy
    )
