"""What a proposal says, in words and rows: the screen, the ticket and the table only lay it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.evidence import Risk
from kubectl_oom.judge.instance import span_words
from kubectl_oom.judge.rules_of_thumb import WORDS
from kubectl_oom.quantity import exact_bytes, show_bytes, show_percent
from kubectl_oom.show.sentences import CONTAINER_WORDS, workload_target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.evidence import Fit, HeapAdvice, Proposal, Sizes
    from kubectl_oom.show.memory import Row
    from kubectl_oom.show.rows import Rows

NONE_KNOWN = "none known"  # a size that is not set, or that nobody could read
# What most people have heard of; the rule of the container's own class comes with them.
WELL_KNOWN_RULES = ("default", "peak", "krr", "krr-oom", "vpa-target")
FAR_OFF = 3  # times: a percentage of more is not read
OPTIONAL_WHEN_NARROW = ("MEANS", "AGAINST-OURS")  # of the table of rules
_RULE_WORDS = {
    **WORDS,
    "p99x1.3": "p99 + 30 %",
    "max+10%": "highest sample + 10 %",
    "krr": "KRR: highest sample + 15 %",
    "krr-oom": "KRR with its OOM data",
    "vpa-target": "VPA's target",
    "vpa-upper": "VPA's upper bound",
}
_RISK_WORDS = {
    Risk.KILLED: "OOM-killed",
    Risk.GROWING: "its memory grows",
    Risk.CLOSE: "close to its limit",
    Risk.TIGHT: "its limit is lower than recommended",
    Risk.UNLIMITED: "it has no memory limit",
    Risk.NONE: "its limit is as high as recommended, or higher",
    Risk.UNKNOWN: "nothing is known that a size could be made from",
}


# --- who, and what threatens it ------------------------------------------------------------------------------------


def target(item: Proposal) -> str:
    """`deploy/api`, `rollout/api` for a kind that is not kubectl's own, `pod/api` for a pod that nothing owns."""
    owner = item.size.workload
    if owner is None:
        return f"pod/{item.pod}" if item.pod else "a pod that nothing owns"
    return workload_target(owner) or f"{owner.kind.lower()}/{owner.name}"


def title(item: Proposal) -> str:
    """Which container, and what threatens it at its size of today."""
    size = item.size
    inside = CONTAINER_WORDS[size.container_type] if size.container_type else "container"
    return f"{target(item)} in {size.namespace}, {inside} {size.container}: {risk_words(item)}"


def risk_words(item: Proposal) -> str:
    """The risk as a person says it, with its number where it has one."""
    if item.risk is Risk.KILLED and item.kills:
        return f"OOM-killed {times(item.kills)}"
    limit = item.size.current.limit_bytes
    if item.risk is Risk.CLOSE and limit and item.highest_bytes is not None:
        return f"its highest sample is {show_percent(item.highest_bytes, limit)} of its limit"
    return _RISK_WORDS[item.risk]


def why(item: Proposal) -> str:
    """The head of the reasons; where nothing is recommended, there is nothing to be confident of."""
    return f"Why ({item.size.confidence.value} confidence)" if item.size.recommended else "Why"


def times(count: int) -> str:
    """`once`, `twice`, `3 times`."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


# --- sizes ---------------------------------------------------------------------------------------------------------


def wanted(item: Proposal) -> Sizes | None:
    """What the command sets: the size that fits where the recommended one does not."""
    return item.offer or item.size.recommended


def changes_nothing(item: Proposal) -> bool:
    """Whether the container has the size that is wanted already."""
    return wanted(item) == item.size.current


def size_rows(item: Proposal) -> Rows:
    """Limit and request: today, as recommended, as it fits where that differs; the headers first."""
    size = item.size
    columns = {"TODAY": size.current}
    columns |= {"RECOMMENDED": size.recommended} if size.recommended else {}
    columns |= {"WHAT-FITS": item.offer} if item.offer else {}
    rows = [
        ["", *columns],
        ["limit", *(_size(sizes.limit_bytes) for sizes in columns.values())],
        ["request", *(_size(sizes.request_bytes) for sizes in columns.values())],
    ]
    after = wanted(item)
    if after is not None:
        rows[0].append("CHANGE")
        rows[1].append(_difference(size.current.limit_bytes, after.limit_bytes))
        rows[2].append(_difference(size.current.request_bytes, after.request_bytes))
    return rows


def _size(size: int | None) -> str:
    """Exact where that is short: what is set by hand is read as it was written."""
    if size is None:
        return NONE_KNOWN
    exact, shown = exact_bytes(size), show_bytes(size)
    return exact if len(exact) <= len(shown) + 1 else shown


def _difference(before: int | None, after: int | None) -> str:
    if after is None or before is None:
        return ""
    return signed_bytes(after - before) if after != before else "none"


def signed_bytes(size: int) -> str:
    """`+96Mi`, `-1.5Gi`, `0`."""
    return ("+" if size > 0 else "") + show_bytes(size)


def qos_words(item: Proposal) -> str:
    """The QoS class today and with the new size, as far as this container's memory decides it."""
    before, after = _qos(item.size.current), wanted(item)
    if after is None:
        return before
    return f"{before}, as today" if _qos(after) == before else f"{before} today, then {_qos(after)}"


