"""How evidence is quoted: an end, an event, a long message cut to a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.evidence import Citation

if TYPE_CHECKING:
    from kubectl_oom.evidence import Event
    from kubectl_oom.judge.clues import Clues


def cite_end(clues: Clues) -> Citation:
    """The end itself, as the API tells it."""
    end = clues.end
    value = (
        f"reason {end.reason or 'not given'}, exitCode {end.exit_code if end.exit_code is not None else 'not given'}"
    )
    return Citation(source="pod", field=end.field, value=value, at=end.finished_at)


def cite_event(event: Event, source: str) -> Citation:
    """An event as evidence, with how often it was seen."""
    times = f" ({event.count} times)" if event.count > 1 else ""
    return Citation(source=source, field=event.reason, value=short(event.message) + times, at=event.last_at)


def sentence(text: str) -> str:
    """The text as a sentence of its own."""
    return text[:1].upper() + text[1:] + "."


def short(text: str | None, length: int = 160) -> str:
    """A message cut to a line: runtimes repeat the same cause in ever longer wrappings."""
    line = " ".join((text or "").split())
    return line if len(line) <= length else line[: length - 1] + "…"
