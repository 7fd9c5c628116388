"""Workers: how many the command, a setting or the node's CPUs start, and what each takes at most."""

from __future__ import annotations

import pytest

from tests.build import GI, MI
from tests.heap import advice, changes, run_as, told


def test_workers_times_their_memory_is_an_upper_bound_and_says_so() -> None:
    found = advice(run_as("gunicorn", "-w", "4"), GI, highest=1000 * MI, wanted=1280 * MI, cpus=8)

    assert (found.runtime, found.heap_cap_bytes, found.least_limit_bytes) == ("python", None, None)
    assert [(c.field, c.value) for c in found.evidence] == [("command", "gunicorn"), ("command", "-w 4 in the command")]
    assert found.sentences == (
        "-w 4 in the command: 4 workers, each with a memory of its own.",
        "The highest sample, 1000Mi, over 4 workers is at most 250Mi each, the parent's part included.",
        "Today's limit of 1Gi holds 4 of that size.",
        "The recommended limit of 1280Mi holds 5 of that size.",
    )
    assert found.settings == ()


@pytest.mark.parametrize(
    ("command", "env", "workers"),
    [
        (("gunicorn", "--workers=3"), {"WEB_CONCURRENCY": "9"}, 3),
        (("gunicorn",), {"WEB_CONCURRENCY": "5"}, 5),
        (("gunicorn",), {"GUNICORN_CMD_ARGS": "--workers 6 --bind=0.0.0.0"}, 6),
        (("uvicorn", "app:app", "--workers", "2"), {}, 2),
        (("python", "-m", "uvicorn"), {"WEB_CONCURRENCY": "7"}, 7),
        (("sh", "-c", "celery -A shop worker -c 8"), {}, 8),
        (("celery", "worker", "--concurrency=12"), {}, 12),
        (("celery", "worker"), {"AIRFLOW__CELERY__WORKER_CONCURRENCY": "16"}, 16),
        (("bundle", "exec", "puma", "-w", "3"), {"WEB_CONCURRENCY": "9"}, 3),
        (("puma",), {"WEB_CONCURRENCY": "2"}, 2),
        (("uwsgi", "--processes", "10"), {}, 10),
    ],
)
def test_the_count_is_read_where_the_server_reads_it(
    command: tuple[str, ...], env: dict[str, str], workers: int
) -> None:
    assert f"over {workers} workers is at most" in told(advice(run_as(*command, env=env), GI, highest=GI))


def test_celery_takes_the_cpus_of_the_node_and_is_pinned_to_them() -> None:
    found = advice(run_as("celery", "-A", "shop", "worker"), GI, highest=800 * MI, wanted=GI, cpus=16)

    assert "it starts as many workers as the node has CPUs, 16 on this node, whatever the CPU limit is." in told(found)
    assert "over 16 workers is at most 50Mi each" in told(found)
    assert changes(found) == [("--concurrency", "16", None, False)]


def test_without_the_nodes_cpus_no_count_is_invented() -> None:
    found = advice(run_as("celery", "worker"), GI, highest=800 * MI, wanted=GI)

    assert "as many workers as the node has CPUs, whatever" in told(found)
    assert "at most" not in told(found)
    assert found.settings == ()


def test_a_server_whose_count_is_not_seen_is_not_given_its_default() -> None:
    found = advice(run_as("gunicorn", "shop:app"), GI, highest=800 * MI, cpus=64)

    assert found.sentences == (
        (
            "How many workers gunicorn starts stands neither in the command nor in a setting that is read; where its "
            "configuration counts CPUs, it counts the node's (this node has 64), not the CPU limit."
        ),
    )


def test_a_count_from_elsewhere_is_not_known() -> None:
    found = advice(run_as("puma", valued={"WEB_CONCURRENCY": {"secretKeyRef": {"name": "x"}}}), GI, highest=GI)

    assert "How many workers puma starts is not known: WEB_CONCURRENCY is (set by a Secret)." in told(found)


def test_pumas_auto_and_glibcs_arenas_follow_the_cpus() -> None:
    found = advice(run_as("puma", env={"WEB_CONCURRENCY": "auto"}), GI, highest=GI, cpus=16)
    cured = advice(run_as("puma", env={"WEB_CONCURRENCY": "2", "MALLOC_ARENA_MAX": "2"}), GI, highest=GI)

    assert (
        "WEB_CONCURRENCY=auto starts as many workers as puma sees CPUs, which may be the node's: 16 on this node."
        in told(found)
    )
    assert "MALLOC_ARENA_MAX is not set: glibc keeps up to 8 arenas for each CPU of the node" in told(found)
    assert "MALLOC_ARENA_MAX" not in told(cured)


def test_threads_are_not_taken_for_workers() -> None:
    assert "workers is at most" not in told(advice(run_as("sidekiq", "-c", "10"), GI, highest=GI))


def test_a_bound_on_celerys_children_acts_after_the_task() -> None:
    found = advice(run_as("celery", "worker", "-c", "2", "--max-memory-per-child", "204800"), GI)

    assert "--max-memory-per-child replaces a worker above 200Mi, but only after its task" in told(found)
