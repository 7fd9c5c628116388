"""docs/benchmarks.md, out of what was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from benchmarks.measure import Row
    from benchmarks.targets import Growth, Target

MIB = 1 << 20
HEADERS = (
    *("", "Command", "Wall s", "CPU s", "Wall x", "CPU x", "Memory MiB", "Lines"),
    *("API requests", "API kB", "Prometheus requests", "Prometheus kB", "Prometheus CPU s"),
)

HEAD = """\
# Benchmarks

Written by `make bench`: run it to have the numbers of your machine. It needs the programs that
`make cluster` builds, and no node.
"""

METHOD = """
## What is measured

A real etcd and API server hold a made-up cluster: one container per pod, three pods per Deployment,
fifty Deployments per namespace, every fiftieth pod OOM-killed once a day. Its objects are created
and its statuses written through the API; no controller runs meanwhile. A real Prometheus holds a week
of the series of these very pods and of those before a rollout, sampled every minute.

- Every program is a process of its own. The programs of a block run in turn, so that a machine that
  is busy for a while is busy for all of them. Before that each runs once, to fill caches.
- **Wall** and **CPU** (user and system) are medians. Where others share the machine, CPU says more.
  **x** is of the block's first row.
- **Memory** is the highest of all runs, resident, of the program alone. Below 10 MiB it cannot be
  told. Behind `kubectl oom` it is at least kubectl's own, which becomes the plugin.
- **Requests** to the API server are counted in its audit log, those to Prometheus in its own
  metrics. **kB** are what came back over the wire, with compression and TLS, in the run before the
  others, through a relay. The others talk to the servers directly.
- **Prometheus CPU** is what its process took during a run.
- **Lines** are those of the answer.

`kubectl oom` is as typed: kubectl starts, finds the plugin, and becomes it. `kubectl-oom` is the
plugin alone. "The same requests, nothing made of them" sends the requests of `why` through a minimal
client: the floor.

"One unpaged list" is what a program does that asks for all pods at once and keeps those with exit
code 137: a short Python program, once unpacked as Python's client asks, once with gzip as Go's does.
{oomd}

How the numbers came about: [decision 16](decisions/0016-benchmarks.md).
"""
OOMD_THERE = "kubectl-oomd is a program of that kind, and was measured too."
OOMD_MISSING = "kubectl-oomd is a program of that kind, and is measured too where it is on `PATH`; here it was not."


def page(
    machine: Sequence[str],
    blocks: Mapping[str, Sequence[Row]],
    grown: Sequence[Growth],
    held: Iterable[Target],
    *,
    with_oomd: bool,
) -> str:
    """The whole page; `blocks` in the table's order, each one's first row to be compared with."""
    parts = [HEAD, *machine, "", "## Targets", "", *_targets(held), "", "## Measured", "", *table(blocks)]
    if grown:
        first = grown[0]
        parts += ["", f"## From {first.smaller:,} to {first.larger:,} containers", "", *_growth(grown)]
    text = "\n".join(parts) + "\n"
    return text + METHOD.format(oomd=OOMD_THERE if with_oomd else OOMD_MISSING)


def table(blocks: Mapping[str, Sequence[Row]]) -> Iterator[str]:
    """The one table, as lines of Markdown."""
    yield _line(HEADERS)
    yield _line("---" for _ in HEADERS)
    for title, rows in blocks.items():
        for row in rows:
            yield _line([title if row is rows[0] else "", *_cells(row, rows[0])])


def _cells(row: Row, base: Row) -> Iterator[str]:
    yield _named(row.name)
    yield from (_seconds(row.wall), _seconds(row.cpu))
    yield from (f"{row.wall / base.wall:.2f}", f"{row.cpu / base.cpu:.2f}")
    yield f"{row.peak_bytes / MIB:.0f}"
    sent = row.traffic
    if sent is None:
        yield from [""] * 6
        return
    yield f"{row.lines:,}"
    yield from (f"{sent.api_requests:,}", f"{sent.api_bytes / 1000:,.0f}")
    yield from (f"{sent.engine_requests:,}", f"{sent.engine_bytes / 1000:,.0f}")
    yield _seconds(row.engine_cpu) if row.engine_cpu is not None else ""


def _seconds(value: float) -> str:
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def _targets(held: Iterable[Target]) -> Iterator[str]:
    yield _line(("Target", "Measured", ""))
    yield _line(("---",) * 3)
    for one in held:
        yield _line((one.asked, one.measured, "met" if one.met else "**not met**"))


def _growth(grown: Iterable[Growth]) -> Iterator[str]:
    yield _line(("Command", "Wall", "CPU", "Memory", "Lines"))
    yield _line(("---",) * 5)
    for one in grown:
        yield _line((_named(one.name), *(f"{factor:.2f}x" for factor in (one.wall, one.cpu, one.memory, one.lines))))


def _named(name: str) -> str:
    return f"`{name}`" if name.startswith(("kubectl", "python")) else name


def _line(cells: Iterable[str]) -> str:
    return "|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|"
