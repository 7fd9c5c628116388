"""How often the pattern judge is right, on series whose truth is known: the tables of docs/patterns.md.

    python -m benchmarks.patterns --quick              a few series of each kind, in seconds
    python -m benchmarks.patterns --write              all of them, in minutes, into docs/patterns.md
    python -m benchmarks.patterns --traces FILE.npz    also real series (needs numpy): one array of Mi per machine, a value
                                                       every five minutes, NaN where there is none

Seeds from 1 up are for reporting. Thresholds were chosen on seeds from 1000 up.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING

from benchmarks.naive import NAIVE
from benchmarks.series import HARD, KINDS, MI, START, Series, make
from kubectl_oom.evidence import Confidence, Pattern, Sample
from kubectl_oom.judge.instance import LifeSpan
from kubectl_oom.judge.pattern import PatternResult, recognise, run_up

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

WINDOWS = (6, 12, 24, 48, 72, 168)
SEEDS, QUICK_SEEDS = 12, 1
DOCUMENT = Path(__file__).parent.parent / "docs" / "patterns.md"
MEASURED, REAL = "measured", "real"  # parts of the document that `--write` replaces, each between its markers
OURS = "kubectl oom"
STEP = timedelta(minutes=5)  # of the real series
INJECTED = (0.0, 0.05, 0.10, 0.30)  # of the median, per day


@dataclass(frozen=True)
class Case:
    """One series, what was said about it, and what the naive rules said."""

    series: Series
    result: PatternResult
    seconds: float  # CPU
    leak: dict[str, bool]  # rule → says leak


@dataclass(frozen=True)
class Score:
    """Of those called so, how many were; of those that were, how many were called so; and of the others, how many."""

    precision: float
    recall: float
    false_positives: float


# --- measuring ------------------------------------------------------------------------------------------------------


def judged(kinds: Iterable[str], seeds: Iterable[int], windows: Sequence[int] = WINDOWS) -> list[Case]:
    """Every kind in every window it can be seen in, judged."""
    seeds = list(seeds)
    return [
        _judge(make(kind, hours, seed))
        for kind in kinds
        for hours in windows
        if (KINDS | HARD)[kind].at_least <= hours <= (KINDS | HARD)[kind].at_most
        for seed in seeds
    ]


def _judge(series: Series) -> Case:
    before = time.process_time()
    result = recognise(series.lives, until=series.until)
    seconds = time.process_time() - before
    says = {name: rule(series) for name, rule in NAIVE.items()}
    return Case(series, result, seconds, {**says, OURS: result.pattern is Pattern.LEAK})


def leak_score(cases: Sequence[Case], rule: str = OURS) -> Score:
    """Leak or not, as this rule says it."""
    return _score([(case.series.truth is Pattern.LEAK, case.leak[rule]) for case in cases])


def pattern_score(cases: Sequence[Case], pattern: Pattern) -> Score:
    """This pattern or another."""
    return _score([(case.series.truth is pattern, case.result.pattern is pattern) for case in cases])


def _score(pairs: Sequence[tuple[bool, bool]]) -> Score:
    called, true = sum(says for _, says in pairs), sum(truth for truth, _ in pairs)
    right = sum(truth and says for truth, says in pairs)
    return Score(
        precision=right / called if called else 1.0,
        recall=right / true if true else 1.0,
        false_positives=(called - right) / (len(pairs) - true) if len(pairs) > true else 0.0,
    )


def killed(cases: Sequence[Case]) -> Iterator[tuple[Case, Pattern, Pattern]]:
    """What `why` would say before the last kill of each series: with the lives before it, and without them."""
    for case in cases:
        kills = [life for life in case.series.lives if life.oom_killed]
        if kills:
            last = kills[-1]
            before = [life for life in case.series.lives if life is not last and _is_before(life, last)]
            with_others = run_up(last, before, sampling_seconds=None).pattern
            yield case, with_others, run_up(last, (), sampling_seconds=None).pattern


def _is_before(life: LifeSpan, last: LifeSpan) -> bool:
    return life.ended_at is not None and last.started_at is not None and life.ended_at <= last.started_at


def time_to_limit(seeds: Iterable[int]) -> Iterator[tuple[str, float, float]]:
    """Leaks of one instance, half seen: measured over true growth, and predicted over true time to the limit."""
    kinds = [kind for kind, (_, truth, *_) in KINDS.items() if truth is Pattern.LEAK]
    for seed in seeds:
        for kind in kinds:
            series = make(kind, 168, seed)
            if len(series.lives) > 1 or not series.leak_per_hour:
                continue
            life = series.lives[0]
            half = START + timedelta(hours=series.hours / 2)
            seen = tuple(sample for sample in life.samples if sample.at <= half)
            unseen = sorted((sample.at, sample.value) for sample in life.samples if sample.at > half)
            limit = max(value for at, value in unseen if at <= half + timedelta(hours=series.hours / 4))
            if max(sample.value for sample in seen) >= limit:
                continue
            result = recognise([LifeSpan(samples=seen, started_at=life.started_at, limit_bytes=limit)], until=half)
            crossed = next(at for at, value in unseen if value >= limit)
            if result.seconds_to_limit is not None and result.growth_bytes_per_hour is not None:
                growth = result.growth_bytes_per_hour / series.leak_per_hour
                yield kind, growth, result.seconds_to_limit / (crossed - half).total_seconds()


# --- telling --------------------------------------------------------------------------------------------------------


def tables(cases: Sequence[Case], hard: Sequence[Case], seeds: Sequence[int]) -> Iterator[str]:
    """All tables, as Markdown."""
    yield f"{len(cases)} series: {len(KINDS)} kinds, windows of {_listed(WINDOWS)} hours, seeds {seeds[0]} to {seeds[-1]}."
    yield from ("", "### Leak or not", "", *_leak_table(cases))
    yield from ("", "Recall / false positives in percent, by window:", "", *_window_table(cases))
    yield from ("", "Called a leak, in percent of the series of each kind, in windows of 48 h and more:", "")
    yield from _kind_table([case for case in cases if case.series.hours >= 48])
    yield from ("", "### The nine patterns", "", *_confusion_table(cases))
    yield from ("", "### The words of confidence", "", *_confidence_table(cases))
    yield from ("", "### Before one kill", "", *_kill_table([*cases, *hard]))
    yield from ("", "### What no shape can tell apart", "", *_hard_table(hard))
    yield from ("", "### Growth and time to the limit", "", *_limit_table(seeds))
    yield from ("", "### Cost", "", _cost())


def _leak_table(cases: Sequence[Case]) -> Iterator[str]:
    yield from _head("rule", "precision", "recall", "false positives")
    for rule in (OURS, *NAIVE):
        score = leak_score(cases, rule)
        yield _row(rule, *(f"{number:.3f}" for number in (score.precision, score.recall, score.false_positives)))


def _window_table(cases: Sequence[Case]) -> Iterator[str]:
    yield from _head("rule", *(f"{hours} h" for hours in WINDOWS))
    for rule in (OURS, *NAIVE):
        scores = [leak_score([case for case in cases if case.series.hours == hours], rule) for hours in WINDOWS]
        yield _row(rule, *(f"{100 * one.recall:.0f} / {100 * one.false_positives:.1f}" for one in scores))


def _kind_table(cases: Sequence[Case]) -> Iterator[str]:
    yield from _head("kind", "truth", OURS, *NAIVE)
    for kind in dict.fromkeys(case.series.kind for case in cases):
        same = [case for case in cases if case.series.kind == kind]
        shares = [sum(case.leak[rule] for case in same) / len(same) for rule in (OURS, *NAIVE)]
        yield _row(kind, same[0].series.truth.value, *(f"{100 * share:.0f}" for share in shares))


def _confusion_table(cases: Sequence[Case]) -> Iterator[str]:
    yield from _head("truth, called →", *(pattern.value for pattern in Pattern), "recall")
    for truth in Pattern:
        same = Counter(case.result.pattern for case in cases if case.series.truth is truth)
        yield _row(truth.value, *(same[one] or "" for one in Pattern), f"{pattern_score(cases, truth).recall:.2f}")
    yield _row("precision", *(f"{pattern_score(cases, one).precision:.2f}" for one in Pattern), "")


def _confidence_table(cases: Sequence[Case]) -> Iterator[str]:
    yield from _head("pattern", *(f"{word.value}: right of all" for word in Confidence))
    for pattern in [*Pattern, None]:
        row = []
        for word in Confidence:
            said = [
                c for c in cases if c.result.confidence is word and (pattern is None or c.result.pattern is pattern)
            ]
            right = sum(case.series.truth is case.result.pattern for case in said)
            row.append(f"{right} of {len(said)} ({100 * right / len(said):.0f} %)" if said else "")
        if any(row):
            yield _row(pattern.value if pattern else "all", *row)


def _kill_table(cases: Sequence[Case]) -> Iterator[str]:
    yield from _head("kind", "truth", "called, with the lives before it", "called, from the last life alone")
    found: dict[str, tuple[Pattern, Counter[Pattern], Counter[Pattern]]] = {}
    for case, together, alone in killed(cases):
        row = found.setdefault(case.series.kind, (case.series.truth, Counter(), Counter()))
        row[1][together] += 1
        row[2][alone] += 1
    for kind, (truth, together_counts, alone_counts) in found.items():
        yield _row(kind, truth.value, _counted(together_counts), _counted(alone_counts))


def _hard_table(hard: Sequence[Case]) -> Iterator[str]:
    yield from _head("kind", "called", *(f"leak by {rule}, %" for rule in NAIVE))
    for kind in dict.fromkeys(case.series.kind for case in hard):
        same = [case for case in hard if case.series.kind == kind]
        shares = [100 * sum(case.leak[rule] for case in same) / len(same) for rule in NAIVE]
        yield _row(kind, _counted(Counter(case.result.pattern for case in same)), *(f"{share:.0f}" for share in shares))


def _limit_table(seeds: Sequence[int]) -> Iterator[str]:
    yield "Leaks of one instance over 168 h, the first half seen, the limit crossed in the third quarter:"
    yield ""
    yield from _head("measured / true", "5 %", "25 %", "50 %", "75 %", "95 %")
    found = list(time_to_limit(seeds))
    for name, ratios in (("growth", [one[1] for one in found]), ("time to the limit", [one[2] for one in found])):
        cuts = quantiles(ratios, n=20, method="inclusive")
        yield _row(f"{name} ({len(ratios)})", *(f"{cuts[n]:.2f}" for n in (0, 4, 9, 14, 18)))


def _cost() -> str:
    """CPU of one life of seven days with a sample every 30 s, the slowest of three kinds."""
    worst = 0.0
    for kind in ("leak", "daily load", "collector"):
        life = make(kind, 168, 1).lives[0]
        finer = [
            Sample(at=sample.at + timedelta(seconds=more), value=sample.value + more)
            for sample in sorted(life.samples, key=lambda one: one.at)
            for more in (0, 30, 60, 90)
        ][:20160]
        times = []
        for _ in range(5):
            before = time.process_time()
            recognise([replace(life, samples=tuple(finer), rss=())], until=START + timedelta(days=7))
            times.append(time.process_time() - before)
        worst = max(worst, median(times))
    return f"One instance of seven days with a sample every 30 s: {1000 * worst:.0f} ms of CPU (median of 5, slowest kind)."


def _head(*names: str) -> Iterator[str]:
    yield _row(*names)
    yield _row(*["---"] * len(names))


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _counted(counts: Counter[Pattern]) -> str:
    return ", ".join(f"{pattern.value} {count}" for pattern, count in counts.most_common())


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(str(number) for number in numbers)


# --- real series ----------------------------------------------------------------------------------------------------


def real_series(path: Path) -> dict[str, list[float]]:
    """Mi every five minutes, by machine."""
    try:
        import numpy as np  # type: ignore[import-not-found,unused-ignore]  # for this one option only
    except ModuleNotFoundError:
        sys.exit("reading real series needs numpy: python -m pip install numpy")
    return {name: values.tolist() for name, values in np.load(path).items()}


def real_tables(machines: dict[str, list[float]]) -> Iterator[str]:
    """Real series as they are, and with a leak added: nobody labelled them, so "as it is" bounds the false positives."""
    yield from (f"{len(machines)} machines, windows of 1, 3 and 7 days at three places each.", "")
    yield from _head("window", "rule", "as it is", *(f"+{100 * rate:.0f} % a day" for rate in INJECTED[1:]))
    for days in (1, 3, 7):
        windows = list(_windows(machines, days))
        says = {rate: [_judge(_real(window, rate, days)) for window in windows] for rate in INJECTED}
        for rule in (OURS, *NAIVE):
            shares = [100 * sum(case.leak[rule] for case in cases) / len(cases) for cases in says.values()]
            yield _row(f"{days} d ({len(windows)})", rule, *(f"{share:.1f} %" for share in shares))


def _windows(machines: dict[str, list[float]], days: int) -> Iterator[list[tuple[int, float]]]:
    """Windows with four fifths of their values, that are not constant and not idle."""
    length = days * 288
    for values in machines.values():
        for start in (5000, 9000, 16000):
            window = [(n, value) for n, value in enumerate(values[start : start + length]) if value == value]  # noqa: PLR0124 - NaN
            sizes = {value for _, value in window}
            if len(window) >= 0.8 * length and len(sizes) >= 10 and median(value for _, value in window) >= 20:
                yield window


def _real(window: Sequence[tuple[int, float]], rate: float, days: int) -> Series:
    usual = median(value for _, value in window)
    samples = tuple(
        Sample(at=START + n * STEP, value=int((value + rate * usual * n / 288) * MI)) for n, value in window
    )
    limit = int(1.5 * MI * max(value for _, value in window))
    life = LifeSpan(samples=samples, limit_bytes=limit)
    truth = Pattern.LEAK if rate else Pattern.UNKNOWN
    return Series("real", truth, days * 24, (life,), START + timedelta(days=days), limit, None)


# --- the program ----------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.patterns", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one series of each kind and window")
    parser.add_argument("--seeds", type=int, help=f"series of each kind and window (default {SEEDS})")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--traces", type=Path, metavar="FILE.npz", help="real series; needs numpy")
    parser.add_argument("--write", action="store_true", help=f"write the tables into {DOCUMENT.name}")
    options = parser.parse_args(arguments)
    count = options.seeds or (QUICK_SEEDS if options.quick else SEEDS)
    seeds = range(options.first_seed, options.first_seed + count)
    machines = real_series(options.traces) if options.traces else None
    parts = {MEASURED: list(tables(judged(KINDS, seeds), judged(HARD, seeds), seeds))}
    if machines:
        parts[REAL] = list(real_tables(machines))
    for part, lines in parts.items():
        print("\n".join([*lines, ""]))
        if options.write:
            write(part, lines)


def write(part: str, lines: Sequence[str], document: Path = DOCUMENT) -> None:
    """Put the tables between the markers of their part of the document."""
    begin, end = f"<!-- {part} -->\n", f"<!-- /{part} -->\n"
    before, rest = document.read_text(encoding="utf-8").split(begin)
    after = rest.split(end)[1]
    document.write_text(before + begin + "\n".join([*lines, ""]) + end + after, encoding="utf-8")


if __name__ == "__main__":
    main()
