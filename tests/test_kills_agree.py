"""`list`, `history`, `report` and `recommend` count the same kills: from one API server and one real Prometheus."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kubectl_oom.evidence import CaseFile, Owner, Verdict
from kubectl_oom.judge.diagnose import every_end
from kubectl_oom.judge.history import recount
from kubectl_oom.judge.listing import listed
from kubectl_oom.read import kill_series
from kubectl_oom.read import past as past_reading
from kubectl_oom.read.kill_list import KillReader, Selection
from kubectl_oom.read.objects import event_of
from kubectl_oom.read.objects import pod_of as read_pod
from kubectl_oom.read.past import read_past
from kubectl_oom.read.source import EVENTS, PODS, REPLICA_SETS
from tests.engines import require_program, running
from tests.in_memory import event_json, killed_status, replica_set_json
from tests.stories import DAY, End, cgroup, owned
from tests.survey_scene import NEW, SINCE, Live, counted, pod_of, story, survey, workload
from tests.test_metrics_window import UNTIL, moment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kubectl_oom.evidence import Pod
    from kubectl_oom.read.source import Json
    from tests.engines import RunningEngine

WINDOW = moment(UNTIL - DAY), moment(UNTIL)
PROBED_AT, KILLED_AT = UNTIL - 9000, UNTIL - 5000
# A child was killed in it, which marks the container, and a probe ended it long after that.
PROBED = story("shop", NEW, "pr0bd", UNTIL - 2 * DAY, End(PROBED_AT), step=60)
KILLED = story("shop", NEW, "k1lld", UNTIL - 2 * DAY, End(KILLED_AT), step=60)
# It lost a child before the window, and another one within it.
OLD_CHILD = story("shop", NEW, "ch1ld", SINCE, child_killed_after=3600, step=60)
YOUNG_CHILD = story("shop", NEW, "y0ung", SINCE, child_killed_after=3 * DAY - 7200, step=60)
# It survived a child by an hour, and then somebody sent it SIGKILL.
SURVIVOR = story(
    "shop", NEW, "surv1", UNTIL - 2 * DAY, End(KILLED_AT, "Error"), child_killed_after=2 * DAY - 8600, step=60
)
STORIES = (PROBED, KILLED, OLD_CHILD, YOUNG_CHILD, SURVIVOR)
EXPECTED = {
    (KILLED.name, "container-limit"): 1,
    (YOUNG_CHILD.name, "child-killed"): 1,
    (SURVIVOR.name, "child-killed"): 1,
}
# In steps only the instances that run on are asked for their counts.
IN_STEPS = {key: count for key, count in EXPECTED.items() if key[0] != SURVIVOR.name}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEngine]:
    require_program("prometheus", "promtool")
    series = [one for each in STORIES for one in each.series() if one.points]
    series.append(owned("shop", "api", NEW, SINCE, UNTIL))
    with running("prometheus", series, tmp_path_factory.mktemp("agree")) as engine:
        yield engine


def stamp(at: int) -> str:
    return moment(at).isoformat().replace("+00:00", "Z")


def pods() -> list[Json]:
    found = []
    for one in STORIES:
        pod = pod_of("shop", one.name, NEW)
        for end in one.ends:
            ended = {"reason": end.reason, "startedAt": stamp(one.since), "finishedAt": stamp(end.at)}
            ended["containerID"] = f"containerd://{cgroup(f'{one.uid} {one.name} {one.container} 0')}"
            pod["status"]["containerStatuses"] = [killed_status(**ended)]
        found.append(pod)
    return found


def probe_event() -> Json:
    """The kubelet's word that a probe ended it."""
    when = {"firstTimestamp": stamp(PROBED_AT - 2), "lastTimestamp": stamp(PROBED_AT - 2)}
    words = "Container app failed liveness probe, will be restarted"
    return event_json("e1", "Killing", words, of=PROBED.name, **when)


def source(store: RunningEngine) -> Live:
    replica_set = replica_set_json(NEW)
    replica_set["metadata"]["namespace"] = "shop"
    objects = {PODS.qualified: pods(), REPLICA_SETS.qualified: [replica_set], EVENTS.qualified: [probe_event()]}
    return Live(objects=objects, metrics_engine=counted(store)[0])


