"""What was asked of an API server, as its audit log tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.real.status import Json


def permissions(events: Iterable[Json]) -> set[tuple[str, str, str]]:
    """API group, resource with its subresource, verb: what a role has to permit for the requests about objects."""
    asked = [(event["objectRef"], event["verb"]) for event in events if "objectRef" in event]
    return {
        (ref.get("apiGroup", ""), "/".join(filter(None, [ref["resource"], ref.get("subresource")])), verb)
        for ref, verb in asked
    }
