"""Label and field selectors, evaluated on objects: a snapshot has to answer them without an API server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kubectl_oom.read.answer import part

if TYPE_CHECKING:
    from kubectl_oom.read.source import Json

_SET_RULE = re.compile(r"^(?P<key>\S+)\s+(?P<op>in|notin)\s*\((?P<values>[^)]*)\)$")
_EQUALITY = re.compile(r"^(?P<key>[^=!\s]+)\s*(?P<op>==|=|!=)\s*(?P<value>[^=!\s]*)$")


def terms(selector: str) -> frozenset[str]:
    """The comma-separated requirements of a selector; commas inside parentheses belong to their values."""
    return frozenset(part.strip() for part in re.split(r",(?![^(]*\))", selector) if part.strip())


def matches_labels(item: Json, selector: str) -> bool:
    """True when the object's labels meet every requirement."""
    labels = part(part(item, "metadata"), "labels")
    return all(_meets(labels, term) for term in terms(selector))


def _meets(labels: dict[str, str], term: str) -> bool:
    rule = _SET_RULE.match(term)
    if rule:
        values = {value.strip() for value in rule["values"].split(",")}
        held = labels.get(rule["key"])
        return held in values if rule["op"] == "in" else held not in values
    rule = _EQUALITY.match(term)
    if rule:
        same = labels.get(rule["key"]) == rule["value"]
        return not same if rule["op"] == "!=" else same
    return term[1:].strip() not in labels if term.startswith("!") else term in labels


def matches_fields(item: Json, selector: str) -> bool:
    """True when every `path=value` of a field selector holds, as for `involvedObject.name=x`."""
    for term in terms(selector):
        path, _, value = term.partition("=")
        held: object = item
        for step in path.split("."):
            held = held.get(step) if isinstance(held, dict) else None
        if str(held or "") != value:
            return False
    return True
