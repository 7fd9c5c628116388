"""PHP-FPM, nginx, PostgreSQL and Redis: what each is told on its command line and in its settings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubectl_oom.judge.heap import redis
from tests.build import GI, MI, TMPFS
from tests.heap import advice, changes, run_as, told

# --- PHP-FPM ---------------------------------------------------------------------------------------------------------


def test_phps_worst_case_is_children_times_what_a_script_may_take() -> None:
    env = {"PHP_MEMORY_LIMIT": "256M", "PHP_FPM_PM_MAX_CHILDREN": "10"}
    found = advice(run_as("php-fpm", env=env), GI, highest=900 * MI, wanted=1280 * MI)

    assert (found.runtime, found.heap_cap_bytes, found.least_limit_bytes) == ("php", 2560 * MI, None)
    assert found.sentences == (
        (
            "The worst case is memory_limit 256Mi times pm.max_children 10 = 2560Mi; opcode cache and extensions come on top."
        ),
        "That is 250% of today's limit of 1Gi: so many large requests at once are killed.",
        "That is 200% of the recommended limit of 1280Mi: so many large requests at once are killed.",
    )
    assert changes(found) == [("PHP_FPM_PM_MAX_CHILDREN", "5", "10", True)]


def test_phps_defaults_are_named_as_defaults() -> None:
    found = advice(run_as("php-fpm"), GI, wanted=GI)

    assert (
        "memory_limit, 128Mi by default, times pm.max_children, 5 by default, = 640Mi where nothing sets another"
        in told(found)
    )
    assert (found.heap_cap_bytes, found.settings) == (None, ())
    assert advice(run_as("php", "-d", "memory_limit=1G"), GI).heap_cap_bytes is None
    assert "memory_limit=-1: nothing that can be counted" in told(advice(run_as("php", "-d", "memory_limit=-1"), GI))


# --- nginx -----------------------------------------------------------------------------------------------------------


def test_nginx_with_auto_starts_a_worker_for_each_cpu_of_the_node() -> None:
    found = advice(run_as("nginx", "-g", "daemon off; worker_processes auto;"), 128 * MI, highest=96 * MI, cpus=64)

    assert found.sentences[:2] == (
        "worker_processes auto starts one worker for each CPU of the node (64 on this one), whatever the CPU limit is.",
        (
            "The highest sample, 96Mi, over 64 workers is at most 1.5Mi each; workers of before a reload, "
            "still shutting down, are in it."
        ),
    )


def test_nginx_with_a_number_is_the_same_on_every_node() -> None:
    found = advice(run_as("nginx", "-g", "worker_processes 2;"), 128 * MI, cpus=64)

    assert found.sentences == ("worker_processes 2: 2 worker processes, on whatever node.",)
    assert "1 worker process, on" in told(advice(run_as(env={"NGINX_WORKER_PROCESSES": "1"}), 128 * MI))


def test_nginx_whose_configuration_is_not_read_says_what_auto_would_do() -> None:
    found = advice(run_as(image="nginx:1.27"), 128 * MI, highest=96 * MI, cpus=64)

    assert found.sentences == (
        (
            "Its configuration is not read. With worker_processes auto it starts one worker for each CPU of the node (64 on this "
            "one), whatever the CPU limit is; nginx's own default is 1."
        ),
        "Set worker_processes to the CPU limit: the same pod then needs the same memory on every node.",
    )
    autotuned = run_as(image="nginx:1.27", env={"NGINX_ENTRYPOINT_WORKER_PROCESSES_AUTOTUNE": "1"})
    assert "the image counts its workers by the CPU limit" in told(advice(autotuned, 128 * MI, cpus=64))


# --- PostgreSQL ------------------------------------------------------------------------------------------------------


def test_shared_buffers_are_held_against_the_limit() -> None:
    line = ("postgres", "-c", "shared_buffers=1GB", "-c", "max_connections=200", "-c", "work_mem=16MB")
    found = advice(run_as(*line), GI, highest=900 * MI, wanted=1280 * MI)

    assert (found.runtime, found.heap_cap_bytes, found.least_limit_bytes) == ("postgres", None, None)
    assert "shared_buffers is 1Gi: 100% of today's limit of 1Gi, 80% of the recommended limit of 1280Mi." in told(found)
    assert "They do not fit into today's limit of 1Gi: when they fill, the kernel kills." in told(found)
    assert "work_mem 16Mi times max_connections 200 = 3200Mi on top" in told(found)
    assert changes(found) == [("shared_buffers", "320MB", "shared_buffers=1GB in the command", False)]


def test_a_number_without_unit_counts_blocks_and_kilobytes() -> None:
    found = advice(
        run_as("postgres", "-c", "shared_buffers=16384", "-c", "work_mem=4096", "-c", "max_connections=10"), GI
    )

    assert "shared_buffers is 128Mi: 12% of today's limit" in told(found)
    assert "work_mem 4Mi times max_connections 10 = 40Mi" in told(found)


def test_postgres_without_options_names_the_defaults_and_dev_shm() -> None:
    found = advice(run_as(image="postgres:16"), GI)
    mounted = advice(replace(run_as(image="postgres:16"), memory_volumes=(TMPFS,)), GI)

    assert (
        "its default is 128MB. PostgreSQL's documentation starts at 25 % of the memory (256Mi of today's limit)."
        in told(found)
    )
    assert "work_mem (4Mi by default) for each sort and hash" in told(found)
    assert "Its /dev/shm holds 64Mi in a container" in told(found)
    assert "into its memory-backed volume (scratch) counts against the limit" in told(mounted)


# --- Redis -----------------------------------------------------------------------------------------------------------


def test_redis_without_maxmemory_takes_what_it_is_given() -> None:
    found = advice(run_as(image="redis:7"), GI, highest=900 * MI, wanted=1280 * MI)

    assert (found.runtime, found.heap_cap_bytes, found.least_limit_bytes) == ("redis", None, None)
    assert "by default it is 0: no limit but the kernel's" in told(found)
    assert "every page written meanwhile is held twice" in told(found)
    assert changes(found) == [("--maxmemory", "960mb", None, False)]


def test_redis_that_saves_keeps_a_quarter_back_and_one_that_does_not_a_fifth() -> None:
    saves = run_as("redis-server", "--maxmemory", "768mb", "--maxmemory-policy", "noeviction")
    plain = run_as("redis-server", "--maxmemory", "768mb", "--save", "")
    appends = run_as("redis-server", "--maxmemory", "768mb", "--save", "", "--appendonly", "yes")

    assert advice(saves, GI, highest=700 * MI).least_limit_bytes == GI
    assert advice(plain, GI, highest=700 * MI).least_limit_bytes == 960 * MI
    assert advice(appends, GI, highest=700 * MI).least_limit_bytes == GI
    assert "With noeviction it answers writes with an error" in told(advice(saves, GI))
    assert 'Nothing is saved (--save "")' in told(advice(plain, GI))


def test_redis_arguments_that_are_not_known_whole_are_not_written_anew() -> None:
    whole = run_as(env={"REDIS_ARGS": "--maxmemory 2gb --maxmemory-policy allkeys-lru"})
    reduced = run_as(env={"REDIS_ARGS": "--maxmemory 2gb --requirepass hunter2"})

    assert changes(advice(whole, GI, highest=300 * MI, wanted=GI)) == [
        (
            "REDIS_ARGS",
            "--maxmemory 768mb --maxmemory-policy allkeys-lru",
            "--maxmemory 2gb --maxmemory-policy allkeys-lru",
            True,
        )
    ]
    assert changes(advice(reduced, GI, highest=300 * MI, wanted=GI)) == [
        ("--maxmemory", "768mb", "--maxmemory 2gb in REDIS_ARGS", False)
    ]


@pytest.mark.parametrize(
    ("text", "size"), [("100", 100), ("100k", 100_000), ("100KB", 102_400), ("1g", 10**9), ("1gb", GI)]
)
def test_redis_counts_a_bare_letter_in_thousands(text: str, size: int) -> None:
    assert redis.size_of(text) == size
