"""Two weeks of a namespace in numbers, read from real engines: quantiles, restarts, kills, and pods that are gone."""

from __future__ import annotations

import math
import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

from kubectl_oom.evidence import PastKill, Spread
from kubectl_oom.read.course import read_course, step_for
from kubectl_oom.read.engine import Engine, EngineOptions
from kubectl_oom.read.engines import connect_engine
from kubectl_oom.read.owners import name_pattern, pods_of_workload
from kubectl_oom.read.past_kills import WATCH_DELAY_SECONDS
from kubectl_oom.read.window import read_window
from tests.engines import ENGINES, RunningEngine, Series, require_program, running
from tests.stories import DAY, MI, STATUS, STEP, End, PodStory, Points, flat

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from kubectl_oom.evidence import ContainerWindow

UNTIL = 1_764_000_000
SINCE = UNTIL - 14 * DAY
ROLLOUT = UNTIL - 7 * DAY


def working_set(story: PodStory) -> Spread:
    return spread(story.memory)


def usage(story: PodStory) -> Spread:
    return spread([[(at, value + 20 * MI) for at, value in life] for life in story.memory])


def spread(lives: list[Points]) -> Spread:
    """The truth from the raw samples, quantiles interpolated as Prometheus documents it."""
    values = [sorted(value for _, value in life) for life in lives if life]
    pooled = [value for life in values for value in life]

    def highest(q: float) -> int:
        return max(round(quantile(life, q)) for life in values)

    return Spread(
        samples=len(pooled),
        mean_bytes=round(math.fsum(pooled) / len(pooled)),
        p50_bytes=highest(0.5),
        p95_bytes=highest(0.95),
        p99_bytes=highest(0.99),
        max_sampled_bytes=int(max(pooled)),
    )


def quantile(ordered: Sequence[float], q: float) -> float:
    rank = q * (len(ordered) - 1)
    low = math.floor(rank)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] * (1 - (rank - low)) + ordered[high] * (rank - low)


OLD, NEW = "api-7d9c5b6f4d", "api-5f6b8c7d9"
FIRST_KILL, SECOND_KILL, CRASH = SINCE + 2 * DAY + 77, SINCE + 3 * DAY + 11, SINCE + 4 * DAY + 5
NEW_KILL = UNTIL - 2 * DAY + 123
GONE = PodStory(
    f"{OLD}-x2x8p",
    ("ReplicaSet", OLD),
    SINCE,
    ROLLOUT,
    (End(FIRST_KILL, "OOMKilled", 137), End(SECOND_KILL, "OOMKilled", 143), End(CRASH, "Error", 1)),
)
THERE = PodStory(
    f"{NEW}-bcd42",
    ("ReplicaSet", NEW),
    ROLLOUT + 600,
    UNTIL,
    (End(NEW_KILL, "OOMKilled", 137),),
    limit=512 * MI,
    image="registry.example/api:2",
    node="node-b",
)
CALM = PodStory(f"{NEW}-zz9w8", ("ReplicaSet", NEW), ROLLOUT + 600, UNTIL, limit=512 * MI)
DB_OLD = PodStory("db-0", ("StatefulSet", "db"), SINCE, ROLLOUT, (End(SINCE + DAY + 50, "OOMKilled", 137),), uid="old")
DB_NEW = PodStory("db-0", ("StatefulSet", "db"), ROLLOUT, UNTIL, (End(ROLLOUT + DAY + 9, "OOMKilled", 137),), uid="new")
JOB_KILL = UNTIL - 3 * DAY + 31
JOB = PodStory(
    "report-29384740-k7x9d",
    ("Job", "report-29384740"),
    JOB_KILL - 3600,
    JOB_KILL + 3600,
    (End(JOB_KILL - 1800, "OOMKilled", 137), End(JOB_KILL, "OOMKilled", 137)),
    stays_dead=True,
)
LOOK_ALIKES = (
    PodStory("api-v2-7d9c5b6f4d-x2x8p", ("ReplicaSet", "api-v2-7d9c5b6f4d"), UNTIL - DAY, UNTIL),
    PodStory("apix7d9c5b6f4d-x2x8p", ("DaemonSet", "apix7d9c5b6f4d"), UNTIL - DAY, UNTIL),
)
STORIES = (GONE, THERE, CALM, DB_OLD, DB_NEW, JOB, *LOOK_ALIKES)


