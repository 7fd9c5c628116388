"""A program in a container: what it is told about memory, and where that stands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Setting
from kubectl_oom.evidence.settings import NOT_RECORDED, is_set_elsewhere, is_whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_oom.evidence import Container
    from kubectl_oom.judge.runtime import Runtime

COMMAND = "the command"  # the place of what stands in command and args


@dataclass(frozen=True)  # no slots: its words are split once
class Program:
    """What is known of the container when its heap is judged; sizes in bytes, None: not known."""

    container: Container
    runtime: Runtime
    limit: int | None  # today's
    wanted: int | None  # the recommended one; None: none is recommended yet
    highest: int | None  # the highest sample
    killed: int | None  # the highest limit that OOM-killed it
    cpus: float | None  # of the node, not of the container

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Command and args, split at blanks."""
        return tuple(word for line in self.container.command for word in line.split())

    @cached_property
    def image(self) -> tuple[str, str]:
        """The last part of the image's name, and its tag ("" where none is given)."""
        last = (self.container.image or "").partition("@")[0].rpartition("/")[2]
        name, _, tag = last.partition(":")
        return name.lower(), tag

    @property
    def known(self) -> int | None:
        """What it is known to need at least: the highest sample, or the limit that killed it."""
        return max((size for size in (self.highest, self.killed) if size), default=None)

    @property
    def limits(self) -> tuple[tuple[str, int], ...]:
        """The limits that a sentence compares with, and what to call them: today's, and the recommended where another."""
        named = [("today's limit", self.limit), ("the recommended limit", self.wanted)]
        if self.limit == self.wanted:
            named.pop()
        return tuple((name, size) for name, size in named if size)

    def env(self, name: str) -> str | None:
        """The setting as recorded; None where it is not set, or set to nothing."""
        return self.container.env.get(name) or None

    def runs(self, *names: str) -> bool:
        """Whether one of these programs stands in the command or is the image's name."""
        return any(name in self.words for name in names) or self.image[0] in names


@dataclass(frozen=True, slots=True)
class Flag:
    """An option as it stands somewhere; `value` is None where it is set and its value is not recorded."""

    text: str  # -XX:MaxRAMPercentage=80
    value: str | None
    place: str  # JAVA_TOOL_OPTIONS, or the command


def last_flag(program: Program, places: Sequence[str], pattern: re.Pattern[str]) -> Flag | None:
    """The option that counts where it is given several times: the last one of the places, in their order.

    The first group of the pattern that matched is the value.
    """
    found = None
    for place in places:
        given = " ".join(program.container.command) if place == COMMAND else program.env(place) or ""
        for match in pattern.finditer(given):
            value = next((group for group in match.groups() if group), None)
            found = Flag(text=match.group(0), value=value, place=place)
    return found


def unread_places(program: Program, places: Sequence[str]) -> tuple[str, ...]:
    """The settings among these whose value comes from an object that is not read."""
    return tuple(name for name in places if is_set_elsewhere(program.env(name) or ""))


def instead(program: Program, flag: Flag, option: str, value: str, sign: str = "=") -> Setting:
    """The setting that puts `option` and `value` in the place of a flag; `sign` stands between the two.

    An environment variable is written anew only where all that stands in it is known: nothing else in it is lost.
    """
    current = program.env(flag.place) or ""
    if flag.place != COMMAND and is_whole(current):
        changed = current.replace(flag.text, f"{option}{sign}{value}")
        return Setting(name=flag.place, value=changed, replaces=current, is_env=True)
    return Setting(name=option, value=value, replaces=f"{flag.text} in {flag.place}", is_env=False)


def beside(program: Program, places: Sequence[str], option: str, value: str, sign: str = "=") -> Setting:
    """The setting that adds an option that nothing sets yet.

    A variable that the pod does not set may be set by the image, and with more in it: then the option is named, and
    not the variable.
    """
    for place in places:
        current = program.env(place)
        if current and is_whole(current) and place != COMMAND:
            return Setting(name=place, value=f"{current} {option}{sign}{value}", replaces=current, is_env=True)
    return Setting(name=option, value=value, replaces=None, is_env=False)


def variable(program: Program, name: str, value: str) -> Setting:
    """A variable that holds one value and nothing else; what another object fills in is to be changed there."""
    current = program.env(name)
    known = None if current == NOT_RECORDED else current
    return Setting(name=name, value=value, replaces=known, is_env=not is_set_elsewhere(current or ""))


def number_of(text: str | None, *, most: int) -> int | None:
    """The number from 1 to `most` that the text is; None where it is none."""
    whole = int(text) if text and re.fullmatch(r"[0-9]{1,15}", text) else 0
    return whole if 1 <= whole <= most else None


def percent_of(text: str | None) -> float | None:
    """The percentage above 0 and up to 100 that the text is; None where it is none."""
    if text is None or not re.fullmatch(r"[0-9]{1,3}(?:\.[0-9]{1,9})?", text):
        return None
    return float(text) if 0 < float(text) <= 100 else None  # noqa: PLR2004 - percent
