"""The history of some pods, read from real engines whose series are known to the byte."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from kubectl_oom.evidence import Life, Sample
from kubectl_oom.read import promql, raw_samples
from kubectl_oom.read.direct import DirectTransport
from kubectl_oom.read.engine import Engine, EngineOptions
from kubectl_oom.read.engines import connect_engine
from kubectl_oom.read.metrics import clock_difference, missing_families, read_history
from kubectl_oom.read.source import ReadError
from tests.engines import ENGINES, RunningEngine, Series, require_program, running
from tests.stories import cgroup

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from kubectl_oom.evidence import MemoryHistory
    from kubectl_oom.read.engine import Answer

UNTIL = 1_764_000_000  # 2025-11-24T16:00:00Z: what is long past is the same in every run
SINCE = UNTIL - 86_400
KILL = UNTIL - 3_600
STEP = 60
MI = 1 << 20
WORKING_SET = "container_memory_working_set_bytes"
USAGE = "container_memory_usage_bytes"
RSS = "container_memory_rss"
CACHE = "container_memory_cache"
LIMIT = "container_spec_memory_limit_bytes"
OOM_EVENTS = "container_oom_events_total"
API = "api-7d9c5b6f4d-x2x8p"
Points = list[tuple[int, float]]


def samples(points: Points) -> tuple[Sample, ...]:
    """The points as evidence."""
    return tuple(Sample(at=datetime.fromtimestamp(at, tz=timezone.utc), value=int(value)) for at, value in points)


def ramp(since: int, until: int, start: int, per_step: int) -> Points:
    """A line, one odd byte included so that rounding anywhere shows."""
    return [(at, float(start + 1 + per_step * place)) for place, at in enumerate(range(since, until, STEP))]


def flat(points: Points, value: float) -> Points:
    """The same instants with one value."""
    return [(at, value) for at, _ in points]


def labelled(family: str, points: Points, **labels: str) -> Series:
    """A series as cAdvisor's job writes it."""
    return Series({"__name__": family, "job": "kubelet", "node": "node-a", **labels}, points)


def container(pod: str, name: str, instance: str, working_set: Points, limit: int, **more: str) -> list[Series]:
    """The six families of one container instance."""
    slice_ = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice"
    labels = {
        "namespace": "shop",
        "pod": pod,
        "container": name,
        "id": f"{slice_}/cri-containerd-{cgroup(instance)}.scope",
        "name": cgroup(instance),
        "image": "registry.example/app:1",
        **more,
    }
    return [
        labelled(WORKING_SET, working_set, **labels),
        labelled(USAGE, [(at, value + 20 * MI) for at, value in working_set], **labels),
        labelled(RSS, [(at, value - 4096) for at, value in working_set], **labels),
        labelled(CACHE, [(at, 20 * MI + 4096.0) for at, _ in working_set], **labels),
        labelled(LIMIT, flat(working_set, limit), **labels),
        labelled(OOM_EVENTS, flat(working_set[:-1], 0) + flat(working_set[-1:], 1), **labels),
    ]


FIRST = ramp(SINCE, KILL, 100 * MI, 40_961)
SECOND = ramp(KILL + 30, UNTIL, 60 * MI, 4097)
DOTTED = ramp(SINCE, UNTIL, 10 * MI, 0)
IDLESS = ramp(KILL - 1800, KILL, 30 * MI, 5000)
IDLESS_AGAIN = ramp(KILL + 60, KILL + 1800, 8 * MI, 5000)
COPIES = ramp(KILL, UNTIL, 50 * MI, 4096)
POD_LEVEL = ramp(SINCE, UNTIL, 130 * MI, 0)
NODE = ramp(SINCE, UNTIL, 5000 * MI, 4096)
PODS = ramp(SINCE, UNTIL, 4000 * MI, 4096)


def api_series() -> list[Series]:
    """A pod whose container was killed once; beside it its sandbox and its own cgroup, and a namesake elsewhere."""
    pod = {"namespace": "shop", "pod": API}
    pod_slice = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice"
    sandbox = pod | {"id": f"{pod_slice}/cri-containerd-{cgroup('sandbox')}.scope", "name": cgroup("sandbox")}
    elsewhere = {"namespace": "shop-test", "pod": API, "container": "app", "id": f"/x/{cgroup('elsewhere')}"}
    return [
        *container(API, "app", "first", FIRST, 256 * MI),
        *container(API, "app", "second", SECOND, 0),
        labelled(USAGE, flat(POD_LEVEL, 1.0), image="registry.example/pause:3", **sandbox),
        labelled(USAGE, [(at, value + MI) for at, value in POD_LEVEL], **sandbox),
        labelled(USAGE, flat(POD_LEVEL, 2.0), container="POD", **sandbox),
        labelled(WORKING_SET, flat(POD_LEVEL, 2.0), container="POD", **sandbox),
        labelled(USAGE, POD_LEVEL, id=pod_slice, **pod),
        labelled(WORKING_SET, FIRST, **elsewhere),
    ]


