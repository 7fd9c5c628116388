"""Which JDK an image holds, as far as its tag tells, and what such a JDK knows of containers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubectl_oom.judge.heap.program import Program

# Images whose tag is the version of the JDK and not of something that runs on it.
_JDK_IMAGES = re.compile(
    r"openjdk|adoptopenjdk|(?:eclipse-)?temurin|(?:amazon)?corretto|zulu-openjdk|liberica-openjdk-\w+|sapmachine"
    r"|ibm-semeru-runtimes|semeru-runtimes|java"
)
_OPENJ9 = re.compile(r"semeru|openj9|ibmjava")
_TAG = re.compile(r"(?:open-)?(\d{1,2})(?:u(\d{1,3})|\.0\.(\d{1,3})(?![\d.]*u))?(?![\d.]*u)(?=[-_.+a-z]|$)")
# Container support at all, and for cgroup v2: feature release → the first update that has it; every later release has.
V1_SINCE = {8: 191, 10: 0}
V2_SINCE = {8: 372, 11: 16, 15: 0}


@dataclass(frozen=True, slots=True)
class Jdk:
    """A JDK: its feature release and update; `update` is None where the tag names only the release (it floats)."""

    feature: int
    update: int | None

    def __str__(self) -> str:
        if self.update is None:
            return str(self.feature)
        return f"8u{self.update}" if self.feature == 8 else f"{self.feature}.0.{self.update}"  # noqa: PLR2004 - its naming

    def _has(self, since: dict[int, int]) -> bool | None:
        """Whether it has what came with these updates; None where the tag does not tell the update."""
        if self.feature in since:
            needed = since[self.feature]
            return True if needed == 0 else None if self.update is None else self.update >= needed
        return self.feature > max(since)

    @property
    def knows_containers(self) -> bool | None:
        """Whether it reads the container's limit at all."""
        return self._has(V1_SINCE) if self.feature != 9 else False  # noqa: PLR2004 - 9 never got it

    @property
    def knows_cgroup_v2(self) -> bool | None:
        """Whether it reads the limit on a node with cgroup v2."""
        return self._has(V2_SINCE)


def is_openj9(program: Program) -> bool:
    """Whether the image is one of Eclipse OpenJ9, whose default heap is another."""
    return bool(_OPENJ9.search(f"{program.image[0]}:{program.image[1]}"))


def jdk_of(program: Program) -> Jdk | None:
    """The JDK that the image's tag names; None where the tag is of something else, or floats (`latest`)."""
    name, tag = program.image
    if not _JDK_IMAGES.fullmatch(name):
        return None
    match = _TAG.match(tag)
    if match is None:
        return None
    update = match[2] or match[3]
    return Jdk(int(match[1]), int(update) if update else None)
