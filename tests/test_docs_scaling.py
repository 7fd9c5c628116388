"""What the documents say about more replicas is what the code does."""

from __future__ import annotations

import re

from kubectl_oom.evidence import ScalingAnswer
from kubectl_oom.judge import scaling
from kubectl_oom.judge.fits.autoscalers import TOLERANCE
from kubectl_oom.judge.scaling import falling, load, moments, numbers, start
from kubectl_oom.judge.trend import DAILY_FROM
from tests.documents import text_of

SECTION = " ".join(
    text_of("commands/recommend.md").partition("## More replicas instead")[2].partition("\n## ")[0].split()
)
DECISION = " ".join(text_of("decisions/0013-replicas-instead.md").split())


def test_every_answer_is_explained_and_no_other() -> None:
    table = text_of("commands/recommend.md").partition("<!-- scaling answers -->")[2].partition("<!-- /scaling")[0]

    assert re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE) == [answer.value for answer in ScalingAnswer]


def test_the_numbers_of_the_page_are_those_of_the_rules() -> None:
    assert f"stay below for {load.HIGH:.0%} of the time".replace("%", " %") in SECTION
    assert f"{numbers.MOST_OF_REQUEST:.0%} of the request".replace("%", " %") in SECTION
    assert f"{scaling.SHORTEST_KEEP}, or longer where memory fell for a while and came back" in SECTION
    assert f"at most {scaling.LONGEST_KEEP}" in SECTION
    assert f"{start.SYNC_SECONDS:.0f} s of the controller, {start.METRICS_SECONDS:.0f} s of metrics-server" in SECTION
    assert f"({start.ASSUMED_SECONDS:.0f} s where none tells)" in SECTION
    assert f"the {TOLERANCE:.0%} within which".replace("%", " %") in SECTION
    assert f"in that time, and {numbers.LIMIT_ROOM:.0%}.".replace("%", " %") in SECTION
    assert (scaling.MORE_LOAD, "and half as many again" in SECTION) == (1.5, True)
    assert (DAILY_FROM, "Two days of samples are the least." in SECTION) == (42 * 3600, True)


def test_the_numbers_of_the_decision_are_those_of_the_rules() -> None:
    assert f"one by the number of pods, is at least {load.CORRELATED}" in DECISION
    assert (load.SHARED, "a tenth of the level or more" in DECISION) == (0.10, True)
    assert (load.FEWEST_TURNS, "at least three times a number of pods" in DECISION) == (3, True)
    assert (load.SWING, "the low lies a fifth below the high" in DECISION) == (0.20, True)
    assert (moments.STARTING, "The first half hour of a life" in DECISION) == (1800, True)
    assert (load.WHOLE_DIP, "came back within an hour" in DECISION) == (3600, True)
    assert (falling.OWN_DATA, "Pods of a StatefulSet have data of their own" in DECISION) == (
        frozenset({"StatefulSet"}),
        True,
    )
