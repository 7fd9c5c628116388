"""Rules in files: rule files of Prometheus, PrometheusRule objects and lists of them, several documents in one file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubectl_oom.evidence import Gap
from kubectl_oom.evidence.alerting import FoundRule
from kubectl_oom.read.answer import part, parts, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kubectl_oom.read.source import Json

STDIN = "-"
KIND = "PrometheusRule"
LARGEST_BYTES = 32 * 1024 * 1024  # the rules of a large company are one or two
_LINE = "\0line"  # no key of a YAML file, since YAML has no NUL


def read_rule_files(names: Sequence[str]) -> tuple[list[FoundRule], list[Gap]]:
    """The rules of all files, and a gap for each file that could not be read or holds none."""
    rules: list[FoundRule] = []
    gaps: list[Gap] = []
    for name in names:
        try:
            found = list(rules_in(_content(name), name))
        except (OSError, ValueError, RecursionError) as error:
            gaps.append(Gap(source=name, reason=_reason(error)))
            continue
        rules += found
        if not found:
            gaps.append(
                Gap(source=name, reason="it holds no rules: neither `groups:` with rules, nor a PrometheusRule")
            )
    return rules, gaps


def _content(name: str) -> bytes:
    if name == STDIN:
        content = sys.stdin.buffer.read(LARGEST_BYTES + 1)
    else:
        with Path(name).open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    if len(content) > LARGEST_BYTES:
        raise ValueError(f"it is larger than {LARGEST_BYTES >> 20} MiB")
    return content


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return (error.strerror or type(error).__name__).lower()
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


def rules_in(content: bytes, name: str) -> Iterator[FoundRule]:
    """The rules of a YAML or JSON text; ValueError where it is neither."""
    for document in _documents(content):
        listed = parts(document, "items") if _kind(document) in ("List", f"{KIND}List") else [document]
        for item in listed:
            yield from rules_of(part(item, "spec") if _kind(item) == KIND else item, name)


def _kind(item: Any) -> str | None:  # noqa: ANN401 - anything until it was looked at
    return text(item.get("kind")) if isinstance(item, dict) else None


def rules_of(holder: Any, source: str) -> Iterator[FoundRule]:  # noqa: ANN401 - anything until it was looked at
    """The rules under the `groups` of something that was read."""
    for group in parts(holder, "groups"):
        for rule in parts(group, "rules"):
            if (found := _rule(rule, source, text(group.get("name")) or "")) is not None:
                yield found


def _rule(rule: Json, source: str, group: str) -> FoundRule | None:
    alert, record = text(rule.get("alert")), text(rule.get("record"))
    if alert is None and record is None:
        return None
    line = rule.get(_LINE)
    return FoundRule(
        source=source,
        line=line if isinstance(line, int) else None,
        group=group,
        name=str(alert or record),
        is_alert=alert is not None,
        expr=(text(rule.get("expr")) or "").strip(),
        for_text=text(rule.get("for")) or "",
        says=" ".join(value for value in part(rule, "annotations").values() if isinstance(value, str)),
    )


def _documents(content: bytes) -> Iterator[Any]:
    """Every document, with the line of each mapping beside its keys."""
    import yaml  # noqa: PLC0415 - 25 ms that only this needs

    class Loader(yaml.SafeLoader):
        """Notes where each mapping begins."""

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - PyYAML's own
            """The mapping with its line; a key that appears twice is the last, as in Prometheus' own reading."""
            found: dict[Any, Any] = super().construct_mapping(node, deep=deep)
            found[_LINE] = node.start_mark.line + 1
            return found

    # Numbers, dates and the like stay text: `expr: 1`, `alert: yes`.
    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in found if tag.endswith((":merge", ":null"))]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    try:
        yield from list(yaml.load_all(content, Loader=Loader))
    except yaml.YAMLError as error:
        raise ValueError(f"it is no YAML: {_yaml_reason(error)}") from error


def _yaml_reason(error: Exception) -> str:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    where = f"line {mark.line + 1}: " if mark else ""
    return f"{where}{problem or str(error).splitlines()[0]}"