def everything() -> list[Series]:
    """All series of the namespace; the memory of the stories is theirs from here on."""
    for story in STORIES:
        story.memory.clear()
    made = [one for story in STORIES for one in story.series()]
    deployed = {"namespace": "shop", "owner_kind": "Deployment", "owner_name": "api"}
    times = list(range(SINCE + STEP, UNTIL, STEP))
    made.append(flat("kube_replicaset_owner", [t for t in times if t < ROLLOUT], 1, replicaset=OLD, **deployed))
    made.append(flat("kube_replicaset_owner", [t for t in times if t > ROLLOUT], 1, replicaset=NEW, **deployed))
    cron = {"namespace": "shop", "owner_kind": "CronJob", "owner_name": "report", "job_name": "report-29384740"}
    made.append(flat("kube_job_owner", times[-600:], 1, **cron))
    return [one for one in made if one.points]


def moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, tz=timezone.utc)


@pytest.fixture(scope="module", params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEngine]:
    require_program(request.param, *(["promtool"] if request.param == "prometheus" else []))
    with running(request.param, everything(), tmp_path_factory.mktemp(request.param)) as engine:
        yield engine


@pytest.fixture
def engine(store: RunningEngine) -> Engine:
    return connect_engine(EngineOptions(url=store.url), None)


def pods_of(engine: Engine, kind: str, name: str) -> tuple[tuple[str, ...], bool]:
    found = pods_of_workload(engine, "shop", kind, name, moment(SINCE), moment(UNTIL))
    return found.names, found.by_name


@pytest.mark.parametrize(
    ("kind", "name", "pods"),
    [
        ("Deployment", "api", (CALM.name, THERE.name, GONE.name)),
        ("ReplicaSet", OLD, (GONE.name,)),
        ("StatefulSet", "db", ("db-0",)),
        ("CronJob", "report", (JOB.name,)),
        ("Job", "report-29384740", (JOB.name,)),
        ("Pod", "db-0", ("db-0",)),
        ("Deployment", "nothing", ()),
    ],
)
def test_pods_are_found_by_their_owners_even_when_they_are_gone(
    engine: Engine, kind: str, name: str, pods: tuple[str, ...]
) -> None:
    assert pods_of(engine, kind, name) == (tuple(sorted(pods)), False)


def test_numbers_agree_with_the_raw_samples(engine: Engine) -> None:
    window = read_window(engine, "shop", [GONE.name, THERE.name, CALM.name], moment(SINCE), moment(UNTIL))
    by_pod = {one.pod: one for one in window.containers}
    for story in (GONE, THERE, CALM):
        assert (by_pod[story.name].working_set, by_pod[story.name].usage) == (working_set(story), usage(story))
    assert facts(by_pod[GONE.name]) == (256 * MI, 256 * MI, 3, 1, "node-a", "registry.example/api:1")
    assert facts(by_pod[THERE.name]) == (512 * MI, 512 * MI, 1, 1, "node-b", "registry.example/api:2")
    assert facts(by_pod[CALM.name]) == (512 * MI, 512 * MI, 0, 1, "node-a", "registry.example/api:1")
    assert window.warnings == ()


def facts(one: ContainerWindow) -> tuple[int | None, int | None, int | None, int | None, str | None, str | None]:
    return one.limit_bytes, one.lowest_limit_bytes, one.restarts, one.oom_events, one.node, one.image


def exact(story: PodStory, place: int) -> PastKill:
    end = story.ends[place]
    source = f"{STATUS}last_terminated_timestamp"
    return PastKill(
        pod=story.name, container="app", at=moment(end.at), exact=True, exit_code=end.exit_code, source=source
    )


def seen(story: PodStory, at: int, series: str) -> PastKill:
    """A kill known to a scrape: first seen at the next one."""
    first = moment(at - at % STEP + STEP)
    return PastKill(
        pod=story.name,
        container="app",
        at=first,
        exact=False,
        exit_code=None,
        source=f"{STATUS}{series}",
        late_seconds=STEP + WATCH_DELAY_SECONDS,
    )


