"""Faults of rules about how containers ended."""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile

from kubectl_oom.judge.alert_lint import metrics
from kubectl_oom.judge.alert_lint.around import (
    DEFAULT_WINDOW,
    GROWS,
    Place,
    compared,
    is_about_memory,
    is_in_call,
    is_in_subquery,
    is_limited_in_time,
    is_taken_away,
    join_labels,
    joined_with,
    lately,
    longer_than_it_waits,
    matchers_for,
    measure,
    number,
)
from kubectl_oom.judge.alert_lint.codes import Fault
from kubectl_oom.judge.alert_lint.syntax import (
    Aggregation,
    Binary,
    Call,
    Expr,
    Literal,
    Matcher,
    Paren,
    Selector,
    Subquery,
    bare,
    selectors,
)

_OOM_EXIT = 137
_OOM_WINDOW = "15m"  # what is counted per node or child is rarer than restarts are


def reason_on_restarts(place: Place) -> Fault | None:
    """A label that the counter does not have."""
    found = measure(place)
    if found is None or found.selector.name not in metrics.RESTARTS or metrics.accepts(found.selector, "reason", ""):
        return None
    others = matchers_for(found.selector, "reason")
    counter = Selector(found.selector.name, others, found.window, found.selector.at)
    grown: Expr = Call("increase", (counter,))
    if found.call:
        grown = replace(found.call, args=tuple(counter if a is found.selector else a for a in found.call.args))
    wanted = metrics.matchers_of(found.selector, "reason")
    if not metrics.accepts(found.selector, "reason", metrics.OOM_KILLED):
        wanted = wanted if not _misspelled(wanted) else (Matcher("reason", "=", metrics.OOM_KILLED),)
    reason = Selector(_last_reason_beside(counter.name), (*wanted, *others))
    return Fault("reason-on-restarts", found.selector, Paren(Binary("and", grown, reason, "on", join_labels(place))))


def _last_reason_beside(name: str) -> str:
    return name.partition("status_")[0] + "status_last_terminated_reason"


def _misspelled(matchers: tuple[Matcher, ...]) -> bool:
    return any(
        m.op == "=" and m.value != metrics.OOM_KILLED and m.value.lower().replace("_", "") in ("oomkilled", "oomkill")
        for m in matchers
    )


def wrong_reason(place: Place) -> Fault | None:
    """A reason that is spelled wrong, or asked of a metric that never has it."""
    node = place.node
    if not isinstance(node, Selector):
        return None
    wanted = metrics.matchers_of(node, "reason")
    right = tuple(replace(m, op="=", value=metrics.OOM_KILLED) for m in wanted[:1])
    others = metrics.without_label(node, "reason")
    if node.name in metrics.WAITING_REASON | metrics.POD_REASON:
        asks = any(m.op == "=" and m.value == metrics.OOM_KILLED for m in wanted)
        if not (asks or _misspelled(wanted)):
            return None
        kind = node.name if node.name in metrics.WAITING_REASON else "kube_pod_container_status_"
        return Fault(
            "reason-never-oom", node, replace(node, name=_last_reason_beside(kind), matchers=(*right, *others))
        )
    if node.name in metrics.LAST_REASON | metrics.ENDED_REASON and _misspelled(wanted):
        return Fault("misspelled-reason", node, replace(node, matchers=(*right, *others)))
    return None


def exit_code(place: Place) -> Fault | None:
    """SIGKILL taken for an OOM kill, in a rule that claims to be about memory."""
    node = place.node
    if not isinstance(node, Binary) or node.op != "==" or number(node.right) != _OOM_EXIT:
        return None
    left = bare(node.left)
    if not isinstance(left, Selector) or left.name not in metrics.LAST_EXIT or left.window:
        return None
    if not is_about_memory(place.rule) or _stands_beside_a_reason(place):
        return None
    killed = Matcher("reason", "=", metrics.OOM_KILLED)
    reason = Selector(_last_reason_beside(left.name), (killed, *left.matchers), at=left.at)
    return Fault("exit-code-is-no-reason", node, Binary("==", reason, Literal("1")))


def _stands_beside_a_reason(place: Place) -> bool:
    """Whether it is joined with the reason of the end: then it does not stand for one."""
    return any(s.name in metrics.LAST_REASON for _, other in joined_with(place) for s in selectors(other))


def sticky(place: Place) -> Fault | None:
    """A gauge that stays after the event, and nothing that ends the alert."""
    found = measure(place)
    watched = metrics.LAST_REASON | metrics.LAST_EXIT
    if found is None or found.selector.name not in watched or not _can_be_oom(found.selector):
        return None
    if is_in_call(place, "absent", "absent_over_time") or found.function in ("absent", "absent_over_time"):
        return None
    if _is_never_true(place):
        return None
    if found.function in GROWS and not is_limited_in_time(place):
        return Fault("constant-gauge", found.selector, lately(place, found.selector, found.window))
    if not place.rule.is_alert or "offset" in found.selector.at:
        return None
    if is_in_subquery(place) and is_in_call(place, *GROWS):
        return None if _is_counted_over_containers(place) else Fault("constant-gauge", found.selector)
    if not is_limited_in_time(place) and not is_taken_away(place):
        window = found.selector.window or DEFAULT_WINDOW
        return Fault("sticky-gauge", found.selector, lately(place, found.selector, window))
    return None


