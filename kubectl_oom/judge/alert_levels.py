"""How near to its limit memory is before the rules that this tool writes speak, and for how long: what they are by default."""

from __future__ import annotations

from typing import NamedTuple


class Level(NamedTuple):
    """A share of the limit, and how long the working set has to be above it."""

    percent: int
    minutes: int


INFO, WARNING, CRITICAL = Level(85, 15), Level(90, 10), Level(95, 2)
