"""The pods that a workload had over a window, those that are gone included.

kube-state-metrics kept their owners; where it did not run, the names that controllers give to pods tell, and the
answer says that it is made of names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_oom.read import promql
from kubectl_oom.read.lives import WORKING_SET

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kubectl_oom.read.engine import Engine

# Kind → the series that names what stands between it and its pods: family, label, and the kind of what is named.
_BETWEEN = {
    "Deployment": ("kube_replicaset_owner", "replicaset", "ReplicaSet"),
    "Rollout": ("kube_replicaset_owner", "replicaset", "ReplicaSet"),
    "CronJob": ("kube_job_owner", "job_name", "Job"),
    "DeploymentConfig": ("kube_replicationcontroller_owner", "replicationcontroller", "ReplicationController"),
}
_RANDOM = "[bcdfghjklmnpqrstvwxz2456789]"  # the letters of apimachinery's rand.String
_SUFFIX = f"{_RANDOM}{{5}}"
# Kind → what its controller appends to its name and a "-", and how long that can be before the 5 random letters.
_APPENDED = {
    "Deployment": (f"{_RANDOM}{{1,10}}-{_SUFFIX}", 11),
    "Rollout": (f"{_RANDOM}{{1,10}}-{_SUFFIX}", 11),
    "ReplicaSet": (_SUFFIX, 0),
    "ReplicationController": (_SUFFIX, 0),
    "DaemonSet": (_SUFFIX, 0),
    "StatefulSet": ("[0-9]+", 0),
    "Job": (f"([0-9]+-)?{_SUFFIX}", 6),
    "CronJob": (f"[0-9]{{8,10}}-([0-9]+-)?{_SUFFIX}", 17),
    "DeploymentConfig": (f"[0-9]+-{_SUFFIX}", 6),
}
# A generated name has 63 characters at most; what stands before the 5 random ones is cut (apiserver's names package).
_LONGEST_BASE = 58


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedPods:
    """Names of pods, and how they were found."""

    names: tuple[str, ...]
    by_name: bool  # their names fit; nothing says that they belonged to the workload
    warnings: tuple[str, ...] = ()


def pods_of_workload(
    engine: Engine, namespace: str, kind: str, name: str, since: datetime, until: datetime
) -> OwnedPods:
    """The pods of a workload between two instants, by their owners or else by their names."""
    asking = _Asking(engine, namespace, promql.over((until - since).total_seconds()), until)
    if kind == "Pod":
        return OwnedPods(names=(name,), by_name=False)
    owners, owner_kind = [name], kind
    if kind in _BETWEEN:
        family, label, owner_kind = _BETWEEN[kind]
        owners = asking.owned(family, label, kind, [name])
    owned = asking.owned("kube_pod_owner", "pod", owner_kind, owners)
    if owned:
        return OwnedPods(names=tuple(owned), by_name=False, warnings=tuple(asking.warnings))
    pattern = name_pattern(kind, name)
    alike = asking.alike(pattern) if pattern else []
    if alike:
        asking.warnings[
            f"the pods of {kind} {name} were found by their names, since {engine.label} does not hold their owners"
            " (kube_pod_owner of kube-state-metrics)"
        ] = None
    return OwnedPods(names=tuple(alike), by_name=bool(alike), warnings=tuple(asking.warnings))


def name_pattern(kind: str, name: str) -> str | None:
    """The regular expression that the names of a workload's pods fit; None for kinds whose naming is not known."""
    appended, longest = _APPENDED.get(kind, ("", 0))
    base = f"{name}-"
    if not appended:
        return None
    if kind == "StatefulSet" or len(base) + longest <= _LONGEST_BASE:
        return promql.literal(base) + appended
    kept = base[:_LONGEST_BASE]
    return f"{promql.literal(kept)}[a-z0-9-]{{0,{_LONGEST_BASE - len(kept)}}}{_SUFFIX}"


class _Asking:
    """Questions for names, over one window of one namespace."""

    def __init__(self, engine: Engine, namespace: str, window: str, until: datetime) -> None:
        self._engine = engine
        self._here = promql.equals("namespace", namespace)
        self._window = window
        self._until = until
        self.warnings: dict[str, None] = {}

    def owned(self, family: str, label: str, owner_kind: str, owners: Sequence[str]) -> list[str]:
        """The names in `label` of the objects that had one of these owners at any time of the window."""
        found: set[str] = set()
        for group in promql.groups(owners):
            owner = (promql.equals("owner_kind", owner_kind), promql.one_of("owner_name", group))
            found |= self._names(family, label, *owner)
        return sorted(found)

    def alike(self, pattern: str) -> list[str]:
        """The pods with memory samples whose names fit."""
        return sorted(self._names(WORKING_SET, "pod", promql.fits("pod", pattern)))

    def _names(self, family: str, label: str, *matchers: str) -> set[str]:
        selector = promql.selector(promql.families(family), self._here, *matchers, *self._engine.matchers)
        answer = self._engine.query(f"max by ({label}) (last_over_time({selector}{self._window}))", at=self._until)
        for warning in answer.warnings:
            self.warnings[f"{self._engine.label} warns: {warning}"] = None
        return {row.labels[label] for row in answer.rows if row.labels.get(label)}