def test_every_kill_is_found_once_with_the_kubelets_own_time_and_other_ends_are_not(engine: Engine) -> None:
    window = read_window(engine, "shop", [story.name for story in STORIES], moment(SINCE), moment(UNTIL))
    assert window.kills == (
        exact(DB_OLD, 0),
        exact(GONE, 0),
        exact(GONE, 1),
        exact(DB_NEW, 0),
        exact(JOB, 0),
        seen(JOB, JOB_KILL, "terminated_reason"),
        exact(THERE, 0),
    )
    assert window.kills_known
    [db] = [one for one in window.containers if one.pod == "db-0"]
    assert db.restarts == 2  # one under each uid


def test_a_kill_before_the_window_is_not_one_of_it(engine: Engine) -> None:
    window = read_window(engine, "shop", [GONE.name, JOB.name], moment(FIRST_KILL + 3600), moment(UNTIL))
    assert window.kills == (exact(GONE, 1), exact(JOB, 0), seen(JOB, JOB_KILL, "terminated_reason"))
    after = read_window(engine, "shop", [JOB.name], moment(JOB_KILL + 1200), moment(UNTIL))
    assert after.kills == ()


def test_the_course_keeps_the_highest_sample_of_each_step(engine: Engine) -> None:
    since = SINCE + 1234  # no whole number of steps: the first one begins earlier, the last one ends with the window
    course = read_course(engine, "shop", [CALM.name], moment(since), moment(UNTIL), points=300)
    step = step_for(moment(since), moment(UNTIL), 300)
    assert step == 7200
    [memory] = CALM.memory
    truth = {}
    for end in range(UNTIL, since, -step):
        # The engines disagree on whether the instant a step begins with is part of it: both are right.
        inside = [value for at, value in memory if end - step < at <= end]
        beside = [value for at, value in memory if end - step <= at <= end]
        if beside:
            truth[moment(end)] = {int(max(inside or beside)), int(max(beside))}
    (life,) = course
    assert (life.pod, life.container) == (CALM.name, "app")
    drawn = life.working_set
    assert [sample.at for sample in drawn] == sorted(truth)
    assert all(sample.value in truth[sample.at] for sample in drawn)
    assert max(sample.value for sample in drawn) == working_set(CALM).max_sampled_bytes


def without(*families: str) -> list[Series]:
    return [one for one in everything() if not one.labels["__name__"].startswith(families)]


def test_without_termination_times_a_kill_is_known_to_a_scrape(tmp_path: Path) -> None:
    require_program("prometheus", "promtool")
    families = (f"{STATUS}last_terminated_timestamp", f"{STATUS}last_terminated_exitcode")
    with running("prometheus", without(*families), tmp_path) as store:
        engine = connect_engine(EngineOptions(url=store.url), None)
        window = read_window(engine, "shop", [story.name for story in STORIES], moment(SINCE), moment(UNTIL))
    assert window.kills == (
        seen(DB_OLD, DB_OLD.ends[0].at, "restarts_total"),
        seen(GONE, FIRST_KILL, "restarts_total"),
        seen(GONE, SECOND_KILL, "restarts_total"),
        seen(DB_NEW, DB_NEW.ends[0].at, "restarts_total"),
        seen(JOB, JOB_KILL - 1800, "restarts_total"),
        seen(JOB, JOB_KILL, "terminated_reason"),
        seen(THERE, NEW_KILL, "restarts_total"),
    )


def sidecar(family: str, times: range, value: float, **labels: str) -> Series:
    """A status series of a sidecar, which kube-state-metrics counts among the init containers."""
    known = {"namespace": "shop", "pod": "web-0", "uid": "u", "container": "proxy"}
    return flat(f"kube_pod_init_container_status_{family}", times, value, **known, **labels)


