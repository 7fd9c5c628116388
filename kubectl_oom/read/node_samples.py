"""Memory of whole nodes from a metrics engine: the node, and the cgroup that all its pods share."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kubectl_oom.read import promql
from kubectl_oom.read.lives import SPEC_LIMIT, WORKING_SET, merged, samples_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_oom.evidence import Sample
    from kubectl_oom.read.engine import Row
    from kubectl_oom.read.raw_samples import Match, RawReader

RESOURCE_WORKING_SET = "node_memory_working_set_bytes"  # the kubelet's /metrics/resource says it without an id
_FAMILIES = (WORKING_SET, SPEC_LIMIT, RESOURCE_WORKING_SET)
# The cgroup of all pods: /kubepods, /kubepods.slice, and below another root as kind and systemd units make it.
_PODS_CGROUP = r"(/.*)?/([a-z]+-)?kubepods(\.slice)?"


@dataclass(slots=True)
class NodeMemory:
    """By node, as far as the engine keeps it; many stacks drop the series of cgroups that are no pod's."""

    working_set: dict[str, tuple[Sample, ...]] = field(default_factory=dict)
    pods_working_set: dict[str, tuple[Sample, ...]] = field(default_factory=dict)
    pods_limit: dict[str, int] = field(default_factory=dict)


def read_nodes(reader: RawReader, nodes: Sequence[str]) -> NodeMemory:
    """What the engine keeps about these nodes."""
    # A node is named by the `node` label where the scrape was set up so, else by the address it was scraped at.
    rows = _rows(reader, nodes, _by_node) or _rows(reader, nodes, _by_instance)
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[_node_of(row, nodes)].append(row)
    memory = NodeMemory()
    for node, of_node in found.items():
        _fill(memory, node, of_node)
    return memory


def _rows(reader: RawReader, nodes: Sequence[str], match: Match) -> list[Row]:
    # The empty alternative lets the family without an id in; pod="" keeps containers out.
    cgroups = promql.fits("id", f"|/|{_PODS_CGROUP}")
    return reader.of(match, nodes, _FAMILIES, cgroups, promql.equals("pod", ""))


def _by_node(nodes: Sequence[str]) -> str:
    return promql.one_of("node", nodes)


def _by_instance(nodes: Sequence[str]) -> str:
    return promql.fits("instance", f"({'|'.join(promql.literal(node) for node in nodes)})(:[0-9]+)?")


def _node_of(row: Row, nodes: Sequence[str]) -> str:
    node = row.labels.get("node", "")
    return node if node in nodes else re.sub(r":[0-9]+\Z", "", row.labels.get("instance", ""))


def _fill(memory: NodeMemory, node: str, rows: Sequence[Row]) -> None:
    whole = _select(rows, WORKING_SET, "/") or _select(rows, RESOURCE_WORKING_SET, "")
    if whole:
        memory.working_set[node] = samples_of(merged(whole))
    cgroups = sorted({row.labels["id"] for row in rows if row.labels.get("id", "/") != "/"}, key=len)
    if not cgroups:
        return
    working_set = samples_of(merged(_select(rows, WORKING_SET, cgroups[0])))
    if working_set:
        memory.pods_working_set[node] = working_set
    limit = samples_of(merged(_select(rows, SPEC_LIMIT, cgroups[0])), zero_is_absent=True)
    if limit:
        memory.pods_limit[node] = limit[-1].value


def _select(rows: Sequence[Row], family: str, cgroup: str) -> list[Row]:
    return [row for row in rows if _is(row.labels, family, cgroup)]


def _is(labels: Mapping[str, str], family: str, cgroup: str) -> bool:
    return labels.get("__name__") == family and labels.get("id", "") == cgroup
