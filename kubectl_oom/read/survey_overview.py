"""What is asked once for a whole survey: where something was killed, and how often samples are taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_oom.read import promql
from kubectl_oom.read.at_once import readers
from kubectl_oom.read.columns import QUESTIONS_AT_ONCE
from kubectl_oom.read.lives import OOM_EVENTS, WORKING_SET
from kubectl_oom.read.past_kills import OOM_KILLED, REASON, RESTARTS, TERMINATED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_oom.read.engine import Answer
    from kubectl_oom.read.survey_numbers import Surveyor

# The hour in which samples are counted to tell how far apart they are; a second less, so that no end is counted twice.
COUNTED_SECONDS = 3599
_USUAL = (5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0)  # what people set


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What is asked once for all namespaces."""

    interval_seconds: float | None  # between samples, of most containers
    killed: frozenset[tuple[str, str]]  # namespace and pod of which a container was OOM-killed in the window
    kills_known: frozenset[str]  # namespaces whose statuses the engine holds
    children: frozenset[tuple[str, str]]  # namespace and pod where a process was killed and its container runs on
    children_known: frozenset[str]  # namespaces of which the engine holds that counter
    warnings: tuple[str, ...]


def overview_of(surveyor: Surveyor, namespaces: Sequence[str]) -> Overview:
    """What is asked once; of these namespaces only, where they are few enough to be named."""
    named = namespaces and len(list(promql.groups(namespaces))) == 1
    here = (promql.one_of("namespace", namespaces),) if named else ()
    killed = promql.equals("reason", OOM_KILLED)
    flag = "max by (namespace, pod) (max_over_time(SERIES)) > 0"  # versions before 2 write a 0 for what is not
    count = f"quantile(0.5, count_over_time(SERIES[{COUNTED_SECONDS}s]))"
    with readers(QUESTIONS_AT_ONCE, "survey") as pool:
        asked = {
            # Not together: without their names, series of the two families are the same.
            "was": pool.submit(surveyor.over_window, flag, REASON, *here, killed),
            "is": pool.submit(surveyor.over_window, flag, TERMINATED, *here, killed),
            "known": pool.submit(surveyor.ask, "count by (namespace) (SERIES)", RESTARTS, *here),
            "children": pool.submit(
                surveyor.ask, "max by (namespace, pod) (SERIES) > 0", (OOM_EVENTS,), *here, *promql.IN_CONTAINERS
            ),
            "counted": pool.submit(
                surveyor.ask, "count by (namespace) (SERIES)", (OOM_EVENTS,), *here, *promql.IN_CONTAINERS
            ),
            "count": pool.submit(surveyor.ask, count, (WORKING_SET,), *here, *promql.IN_CONTAINERS),
        }
        answers = {name: done.result() for name, done in asked.items()}
    counted = [row.samples[0][1] for row in answers["count"].rows if row.samples]
    return Overview(
        interval_seconds=_interval(counted[0]) if counted and counted[0] > 1 else None,
        killed=_pods_in(answers["was"]) | _pods_in(answers["is"]),
        kills_known=_namespaces_in(answers["known"]),
        children=_pods_in(answers["children"]),
        children_known=_namespaces_in(answers["counted"]),
        warnings=tuple(dict.fromkeys(w for answer in answers.values() for w in surveyor.warnings(answer))),
    )


def _interval(samples: float) -> float:
    """Seconds between so many samples of an hour, of which one may be missing at its ends."""
    return usual_interval(3600 / (samples + 1), 3600 / (samples - 1), 3600 / samples)


def usual_interval(shortest: float, longest: float, seconds: float) -> float:
    """The interval between these that people set; else those seconds."""
    return next((usual for usual in _USUAL if shortest <= usual <= longest), round(seconds))


def _pods_in(answer: Answer) -> frozenset[tuple[str, str]]:
    return frozenset((row.labels.get("namespace", ""), row.labels.get("pod", "")) for row in answer.rows)


def _namespaces_in(answer: Answer) -> frozenset[str]:
    return frozenset(row.labels.get("namespace", "") for row in answer.rows)
