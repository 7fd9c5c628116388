"""What a kubelet writes about pods and nodes, piece by piece; and what an answer of the tool comes down to."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta, timezone
from typing import Any

Json = dict[str, Any]

MI = 1024**2
CONTAINERD, CRIO = "containerd://2.2.1", "cri-o://1.36.0"


def rfc3339(at: datetime) -> str:
    """The moment as the API takes it, in whole seconds."""
    return at.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def running(since: datetime) -> Json:
    """The state of a container that runs."""
    return {"running": {"startedAt": rfc3339(since)}}


def waiting(reason: str, message: str = "") -> Json:
    """The state of a container that is not started."""
    return {"waiting": {"reason": reason, "message": message}}


def ended(
    reason: str,
    exit_code: int,
    at: datetime | None,
    *,
    lived: float = 600,
    message: str = "",
    runtime: str = "containerd",
) -> Json:
    """The state of a container that has ended; `at` None is the zero time of an end that the kubelet made up."""
    told: Json = {"reason": reason, "exitCode": exit_code, "containerID": f"{runtime}://{secrets.token_hex(32)}"}
    if at is not None:
        told |= {"startedAt": rfc3339(at - timedelta(seconds=lived)), "finishedAt": rfc3339(at)}
    return {"terminated": told | ({"message": message} if message else {})}


def status_of(name: str, state: Json, last: Json | None = None, *, restarts: int = 0, **more: object) -> Json:
    """The status of one container; a running one is ready. Its id names the runtime that `last` names."""
    before: str = (last or {}).get("terminated", {}).get("containerID", CONTAINERD)
    return {
        "name": name,
        "image": "registry.example/app:1",
        "imageID": "registry.example/app@sha256:" + "0" * 64,
        "containerID": f"{before.partition(':')[0]}://{secrets.token_hex(32)}",
        "state": state,
        "lastState": last or {},
        "restartCount": restarts,
        "ready": "running" in state,
        "started": "running" in state,
        **more,
    }


def container(name: str = "app", limit: str | None = "64Mi", request: str | None = None, **more: object) -> Json:
    """A container with a memory limit; its request is half of it, so that its pod is Burstable."""
    made: Json = {"name": name, "image": "registry.example/app:1", "terminationMessagePolicy": "File"}
    if limit is not None:
        half = f"{int(limit.removesuffix('Mi')) // 2}Mi"
        made["resources"] = {"limits": {"memory": limit}, "requests": {"memory": request or half}}
    elif request is not None:
        made["resources"] = {"requests": {"memory": request}}
    return made | more


def condition(kind: str, status: str, at: datetime, reason: str = "", message: str = "") -> Json:
    """A condition of a pod or a node."""
    return {
        "type": kind,
        "status": status,
        "lastTransitionTime": rfc3339(at),
        **({"reason": reason} if reason else {}),
        **({"message": message} if message else {}),
    }


# --- what an answer comes down to ------------------------------------------------------------------------------------


def outcome(answer: Json) -> dict[str, tuple[str, str, list[str]]]:
    """Container → verdict, confidence and the codes of its findings."""
    found = {}
    for item in answer["items"]:
        codes = [finding["code"] for finding in item["findings"]]
        found[item["container"]] = (item["verdict"], item["confidence"], codes)
    return found


def only(answer: Json) -> Json:
    """The one item of an answer."""
    (item,) = answer["items"]
    found: Json = item
    return found


def gap_sources(answer: Json) -> set[str]:
    """What the answer could not see: the sources' names, without what was asked of them."""
    return {gap["source"].partition(" (")[0] for gap in answer["gaps"]}
