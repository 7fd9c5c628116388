"""What is counted after a change: kills of whole containers, and of processes in containers that live on."""

from __future__ import annotations

from kubectl_oom.act.watch import Watching
from kubectl_oom.evidence import Watched
from tests.build import MI, RUNNING_ID
from tests.in_memory import InMemory, cadvisor, stamp
from tests.rollouts import Json, killed, plan, pod

CGROUP = f"/kubepods/burstable/pod1/{RUNNING_ID}"
CHANGED, BEFORE, AFTER = 600, 9000, 300  # seconds ago


def _running(since: float) -> Json:
    return {
        "name": "app",
        "containerID": f"containerd://{RUNNING_ID}",
        "state": {"running": {"startedAt": stamp(since)}},
        "restartCount": 0,
    }


def _pod(status: Json) -> Json:
    """A bare pod that this tool has changed."""
    changed = {"manager": "kubectl-oom", "operation": "Update", "time": stamp(CHANGED), "fieldsV1": {}}
    made = pod("Running", status, managedFields=[changed])
    made["spec"]["nodeName"] = "node-a"
    return made | {"kind": "Pod"}


def _page(kills: int, at: float, working_set: int = 20) -> str:
    return cadvisor(
        ("container_memory_working_set_bytes", "app", CGROUP, float(working_set * MI)),
        ("container_oom_events_total", "app", CGROUP, float(kills)),
        at=at,
    )


def _watched(status: Json, *pages: str) -> Watched:
    """What is seen when the kubelet answers with one page after the other."""
    item = _pod(status)
    source = InMemory(objects={"pods": [item]})
    watching = Watching(source, plan(item))
    for page in pages:
        source.pages["node-a"] = page
        watching.look()
    return watching.result(60)


def test_kills_inside_a_container_that_lives_on_are_counted() -> None:
    assert _watched(_running(AFTER), _page(0, 30), _page(2, 20), _page(3, 10)).kills == 3


def test_what_was_killed_in_a_resized_container_before_the_change_is_not() -> None:
    assert _watched(_running(BEFORE), _page(4, 30), _page(4, 20)).kills == 0
    assert _watched(_running(BEFORE), _page(4, 30), _page(5, 20)).kills == 1


def test_a_page_from_before_the_change_says_nothing_about_the_time_after_it() -> None:
    watched = _watched(_running(BEFORE), _page(3, CHANGED + 9, working_set=90), _page(4, 30))

    assert (watched.kills, watched.highest_bytes) == (0, 20 * MI)


def test_a_container_that_was_killed_and_runs_again_is_one_kill() -> None:
    assert _watched(killed(30), _page(0, 10), _page(0, 5)).kills == 1


def test_where_no_kubelet_may_be_asked_only_the_ends_of_containers_are_counted() -> None:
    item = _pod(killed(30))
    watching = Watching(InMemory(objects={"pods": [item]}), plan(item))
    watching.look()

    assert watching.result(60) == Watched(seconds=60, kills=1, highest_bytes=None, limit_bytes=96 * MI)
