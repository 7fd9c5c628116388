"""What a metrics engine kept of pods beside their memory: whose they were, where they ran, and their limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_oom.evidence import ContainerWindow, Owner
from kubectl_oom.read import promql
from kubectl_oom.read.metrics import SPEC_LIMITS
from kubectl_oom.read.source import ReadError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from kubectl_oom.evidence import PodKey
    from kubectl_oom.read.engine import Row
    from kubectl_oom.read.survey_numbers import Surveyor

# Kind of an owner → the series that says who owns it, and the label it is named by.
_HIGHER = {"ReplicaSet": ("kube_replicaset_owner", "replicaset"), "Job": ("kube_job_owner", "job_name")}
_API_VERSIONS = dict.fromkeys(("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"), "apps/v1")
_API_VERSIONS |= dict.fromkeys(("Job", "CronJob"), "batch/v1")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the pods of a namespace beside their kills: where they ran, and their limits of the spec."""

    nodes: dict[str, str]  # by pod
    limits: dict[tuple[str, str], int]  # by pod and container: the last ones
    lowest: dict[tuple[str, str], int]

    def row(self, pod: str, container: str) -> ContainerWindow:
        """As a row without numbers, which are not asked for."""
        return ContainerWindow(
            pod=pod,
            container=container,
            working_set=None,
            usage=None,
            limit_bytes=self.limits.get((pod, container)),
            lowest_limit_bytes=self.lowest.get((pod, container)),
            restarts=None,
            oom_events=None,
            node=self.nodes.get(pod),
            image=None,
        )


class KillFacts:
    """Asks about some pods by name; what the engine does not say is a warning, and never a ReadError."""

    def __init__(self, surveyor: Surveyor, warn: Callable[[str], None]) -> None:
        self._surveyor = surveyor
        self._warn = warn

    def known(self, namespace: str, names: Sequence[str]) -> Known:
        """Where these pods ran, and their limits."""
        return Known(self.nodes(namespace, names), *self.limits(namespace, names))

    def owners(self, pods: Iterable[PodKey]) -> dict[PodKey, tuple[Owner, ...]]:
        """The owners of pods that may be gone, nearest first, as far as the engine kept them."""
        wanted = set(pods)
        nearest = self._owned("kube_pod_owner", "pod", wanted)
        above: dict[tuple[str, Owner], Owner] = {}
        for kind, (family, label) in _HIGHER.items():
            names = {(namespace, owner.name) for (namespace, _), owner in nearest.items() if owner.kind == kind}
            of = Owner(api_version=_API_VERSIONS[kind], kind=kind, name="")
            for (namespace, name), owner in self._owned(family, label, names).items():
                above[namespace, Owner(api_version=of.api_version, kind=kind, name=name)] = owner
        return {
            key: (owner, *([above[key[0], owner]] if (key[0], owner) in above else []))
            for key, owner in nearest.items()
        }

    def _owned(self, family: str, label: str, names: Iterable[PodKey]) -> dict[PodKey, Owner]:
        by = f"max by (namespace, {label}, owner_kind, owner_name) (last_over_time(SERIES))"
        found: dict[PodKey, Owner] = {}
        for row in self._of_names(by, family, label, names):
            kind = row.get("owner_kind", "")
            if kind not in ("", "<none>"):
                owner = Owner(api_version=_API_VERSIONS.get(kind, ""), kind=kind, name=row.get("owner_name", ""))
                found[row.get("namespace", ""), row.get(label, "")] = owner
        return found

    def nodes(self, namespace: str, names: Sequence[str]) -> dict[str, str]:
        """Pod → the node it ran on, where that was one all the time."""
        by = "max by (namespace, pod, node) (last_over_time(SERIES))"
        found: dict[str, set[str]] = {}
        for row in self._of_names(by, "kube_pod_info", "pod", [(namespace, name) for name in names]):
            if row.get("node"):
                found.setdefault(row.get("pod", ""), set()).add(row["node"])
        return {pod: nodes.pop() for pod, nodes in found.items() if len(nodes) == 1}

    def limits(
        self, namespace: str, names: Sequence[str]
    ) -> tuple[dict[tuple[str, str], int], dict[tuple[str, str], int]]:
        """The last limits of these pods' containers and the lowest, which differ where they were changed in place."""
        keys = [(namespace, name) for name in names]
        found: list[dict[tuple[str, str], int]] = []
        for template in ("max by %s (last_over_time(SERIES))", "min by %s (min_over_time(SERIES))"):
            by = template % "(namespace, pod, container)"
            rows = self._rows_of(by, SPEC_LIMITS, "pod", keys, promql.equals("resource", "memory"))
            found.append(
                {
                    (row.labels.get("pod", ""), row.labels.get("container", "")): round(row.samples[0][1])
                    for row in rows
                    if row.samples and row.samples[0][1]
                }
            )
        return found[0], found[1]

    def _of_names(self, by: str, family: str, label: str, names: Iterable[PodKey]) -> Iterator[dict[str, str]]:
        """The labels of the series of these names."""
        return (dict(row.labels) for row in self._rows_of(by, (family,), label, names))

    def _rows_of(
        self, by: str, families: Sequence[str], label: str, names: Iterable[PodKey], *matchers: str
    ) -> Iterator[Row]:
        """The rows of these names; what the engine does not say is a gap."""
        wanted = set(names)
        namespaces = sorted({namespace for namespace, _ in wanted})
        for place in promql.groups(namespaces):
            listed = sorted({name for namespace, name in wanted if namespace in place})
            for group in promql.groups(listed):
                here = (promql.one_of("namespace", place), promql.one_of(label, group))
                try:
                    rows = self._surveyor.over_window(by, families, *here, *matchers).rows
                except ReadError as error:
                    self._warn(f"{families[0]}: {error.message}")
                    return
                yield from (row for row in rows if _name(row, label) in wanted)


def _name(row: Row, label: str) -> PodKey:
    return row.labels.get("namespace", ""), row.labels.get(label, "")
