"""What other rules would say for the same data: the field's rules of thumb by name, KRR's rule and VPA's.

They are computed to be compared with and, the named ones, to be asked for. Each follows its source as far as the
evidence reaches: KRR (robusta-dev/krr, `simple` strategy, 1.29) and the VPA recommender (kubernetes/autoscaler,
1.8: one peak per pod and day, decaying with a half-life of a day, plus what an OOM adds).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from kubectl_oom.judge.rounding import MI
from kubectl_oom.judge.seen import is_limit, speaks_of_the_limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import ContainerHistory, Kill, Life, Spread
    from kubectl_oom.judge.seen import Seen


def _times(factor: float, quantile: int | None) -> float | None:
    return None if quantile is None else factor * quantile


# By name, from the spread of the samples; `--profile NAME` asks for one of the first five.
NAMED: Mapping[str, Callable[[Spread], float | None]] = {
    "default": lambda spread: 1.3 * spread.p95_bytes,
    "stateless": lambda spread: 1.2 * spread.p95_bytes,
    "stateful": lambda spread: _times(1.3, spread.p99_bytes),
    "batch": lambda spread: 1.5 * spread.max_sampled_bytes,
    "peak": lambda spread: 1.5 * spread.max_sampled_bytes,
    "p99x1.3": lambda spread: _times(1.3, spread.p99_bytes),
    "max+10%": lambda spread: 1.1 * spread.max_sampled_bytes,
}
WORDS = {
    "default": "p95 + 30 %",
    "stateless": "p95 + 20 %",
    "stateful": "p99 + 30 %",
    "batch": "highest sample + 50 %",
    "peak": "highest sample + 50 %",
}

KRR_MARGIN, KRR_OOM_MARGIN = 1.15, 1.25
KRR_FEWEST = 100  # samples; with fewer it answers "?"
KRR_FLOOR = 100 * MI

VPA_MARGIN = 1.15
VPA_FLOOR = 250 * 10**6  # per pod
VPA_OOM_BYTES, VPA_OOM_RATIO = 100 * MI, 1.2
VPA_HALF_LIFE = VPA_INTERVAL = timedelta(days=1)
VPA_DAYS = 8
VPA_TARGET, VPA_UPPER = 0.90, 0.95
_FIRST_BUCKET, _BUCKET_RATIO = 10**7, 1.05


def alternatives(
    history: ContainerHistory, kills: Sequence[Kill], found: Seen, *, until: datetime, floors: bool = True
) -> dict[str, int]:
    """Limit in bytes by rule; `floors` False leaves out what KRR and VPA add whatever the data (to compare rules)."""
    own = [kill for kill in kills if speaks_of_the_limit(kill)]
    answers: dict[str, float | None] = {}
    if found.spread:
        answers |= {name: rule(found.spread) for name, rule in NAMED.items()}
        answers |= _krr(found.spread, found.killed_limit_bytes, floors=floors)
    days = _daily_peaks(history, own, until)
    answers["vpa-target"] = _vpa(days, VPA_TARGET, until, floors=floors)
    upper = _vpa(days, VPA_UPPER, until, floors=floors)
    if upper is not None and found.span_hours > 0:
        answers["vpa-upper"] = upper * (1 + 24 / found.span_hours)
    return {name: math.ceil(answer) for name, answer in answers.items() if answer is not None}


def _krr(spread: Spread, killed_limit: int | None, *, floors: bool) -> dict[str, float]:
    if spread.samples < KRR_FEWEST:
        return {}
    floor = KRR_FLOOR if floors else 0
    plain = max(KRR_MARGIN * spread.max_sampled_bytes, floor)
    return {"krr": plain, "krr-oom": max(plain, KRR_OOM_MARGIN * (killed_limit or 0))}


def _vpa(days: Sequence[tuple[float, datetime]], share: float, until: datetime, *, floors: bool) -> float | None:
    """VPA's number in bytes: this share of the weights of daily peaks lies below it, then 15 % on top."""
    weights: dict[int, float] = defaultdict(float)
    for peak, ended in days:
        weights[_bucket(peak)] += 2 ** ((ended - until) / VPA_HALF_LIFE)
    total, below = sum(weights.values()), 0.0
    for bucket in sorted(weights):
        below += weights[bucket]
        if below >= share * total - 1e-12:
            return max(_bucket_end(bucket) * VPA_MARGIN, VPA_FLOOR if floors else 0)
    return None


def _daily_peaks(history: ContainerHistory, kills: Sequence[Kill], until: datetime) -> list[tuple[float, datetime]]:
    """Of every pod and day since its first sample: the highest sample, raised by the day's first kill; and its end."""
    peaks: dict[tuple[str, int], float] = {}
    origin = _first_seen(history, kills)
    for life in history.lives:
        for day, peak in _peaks_of(life, origin[life.pod]) if life.working_set else ():
            peaks[(life.pod, day)] = max(peak, peaks.get((life.pod, day), 0.0))
    raised = set()
    for kill in sorted(kills, key=lambda one: one.at):
        key = (kill.pod, (kill.at - origin[kill.pod]) // VPA_INTERVAL)
        if key not in raised:
            raised.add(key)
            known = history.request_bytes or (kill.limit_bytes if is_limit(kill.limit_bytes) else 0) or 0
            used = max(known, peaks.get(key, 0.0))
            peaks[key] = max(used + VPA_OOM_BYTES, VPA_OOM_RATIO * used)
    ends = {key: origin[key[0]] + (key[1] + 1) * VPA_INTERVAL for key in peaks}
    return [(peak, ends[key]) for key, peak in peaks.items() if peak and ends[key] > until - VPA_DAYS * VPA_INTERVAL]


def _peaks_of(life: Life, origin: datetime) -> Iterator[tuple[int, int]]:
    """The days of a life, counted from the pod's first sample, and the highest sample of each."""
    first = 0
    while first < len(life.working_set):
        day = (life.working_set[first].at - origin) // VPA_INTERVAL
        end = origin + (day + 1) * VPA_INTERVAL
        last = bisect_left(life.working_set, end, lo=first + 1, key=lambda sample: sample.at)
        yield day, max(sample.value for sample in life.working_set[first:last])
        first = last


def _first_seen(history: ContainerHistory, kills: Sequence[Kill]) -> dict[str, datetime]:
    first: dict[str, datetime] = {}
    for pod, at in [(life.pod, life.working_set[0].at) for life in history.lives if life.working_set] + [
        (kill.pod, kill.at) for kill in kills
    ]:
        first[pod] = min(at, first.get(pod, at))
    return first


def _bucket(size: float) -> int:
    if size < _FIRST_BUCKET:
        return 0
    return int(math.log(size * (_BUCKET_RATIO - 1) / _FIRST_BUCKET + 1) / math.log(_BUCKET_RATIO))


def _bucket_end(bucket: int) -> float:
    return _FIRST_BUCKET * (_BUCKET_RATIO ** (bucket + 1) - 1) / (_BUCKET_RATIO - 1)
