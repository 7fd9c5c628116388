"""The schema describes every field that is printed, and no other."""

from __future__ import annotations

import ast
import json
import re
from typing import TYPE_CHECKING, Any

from tests.documents import ROOT, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFINITIONS: dict[str, Any] = json.loads(text_of("schema.json"))["$defs"]


def _undescribed(name: str, schema: dict[str, Any], definitions: dict[str, Any]) -> list[str]:
    """The fields of a schema that nothing describes: neither they themselves nor the definition they refer to."""
    found = []
    for field, its in schema.get("properties", {}).items():
        references = [its.get("$ref"), *(choice.get("$ref") for choice in its.get("oneOf", ()))]
        referred = [definitions[reference.rpartition("/")[2]] for reference in references if reference]
        if "const" not in its and not any(described.get("description") for described in (its, *referred)):
            found.append(f"{name}.{field}")
        found += _undescribed(f"{name}.{field}", its, definitions)
        found += _undescribed(f"{name}.{field}[]", its.get("items", {}), definitions)
    return found


def test_every_json_field_is_described() -> None:
    assert [field for name, schema in DEFINITIONS.items() for field in _undescribed(name, schema, DEFINITIONS)] == []


def _fields(schema: Any) -> Iterator[str]:
    """Every field that a schema names, however deep."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {}) if isinstance(schema.get("properties"), dict) else ()
        for part in schema.values():
            yield from _fields(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _fields(part)


def test_every_field_that_is_described_is_one_that_is_printed() -> None:
    printed = {
        node.value
        for file in sorted((ROOT / "kubectl_oom" / "show").glob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }

    shares = {name.removesuffix("Bytes") for name in printed}  # shares of the limit are named after the bytes

    assert set(_fields(DEFINITIONS)) - printed - shares == set()


def test_every_kind_of_document_is_listed_and_no_other() -> None:
    kinds = {schema["properties"]["kind"]["const"] for schema in DEFINITIONS.values() if _is_document(schema)}

    assert kinds == set(re.findall(r"^\| \[`[^|]+\| `(\w+)`", text_of("json.md"), re.MULTILINE))


def _is_document(schema: Any) -> bool:
    return "const" in schema.get("properties", {}).get("kind", {})