def _is_counted_over_containers(place: Place) -> bool:
    """Whether several containers' gauges are added up inside the subquery: their sum does change."""
    inside = takewhile(lambda outer: not isinstance(outer, Subquery), place.above)
    return any(
        isinstance(outer, Aggregation)
        and outer.op in ("sum", "count")
        and not (outer.grouping == "by" and "container" in map(metrics.plain, outer.labels))
        for outer in inside
    )


def first_kill_only(place: Place) -> Fault | None:
    """`x unless x offset 10m`: it ends, and starts no second time."""
    node = place.node
    if not isinstance(node, Binary) or node.op != "unless" or not place.rule.is_alert:
        return None
    now = [s for s in selectors(node.left) if s.name in metrics.LAST_REASON and not s.at]
    if not now or not any(s.name == now[0].name and "offset" in s.at for s in selectors(node.right)):
        return None
    return Fault("first-kill-only", node, node.left)


def change_of_ended(place: Place) -> Fault | None:
    """A function of change on the gauge of a container that is ended: it is 1 or not there."""
    found = measure(place)
    if found is None or found.function not in GROWS or found.selector.name not in metrics.ENDED_REASON:
        return None
    if not _can_be_oom(found.selector) or is_limited_in_time(place):
        return None
    return Fault("constant-gauge", found.selector, Selector(found.selector.name, found.selector.matchers))


def ended(place: Place) -> Fault | None:
    """The gauge of a container that ended for good, with nothing that ends the alert."""
    node = place.node
    if not isinstance(node, Selector) or node.name not in metrics.ENDED_REASON or not place.rule.is_alert:
        return None
    if node.at or not _can_be_oom(node) or is_limited_in_time(place) or is_taken_away(place):
        return None
    if is_in_call(place, "absent", "absent_over_time") or (node.window and is_in_call(place, *GROWS)):
        return None
    labels = join_labels(place)[:-1]
    asked = metrics.without_label(node, "reason", "container")
    ago = Binary("-", Call("time", ()), Selector("kube_pod_completion_time", asked))
    recent = Paren(Binary("<", ago, Literal("3600")))
    mendable = not node.window and not node.name.startswith("kube_pod_init")
    return Fault("ended-gauge", node, Paren(Binary("and", node, recent, "on", labels)) if mendable else None)


def _can_be_oom(selector: Selector) -> bool:
    return metrics.accepts(selector, "reason", metrics.OOM_KILLED)


def never_zero(place: Place) -> Fault | None:
    """A comparison with what is never there."""
    node = place.node
    if not isinstance(node, Selector) or node.name not in metrics.LAST_REASON | metrics.ENDED_REASON:
        return None
    around = compared(place)
    return Fault("never-zero", around[0]) if around and _is_never_true(place) else None


def _is_never_true(place: Place) -> bool:
    """Whether it is compared with 0, which these series never are."""
    around = compared(place)
    if around is None:
        return False
    comparison, value = around
    return (comparison.op in ("==", "<=") and value == 0) or (comparison.op == "<" and 0 < value <= 1)


def absent(place: Place) -> Fault | None:
    """Absence of what is absent in health."""
    node = place.node
    if not isinstance(node, Call) or node.name not in ("absent", "absent_over_time"):
        return None
    if any(s.name in metrics.ONLY_AFTER_THE_EVENT for s in selectors(node)):
        return Fault("absent-of-event", node)
    return None


def offset_difference(place: Place) -> Fault | None:
    """A counter less itself some time ago."""
    node = place.node
    if not isinstance(node, Binary) or node.op != "-":
        return None
    now, then = bare(node.left), bare(node.right)
    if not (isinstance(now, Selector) and isinstance(then, Selector) and now.name in metrics.COUNTERS):
        return None
    if then.name != now.name or now.at or not then.at.startswith("offset ") or then.at.startswith("offset -"):
        return None
    window = then.at.removeprefix("offset ").split()[0]
    return Fault("offset-misses-new-pods", node, Call("increase", (replace(now, window=window),)))


def raw_counter(place: Place) -> Fault | None:
    """A counter compared with a number as it stands."""
    node = place.node
    if not isinstance(node, Selector) or node.name not in metrics.COUNTERS or node.window or not place.rule.is_alert:
        return None
    around = compared(place)
    if around is None or around[0].op not in (">", ">=") or is_in_subquery(place) or is_limited_in_time(place):
        return None
    if is_taken_away(place):
        return None
    if node.name in metrics.RESTARTS and not is_about_memory(place.rule):
        return None  # many restarts in a pod's life may be what it is about
    if not metrics.accepts(node, "reason", "") or any(outer.op == "-" for outer, _ in joined_with(place)):
        return None
    window = longer_than_it_waits(place.rule, DEFAULT_WINDOW if node.name in metrics.RESTARTS else _OOM_WINDOW)
    return Fault("raw-counter", node, Call("increase", (replace(node, window=window),)))


CHECKS = (
    reason_on_restarts,
    wrong_reason,
    exit_code,
    first_kill_only,
    sticky,
    change_of_ended,
    ended,
    never_zero,
    absent,
    offset_difference,
    raw_counter,
)
