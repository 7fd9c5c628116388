"""Alert rules: as others wrote them, and what a check of them found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubectl_oom.evidence.vocabulary import Gap, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRule:
    """One rule as it was read: from a file, or from a PrometheusRule object."""

    source: str  # the file's name as it was given, or prometheusrule/NAME -n NAMESPACE
    line: int | None  # where the rule begins in the file; None in an object of the cluster
    group: str
    name: str  # the alert's, or the record's
    is_alert: bool
    expr: str
    for_text: str = ""  # as it is spelled
    says: str = ""  # its annotations, for what it claims to be about


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFault:
    """What is wrong with a rule, with a stable code (docs/alerts.md)."""

    code: str
    severity: Severity
    at: str  # the part of the expression that it is about
    message: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedRule:
    """A rule, what is wrong with it, and its expression without that; None where there is no ready one."""

    rule: FoundRule
    faults: tuple[RuleFault, ...]
    mended: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCheck:
    """Every rule that was read, and what could not be read."""

    rules: tuple[CheckedRule, ...]
    gaps: tuple[Gap, ...] = ()
