"""A row of the table of verdicts, and the evidence that most rows begin with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.build import LIMIT, case, container, end, pod, samples

if TYPE_CHECKING:
    from kubectl_oom.evidence import CaseFile

CERTAIN, LIKELY, POSSIBLE = "certain", "likely", "possible"
FULL, HALF = samples(0.96 * LIMIT), samples(0.5 * LIMIT)
POD_KEY = "api-0"
PROBED: dict[str, Any] = {"probes": ("liveness",)}
EVICTED_MEMORY = (
    "The node was low on resource: memory. Threshold quantity: 100Mi, available: 88Mi. "
    "Container app was using 1500Mi, request is 500Mi, has larger consumption of memory. "
)


@dataclass(frozen=True)
class Row:
    """One case, and what must be said about it."""

    says: str
    verdict: str
    confidence: str
    file: CaseFile
    findings: tuple[str, ...] = field(default=())


def limited(**changes: Any) -> CaseFile:
    """A container with a limit that was OOM-killed five minutes ago, on a node nothing is known of."""
    on = changes.pop("on", None)
    seen = changes.pop("seen", None)
    return case(pod(container(changes.pop("ended", end()), **changes)), on, seen)