def odd_series() -> list[Series]:
    """Names that a regular expression would widen, series without ids, copies, and limits from the spec only."""
    idless = {"namespace": "shop", "pod": "idless", "container": "app"}
    starts = flat(IDLESS, KILL - 1800.5) + flat(IDLESS_AGAIN, KILL + 59.25)
    copy = {"namespace": "shop", "pod": "copied", "container": "app", "id": f"/kubepods/{cgroup('copied')}"}
    ksm = {"resource": "memory", "unit": "byte", "uid": "u"}
    return [
        *container("we.b", "app", "dotted", DOTTED, 64 * MI),
        *container("weXb", "app", "not asked for", DOTTED, 64 * MI),
        labelled(WORKING_SET, IDLESS + IDLESS_AGAIN, **idless),
        labelled("container_start_time_seconds", starts, **idless),
        labelled(WORKING_SET, COPIES, prometheus_replica="0", **copy),
        labelled(WORKING_SET, [(at, value - 4096) for at, value in COPIES], prometheus_replica="1", **copy),
        labelled(WORKING_SET, [(at + 7, value) for at, value in COPIES], prometheus_replica="2", **copy),
        labelled("kube_pod_container_resource_limits", flat(IDLESS, 40 * MI), **idless, **ksm),
        labelled("kube_pod_container_resource_limits", flat(IDLESS, 2.0), **idless, **ksm | {"resource": "cpu"}),
    ]


def node_series() -> list[Series]:
    """Two nodes: one named by a label, one by the address it is scraped at."""
    by_address = {"node": "", "instance": "node-b:10250"}
    return [
        labelled(WORKING_SET, NODE, id="/"),
        labelled(USAGE, flat(NODE, 9.0), id="/"),
        labelled(WORKING_SET, PODS, id="/kubepods.slice"),
        labelled(LIMIT, flat(PODS, 8192 * MI), id="/kubepods.slice"),
        labelled(WORKING_SET, flat(PODS, 7.0), id="/kubepods.slice/kubepods-burstable.slice"),
        labelled(WORKING_SET, PODS, id="/", **by_address),
        labelled(LIMIT, flat(PODS, 0.0), id="/kubepods", **by_address),
        labelled("node_memory_working_set_bytes", NODE, node="node-c"),
    ]


@pytest.fixture(scope="module", params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEngine]:
    require_program(request.param, *(["promtool"] if request.param == "prometheus" else []))
    everything = api_series() + odd_series() + node_series()
    with running(request.param, everything, tmp_path_factory.mktemp(request.param)) as engine:
        yield engine


@pytest.fixture
def engine(store: RunningEngine) -> Engine:
    return connect_engine(EngineOptions(url=store.url), None)


def history_of(
    engine: Engine, pods: Sequence[str], nodes: Sequence[str] = (), since: int = SINCE, until: int = UNTIL
) -> MemoryHistory:
    moments = (datetime.fromtimestamp(at, tz=timezone.utc) for at in (since, until))
    return read_history(engine, "shop", pods, nodes, *moments)


def life(pod: str, instance: str, working_set: Points, limit: int) -> Life:
    """What `container(…)` must come back as."""
    return Life(
        pod=pod,
        container="app",
        container_id=cgroup(instance),
        working_set=samples(working_set),
        usage=samples([(at, value + 20 * MI) for at, value in working_set]),
        rss=samples([(at, value - 4096) for at, value in working_set]),
        cache=samples([(at, 20 * MI + 4096.0) for at, _ in working_set]),
        limit=samples(flat(working_set, limit)) if limit else (),
        oom_events=samples(flat(working_set[:-1], 0) + flat(working_set[-1:], 1)),
    )


def test_a_killed_container_and_its_successor_are_two_lives_equal_to_the_raw_samples(engine: Engine) -> None:
    history = history_of(engine, [API], ["node-a"])
    assert history.lives == (life(API, "first", FIRST, 256 * MI), life(API, "second", SECOND, 0))
    assert history.pod_usage == {API: samples(POD_LEVEL)}
    assert history.node_usage == {"node-a": samples(NODE)}
    assert history.pods_working_set == {"node-a": samples(PODS)}
    assert history.pods_limit == {"node-a": 8192 * MI}
    assert history.warnings == ()
    assert history.source == engine.label


