"""What holds for every program: no junk raises, no variable loses an option, and the same evidence asks once."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_oom.evidence import Container, Sizes
from kubectl_oom.judge.heap import advise
from kubectl_oom.judge.heap.arithmetic import MOST
from kubectl_oom.judge.rounding import clean_size
from kubectl_oom.read.settings import HEAP_AND_WORKER_SETTINGS, settings_of
from tests.build import GI, MI, container

WORDS = st.sampled_from(
    [
        *(
            "java",
            "node",
            "dotnet",
            "gunicorn",
            "celery",
            "puma",
            "php-fpm",
            "nginx",
            "postgres",
            "redis-server",
            "pm2",
        ),
        *(
            "-Xmx1g",
            "-Xmx",
            "-Xmx99999999999999999g",
            "-XX:MaxRAMPercentage=80",
            "-XX:MaxRAMPercentage=0",
            "-w 4",
            "-c 99999",
        ),
        *(
            "--max-old-space-size=400",
            "--max-old-space-size-percentage=90",
            "-i max",
            "--maxmemory 100mb",
            "--maxmemory 0",
        ),
        *(
            "shared_buffers=1GB",
            "work_mem=1",
            "worker_processes auto",
            "memory_limit=-1",
            "(not recorded)",
            "-XX:MinRAMPercentage=99",
        ),
    ]
)
VALUES = st.one_of(
    st.text(max_size=20),
    st.lists(WORDS, max_size=3).map(" ".join),
    st.sampled_from(
        ["75", "0x", "4B", "90%", "460Mi", "off", "auto", "(limits.memory)", "(set by a ConfigMap)", "9" * 40, "²"]
    ),
)
SIZES = st.none() | st.integers(-GI, 1 << 63) | st.sampled_from([0, 1, 256 * MI, GI])
IMAGES = st.sampled_from(
    [
        None,
        "",
        ":",
        "openjdk:8u181",
        "node:18",
        "redis",
        "elasticsearch:8",
        "apache/kafka",
        "mcr.microsoft.com/dotnet/aspnet:8",
    ]
)


@st.composite
def _containers(draw: st.DrawFn, limits: st.SearchStrategy[int | None] = SIZES) -> Container:
    env = draw(st.dictionaries(st.sampled_from(sorted(HEAP_AND_WORKER_SETTINGS)), VALUES, max_size=3))
    command = tuple(draw(st.lists(WORDS | st.text(max_size=12), max_size=5)))
    return container(limit=draw(limits), image=draw(IMAGES), command=command, env=env)


@settings(max_examples=200, deadline=None)
@given(_containers(), SIZES, SIZES, SIZES, st.none() | st.floats())
def test_nothing_in_a_spec_makes_the_advice_fail(
    of: Container, highest: int | None, killed: int | None, wanted: int | None, cpus: float | None
) -> None:
    sizes = Sizes(request_bytes=wanted, limit_bytes=wanted)

    found = advise(of, highest_bytes=highest, killed_limit_bytes=killed, sizes=sizes, cpus=cpus)

    if found is not None:
        assert found.sentences
        assert found.heap_cap_bytes is None or found.heap_cap_bytes > 0
        assert found.least_limit_bytes is None or found.least_limit_bytes > 0
        assert not any("nan" in sentence or "inf" in sentence.split() for sentence in found.sentences)


REAL = st.integers(32 * MI, 64 * GI)


@settings(max_examples=200, deadline=None)
@given(_containers(st.none() | REAL), st.none() | REAL, st.none() | REAL, st.integers(0, 8 * GI))
def test_the_same_evidence_asks_for_no_more_once_the_limit_was_set(
    of: Container, highest: int | None, killed: int | None, more: int
) -> None:
    """`more`: what the samples or the kills ask for on their own."""

    def asked(limit: int | None) -> int | None:
        as_set = container(limit=limit, image=of.image, command=of.command, env=of.env)
        found = advise(as_set, highest_bytes=highest, killed_limit_bytes=killed, sizes=None, cpus=None)
        return found.least_limit_bytes if found else None

    first = asked(of.limit_bytes)
    if first is None:
        return
    recommended = clean_size(max(first, more, (killed or 0) * 1.05, (highest or 0) * 1.05))
    again = asked(recommended)

    assert again is not None
    assert again <= recommended
    assert clean_size(max(again, more, (killed or 0) * 1.05, (highest or 0) * 1.05)) == recommended
    assert first <= MOST * max(highest or 0, killed or 0)


OPTIONS = st.lists(
    st.sampled_from(
        [
            "-Xmx4g",
            "-Xms1g",
            "-XX:MaxRAMPercentage=90",
            "--max-old-space-size=9000",
            "--require x",
            "-Dp=q",
            "--maxmemory 9gb",
        ]
    ),
    max_size=4,
).map(" ".join)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["JAVA_TOOL_OPTIONS", "JAVA_OPTS", "ES_JAVA_OPTS", "NODE_OPTIONS", "REDIS_ARGS"]), OPTIONS, REAL)
def test_a_variable_that_is_set_loses_nothing_but_the_option_that_is_replaced(
    name: str, value: str, wanted: int
) -> None:
    env = settings_of({"env": [{"name": name, "value": value}]})
    of = container(limit=GI, env=env, command=())
    sizes = Sizes(request_bytes=wanted, limit_bytes=wanted)
    found = advise(of, highest_bytes=700 * MI, killed_limit_bytes=None, sizes=sizes, cpus=None)

    for setting in found.settings if found else ():
        if setting.is_env:
            changed = re.compile(r"-Xm[sx]|MaxRAMPercentage|--max-old-space-size|--maxmemory|\d+[a-z]{2}")
            kept = [word for word in value.split() if not changed.search(word)]
            assert [word for word in setting.value.split() if not changed.search(word)] == kept
            assert setting.replaces == " ".join(value.split())
