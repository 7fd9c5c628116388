"""Building blocks of scenarios: objects that make something happen, and conditions that tell that it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]

IMAGE = "local.test/hog:1"

# --- building blocks of the objects ----------------------------------------------------------------------------------


def hog(mode: str, **flags: object) -> list[str]:
    """The arguments of the `hog` workload: one kind of memory demand, sizes in Mi."""
    return [f"-mode={mode}", *(f"-{name}={value}" for name, value in flags.items())]


def shell(script: str) -> dict[str, list[str]]:
    """The command of a container that runs a shell script as its main process."""
    return {"command": ["sh", "-c", script]}


def container(name: str, limit: str | None, args: list[str] | None = None, **more: Any) -> Json:
    """A container with a memory limit (and a small request, so that it is Burstable)."""
    made: Json = {"name": name, "image": IMAGE, "imagePullPolicy": "Never"}
    if limit is not None:
        made["resources"] = {"limits": {"memory": limit}, "requests": {"memory": min("8Mi", limit, key=_mebibytes)}}
    if args is not None:
        made["args"] = args
    return made | more


def _mebibytes(quantity: str) -> int:
    return int(quantity.removesuffix("Mi"))


def pod_spec(*containers: Json, **more: object) -> Json:
    """A pod's spec that ends at once when it is told to."""
    return {"terminationGracePeriodSeconds": 1, "containers": list(containers), **more}


def deployment(name: str, spec: Json) -> Json:
    """One replica of a pod, kept by a Deployment."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": spec},
        },
    }


def bare_pod(name: str, spec: Json) -> Json:
    """A pod that nobody replaces."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"restartPolicy": "Never", **spec},
    }


def _job_spec(name: str, spec: Json) -> Json:
    template = {"metadata": {"labels": {"app": name}}, "spec": {"restartPolicy": "Never", **spec}}
    return {"backoffLimit": 0, "template": template}


def job(name: str, spec: Json) -> Json:
    """A Job that tries once."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": _job_spec(name, spec),
    }


def cron_job(name: str, spec: Json) -> Json:
    """A CronJob that its schedule never starts: a test starts it as `kubectl create job --from` does."""
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": name},
        "spec": {
            "schedule": "0 0 29 2 *",
            "jobTemplate": {"spec": _job_spec(name, spec)},
        },
    }


def empty_dir(name: str, **settings: object) -> Json:
    """A volume that lives as long as its pod."""
    return {"name": name, "emptyDir": settings}


SCRATCH: Json = {"volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}]}


def probe(command: str, **settings: object) -> Json:
    """A probe that runs a shell command in the container."""
    return {"exec": {"command": ["sh", "-c", command]}, "periodSeconds": 2, "timeoutSeconds": 5, **settings}


# --- what shows that it has happened ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """What the API server says about the pods of one scenario."""

    pods: list[Json]
    events: list[Json]

    def statuses(self, name: str) -> list[Json]:
        """The statuses of one container, over all pods."""
        kinds = ("initContainerStatuses", "containerStatuses")
        every = (s for pod in self.pods for kind in kinds for s in pod.get("status", {}).get(kind, ()))
        return [status for status in every if status["name"] == name]

    def terminations(self, name: str) -> list[Json]:
        """The remembered ends of one container, over all pods."""
        states = (status.get(which, {}) for status in self.statuses(name) for which in ("state", "lastState"))
        return [state["terminated"] for state in states if "terminated" in state]

    def restarts(self, name: str) -> int:
        """How often one container was restarted, in the pod where that happened most."""
        return max((status["restartCount"] for status in self.statuses(name)), default=0)

    def running(self, name: str) -> bool:
        """Whether a container of that name runs."""
        return any("running" in status.get("state", {}) for status in self.statuses(name))


def ended(name: str, reason: str, code: int, restarts: int = 0) -> Callable[[Seen], bool]:
    """True once a container has ended that way, and has been restarted at least that often."""

    def reached(seen: Seen) -> bool:
        ends = [end for end in seen.terminations(name) if (end.get("reason"), end["exitCode"]) == (reason, code)]
        return bool(ends) and seen.restarts(name) >= restarts

    return reached


def all_of(*conditions: Callable[[Seen], bool]) -> Callable[[Seen], bool]:
    """True once every condition holds at the same time."""
    return lambda seen: all(condition(seen) for condition in conditions)


def event(reason: str, text: str) -> Callable[[Seen], bool]:
    """True once an event of that reason says that text."""
    return lambda seen: any(e["reason"] == reason and text in e.get("message", "") for e in seen.events)


def evicted(seen: Seen) -> bool:
    """True once the kubelet has evicted a pod."""
    return any(pod.get("status", {}).get("reason") == "Evicted" for pod in seen.pods)


def up(name: str) -> Callable[[Seen], bool]:
    """True while the container runs."""
    return lambda seen: seen.running(name)
