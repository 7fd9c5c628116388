"""How often a recommended limit is passed in the following week, and what it costs: the tables of docs/sizing.md.

python -m benchmarks.replay --quick              a few workloads of each class, in half a minute
python -m benchmarks.replay --write              all of them, in minutes, into docs/sizing.md
python -m benchmarks.replay --traces FILE.npz    real machines too (needs numpy)
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.cases import NO_RIGHT_SIZE, OURS, RIVALS, real, synthetic
from benchmarks.demand import CLASSES
from benchmarks.score import COSTS, MATCHED, matched, outcome, worse_by
from kubectl_oom.evidence import Band

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.cases import Case

DOCUMENT = Path(__file__).parent.parent / "docs" / "sizing.md"
MADE_UP, REAL = "benchmark", "real machines"  # what stands between which marks of the document
HOURS = (168, 48, 12)
# Tuned on seeds below 10; the tables are made from others.
FIRST_SEED, SEEDS, EACH = 100, 3, 8
SHORT_SEEDS = 1  # for the shorter histories
QUICK_EACH = 3
DEFAULT = "balanced"
SHOWN = (*OURS, *RIVALS)


def cases_of(hours: int, *, first: int, seeds: int, each: int, counted: bool = True) -> list[Case]:
    """The workloads of these seeds, seen for so many hours."""
    return list(synthetic(range(first, first + seeds), each, hours, list(CLASSES), counted=counted))


def with_a_size(cases: Sequence[Case]) -> list[Case]:
    return [case for case in cases if case.kind not in NO_RIGHT_SIZE]


def strata(cases: Sequence[Case]) -> dict[str, list[Case]]:
    """All of them; those that were never killed in the history, and those that were."""
    found = {
        "all": list(cases),
        "never killed before": [case for case in cases if not case.killed],
        "killed before": [case for case in cases if case.killed],
    }
    return {name: part for name, part in found.items() if part}


# --- telling --------------------------------------------------------------------------------------------------------


def tables(by_hours: dict[int, list[Case]], seeds: str) -> Iterator[str]:
    """All tables of the synthetic workloads, as Markdown."""
    week = with_a_size(by_hours[168])
    yield f"{len(week)} workloads of {len({case.kind for case in week})} classes, {seeds}, seen for a week."
    for name, part in strata(week).items():
        yield from ("", f"#### {_title(name, part)}", "", *_table(part, killed_counted=True))
    yield from ("", "#### By class", "", *_class_table(by_hours[168]))
    for hours in HOURS[1:]:
        cases = with_a_size(by_hours[hours])
        yield from ("", f"#### Seen for {hours} hours only ({len(cases)} workloads)", "")
        yield from _table(cases, killed_counted=True)
    leaks = [case for case in by_hours[168] if case.kind in NO_RIGHT_SIZE]
    yield from ("", f"#### Leaks ({len(leaks)} workloads, seen for a week)", "", *_table(leaks, killed_counted=True))
    yield from ("", "#### The bands of confidence", "", "Without the leaks.", "")
    yield from _band_table([case for cases in by_hours.values() for case in with_a_size(cases)])


def _title(name: str, part: Sequence[Case]) -> str:
    return f"{name.capitalize()} ({len(part)} workloads)"


def _table(cases: Sequence[Case], *, killed_counted: bool) -> Iterator[str]:
    columns = ["rule", "killed in the next week", "limit / true peak"]
    if killed_counted:
        columns.append("kills per pod and week")
    columns += [f"killed at equal cost {cost:g}" for cost in COSTS]
    yield from _head(*columns, f"worse than ours at {MATCHED:g}, points")
    for rule in SHOWN:
        as_given = outcome(cases, rule, given=True)
        cells = [_name(rule), f"{100 * as_given.killed:.1f} %", f"{as_given.cost:.2f}"]
        if killed_counted:
            cells.append(f"{sum(case.kills[rule] / case.pods for case in cases) / len(cases):.2f}")
        cells += [f"{100 * matched(cases, rule, cost):.1f}" for cost in COSTS]
        yield _row(*cells, "" if rule in OURS else _interval(worse_by(cases, rule, DEFAULT)))


def _interval(numbers: tuple[float, float, float]) -> str:
    middle, low, high = (100 * number for number in numbers)
    return f"{middle:+.1f} [{low:+.1f}, {high:+.1f}]"


def _name(rule: str) -> str:
    return f"**{rule}**" if rule in OURS else RIVALS[rule]


def _class_table(cases: Sequence[Case]) -> Iterator[str]:
    """Killed in percent / limit over true peak."""
    rules = (DEFAULT, "default", "krr-oom", "vpa-target")
    yield from _head("class", "workloads", *(f"{_name(rule)}: killed / cost" for rule in rules))
    for kind in dict.fromkeys(case.kind for case in cases):
        part = [case for case in cases if case.kind == kind]
        found = [outcome(part, rule, given=True) for rule in rules]
        yield _row(kind, len(part), *(f"{100 * one.killed:.0f} % / {one.cost:.2f}" for one in found))


def _band_table(cases: Sequence[Case]) -> Iterator[str]:
    yield from _head("said", "workloads", f"passed the next week unharmed, {DEFAULT}", "limit / true peak")
    for band in Band:
        part = [case for case in cases if case.band is band]
        if part:
            found = outcome(part, DEFAULT, given=True)
            yield _row(band.value, len(part), f"{100 * (1 - found.killed):.0f} %", f"{found.cost:.2f}")


def real_tables(path: Path) -> Iterator[str]:
    """Real machines, as they ran and as if they had run under a limit of half to all of their peak."""
    try:
        free, limited = list(real(path, censored=False)), list(real(path, censored=True))
    except ModuleNotFoundError:
        sys.exit("reading real series needs numpy: python -m pip install numpy")
    machines = len({case.cluster for case in free})
    parts = {
        "Never killed before": free,
        "Killed before: under a limit of half to all of their peak": limited,
        "Both": free + limited,
    }
    yield from (f"#### Real machines ({machines}, windows of two weeks, a sample every 5 min)",)
    for name, part in parts.items():
        yield from ("", f"{name} ({len(part)} windows):", "", *_table(part, killed_counted=False))


def _head(*names: str) -> Iterator[str]:
    yield _row(*names)
    yield "|" + "---|" * len(names)


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


# --- the program ----------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replay", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a few workloads of each class")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument(
        "--traces", type=Path, metavar="FILE.npz", help="real machines, Mi every 5 minutes; needs numpy"
    )
    parser.add_argument("--only-traces", action="store_true", help="leave out what is made up")
    parser.add_argument("--write", action="store_true", help=f"write the tables into {DOCUMENT.name}")
    options = parser.parse_args(arguments)
    parts: dict[str, list[str]] = {}
    if not options.only_traces:
        parts[MADE_UP] = made_up(options.first_seed, quick=options.quick)
    if options.traces:
        parts[REAL] = list(real_tables(options.traces))
    for name, lines in parts.items():
        print("\n".join(lines))
        if options.write:
            write(name, lines)


def made_up(first: int, *, quick: bool) -> list[str]:
    each = QUICK_EACH if quick else EACH
    seeds = dict.fromkeys(HOURS, 1) if quick else {hours: SEEDS if hours == 168 else SHORT_SEEDS for hours in HOURS}
    by_hours = {hours: cases_of(hours, first=first, seeds=count, each=each) for hours, count in seeds.items()}
    return list(tables(by_hours, f"seeds {first} to {first + seeds[168] - 1}"))


def write(name: str, lines: Sequence[str], document: Path = DOCUMENT) -> None:
    """Put the tables between the marks of this name in the document."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, rest = document.read_text(encoding="utf-8").split(begin)
    after = rest.split(end)[1]
    document.write_text("\n".join([before + begin, "", *lines, "", end + after]), encoding="utf-8")


if __name__ == "__main__":
    main()
