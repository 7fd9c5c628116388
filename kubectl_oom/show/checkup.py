"""What `doctor` found, as a table with its remedies, and as a document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_oom.show.document import envelope
from kubectl_oom.show.table import table
from kubectl_oom.show.words import printable, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import Checkup


def checkup_lines(checkups: Sequence[Checkup], server: str, width: int) -> Iterator[str]:
    """The table of sources, then what would close each gap, then the missing rules ready to paste."""
    yield from wrap(f"Sources of evidence at {printable(server)}:", width)
    rows = [("SOURCE", "ANSWERS", "TIME", "READ FOR")]
    rows += [(c.source, "no" if c.gap else "yes", f"{c.seconds * 1000:.0f}ms", c.serves) for c in checkups]
    yield from table(rows, width)
    missing = [c for c in checkups if c.gap]
    if not missing:
        yield "Everything can be read."
        return
    yield ""
    for checkup in missing:
        gap = checkup.gap
        if gap:
            remedy = f"; {printable(gap.remedy)}" if gap.remedy and not checkup.rule else ""
            yield from wrap(f"{gap.source}: {printable(gap.reason)}{remedy}", width, "- ", "  ")
    rules = sorted({c.rule for c in missing if c.rule})
    if rules:
        yield ""
        yield "Rules that grant what is not permitted (docs/clusterrole.yaml has them all):"
        yield from rules


def checkup_document(checkups: Sequence[Checkup], now: datetime) -> dict[str, Any]:
    """The same facts for scripts."""
    items = [
        {
            "source": c.source,
            "answers": c.gap is None,
            "seconds": round(c.seconds, 3),
            "detail": c.detail or None,
            "readFor": c.serves,
            "rule": c.rule,
        }
        for c in checkups
    ]
    return envelope("SourceList", items, tuple(c.gap for c in checkups if c.gap), now)
