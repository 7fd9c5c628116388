"""Several numbers about the containers of some pods, in as few questions as the engine and the way to it can take.

Each number is an expression of its own, so that the engine still streams one series after the other; they are joined
by `or`, and a label tells the rows apart. An engine that is 50 ms away is asked three times instead of twenty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from kubectl_oom.read import promql
from kubectl_oom.read.at_once import readers
from kubectl_oom.read.engine import Row, TooMuchDataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from kubectl_oom.read.engine import Answer, Engine

QUESTIONS_AT_ONCE = 3  # an engine works on one question with one core, and has others to answer
# As they are sent. Proxies refuse request lines over 8 KB (nginx's default), and the path and the time are in them too.
QUESTION_CHARACTERS = 7000
_COLUMN = "oom_column"  # the label that tells of which column a row is


@dataclass(frozen=True, slots=True)
class Column:
    """One number for each container, or pod: SERIES in the template stands for the selector and the window."""

    template: str
    families: Sequence[str]
    matchers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Part:
    """What one question is about."""

    pods: Sequence[str]
    columns: Sequence[str]

    def halves(self) -> tuple[_Part, _Part] | None:
        """Half of the pods each; of one pod, half of the columns; None where there is no half."""
        if half := len(self.pods) // 2:
            return _Part(self.pods[:half], self.columns), _Part(self.pods[half:], self.columns)
        if half := len(self.columns) // 2:
            return _Part(self.pods, self.columns[:half]), _Part(self.pods, self.columns[half:])
        return None


class Columns:
    """Columns about the containers of some pods, each over the same window; `ask` puts a question to the engine."""

    def __init__(
        self, engine: Engine, namespace: str, pods: Sequence[str], seconds: float, ask: Callable[[str], Answer]
    ) -> None:
        self.label = engine.label
        self._matchers = engine.matchers
        self._here = promql.equals("namespace", namespace)
        self._pods = sorted(set(pods))
        self._window = promql.over(seconds)
        self._ask = ask
        self.warnings: dict[str, None] = {}  # an ordered set

    def warn(self, sentence: str) -> None:
        """Add a sentence to the warnings, once."""
        self.warnings[sentence] = None

    def rows(self, columns: Mapping[str, Column]) -> dict[str, list[Row]]:
        """Column → its rows, without the label that told them apart. ReadError where one question fails."""
        found: dict[str, list[Row]] = {name: [] for name in columns}
        with readers(QUESTIONS_AT_ONCE, "columns") as pool:
            asked = pool.map(lambda part: list(self._answers(part, columns)), list(self._parts(columns)))
            for part, answer in (pair for answered in asked for pair in answered):
                for warning in answer.warnings:
                    self.warn(f"{self.label} warns: {warning}")
                for row in answer.rows:
                    labels = dict(row.labels)
                    told = labels.pop(_COLUMN, "")
                    column = told if len(part.columns) > 1 else part.columns[0]
                    if column in part.columns:  # what does not say which number it is, is none
                        found[column].append(Row(labels=labels, samples=row.samples))
        return found

    def _parts(self, columns: Mapping[str, Column]) -> Iterator[_Part]:
        for pods in promql.groups(self._pods):
            names: list[str] = []
            characters = 0
            for name, column in columns.items():
                sent = len(quote(_marked(name, self._expression(column, pods)))) + len(quote(" or "))
                if names and characters + sent > QUESTION_CHARACTERS:
                    yield _Part(pods, names)
                    names, characters = [], 0
                names.append(name)
                characters += sent
            if names:
                yield _Part(pods, names)

    def _answers(self, part: _Part, columns: Mapping[str, Column]) -> Iterator[tuple[_Part, Answer]]:
        try:
            yield part, self._ask(self._question(part, columns))
        except TooMuchDataError:
            halves = part.halves()
            if halves is None:
                raise
            for half in halves:
                yield from self._answers(half, columns)

    def _question(self, part: _Part, columns: Mapping[str, Column]) -> str:
        asked = {name: self._expression(columns[name], part.pods) for name in part.columns}
        if len(asked) == 1:
            return next(iter(asked.values()))
        return " or ".join(_marked(name, expression) for name, expression in asked.items())

    def _expression(self, column: Column, pods: Sequence[str]) -> str:
        wanted = (promql.families(*column.families), self._here, promql.one_of("pod", pods), *column.matchers)
        return column.template.replace("SERIES", promql.selector(*wanted, *self._matchers) + self._window)


def _marked(name: str, expression: str) -> str:
    return f'label_replace({expression}, "{_COLUMN}", "{name}", "", "")'
