"""A cluster of five namespaces for surveys: what its API server holds, and the series of three days."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from kubectl_oom.read.direct import DirectTransport
from kubectl_oom.read.engine import Engine, EngineOptions
from kubectl_oom.read.live import PAGE
from kubectl_oom.read.source import NODES, POD_METRICS, PODS, REPLICA_SETS, Json, Kind, ReadError
from kubectl_oom.read.stock import take_stock
from kubectl_oom.read.survey import Metrics, Survey
from kubectl_oom.read.targets import Scope, Target
from tests.in_memory import InMemory, controlled_by, metadata, node_json, pod_json, replica_set_json
from tests.stories import DAY, MI, End, PodStory, owned
from tests.test_metrics_window import UNTIL, moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import MemoryWindow, WorkloadPast
    from kubectl_oom.read.engine import Answer
    from kubectl_oom.read.survey import Surveyed
    from tests.engines import RunningEngine, Series

SINCE = UNTIL - 3 * DAY
ROLLOUT = UNTIL - DAY
OLD, NEW, WEB, MANY = "api-7d9c5b6f4d", "api-5f6b8c7d9", "web-6b8c7d95f", "many-5b6f4d7d9"
OLD_KILL, NEW_KILL = SINCE + DAY + 77, UNTIL - 5000
LETTERS = "bcdfghjklmnpqrstvwxz2456789"


def story(namespace: str, replica_set: str, ending: str, since: int, *ends: End, **changes: Any) -> PodStory:
    """A pod of a ReplicaSet, without kills of children."""
    changes = {"until": UNTIL, "child_killed_after": None, **changes}
    return PodStory(
        f"{replica_set}-{ending}", ("ReplicaSet", replica_set), since, ends=ends, namespace=namespace, **changes
    )


GONE = story("shop", OLD, "x2x8p", SINCE, End(OLD_KILL), until=ROLLOUT)
THERE = story("shop", NEW, "bcd42", ROLLOUT, End(NEW_KILL), limit=512 * MI)
CALM = story("shop", NEW, "zz9w8", ROLLOUT, limit=512 * MI)
CALM_WEB = story("store", WEB, "4k7x9", SINCE)
CROWD = tuple(story("crowd", MANY, f"{a}{b}4k7"[::-1], UNTIL - DAY // 4) for a in "bcdfgh" for b in LETTERS[:10])
STORIES = (GONE, THERE, CALM, CALM_WEB, *CROWD)
QUIET = "quiet"  # a namespace of which the engine holds nothing
OWNERS = {OLD: ("shop", "api"), NEW: ("shop", "api"), WEB: ("store", "web"), MANY: ("crowd", "many")}


def everything() -> list[Series]:
    """All series of the cluster; the memory of the stories is theirs from here on."""
    for one in STORIES:
        one.memory.clear()
    made = [series for one in STORIES for series in one.series()]
    made += [owned(namespace, owner, name, SINCE, UNTIL) for name, (namespace, owner) in OWNERS.items()]
    return [one for one in made if one.points]


@dataclass
class Counted:
    """A way to an engine that counts the questions, and fails some of them."""

    transport: DirectTransport
    asked: list[str] = field(default_factory=list)
    fails: Callable[[str], ReadError | None] = lambda _: None

    def ask(self, endpoint: str, params: Mapping[str, str], timeout_seconds: float) -> Answer:
        self.asked.append(params["query"])
        if error := self.fails(params["query"]):
            raise error
        return self.transport.ask(endpoint, params, timeout_seconds)


@dataclass
class Live(InMemory):
    """A live cluster in memory, beside a real metrics engine."""

    metrics_engine: Engine | None = None

    def pages_of(
        self, kind: Kind, namespace: str | None, *, labels: str = "", fields: str = ""
    ) -> Iterator[Sequence[Json]]:
        found = self.list(kind, namespace, labels=labels, fields=fields)
        for first in range(0, max(1, len(found)), PAGE):
            self.asked["pages"] += 1
            yield found[first : first + PAGE]

    def engine(self) -> Engine:
        if self.metrics_engine is None:
            raise ReadError("NotConfigured", "no metrics engine was named")
        return self.metrics_engine


def counted(store: RunningEngine, fails: Callable[[str], ReadError | None] = lambda _: None) -> tuple[Engine, Counted]:
    """The engine, and what it was asked."""
    transport = DirectTransport(EngineOptions(url=store.url))
    counting = Counted(transport, fails=fails)
    return Engine(transport.label, counting), counting


def pod_of(namespace: str, name: str, replica_set: str, limit: int = 256 * MI) -> Json:
    """A pod that runs."""
    labels = {"app": namespace, "pod-template-hash": replica_set.rpartition("-")[2]}
    owners = controlled_by("ReplicaSet", replica_set)
    status = {"name": "app", "ready": True, "restartCount": 0, "state": {"running": {}}}
    resources = {"limits": {"memory": str(limit)}, "requests": {"memory": str(limit // 2)}}
    return pod_json(
        name,
        status,
        metadata=metadata(name, namespace, labels=labels, ownerReferences=owners),
        spec={"containers": [{"name": "app", "image": "app:1", "resources": resources}]},
    )


def live(engine: Engine | None = None, **changes: Any) -> Live:
    """The cluster as its API server holds it."""
    pods = [
        pod_of(one.namespace, one.name, one.name.rpartition("-")[0], one.limit or 0)
        for one in STORIES
        if one is not GONE
    ]
    pods += [pod_of(QUIET, f"still-7d95f-{letter}4k7x", "still-7d95f") for letter in "bc"]
    sets = {**OWNERS, "still-7d95f": (QUIET, "still")}
    replica_sets = [
        {**(one := replica_set_json(name, owner)), "metadata": {**one["metadata"], "namespace": namespace}}
        for name, (namespace, owner) in sets.items()
    ]
    objects = {
        PODS.qualified: pods,
        REPLICA_SETS.qualified: replica_sets,
        NODES.qualified: [node_json()],
        POD_METRICS.qualified: [used_now(pod) for pod in pods],
    }
    return Live(**{"objects": objects, "metrics_engine": engine, **changes})


def used_now(pod: Json) -> Json:
    """The pod's PodMetrics."""
    meta = {key: pod["metadata"][key] for key in ("name", "namespace", "labels")}
    return {
        "metadata": meta,
        "timestamp": "2025-11-24T15:59:00Z",
        "containers": [{"name": "app", "usage": {"memory": "99Mi"}}],
    }


