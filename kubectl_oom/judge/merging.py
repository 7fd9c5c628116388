"""What an object becomes by a strategic merge patch of this tool, as the API server merges it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = dict[str, Any]

# What the API server leaves out where it is empty, of the fields that a patch of ours can empty.
OMITTED_EMPTY = ("limits", "requests", "env")


def merged(item: Mapping[str, Any], patch: Mapping[str, Any]) -> Json:
    """A copy of the object with the patch in it: null takes away, and lists are merged by the names of their entries.

    That is what strategic merge does with containers and their env, the only lists that a patch of ours names.
    """
    after: Json = copy.deepcopy(dict(item))
    for key, value in patch.items():
        found = _value(after.get(key), value)
        if found is None or (key in OMITTED_EMPTY and not found):
            after.pop(key, None)
        else:
            after[key] = found
    return after


def _value(there: object, value: object) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return merged(there if isinstance(there, dict) else {}, value)
    if isinstance(value, list):
        return _list(there if isinstance(there, list) else [], value)
    return value


def _list(there: list[Any], entries: list[Json]) -> list[Any]:
    """Entries that are there stay in their places; new ones come last."""
    after = copy.deepcopy(there)
    for entry in entries:
        places = [n for n, one in enumerate(after) if isinstance(one, dict) and one.get("name") == entry["name"]]
        if entry.get("$patch") == "delete":
            after = [one for n, one in enumerate(after) if n not in places]
        elif places:
            after[places[0]] = merged(after[places[0]], entry)
        else:
            after.append(merged({}, entry))
    return after


def only(patch: Mapping[str, Any], container: str) -> Json:
    """The part of a patch that is about one container."""
    after: Json = {}
    for key, value in patch.items():
        if key in ("containers", "initContainers"):
            mine = [copy.deepcopy(entry) for entry in value if entry["name"] == container]
            after |= {key: mine} if mine else {}
        else:
            after[key] = only(value, container) if isinstance(value, dict) else copy.deepcopy(value)
    return after
