"""What a program is told about its own memory, and what that means for a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.judge.heap import dotnet, go, jvm, jvm_servers, nginx, node, php, postgres, redis, workers
from kubectl_oom.judge.heap.program import Program
from kubectl_oom.judge.runtime import runtime_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from kubectl_oom.evidence import Container, HeapAdvice, Sizes


def _jvm(program: Program) -> HeapAdvice:
    family = jvm_servers.family_of(program)
    return jvm_servers.advise(program, family) if family else jvm.advise(program)


_RULES: dict[str, Callable[[Program], HeapAdvice]] = {
    "jvm": _jvm,
    "node": node.advise,
    "go": go.advise,
    "dotnet": dotnet.advise,
    "python": workers.advise,
    "ruby": workers.advise,
    "php": php.advise,
    "nginx": nginx.advise,
    "postgres": postgres.advise,
    "redis": redis.advise,
}


def advise(
    container: Container,
    *,
    highest_bytes: int | None,
    killed_limit_bytes: int | None,
    sizes: Sizes | None,
    cpus: float | None,
) -> HeapAdvice | None:
    """The rules of the program that the spec tells of; None where it tells of none whose memory settings are known.

    `highest_bytes` is the highest sample, `killed_limit_bytes` the highest limit that OOM-killed it, `sizes` what is
    recommended (None: nothing yet), `cpus` those of the node. The same evidence never asks for more after the
    recommended limit was set.
    """
    runtime = runtime_of(container)
    if runtime is None:
        return None
    advice = _RULES[runtime.name](
        Program(
            container=container,
            runtime=runtime,
            limit=_known(container.limit_bytes),
            wanted=_known(sizes.limit_bytes if sizes else None),
            highest=_known(highest_bytes),
            killed=_known(killed_limit_bytes),
            cpus=cpus,
        )
    )
    return advice if advice.sentences else None


def _known(size: int | None) -> int | None:
    """A size that can be reckoned with: 0 and less say nothing."""
    return size if size is not None and size > 0 else None