def _qos(sizes: Sizes) -> str:
    if sizes.request_bytes is None and sizes.limit_bytes is None:
        return "BestEffort if nothing else in the pod has a size"
    if sizes.limit_bytes is not None and sizes.request_bytes in (None, sizes.limit_bytes):
        return "Guaranteed if all else in the pod is"
    return "Burstable"


def misfit(item: Proposal) -> str | None:
    """Both sizes in a sentence, where the recommended one does not fit; None where it does."""
    size = item.size.recommended
    if size is None or item.fits_all:
        return None
    if item.offer is None:
        return "Something stands against the recommended size: see below what the cluster allows."
    told = f"The recommended limit of {_size(size.limit_bytes)} does not fit; {_size(item.offer.limit_bytes)} does"
    killed = item.killed_limit_bytes
    if killed is not None and item.offer.limit_bytes is not None and item.offer.limit_bytes <= killed:
        return f"{told}, and it was OOM-killed at {show_bytes(killed)}: make room instead."
    return f"{told}. The first is what it needs, the second what can be set today."


# --- what others would say -----------------------------------------------------------------------------------------


def alternative_rows(item: Proposal, *, every: bool) -> tuple[Rows, int]:
    """A row per rule, its limit against ours, under headers; and how many rules were left out.

    Without `every` these are the well-known ones and the rule of the container's class.
    """
    size = item.size
    shown = [rule for rule in size.alternatives if every or rule in (*WELL_KNOWN_RULES, size.workload_class.value)]
    ours = size.recommended.limit_bytes if size.recommended else None
    rows = [["RULE", "MEANS", "LIMIT", "AGAINST-OURS", ""]]
    for rule in shown:
        limit = size.alternatives[rule]
        against = "" if ours is None else _against(limit, ours)
        rows.append([rule, _RULE_WORDS.get(rule, ""), show_bytes(limit), against, _mark(item, limit)])
    return rows, len(size.alternatives) - len(shown)


def _against(limit: int, ours: int) -> str:
    """In percent of ours, whole ones: `-12%`, `+40%`, `the same`; what is far off in times: `12 times`."""
    if limit == ours or not ours:
        return "the same" if limit == ours else ""
    if limit >= FAR_OFF * ours:
        return f"{limit / ours:.0f} times"
    percent = round(100 * (limit - ours) / ours)
    return f"{percent:+d}%" if percent else "about the same"


def _mark(item: Proposal, limit: int) -> str:
    killed = item.killed_limit_bytes
    if killed is not None and limit <= killed:
        return f"killed at {show_bytes(killed)}"
    return "below the highest sample" if item.highest_bytes is not None and limit < item.highest_bytes else ""


# --- what it means -------------------------------------------------------------------------------------------------


def consequences(item: Proposal) -> Iterator[Row]:
    """Label and words: what it costs, how often it would be killed, how long it lasts, what else would do."""
    if item.cost:
        yield "cost", item.cost.detail
    if item.expected_kills:
        yield "kills", item.expected_kills.detail
    if item.size.lasts_seconds is not None:
        begin = "each start" if item.size.leaks else "now"
        yield "lasts", f"about {span_words(item.size.lasts_seconds)} from {begin}, as fast as it grows today"
    if item.alternative:
        yield "or else", item.alternative


def particulars(item: Proposal) -> Iterator[Row]:
    """Label and words of what only `-o wide` and a ticket show."""
    size = item.size
    yield "class", f"{size.workload_class.value}: {size.class_reason}"
    yield "profile", size.profile
    yield "confidence", f"{size.confidence.value}: {size.confidence_reason}"
    yield "replicas", "not known" if size.replicas is None else str(size.replicas)
    if size.floor_bytes is not None:
        yield "floor", f"{show_bytes(size.floor_bytes)}: no profile goes below"
    if item.cost:
        yield "price", f"{item.cost.per_gib_month:g} {item.cost.currency} per GiB and month: {item.cost.price_source}"


def worst_first(fits: tuple[Fit, ...]) -> list[Fit]:
    """What stands against the size, then what does not."""
    return sorted(fits, key=lambda fit: fit.ok)


def settings_words(heap: HeapAdvice) -> Iterator[str]:
    """What to set in the program together with the limit: where, to what, and what stands there now."""
    for setting in heap.settings:
        where = "environment variable" if setting.is_env else "flag or configuration"
        now = f", today {setting.replaces}" if setting.replaces else ", not set today"
        yield f"set with the limit: {setting.name} to {setting.value} ({where}{now})"


def action(item: Proposal) -> tuple[str, tuple[str, ...]]:
    """What to do, and the commands for it."""
    change = item.change
    heap = (change.heap_command,) if change.heap_command else ()
    if change.command is None:
        return f"No command: {change.why_not or 'none can set it'}.", heap
    if changes_nothing(item):
        return "Nothing to set: that is its size today.", heap
    if item.fits_all:
        return "Set it:", (change.command, *heap)
    return ("Set what fits:" if item.offer else "Set it once that is settled:"), (change.command, *heap)