def test_both_ends_of_the_window_are_included_and_nothing_outside_it(engine: Engine) -> None:
    [only] = history_of(engine, ["we.b"], since=SINCE + 600, until=SINCE + 1200).lives
    assert only.working_set == samples([(at, v) for at, v in DOTTED if SINCE + 600 <= at <= SINCE + 1200])
    assert len(only.working_set) == 11
    [less] = history_of(engine, ["we.b"], since=SINCE + 601, until=SINCE + 1199).lives
    assert less.working_set == only.working_set[1:-1]


def test_a_dot_in_a_name_matches_a_dot_only(engine: Engine) -> None:
    history = history_of(engine, ["we.b", "no-such-pod"])
    assert [one.pod for one in history.lives] == ["we.b"]
    assert history.warnings == ("no memory samples of 1 of 2 pods in this window: no-such-pod",)


def test_series_without_ids_are_split_where_the_container_started_anew(engine: Engine) -> None:
    first, second = history_of(engine, ["idless"]).lives
    assert (first.container_id, second.container_id) == (None, None)
    assert first.working_set == samples(IDLESS)
    assert second.working_set == samples(IDLESS_AGAIN)


def test_the_limit_of_the_spec_stands_in_where_the_enforced_one_is_not_kept(engine: Engine) -> None:
    first, second = history_of(engine, ["idless"]).lives
    assert first.limit == samples(flat(IDLESS, 40 * MI))
    assert first.limit_series == "resource_limits of kube-state-metrics"
    assert {sample.value for sample in second.limit} == {40 * MI}
    assert max(sample.at for sample in second.limit) < second.working_set[0].at


def test_copies_kept_by_several_servers_become_one_series_and_the_larger_wins(engine: Engine) -> None:
    [only] = history_of(engine, ["copied"]).lives
    assert only.working_set == samples(sorted(COPIES + [(at + 7, value) for at, value in COPIES if at + 7 <= UNTIL]))


def test_nodes_are_found_by_label_by_address_and_without_cgroup_series(engine: Engine) -> None:
    by_label = history_of(engine, [API], ["node-a", "node-c"], since=KILL)
    assert set(by_label.node_usage) == {"node-a", "node-c"}
    by_address = history_of(engine, [API], ["node-b"])
    assert by_address.node_usage == {"node-b": samples(PODS)}
    assert by_address.pods_limit == {}


def test_an_unknown_pod_has_no_lives_and_says_so(engine: Engine) -> None:
    history = history_of(engine, ["gone"])
    assert history.lives == ()
    assert history.warnings == ("no memory samples of 1 of 1 pods in this window: gone",)


def test_no_pods_and_no_nodes_is_an_empty_history(engine: Engine) -> None:
    history = history_of(engine, [])
    assert (history.lives, history.warnings) == ((), ())


def test_label_values_cannot_end_a_string_or_widen_a_question(engine: Engine) -> None:
    hostile = ['x"} or vector(1) #', "a\\", "new\nline", "b|.*", API]
    history = history_of(engine, hostile, since=KILL - 600, until=KILL + 600)
    assert {one.pod for one in history.lives} == {API}


def test_an_engine_that_scrapes_no_containers_is_an_error_not_an_empty_history(store: RunningEngine) -> None:
    elsewhere = connect_engine(EngineOptions(url=store.url, labels=(("cluster", "eu1"),)), None)
    with pytest.raises(ReadError) as caught:
        history_of(elsewhere, [API])
    assert caught.value.reason == "NoSeries"
    assert 'holds no container_memory_working_set_bytes with cluster="eu1"' in caught.value.message


def test_missing_families_are_named(engine: Engine) -> None:
    # Everything in this store is long past, so nothing is there now.
    assert set(missing_families(engine)) > {WORKING_SET, "kube_pod_owner"}


def test_the_engines_clock_is_compared_with_ours(engine: Engine) -> None:
    now = datetime.now(tz=timezone.utc)
    assert abs(clock_difference(engine, now)) < 30
    assert 570 < clock_difference(engine, now - timedelta(minutes=10)) < 630


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEngine]:
    """A Prometheus that loads no more than 2000 samples for a question."""
    require_program("prometheus", "promtool")
    series = api_series() + container("we.b", "app", "dotted", DOTTED, 64 * MI)
    with running("prometheus", series, tmp_path_factory.mktemp("small"), "--query.max-samples=2000") as engine:
        yield engine


def test_what_is_refused_as_too_much_is_asked_in_smaller_pieces_with_the_same_answer(small: RunningEngine) -> None:
    history = history_of(connect_engine(EngineOptions(url=small.url), None), [API, "we.b"])
    assert history.lives == (
        life(API, "first", FIRST, 256 * MI),
        life(API, "second", SECOND, 0),
        life("we.b", "dotted", DOTTED, 64 * MI),
    )
    assert history.warnings == ()