def case() -> CaseFile:
    """What `why`, `history` and `recommend` read of these pods."""
    read: list[Pod] = [read_pod(item) for item in pods()]
    told = event_of(probe_event())
    return CaseFile(pods=tuple(replace(pod, events=(told,)) if pod.name == PROBED.name else pod for pod in read))


def history_kills(store: RunningEngine) -> list[tuple[str, str]]:
    since, until = WINDOW
    file, owner = case(), Owner(api_version="apps/v1", kind="Deployment", name="api")
    past = read_past(counted(store)[0], "shop", owner, [pod.name for pod in file.pods], since, until)
    [item] = recount(file, [past], since=since, until=until).items
    return [(kill.pod, kill.verdict.value) for kill in item.kills]


def by_history(store: RunningEngine) -> dict[tuple[str, str], int]:
    return dict(Counter(history_kills(store)))


def by_list(store: RunningEngine, *gaps: str) -> dict[tuple[str, str], int]:
    since, until = WINDOW
    reader = KillReader(source(store), Selection(namespace="shop", labels="", since=since, until=until))
    rows = [row for lot in reader.lots() for row in listed(lot, since=since, until=until)]
    assert [gap.reason.partition(":")[0] for gap in reader.gaps] == [*gaps]
    return {(row.pod, row.verdict.value): row.kills for row in rows}


def test_the_probed_pod_is_what_this_is_about() -> None:
    assert [end.verdict for end in every_end(case()) if end.pod == PROBED.name] == [Verdict.PROBE_KILL]


def test_history_counts_no_marked_probe_kill_and_no_child_of_before_its_window(store: RunningEngine) -> None:
    assert by_history(store) == EXPECTED


def test_a_history_of_too_many_samples_counts_the_same_but_for_children_of_instances_that_ended(
    store: RunningEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past_reading, "RAW_SAMPLES", 10)

    assert by_history(store) == IN_STEPS


def test_list_counts_what_history_counts(store: RunningEngine) -> None:
    assert by_list(store) == EXPECTED


def test_a_list_of_too_many_samples_counts_what_such_a_history_does(
    store: RunningEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kill_series, "RAW_SAMPLES", 10)

    assert by_list(store, "many pods were killed") == IN_STEPS


def test_a_survey_of_everything_counts_what_such_a_history_does(store: RunningEngine) -> None:
    since, until = WINDOW
    _, found = survey(source(store), since=since)
    [case_of_all] = [one.case for one in found]
    [item] = recount(case_of_all, [workload(found, "shop", "api")], since=since, until=until).items

    assert {(kill.pod, kill.verdict.value): 1 for kill in item.kills} == IN_STEPS


@pytest.mark.parametrize("samples", [10, kill_series.RAW_SAMPLES])
def test_a_kill_that_an_older_kube_state_metrics_was_late_to_show_is_the_one_of_the_status(
    samples: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before 2.12 it does not tell when a container ended: the kill is as late as the look at it."""
    monkeypatch.setattr(kill_series, "RAW_SAMPLES", samples)
    monkeypatch.setattr(past_reading, "RAW_SAMPLES", samples)
    require_program("prometheus", "promtool")
    late = replace(KILLED, step=150, memory=[])
    newer = ("last_terminated_timestamp", "last_terminated_exitcode")
    series = [one for one in late.series() if one.points and not one.labels["__name__"].endswith(newer)]

    with running("prometheus", [*series, owned("shop", "api", NEW, SINCE, UNTIL)], tmp_path) as engine:
        since, until = WINDOW
        reader = KillReader(source(engine), Selection(namespace="shop", labels="", since=since, until=until))
        rows = [row for lot in reader.lots() for row in listed(lot, since=since, until=until)]
        history = [pod for pod, _ in history_kills(engine)]

    assert [(row.kills, row.last_killed_at) for row in rows if row.pod == KILLED.name] == [(1, moment(KILLED_AT))]
    assert history.count(KILLED.name) == 1
