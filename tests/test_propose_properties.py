"""What holds for every whole answer, whatever the past, the profile and the program's own settings."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubectl_oom.evidence import Life, Proposal, Risk, Sample
from kubectl_oom.judge.propose import Asked
from kubectl_oom.judge.sizing import PROFILES, Wishes
from tests.pasts import MI, ago
from tests.worlds import Killed, World, container, only, pod, report_of

RISKS = list(Risk)
levels = st.integers(8, 4096)
NOTHING_SET: dict[str, str] = {}
PROGRAMS = (
    ("registry.example/app:1", (), NOTHING_SET),
    ("eclipse-temurin:21", ("java", "-XX:MaxRAMPercentage=70", "-jar", "app.jar"), NOTHING_SET),
    ("eclipse-temurin:21", ("java", "-jar", "app.jar"), {"JAVA_TOOL_OPTIONS": "-Xmx512m"}),
    ("node:22", ("node", "server.js"), {"NODE_OPTIONS": "--max-old-space-size=384"}),
    ("golang:1.24", ("/app",), {"GOMEMLIMIT": "400MiB"}),
    ("mcr.microsoft.com/dotnet/aspnet:9.0", ("dotnet", "app.dll"), {"DOTNET_GCHeapHardLimitPercent": "0x4B"}),
    ("python:3.13", ("gunicorn", "-w", "4", "app:app"), {"WEB_CONCURRENCY": "4"}),
    ("redis:8", ("redis-server", "--maxmemory", "300mb"), NOTHING_SET),
    ("postgres:17", ("postgres", "-c", "shared_buffers=256MB"), NOTHING_SET),
)
wishes = st.builds(
    lambda name, headroom, guaranteed: Wishes(profile=PROFILES[name], headroom=headroom, guaranteed=guaranteed),
    st.sampled_from(sorted(PROFILES)),
    st.none() | st.floats(0, 2),
    st.booleans(),
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A pod of a Deployment, some lives of it, some kills of pods before it, a program that may know of its memory."""
    lives = []
    for number in range(draw(st.integers(0, 2))):
        values, since = draw(st.lists(levels, min_size=1, max_size=25)), draw(st.floats(20, 160))
        every = timedelta(seconds=draw(st.sampled_from([15, 60, 300, 7200])))
        points = tuple(Sample(at=min(ago(0), ago(since) + n * every), value=v * MI) for n, v in enumerate(values))
        lives.append(
            Life(pod=f"api-{number}", container="app", container_id=None, working_set=tuple(dict.fromkeys(points)))
        )
    kills = [
        Killed(hours, limit)
        for hours, limit in draw(st.lists(st.tuples(st.floats(1, 160), st.none() | levels), max_size=4))
    ]
    image, command, env = draw(st.sampled_from(PROGRAMS))
    limit, request = draw(st.none() | levels), draw(st.none() | levels)
    made = container(limit=limit, request=request, image=image, command=command, env=env)
    return World((pod(made),), tuple(lives), tuple(kills), asked=Asked(wishes=draw(wishes)))


def sizes(item: Proposal) -> tuple[int, int] | None:
    """Request and limit of what is to be set: the offer, where the size itself does not fit."""
    wanted = item.offer or item.size.recommended
    if wanted is None:
        return None
    assert wanted.request_bytes is not None and wanted.limit_bytes is not None
    return wanted.request_bytes, wanted.limit_bytes


def needed(world: World) -> list[int]:
    """What is known to be needed, in bytes: the samples, and the limits that killed."""
    samples = [sample.value for one in world.lives for sample in one.working_set]
    return samples + [int(kill.limit * MI) for kill in world.kills if kill.limit]


def sized(world: World, item: Proposal) -> World:
    """The world after the size was set, with the same past."""
    wanted = sizes(item)
    assert wanted is not None
    request, limit = wanted
    (old,) = world.pods
    (app,) = old.containers
    return replace(world, pods=(replace(old, containers=(replace(app, request_bytes=request, limit_bytes=limit),)),))


@given(worlds())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_size_is_at_or_below_what_killed_or_the_highest_sample_and_none_comes_from_nothing(world: World) -> None:
    item = only(world)
    known, wanted = needed(world), sizes(item)

    if not known:
        assert wanted is None
        assert item.change.command is None
        return
    assert wanted is not None
    request, limit = wanted
    assert limit >= 1.05 * max(known) - 1
    assert request <= limit <= 2 * request
    assert item.size.floor_bytes is not None and item.size.floor_bytes <= limit


@given(worlds())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_setting_the_size_and_asking_again_changes_nothing(world: World) -> None:
    item = only(world)

    if sizes(item) is not None:
        again = only(sized(world, item))
        assert sizes(again) == sizes(item)
        assert again.cost is None or again.cost.total_month == 0


@given(worlds(), st.lists(st.tuples(st.floats(1, 160), levels), min_size=1, max_size=3))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_more_kills_never_shrink_the_size_nor_calm_the_answer(world: World, more: list[tuple[float, int]]) -> None:
    before = only(world)
    after = only(replace(world, kills=(*world.kills, *(Killed(hours, limit) for hours, limit in more))))
    old, new = sizes(before), sizes(after)

    assert new is not None
    assert old is None or new[1] >= old[1]
    assert RISKS.index(after.risk) <= RISKS.index(before.risk)
    assert after.kills == before.kills + len(more)


@given(worlds(), st.sampled_from([2, 4, 16]))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_scaling_samples_and_limits_scales_the_size(world: World, factor: int) -> None:
    (old,) = world.pods
    (app,) = old.containers
    plain = replace(app, image=PROGRAMS[0][0], command=(), env={})
    large = replace(
        plain,
        request_bytes=app.request_bytes and app.request_bytes * factor,
        limit_bytes=app.limit_bytes and app.limit_bytes * factor,
    )
    lives = tuple(
        replace(one, working_set=tuple(replace(point, value=point.value * factor) for point in one.working_set))
        for one in world.lives
    )
    kills = tuple(replace(kill, limit=kill.limit and kill.limit * factor) for kill in world.kills)
    small = sizes(only(replace(world, pods=(replace(old, containers=(plain,)),))))
    scaled = sizes(only(replace(world, pods=(replace(old, containers=(large,)),), lives=lives, kills=kills)))

    assert (small is None) is (scaled is None)
    if small and scaled:
        step = 4 * MI  # below 32Mi, sizes are rounded to it and not to an eighth of themselves
        assert scaled[1] == pytest.approx(small[1] * factor, rel=0.125, abs=step * factor)


@given(st.lists(worlds(), min_size=2, max_size=5))
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_those_at_risk_come_first_and_every_container_once(several: list[World]) -> None:
    owners = [replace(world.pods[0].owners[0], name=f"api-{n}") for n, world in enumerate(several)]
    placed = [
        replace(
            world,
            workload=owner,
            pods=(replace(world.pods[0], name=f"{owner.name}-1", owners=(owner,)),),
            lives=tuple(replace(one, pod=f"{owner.name}-1") for one in world.lives),
        )
        for world, owner in zip(several, owners, strict=True)
    ]
    items = report_of(*placed).items

    assert sorted(item.size.workload.name for item in items if item.size.workload) == sorted(o.name for o in owners)
    order = [RISKS.index(item.risk) for item in items]
    assert order == sorted(order)
