"""The answer of `history`, from evidence made by hand: every end that is known, what runs now, and honest rates."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from kubectl_oom.evidence import (
    ContainerWindow,
    Life,
    MemoryHistory,
    MemoryWindow,
    Owner,
    PastKill,
    Pod,
    Sample,
    Spread,
    WorkloadPast,
)
from kubectl_oom.judge.history import recount
from tests.build import LIMIT, MI, NOW, ago, case, container, counted, end, last_end, now_of, pod

WEEK = timedelta(days=7)
API = Owner(api_version="apps/v1", kind="StatefulSet", name="api")


def past(
    *, window: MemoryWindow | None = None, history: MemoryHistory | None = None, pods: tuple[str, ...] = ("api-0",)
) -> WorkloadPast:
    return WorkloadPast(namespace="shop", workload=API, pods=pods, window=window, history=history, stepped_seconds=None)


def numbers(pod_name: str, highest: int, image: str | None = None) -> ContainerWindow:
    spread = Spread(
        samples=10,
        mean_bytes=highest,
        p50_bytes=highest,
        p95_bytes=highest,
        p99_bytes=highest,
        max_sampled_bytes=highest,
    )
    return ContainerWindow(
        pod=pod_name,
        container="app",
        working_set=spread,
        usage=None,
        limit_bytes=LIMIT,
        lowest_limit_bytes=LIMIT,
        restarts=2,
        oom_events=None,
        node="node-a",
        image=image,
    )


def window(*rows: ContainerWindow) -> MemoryWindow:
    return MemoryWindow(source="Prometheus", since=NOW - WEEK, until=NOW, containers=rows, kills=(), kills_known=True)


def life(pod_name: str, since_hours: float, until_hours: float, per_hour: int = 0) -> Life:
    hours = [since_hours - step / 4 for step in range(int((since_hours - until_hours) * 4))]
    return Life(
        pod=pod_name,
        container="app",
        container_id=None,
        working_set=tuple(
            Sample(at=ago(at * 3600), value=round(20 * MI + (since_hours - at) * per_hour)) for at in hours
        ),
    )


def sampled(*lives: Life) -> MemoryHistory:
    return MemoryHistory(source="Prometheus", since=NOW - WEEK, until=NOW, lives=lives)


def test_without_an_engine_both_ends_that_the_api_keeps_are_kills_and_the_present_is_said() -> None:
    earlier = end(
        killed=900, lived=100, field="status.containerStatuses[app].lastState.terminated", container_id="1" * 64
    )
    crashed = pod(container(last_end(), earlier, restart_count=2))
    running = pod(container(), name="api-1", uid="uid-of-api-1")
    file = case(crashed, pods=(crashed, running), now_by_container={("shop", "api-1", "app"): (now_of(),)})

    (item,) = recount(file, [past(pods=("api-0", "api-1"))], since=NOW - WEEK, until=NOW).items

    assert [kill.at for kill in item.kills] == [ago(300), ago(900)]
    assert item.now is not None
    assert item.now.working_set_bytes == 20 * MI
    assert item.kills_per_week is None  # nobody watched


def test_kills_before_the_window_are_not_of_it() -> None:
    file = case(pod(container(last_end(killed=8 * 86_400))))

    (item,) = recount(file, [past()], since=NOW - WEEK, until=NOW).items

    assert item.kills == ()


def test_the_rate_is_over_the_days_that_were_sampled_not_over_the_window() -> None:
    file = case(pod(container(last_end())))
    two_days = past(window=window(numbers("api-0", 90 * MI)), history=sampled(life("api-0", 48, 0)))
    an_hour = past(window=window(numbers("api-0", 90 * MI)), history=sampled(life("api-0", 1, 0)))

    (watched,) = recount(file, [two_days], since=NOW - WEEK, until=NOW).items
    (just_begun,) = recount(file, [an_hour], since=NOW - WEEK, until=NOW).items

    assert watched.kills_per_week == 3.5
    assert just_begun.kills_per_week is None


def test_of_several_pods_the_mean_and_the_maximum_are_exact_and_quantiles_are_the_highest_pods() -> None:
    both = past(window=window(numbers("api-0", 60 * MI), numbers("api-1", 90 * MI)), pods=("api-0", "api-1"))

    (item,) = recount(case(pod(container())), [both], since=NOW - WEEK, until=NOW).items

    assert item.working_set == Spread(
        samples=20,
        mean_bytes=75 * MI,
        p50_bytes=90 * MI,
        p95_bytes=90 * MI,
        p99_bytes=90 * MI,
        max_sampled_bytes=90 * MI,
    )
    assert item.restarts == 4


def test_each_life_has_its_own_growth_and_one_seen_too_shortly_has_none() -> None:
    lives = sampled(life("api-0", 100, 50, per_hour=MI), life("api-0", 0.5, 0))

    (item,) = recount(case(pod(container())), [past(history=lives)], since=NOW - WEEK, until=NOW).items

    grown, short = item.growth_of_lives
    assert grown.bytes_per_hour is not None
    assert abs(grown.bytes_per_hour - MI) < MI / 50
    assert short.bytes_per_hour is None


def test_another_image_is_a_change_and_the_same_image_in_another_pod_is_none() -> None:
    rows = [numbers("a", MI, "api:1"), numbers("b", MI, "api:1"), numbers("c", MI, "api:2")]
    lives = sampled(life("a", 90, 80), life("b", 60, 50), life("c", 30, 20))

    (item,) = recount(
        case(pod(container())), [past(window=window(*rows), history=lives)], since=NOW - WEEK, until=NOW
    ).items

    assert [(change.image, change.at) for change in item.image_changes] == [("api:2", ago(30 * 3600))]


def test_a_restart_of_a_pod_with_the_old_image_is_no_way_back_to_it() -> None:
    rows = window(numbers("api-0", 20 * MI, "app:1"), numbers("api-1", 20 * MI, "app:2"))
    lives = sampled(life("api-0", 40, 30), life("api-1", 35, 1), life("api-0", 29, 1))

    (item,) = recount(case(pod(container())), [past(window=rows, history=lives)], since=NOW - WEEK, until=NOW).items

    assert [(change.image, change.at) for change in item.image_changes] == [("app:2", ago(35 * 3600))]


def test_a_container_of_pods_that_are_all_gone_still_has_its_history() -> None:
    empty = case(pod(container()), pods=())

    (item,) = recount(
        empty, [past(window=window(numbers("gone", 90 * MI)), pods=("gone",))], since=NOW - WEEK, until=NOW
    ).items

    assert item.container_type is None
    assert item.limit_bytes == LIMIT
    assert item.now is None


def looked_into(*living: Pod) -> set[str]:
    """The pods that the commands name which look inside, of a workload whose killed pod api-zz is gone."""
    names = ("api-zz", *(one.name for one in living))
    kill = PastKill(pod="api-zz", container="app", at=ago(60), exact=True, exit_code=137, source="status")
    told = replace(window(numbers("api-zz", 20 * MI)), kills=(kill,))
    file = case(living[0], pods=living)
    big_heap = past(window=told, pods=names)
    (item,) = recount(file, [big_heap], since=NOW - WEEK, until=NOW).items
    (finding,) = item.findings
    assert finding.code == "cause-heap-misfit"
    return set(re.findall(r"kubectl exec (\S+)", finding.remedy or ""))


def test_whoever_is_to_look_inside_is_sent_to_the_newest_pod_that_runs_and_never_to_one_that_is_gone() -> None:
    java = container(command=("java",), env={"JAVA_OPTS": "-Xmx8g"})
    old = pod(java, name="api-1", created_at=ago(9000))
    new = pod(java, name="api-0", created_at=ago(900))
    starting = pod(replace(java, state="waiting"), name="api-2", created_at=ago(9))
    done = pod(java, name="api-3", created_at=ago(5), phase="Failed")

    assert looked_into(old, new, starting, done) == {"api-0"}
    assert looked_into(starting, done) == {"api-2"}
    assert looked_into(done) == {"POD"}


def test_a_container_named_alone_is_answered_alone() -> None:
    file = case(pod(container(), container(name="side")), **counted(now_of()))

    items = recount(file, [past()], since=NOW - WEEK, until=NOW, container="side").items

    assert [item.container for item in items] == ["side"]
