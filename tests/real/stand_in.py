"""A stand-in for the kubelet on a stage: pods start as soon as they are there, and end as soon as they are to end."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, final

from tests.real.status import Json, condition, running, status_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.real.stage import Api, Stage

LOOK_SECONDS = 0.1


def ready(pod: Json) -> Json:
    """What the kubelet says of a pod whose containers all run, with the sizes of its spec in effect."""
    now = datetime.now(timezone.utc)
    return {
        "phase": "Running",
        "conditions": [condition("PodScheduled", "True", now), condition("Ready", "True", now)],
        "containerStatuses": [
            status_of(one["name"], running(now), resources=one.get("resources", {}))
            for one in pod["spec"]["containers"]
        ],
    }


@final
@dataclass
class StandIn:
    """Acts for the kubelet while it is open; `says` makes the status of a pod, None leaves the pod pending."""

    stage: Stage
    says: Callable[[Json], Json | None] = ready
    _over: threading.Event = field(default_factory=threading.Event)
    _told: dict[str, Json] = field(default_factory=dict)
    _later: list[tuple[float, Callable[[Json], Json | None]]] = field(default_factory=list)
    _started: dict[str, float] = field(default_factory=dict)
    _thread: threading.Thread | None = None

    def __enter__(self) -> StandIn:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread:
            self._thread.join()

    def later(self, says: Callable[[Json], Json | None], *, after: float) -> None:
        """What it says of the pods that it started so many seconds ago; None changes nothing."""
        self._later.append((after, says))

    def _run(self) -> None:
        api = type(self.stage.api)(self.stage.cluster)  # a connection of its own
        while not self._over.wait(LOOK_SECONDS):
            for pod in api.ask("GET", self.stage.path("/api/v1", "pods"))["items"]:
                self._act(api, pod)

    def _act(self, api: Api, pod: Json) -> None:
        path = self.stage.path("/api/v1", "pods", pod["metadata"]["name"])
        if "deletionTimestamp" in pod["metadata"]:
            api.ask("DELETE", path, {"gracePeriodSeconds": 0})
            return
        spec, uid = pod["spec"], pod["metadata"]["uid"]
        if "nodeName" not in spec:  # no kubelet has it yet
            return
        status = None
        if self._told.get(uid) != spec:
            status = self.says(pod)
        elif uid in self._started:
            status = self._by_now(pod, time.monotonic() - self._started[uid])
        if status is not None:
            api.ask("PATCH", f"{path}/status", {"status": status}, "application/merge-patch+json")
            self._told[uid] = spec
            self._started.setdefault(uid, time.monotonic())

    def _by_now(self, pod: Json, age: float) -> Json | None:
        for entry in [one for one in self._later if age >= one[0]]:
            status = entry[1](pod)
            if status is not None:
                self._later.remove(entry)
                return status
        return None
