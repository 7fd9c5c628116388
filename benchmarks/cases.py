"""One case of the replay: a workload's past as evidence, what each rule makes of it, and what the next week brings."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from benchmarks.demand import HOUR, STEP_SECONDS, WEEK, workload
from benchmarks.kernel import MI, UNTIL, Watched, history_of, kill_of, observe, replay
from kubectl_oom.evidence import Band, Kill, Life, Sample
from kubectl_oom.judge.instance import LifeSpan
from kubectl_oom.judge.rounding import clean_size
from kubectl_oom.judge.rules_of_thumb import alternatives
from kubectl_oom.judge.seen import seen
from kubectl_oom.judge.sizing import PROFILES, band_of, class_of, estimate_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchmarks.demand import Pod
    from kubectl_oom.evidence import ContainerHistory

OURS = ("lean", "balanced", "safe")
MOST_KILLS = 60  # per pod and week: a crash loop is a crash loop
KINDS = {"batch": "Deployment", "job": "CronJob", "plateau": "StatefulSet", "growth": "StatefulSet"}
PLENTY = 4.0  # times the peak of the past: what "no limit" counts as, where a rule leaves it at that
NO_RIGHT_SIZE = frozenset({"leak"})
REAL_STEP = timedelta(minutes=5)
REAL_DAY = 288


@dataclass
class Case:
    """A rule's answer in Mi: `raw` without rounding and without anybody's absolute floors, `given` as it would be."""

    kind: str
    cluster: str  # what is not independent of each other: the windows of one machine
    killed: bool  # in the history
    peak: float  # of the next week, Mi
    raw: dict[str, float]
    given: dict[str, float]
    band: Band
    pods: int = 1
    kills: dict[str, int] = field(default_factory=dict)  # in the next week


def synthetic(seeds: Sequence[int], each: int, hours: int, kinds: Sequence[str], *, counted: bool) -> Iterator[Case]:
    """Workloads of every class, seen for so many hours; `counted`: with the kills of the next week under each rule."""
    for seed in seeds:
        for kind in kinds:
            for number in range(each):
                case = _synthetic(kind, 1000 * seed + number, hours, counted=counted)
                if case is not None:
                    yield case


def _synthetic(kind: str, seed: int, hours: int, *, counted: bool) -> Case | None:
    dice = random.Random(f"{kind}/{seed}/{hours}")
    pods = workload(kind, seed, 2 * WEEK)
    steps = hours * HOUR
    first = WEEK - steps
    restarts = [sorted(dice.randrange(first, WEEK) for _ in range(_rollouts(dice, hours))) for _ in pods]
    unlimited = max(
        replay(pod, first, WEEK, math.inf, restarts=cuts).highest for pod, cuts in zip(pods, restarts, strict=True)
    )
    if not unlimited:  # a job that had no run in so short a history
        return None
    limit = unlimited * _ratio(dice)
    watched = Watched(
        dice=dice, every=dice.choice([2, 4]), kind=KINDS.get(kind, "Deployment"), steps=steps, limit=limit
    )
    history = observe(
        [replay(pod, first, WEEK, limit, restarts=cuts) for pod, cuts in zip(pods, restarts, strict=True)],
        first,
        watched,
    )
    peak = max(replay(pod, WEEK, 2 * WEEK, math.inf).highest for pod in pods)
    case = case_of(history, kind=kind, cluster=f"{kind}/{seed}", peak=peak, left=min(limit, PLENTY * unlimited))
    case.pods = len(pods)
    if counted:
        case.kills = {rule: _kills(pods, limit) if limit < peak else 0 for rule, limit in case.given.items()}
    return case


def _rollouts(dice: random.Random, hours: int) -> int:
    """None to three in a week, each at any time."""
    return sum(dice.random() < 0.8 * hours / 168 / 3 for _ in range(3))


def _ratio(dice: random.Random) -> float:
    """The limit of the past, of the peak it would have had: plenty, close, too low, none."""
    draw = dice.random()
    if draw < 0.40:
        return dice.uniform(1.3, 4)
    if draw < 0.55:
        return dice.uniform(1.0, 1.3)
    return dice.uniform(0.5, 1.0) if draw < 0.90 else math.inf


def _kills(pods: Sequence[Pod], limit: float) -> int:
    return sum(replay(pod, WEEK, 2 * WEEK, limit, most_kills=MOST_KILLS).kills for pod in pods)


def case_of(history: ContainerHistory, *, kind: str, cluster: str, peak: float, left: float) -> Case:
    """What every rule says; one that cannot say anything leaves the limit as it was, `left`."""
    found = seen(history, history.kills, until=UNTIL)
    bare, floored = (alternatives(history, history.kills, found, until=UNTIL, floors=on) for on in (False, True))
    for answers in (bare, floored):
        chosen = answers.get(class_of(history)[0].value)
        if chosen:
            answers["by class"] = chosen
    raw = {rule: bare.get(rule, left * MI) / MI for rule in RIVALS}
    given = {rule: floored.get(rule, left * MI) / MI for rule in RIVALS}
    for name in OURS:
        asked = estimate_of(history, found, PROFILES[name]).bytes
        raw[name] = asked / MI if asked else left
        given[name] = clean_size(asked) / MI if asked else left
    return Case(kind, cluster, bool(history.kills), peak, raw, given, band_of(history, found)[0])


RIVALS = {
    "default": "p95 + 30 %",
    "by class": "by class: p95 + 20 %, p99 + 30 %, max + 50 %",
    "p99x1.3": "p99 + 30 %",
    "max+10%": "max + 10 %",
    "peak": "max + 50 %",
    "krr": "KRR",
    "krr-oom": "KRR with OOM data",
    "vpa-target": "VPA target",
    "vpa-upper": "VPA upper bound",
}


# --- real machines --------------------------------------------------------------------------------------------------


def real(path: Path, *, censored: bool, days: int = 7) -> Iterator[Case]:
    """Windows of real machines; `censored`: as if they had run under a limit of half to all of their peak."""
    import numpy as np  # type: ignore[import-not-found,unused-ignore]  # for this one option only

    for name, values in np.load(path).items():
        dice = random.Random(name)
        series = values.tolist()
        for first in range(0, len(series) - (days + 7) * REAL_DAY, 14 * REAL_DAY):
            past = series[first : first + days * REAL_DAY]
            after = series[first + days * REAL_DAY : first + (days + 7) * REAL_DAY]
            known, coming = [v for v in past if v > 0], [v for v in after if v > 0]
            if len(known) < 0.8 * len(past) or len(coming) < 0.8 * len(after):
                continue
            limit = max(known) * dice.uniform(0.5, 1.0) if censored else math.inf
            history = _real_history(past, limit, days)
            yield case_of(history, kind="machine", cluster=name, peak=max(coming), left=min(limit, PLENTY * max(known)))


def _real_history(values: Sequence[float], limit: float, days: int) -> ContainerHistory:
    """One pod; a value above the limit is a kill and was never sampled."""
    begin = UNTIL - days * REAL_DAY * REAL_STEP
    watched = Watched(random.Random(0), round(300 / STEP_SECONDS), "Deployment", days * 24 * HOUR, limit)
    lives: list[Life] = []
    kills: list[Kill] = []
    spans: list[LifeSpan] = []
    part: list[Sample] = []

    def ended(at: int, *, killed: bool) -> None:
        if part:
            lives.append(Life(pod="pod-0", container="app", container_id=None, working_set=tuple(part)))
            when = begin + at * REAL_STEP if killed else None
            spans.append(LifeSpan(samples=tuple(part), ended_at=when, oom_killed=killed))
            part.clear()

    for n, value in enumerate(values):
        if value > limit:
            kills.append(kill_of("pod-0", begin + n * REAL_STEP, limit, None))
            ended(n, killed=True)
        elif value > 0:
            part.append(Sample(at=begin + n * REAL_STEP, value=int(value * MI)))
    ended(len(values), killed=False)
    return history_of(lives, spans, kills, watched)
