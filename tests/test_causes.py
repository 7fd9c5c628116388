"""The causes behind kills: which history supports which, and the commands that look inside the container's own runtime."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_oom.evidence import (
    Confidence,
    Container,
    ContainerHistory,
    ContainerType,
    Kill,
    Life,
    MemoryVolume,
    Owner,
    Pattern,
    Sample,
    Spread,
    Verdict,
)
from kubectl_oom.judge.causes import causes_of, heap_cap
from kubectl_oom.judge.runtime import profile_commands, runtime_of
from tests import build

if TYPE_CHECKING:
    from collections.abc import Mapping

MI = 1 << 20
NOW = datetime(2026, 5, 1, tzinfo=timezone.utc)
KILL = Kill(
    at=NOW,
    exact=True,
    namespace="shop",
    pod="api-1",
    pod_gone=False,
    node=None,
    container="app",
    verdict=Verdict.CONTAINER_LIMIT,
    confidence=Confidence.LIKELY,
    exit_code=137,
    limit_bytes=1024 * MI,
    highest_sampled_bytes=None,
    pattern=Pattern.UNKNOWN,
    image=None,
    sources=("pod status",),
)


def container(
    image: str = "shop/api:7", command: tuple[str, ...] = (), env: Mapping[str, str] | None = None, **changes: Any
) -> Container:
    return build.container(image=image, command=command, env=env or {}, **changes)


def history(pattern: Pattern, *, kills: tuple[Kill, ...] = (KILL,), kind: str = "Deployment") -> ContainerHistory:
    return ContainerHistory(
        namespace="shop",
        workload=Owner(api_version="apps/v1", kind=kind, name="api"),
        pods=("api-1",),
        container="app",
        container_type=ContainerType.APP,
        since=NOW - timedelta(days=7),
        until=NOW,
        interval_seconds=30.0,
        samples=100,
        working_set=None,
        usage=None,
        limit_bytes=1024 * MI,
        request_bytes=None,
        pattern=pattern,
        confidence=Confidence.LIKELY,
        reason="the samples say so",
        data_needed=None,
        growth_bytes_per_hour=None,
        seconds_to_limit=None,
        kills=kills,
        restarts=None,
        kills_per_week=None,
        findings=(),
        lives=(),
        stepped_seconds=None,
    )


def codes(past: ContainerHistory, of: Container | None = None) -> list[str]:
    return [finding.code for finding in causes_of(past, of or container())]


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        (Pattern.LEAK, "cause-leak"),
        (Pattern.GROWTH, "cause-growth"),
        (Pattern.PLATEAU, "cause-limit-too-low"),
        (Pattern.STARTUP, "cause-startup"),
        (Pattern.SPIKE, "cause-spike"),
        (Pattern.PERIODIC, "cause-spike"),
    ],
)
def test_a_pattern_with_a_kill_supports_its_cause(pattern: Pattern, code: str) -> None:
    assert codes(history(pattern)) == [code]


@pytest.mark.parametrize("pattern", [Pattern.UNKNOWN, Pattern.CACHE, Pattern.SAWTOOTH])
def test_a_pattern_that_proves_nothing_names_no_cause(pattern: Pattern) -> None:
    assert codes(history(pattern)) == []


@pytest.mark.parametrize("pattern", [Pattern.PLATEAU, Pattern.SPIKE, Pattern.STARTUP, Pattern.PERIODIC])
def test_where_nothing_was_killed_only_growth_is_a_cause(pattern: Pattern) -> None:
    assert codes(history(pattern, kills=())) == []


def test_growth_is_a_cause_before_anything_was_killed() -> None:
    assert codes(history(Pattern.LEAK, kills=())) == ["cause-leak"]


@pytest.mark.parametrize(("level", "code"), [(850, ["cause-limit-too-low"]), (500, [])])
def test_a_level_far_below_a_limit_that_was_raised_since_the_kills_is_not_close_to_it(
    level: int, code: list[str]
) -> None:
    spread = Spread(
        samples=9, mean_bytes=None, p50_bytes=None, p95_bytes=level * MI, p99_bytes=None, max_sampled_bytes=0
    )

    assert codes(replace(history(Pattern.PLATEAU), working_set=spread)) == code


def test_a_killed_child_alone_does_not_make_the_limit_too_low() -> None:
    child = replace(KILL, verdict=Verdict.CHILD_KILLED, exit_code=None)

    assert codes(history(Pattern.PLATEAU, kills=(child,))) == []


def test_a_jump_is_data_in_a_batch_and_concurrency_among_workers() -> None:
    workers = container(command=("gunicorn", "-w", "8"))

    assert codes(history(Pattern.SPIKE, kind="Job")) == ["cause-large-data"]
    assert codes(history(Pattern.SPIKE, kind="CronJob"), workers) == ["cause-large-data"]
    assert codes(history(Pattern.SPIKE), workers) == ["cause-concurrency"]


@pytest.mark.parametrize(
    ("env", "command", "size"),
    [
        ({"JAVA_OPTS": "-Xmx900m"}, (), 900 * MI),
        ({"JAVA_TOOL_OPTIONS": "-XX:MaxRAMPercentage=80.0"}, (), round(1024 * MI * 0.8)),
        ({}, ("java", "-Xmx1g", "-jar", "app.jar"), 1024 * MI),
        ({"NODE_OPTIONS": "--max-old-space-size=1000"}, (), 1000 * MI),
        ({"GOMEMLIMIT": "1GiB"}, (), 1024 * MI),
        ({"GOMEMLIMIT": "1073741824"}, (), 1024 * MI),
        ({"JAVA_OPTS": "-Xmx1g -Xmx512m"}, ("java",), 512 * MI),  # the last one counts
        ({"DOTNET_GCHeapHardLimitPercent": "5A"}, (), 1024 * MI * 90 // 100),  # hexadecimal
    ],
)
def test_the_heaps_own_ceiling_is_read_from_what_sets_it(
    env: dict[str, str], command: tuple[str, ...], size: int
) -> None:
    cap = heap_cap(container(env=env, command=command), 1024 * MI)

    assert cap is not None
    assert cap[0] == size


def test_a_heap_without_a_setting_has_no_ceiling_that_the_spec_tells() -> None:
    assert heap_cap(container(), 1024 * MI) is None
    assert heap_cap(container(env={"GOMEMLIMIT": "off"}), 1024 * MI) is None


def test_a_heap_that_may_fill_the_limit_is_a_misfit_and_a_smaller_one_is_not() -> None:
    large = container(env={"JAVA_OPTS": "-Xmx820m"})  # 80 % of 1 GiB are 819.2 Mi
    small = container(env={"JAVA_OPTS": "-Xmx819m"})

    assert codes(history(Pattern.UNKNOWN), large) == ["cause-heap-misfit"]
    assert codes(history(Pattern.UNKNOWN), small) == []


def test_a_go_program_at_the_90_percent_that_are_recommended_fits_and_one_that_takes_the_whole_limit_does_not() -> None:
    fits, follows = container(env={"GOMEMLIMIT": "921MiB"}), container(env={"GOMEMLIMIT": "(limits.memory)"})

    assert codes(history(Pattern.UNKNOWN), fits) == []
    (finding,) = causes_of(history(Pattern.UNKNOWN), follows)
    assert finding.message == (
        "Go's collector works towards 1Gi, 100% of the limit of 1Gi, and what Go does not count comes on top: the kernel "
        "kills it before its own collector must work."
    )
    assert finding.remedy is not None
    assert finding.remedy.startswith("set GOMEMLIMIT to 90 % of the limit: ")


def test_a_percentage_that_the_jvm_does_not_use_under_so_small_a_limit_is_no_misfit() -> None:
    past = replace(history(Pattern.UNKNOWN), limit_bytes=128 * MI)

    assert codes(past, container(env={"JAVA_OPTS": "-XX:MaxRAMPercentage=85.0"})) == []


def test_files_in_memory_are_told_from_the_processes_own() -> None:
    life = Life(
        pod="api-1",
        container="app",
        container_id=None,
        working_set=(Sample(at=NOW, value=100 * MI),),
        rss=(Sample(at=NOW, value=30 * MI),),
    )
    past = replace(history(Pattern.UNKNOWN), lives=(life,))
    with_volume = container(memory_volumes=(MemoryVolume(name="scratch", size_limit_bytes=None),))

    (finding,) = causes_of(past, with_volume)

    assert finding.code == "cause-shared-memory"
    assert "Of a working set of 100Mi the processes' own memory is 30Mi" in finding.message
    assert codes(past, container()) == []  # no such volume: something else is in there


@pytest.mark.parametrize(
    ("image", "command", "env", "name"),
    [
        ("eclipse-temurin:21", (), {}, "jvm"),
        ("shop/api:7", ("/usr/bin/java", "-jar", "a.jar"), {}, "jvm"),
        ("shop/api:7", ("sh", "-c", "exec node server.js"), {}, "node"),
        ("shop/api:7", (), {"GOMEMLIMIT": "900MiB"}, "go"),
        ("mcr.example/dotnet/aspnet:8.0", (), {}, "dotnet"),
        ("registry.example:5000/team/python:3.12", (), {}, "python"),
        ("shop/api:7", ("puma",), {}, "ruby"),
        ("php:8-fpm", (), {}, "php"),
        ("redis@sha256:0123", (), {}, "redis"),
        ("java-tools", ("gunicorn",), {}, "python"),  # what runs beats what the image is called
        ("javanese:1", (), {}, None),
        ("shop/api:7", (), {}, None),
    ],
)
def test_a_runtime_is_told_by_what_runs_then_by_its_settings_then_by_the_image(
    image: str, command: tuple[str, ...], env: dict[str, str], name: str | None
) -> None:
    runtime = runtime_of(container(image=image, command=command, env=env))

    assert (runtime.name if runtime else None) == name


def test_the_commands_that_look_inside_carry_the_containers_names() -> None:
    (first, *_) = profile_commands("jvm", namespace="shop", pod="api-1", container="app")

    assert first == "kubectl exec api-1 -n shop -c app -- jcmd 1 GC.heap_info"
    assert profile_commands(None, namespace="shop", pod="api-1", container="app") == ()


def test_what_a_foreign_snapshot_calls_a_pod_is_no_second_command() -> None:
    (first, *_) = profile_commands("jvm", namespace="shop", pod="x; rm -rf /", container="app")

    assert first == "kubectl exec 'x; rm -rf /' -n shop -c app -- jcmd 1 GC.heap_info"


@pytest.mark.parametrize(("there", "pod"), [(("api-9", "api-1"), "api-1"), ((), "POD")])
def test_the_way_to_look_inside_names_the_last_of_the_pods_that_are_there(there: tuple[str, ...], pod: str) -> None:
    past = replace(history(Pattern.LEAK), pods=there)

    for command, words in ((("java",), f"kubectl exec {pod} -n shop"), ((), f"kubectl top pod {pod} -n shop")):
        (finding,) = causes_of(past, container(command=command))
        assert words in (finding.remedy or "")


@pytest.mark.parametrize("runtime", ["jvm", "node", "go", "dotnet", "python", "ruby", "php"])
def test_every_runtime_has_a_way_to_look_inside(runtime: str) -> None:
    commands = profile_commands(runtime, namespace="shop", pod="api-1", container="app")

    assert any("api-1" in command for command in commands)


def test_a_cause_says_what_would_tell_it_from_its_neighbours_and_where_to_look() -> None:
    (finding,) = causes_of(history(Pattern.LEAK), container(command=("java",)))

    assert "A cache without a bound looks the same until it is full" in finding.message
    assert [citation.value for citation in finding.evidence] == ["the samples say so", "java"]
    assert finding.remedy is not None
    assert "jcmd 1 GC.class_histogram" in finding.remedy
