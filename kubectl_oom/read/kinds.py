"""The kinds that can be named on the command line, and the words for them. Light: completion loads it too."""

from __future__ import annotations

from kubectl_oom.errors import OomError
from kubectl_oom.read.source import (
    CRON_JOBS,
    DAEMON_SETS,
    DEPLOYMENTS,
    JOBS,
    NODES,
    PODS,
    REPLICA_SETS,
    STATEFUL_SETS,
    Kind,
)

# The first of each is what people type: completion offers it.
NAMES = {
    PODS: ("pod", "pods", "po"),
    DEPLOYMENTS: ("deploy", "deployment", "deployments"),
    STATEFUL_SETS: ("sts", "statefulset", "statefulsets"),
    DAEMON_SETS: ("ds", "daemonset", "daemonsets"),
    JOBS: ("job", "jobs"),
    CRON_JOBS: ("cronjob", "cronjobs", "cj"),
    REPLICA_SETS: ("rs", "replicaset", "replicasets"),
    NODES: ("node", "nodes", "no"),
}
KINDS = {word: kind for kind, words in NAMES.items() for word in words}


def known(word: str) -> Kind | None:
    """The kind that a word begins with: `deploy`, `deployment.apps`; its group is not looked at."""
    return KINDS.get(word.lower().split(".")[0])


def kind_named(word: str) -> Kind:
    """The kind a user's word names: `deploy`, `Deployments`, `deployment.apps`, `deployments.v1.apps`."""
    kind, group = known(word), word.lower().partition(".")[2]
    if kind is None or (group and not same_group(group, kind)):
        raise OomError(f'error: the server doesn\'t have a resource type "{word.partition(".")[0]}"')
    return kind


def same_group(group: str, kind: Kind) -> bool:
    """Whether the group, with or without a version, is the kind's."""
    return group in (kind.group, f"{kind.version}.{kind.group}")  # the core group: `pods.v1.`, as for kubectl
