"""PromQL text from parts: selectors whose label values are escaped, and durations.

Names of pods and namespaces come from a cluster and labels from the command line; none of them may end a string
or widen a regular expression.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from kubectl_oom.read.source import ReadError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Proxies refuse request lines over 8 KB (nginx's default). This many characters of names, as they are sent, leave room
# for an expression that names its series twice.
NAMES_CHARACTERS = 2500
_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")


def equals(label: str, value: str) -> str:
    """The matcher `label="value"`. `equals(label, "")` also matches series without that label."""
    return f"{_checked(label)}={_quoted(value)}"


def differs(label: str, value: str) -> str:
    """The matcher `label!="value"`."""
    return f"{_checked(label)}!={_quoted(value)}"


def one_of(label: str, values: Iterable[str]) -> str:
    """The matcher for any of these exact values: an alternation of escaped texts, which engines look up by index."""
    listed = list(values)
    if len(listed) == 1:
        return equals(label, listed[0])
    return fits(label, "|".join(literal(value) for value in listed))


def fits(label: str, pattern: str) -> str:
    """The matcher `label=~"pattern"`; the pattern is anchored at both ends by the engine."""
    return f"{_checked(label)}=~{_quoted(pattern)}"


def literal(text: str) -> str:
    """The regular expression for exactly this text, in RE2's syntax; re.escape would make three of every hyphen."""
    return _SPECIAL.sub(r"\\\g<0>", text)


def selector(*matchers: str) -> str:
    """`{a="b",c=~"d|e"}`; the family is a matcher too (`families`), so one selector can name several."""
    return "{" + ",".join(matchers) + "}"


def families(*names: str) -> str:
    """The matcher for any of these metric names."""
    return one_of("__name__", names)


def over(seconds: float) -> str:
    """`[86400s]`, rounded up to whole seconds: a range never loses its oldest sample to rounding."""
    return f"[{math.ceil(seconds)}s]"


def groups(names: Iterable[str]) -> Iterator[list[str]]:
    """The names in groups that one selector can hold."""
    group: list[str] = []
    characters = 0
    for name in names:
        sent = len(quote(_escaped(f"{literal(name)}|")))
        if group and characters + sent > NAMES_CHARACTERS:
            yield group
            group, characters = [], 0
        group.append(name)
        characters += sent
    if group:
        yield group


def _checked(label: str) -> str:
    if not _LABEL_NAME.match(label):
        raise ReadError("Invalid", f"{label!r} is no label name")
    return label


def _quoted(value: str) -> str:
    return f'"{_escaped(value)}"'


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


# A container's own cgroup: the pod's has no container, the sandbox's is called POD by older runtimes.
IN_CONTAINERS = (differs("container", ""), differs("container", "POD"))