def test_a_kill_is_dated_by_the_first_sign_of_it_not_by_the_restart_after_the_back_off(
    tmp_path: Path,
) -> None:
    require_program("prometheus", "promtool")
    start, step = UNTIL - 3600, 15
    first_kill, restart = start + 900, start + 1200  # then it waits for 5 min, is killed again, and waits
    second_kill = start + 1800
    restarts = [*((at, 1.0) for at in range(start, restart, step)), *((at, 2.0) for at in range(restart, UNTIL, step))]
    counted = sidecar("restarts_total", range(0), 0)
    series = [
        Series(counted.labels, restarts),
        sidecar("last_terminated_reason", range(start, UNTIL, step), 1, reason="OOMKilled"),
        Series(
            sidecar("waiting_reason", range(0), 0, reason="CrashLoopBackOff").labels,
            [(at, 1.0) for at in (*range(first_kill + 15, restart, step), *range(second_kill + 15, UNTIL, step))],
        ),
        sidecar("terminated_reason", range(second_kill, second_kill + 15, step), 1, reason="OOMKilled"),
    ]
    with running("prometheus", series, tmp_path) as store:
        engine = connect_engine(EngineOptions(url=store.url), None)
        window = read_window(engine, "shop", ["web-0"], moment(start), moment(UNTIL))
    assert [(kill.at, kill.exact, kill.source) for kill in window.kills] == [
        (moment(first_kill + 15), False, f"{STATUS}waiting_reason"),
        (moment(second_kill), False, f"{STATUS}terminated_reason"),
    ]
    [only] = window.containers
    assert (only.container, only.restarts, only.working_set) == ("proxy", 1, None)


def test_without_kube_state_metrics_pods_are_found_by_name_and_kills_are_not_known(
    tmp_path: Path,
) -> None:
    require_program("prometheus", "promtool")
    with running("prometheus", without("kube_"), tmp_path) as store:
        engine = connect_engine(EngineOptions(url=store.url), None)
        found = pods_of_workload(engine, "shop", "Deployment", "api", moment(SINCE), moment(UNTIL))
        assert (found.names, found.by_name) == (tuple(sorted((CALM.name, THERE.name, GONE.name))), True)
        [warning] = found.warnings
        assert warning == (
            f"the pods of Deployment api were found by their names, since Prometheus {store.url} does not hold their"
            " owners (kube_pod_owner of kube-state-metrics)"
        )
        assert pods_of(engine, "StatefulSet", "db") == (("db-0",), True)
        assert pods_of(engine, "CronJob", "report") == ((JOB.name,), True)
        assert pods_of(engine, "Widget", "api") == ((), False)
        window = read_window(engine, "shop", found.names, moment(SINCE), moment(UNTIL))
    by_pod = {one.pod: one for one in window.containers}
    assert by_pod[GONE.name].working_set == working_set(GONE)
    assert facts(by_pod[GONE.name]) == (None, None, None, 1, "node-a", None)
    assert (window.kills, window.kills_known) == ((), False)
    assert window.warnings == (f"Prometheus {store.url} does not hold how these containers ended (kube-state-metrics)",)


@pytest.mark.parametrize("pods", [(), ("api-of-a-minute-ago",)])
def test_of_a_workload_without_a_sample_only_the_engine_as_a_whole_tells_whether_kills_would_be_known(
    engine: Engine, store: RunningEngine, pods: tuple[str, ...]
) -> None:
    nothing = connect_engine(EngineOptions(url=store.url, labels=(("cluster", "elsewhere"),)), None)

    told, untold = (read_window(one, "shop", pods, moment(SINCE), moment(UNTIL - STEP)) for one in (engine, nothing))

    assert (told.containers, told.kills_known, told.warnings) == ((), True, ())
    assert (untold.containers, untold.kills_known) == ((), False)


def test_names_that_were_cut_still_fit_their_pattern() -> None:
    name = "a-deployment-whose-name-is-as-long-as-names-may-be-here"
    pod = f"{name}-7d9c5b6f4d-"[:58] + "x2x8p"
    pattern = name_pattern("Deployment", name)
    assert len(pod) == 63
    assert pattern is not None
    assert re.fullmatch(pattern, pod)
    assert not re.fullmatch(pattern, pod.replace("whose", "which"))
