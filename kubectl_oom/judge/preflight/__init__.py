"""What is looked at before a change: who would refuse it, revert it, or be hurt by it (docs/preflight.md)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Severity
from kubectl_oom.judge.preflight.consent import consent
from kubectl_oom.judge.preflight.effects import classes_of, effects_of
from kubectl_oom.judge.preflight.in_place import in_place
from kubectl_oom.judge.preflight.keepers import keepers
from kubectl_oom.judge.preflight.reach import reach
from kubectl_oom.judge.preflight.room import around
from kubectl_oom.judge.preflight.situation import Situation
from kubectl_oom.judge.preflight.within import within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_oom.evidence import Check, FixPlan, Pod, Proposal, Room
    from kubectl_oom.judge.fixing import FixAsked

_ORDER = list(Severity)


def preflight(
    plan: FixPlan, proposals: Sequence[Proposal], room: Room | None, pods: Sequence[Pod], asked: FixAsked
) -> FixPlan:
    """The plan with its checks (what blocks first), its effects and the QoS class before and after.

    `pods` are the workload's, and `proposals` those of its containers; sizes by hand are held against the room as
    recommended ones are. What blocks stays a check whatever was forced: who applies the plan decides about that.
    """
    newest_first = sorted(pods, key=lambda pod: pod.created_at.timestamp() if pod.created_at else 0.0, reverse=True)
    here = Situation(plan=plan, proposals=proposals, room=room, pods=newest_first, asked=asked)
    before, after = classes_of(here)
    here = replace(here, plan=replace(plan, qos_before=before, qos_after=after))
    checks = tuple(sorted(_checks(here), key=_by_weight))
    return replace(here.plan, preflight=checks, effects=tuple(effects_of(here)))


def _checks(here: Situation) -> tuple[Check, ...]:
    if not here.plan.changes:
        return (*consent(here), *within(here))
    found = (consent(here), keepers(here), reach(here), around(here), within(here), in_place(here))
    return tuple(check for checks in found for check in checks)


def _by_weight(check: Check) -> tuple[bool, int]:
    return not check.blocks, _ORDER.index(check.severity)
