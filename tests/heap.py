"""What a program is told about its memory, asked for in one line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kubectl_oom.evidence import Sizes
from kubectl_oom.judge.heap import advise
from kubectl_oom.read.objects import pod_of
from tests.in_memory import pod_json

if TYPE_CHECKING:
    from kubectl_oom.evidence import Container, HeapAdvice


def run_as(
    *command: str,
    env: dict[str, str] | None = None,
    valued: dict[str, Any] | None = None,
    image: str = "registry.example/app:1",
) -> Container:
    """A container of a spec, through the reader, which leaves out much; `valued`: settings with their `valueFrom`."""
    given: list[dict[str, Any]] = [{"name": name, "value": value} for name, value in (env or {}).items()]
    given += [{"name": name, "valueFrom": source} for name, source in (valued or {}).items()]
    spec = {"name": "app", "image": image, "command": list(command), "env": given}
    return pod_of(pod_json(spec={"containers": [spec]})).containers[0]


def advice(
    of: Container,
    limit: int | None,
    *,
    highest: int | None = None,
    killed: int | None = None,
    wanted: int | None = None,
    cpus: float | None = None,
) -> HeapAdvice:
    """The advice for a container with this limit, this evidence and this recommended limit."""
    found = advise(
        replace(of, limit_bytes=limit),
        highest_bytes=highest,
        killed_limit_bytes=killed,
        sizes=Sizes(request_bytes=wanted, limit_bytes=wanted) if wanted else None,
        cpus=cpus,
    )
    assert found is not None
    return found


def told(found: HeapAdvice) -> str:
    """All sentences as one text."""
    return " ".join(found.sentences)


def changes(found: HeapAdvice) -> list[tuple[str, str, str | None, bool]]:
    """The settings as name, value, what they replace, and whether they are variables."""
    return [(one.name, one.value, one.replaces, one.is_env) for one in found.settings]