EVERYWHERE = Scope(targets=(Target(PODS, None),), namespace=None)


def survey(
    source: Live, scope: Scope = EVERYWHERE, *, metrics: bool = True, p99: bool = False, since: datetime | None = None
) -> tuple[Survey, list[Surveyed]]:
    """A survey that has been gone through, and what it found."""
    asked = Metrics(since=since or moment(SINCE), until=moment(UNTIL), p99=p99) if metrics else None
    made = Survey(source, scope, take_stock(source, scope), asked)
    return made, list(made)


def workload(found: Sequence[Surveyed], namespace: str, name: str) -> WorkloadPast:
    """The one workload of that name."""
    [past] = [
        past
        for one in found
        for past in one.pasts
        if past.namespace == namespace and past.workload and past.workload.name == name
    ]
    return past


def numbers(window: MemoryWindow | None) -> MemoryWindow:
    """A window with the numbers that a survey asks for, to compare the two ways to read one."""
    assert window is not None
    rows = [
        replace(
            row,
            working_set=replace(row.working_set, mean_bytes=None, p50_bytes=None) if row.working_set else None,
            usage=None,
            restarts=None,
            oom_events=None,
            node=None,
            image=None,
            limit_bytes=None,
            lowest_limit_bytes=None,
        )
        for row in window.containers
    ]
    return replace(window, containers=tuple(rows), kills=(), interval_seconds=None)