def test_samples_that_are_no_numbers_are_left_out_and_counted(tmp_path: Path) -> None:
    require_program("prometheus", "promtool")
    points = [(at, math.nan if place % 3 else value) for place, (at, value) in enumerate(SECOND)]
    numbers = [(at, value) for at, value in points if not math.isnan(value)]
    labels = {"namespace": "shop", "pod": API, "container": "app", "id": f"/x/{cgroup('nan')}"}
    with running("prometheus", [labelled(WORKING_SET, points, **labels)], tmp_path) as store:
        history = history_of(connect_engine(EngineOptions(url=store.url), None), [API])
    assert [one.working_set for one in history.lives] == [samples(numbers)]
    assert history.warnings == (f"{len(points) - len(numbers)} samples are left out: they are no numbers (NaN)",)


def test_samples_of_several_clusters_are_told(tmp_path: Path) -> None:
    require_program("prometheus", "promtool")
    clusters = [
        series
        for cluster in ("eu1", "us1")
        for series in container("db-0", "app", f"db of {cluster}", DOTTED, 64 * MI, cluster=cluster)
    ]
    with running("prometheus", clusters, tmp_path) as store:
        mixed = history_of(connect_engine(EngineOptions(url=store.url), None), ["db-0"])
        one = history_of(connect_engine(EngineOptions(url=store.url, labels=(("cluster", "us1"),)), None), ["db-0"])
    assert len(mixed.lives) == 2
    [warning] = mixed.warnings
    assert warning == (
        "the samples are of several clusters (cluster: eu1 and us1), which may have pods of the same name; ask for one"
        " with --prometheus-label cluster=…"
    )
    assert (one.lives, one.warnings) == ((life("db-0", "db of us1", DOTTED, 64 * MI),), ())


class Counting:
    """A transport that counts what is asked, and stops answering after `good` questions."""

    def __init__(self, store: RunningEngine, good: int = 1000) -> None:
        self._transport = DirectTransport(EngineOptions(url=store.url))
        self._good = good
        self.questions: list[str] = []

    def ask(self, endpoint: str, params: Mapping[str, str], timeout_seconds: float) -> Answer:
        self.questions.append(params["query"])
        if len(self.questions) > self._good:
            raise ReadError("Unavailable", "Prometheus answered 503", 503)
        return self._transport.ask(endpoint, params, timeout_seconds)


def test_an_engine_that_fails_on_the_way_leaves_half_a_history_that_says_so(store: RunningEngine) -> None:
    failing = Counting(store, good=1)
    history = history_of(Engine("Prometheus", failing), [API], ["node-a"])
    assert history.lives == (life(API, "first", FIRST, 256 * MI), life(API, "second", SECOND, 0))
    assert (history.pod_usage, history.node_usage) == ({}, {})
    assert history.warnings == ("the history is not complete: Prometheus answered 503",)
    assert len(failing.questions) == 2  # and nothing more once it has failed


def test_an_engine_that_fails_at_once_is_an_error(store: RunningEngine) -> None:
    with pytest.raises(ReadError, match="answered 503"):
        history_of(Engine("Prometheus", Counting(store, good=0)), [API, "we.b"])


def test_many_pods_take_as_many_questions_as_one_more_than_one_pod(store: RunningEngine) -> None:
    one, many = Counting(store), Counting(store)
    history_of(Engine("Prometheus", one), [API], ["node-a"])
    history = history_of(Engine("Prometheus", many), [API, "we.b", *(f"other-{n}" for n in range(100))], ["node-a"])
    assert {each.pod for each in history.lives} == {API, "we.b"}
    assert (len(one.questions), len(many.questions)) == (3, 4)
    [warning] = history.warnings
    assert warning == (
        "no memory samples of 100 of 102 pods in this window: other-0, other-1, other-10, other-11, other-12"
        " and 95 more"
    )


def test_a_question_holds_no_more_samples_and_characters_than_it_may(
    store: RunningEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raw_samples, "SAMPLES_PER_QUESTION", 10_000)
    monkeypatch.setattr(promql, "NAMES_CHARACTERS", 60)
    counting = Counting(store)
    history = history_of(Engine("Prometheus", counting), [API, "we.b", "weXb", "gone-" + "x" * 50])
    assert [(each.pod, len(each.working_set)) for each in history.lives] == [
        (API, len(FIRST)),
        (API, len(SECOND)),
        ("we.b", len(DOTTED)),
        ("weXb", len(DOTTED)),
    ]
    # One that counts, of the whole namespace, since these names do not fit into one question; four for the containers,
    # each pod being full or long by itself; three for the pods' own cgroups, where two pods fit together.
    assert len(counting.questions) == 1 + 4 + 3
