"""Settings and command lines: what speaks of memory and workers is read, and nothing else of them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_oom.judge import findings, runtime
from kubectl_oom.read.settings import HEAP_AND_WORKER_SETTINGS, HIDDEN, command_of, reduced, settings_of
from kubectl_oom.read.slim import slim
from tests.test_slim import MARKED, SECRET


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("-Xmx512m -Djavax.net.ssl.keyStorePassword=hunter2", "-Xmx512m (and more)"),
        ("-Xms64m   -Xmx512m", "-Xms64m -Xmx512m"),
        ("-Xmx$(HEAP)", "-Xmx (and more)"),
        (
            "-XX:MaxRAMPercentage=75.0 -XX:+ExitOnOutOfMemoryError",
            "-XX:MaxRAMPercentage=75.0 -XX:+ExitOnOutOfMemoryError",
        ),
        (
            "-XX:HeapDumpPath=/dumps/hunter2 -XX:OnOutOfMemoryError=hunter2",
            "-XX:HeapDumpPath -XX:OnOutOfMemoryError (and more)",
        ),
        ("--max-old-space-size=400 --require hunter2", "--max-old-space-size=400 (and more)"),
        ("--max-old-space-size 400", "--max-old-space-size 400"),
        ("--max-old-space-size-percentage=60", "--max-old-space-size-percentage=60"),
        ("--workers=4 --bind hunter2", "--workers=4 (and more)"),
        ("900MiB", "900MiB"),
        ("-1", "-1"),
        ("75", "75"),
        ("50%", "50%"),
        ("0x1C9C3800", "0x1C9C3800"),
        ("off", "off"),
        ("hunter2", HIDDEN),
        ("C800000", HIDDEN),
        ("", None),
    ],
)
def test_a_setting_is_reduced_to_its_memory_options(value: str, kept: str | None) -> None:
    found = settings_of({"env": [{"name": "JAVA_OPTS", "value": value}]})

    assert found == ({"JAVA_OPTS": kept} if kept else {})


def test_a_number_that_dotnet_reads_as_hexadecimal_is_kept_as_it_is() -> None:
    env = [{"name": "DOTNET_GCHeapHardLimit", "value": "C800000"}, {"name": "GOGC", "value": "C800000"}]

    assert settings_of({"env": env}) == {"DOTNET_GCHeapHardLimit": "C800000", "GOGC": HIDDEN}


def test_only_named_settings_are_read() -> None:
    env = [
        {"name": "GOMEMLIMIT", "value": "90MiB"},
        {"name": "gomemlimit", "value": "90MiB"},
        {"name": "JAVA_OPTS_FILE", "value": "90"},
        {"name": "JAVA_OPTS_FILE", "valueFrom": {"configMapKeyRef": {"name": SECRET}}},
        {"name": ["GOGC"], "value": "1"},
        "GOGC=1",
    ]

    assert settings_of({"env": env}) == {"GOMEMLIMIT": "90MiB"}


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ({"configMapKeyRef": {"name": SECRET, "key": SECRET}}, "(set by a ConfigMap)"),
        ({"secretKeyRef": {"name": SECRET, "key": SECRET}}, "(set by a Secret)"),
        ({"fieldRef": {"fieldPath": SECRET}}, "(set elsewhere)"),
        ({"resourceFieldRef": {"resource": "limits.memory", "divisor": "0"}}, "(limits.memory)"),
        ({"resourceFieldRef": {"resource": "limits.memory"}}, "(limits.memory)"),
        ({"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}, "(limits.memory / 1Mi)"),
        ({"resourceFieldRef": {"resource": "limits.memory", "containerName": "app"}}, "(limits.memory)"),
        ({"resourceFieldRef": {"resource": "limits.memory", "containerName": SECRET}}, "(set elsewhere)"),
        ({"resourceFieldRef": {"resource": "limits.memory", "divisor": SECRET}}, "(set elsewhere)"),
        ({"resourceFieldRef": {"resource": SECRET}}, "(set elsewhere)"),
    ],
)
def test_of_a_value_from_elsewhere_only_the_kind_of_its_source_is_told(source: dict[str, Any], told: str) -> None:
    item = {"name": "app", "env": [{"name": "GOMEMLIMIT", "valueFrom": source}]}

    assert settings_of(item) == {"GOMEMLIMIT": told}
    (kept,) = slim({"metadata": {}, "spec": {"containers": [item]}})["spec"]["containers"]
    assert settings_of(kept) == {"GOMEMLIMIT": told}


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        (["/usr/bin/java", "-Xmx64m", "-jar", "/x.jar"], ("java", "-Xmx64m", HIDDEN, HIDDEN)),
        (["sh", "-c", "exec gunicorn -w 4 --password hunter2"], ("sh", HIDDEN, "exec gunicorn -w 4")),
        (["gunicorn", "--workers", "4", "--password", "5"], ("gunicorn", "--workers", "4", HIDDEN, HIDDEN)),
        (["-w", "hunter2"], ("-w", HIDDEN)),
        (["celery", "-A", "shop", "-c", "4"], ("celery", HIDDEN, HIDDEN, "-c", "4")),
        (["mysql", "-c", "4"], (HIDDEN, HIDDEN, HIDDEN)),
        (["sh", "-c", "celery -A shop -c 4"], ("sh", "-c", "celery -c 4")),
        (["pm2-runtime", "-i", "max", "x.js"], ("pm2-runtime", "-i", "max", HIDDEN)),
        (
            ["redis-server", "--save", "", "--maxmemory", "100mb"],
            ("redis-server", "--save", '""', "--maxmemory", "100mb"),
        ),
        (
            ["redis-server", "--requirepass", "1", "--maxmemory", "x"],
            ("redis-server", HIDDEN, HIDDEN, "--maxmemory", HIDDEN),
        ),
        (
            ["postgres", "-c", "shared_buffers=1GB", "-c", "x=hunter2"],
            ("postgres", HIDDEN, "shared_buffers=1GB", HIDDEN, HIDDEN),
        ),
        (["nginx", "-g", "daemon off; worker_processes 4;"], ("nginx", HIDDEN, "worker_processes 4")),
        (["node", "--max-old-space-size", "400"], ("node", "--max-old-space-size", "400")),
        ([], ()),
    ],
)
def test_a_command_line_is_reduced_to_programs_and_memory(line: list[str], kept: tuple[str, ...]) -> None:
    assert reduced(line) == kept


@given(
    st.lists(
        st.text(max_size=20) | st.sampled_from(["java", "-Xmx1g", "--workers", "4", "sh -c 'java -Xmx1g'"]), max_size=5
    )
)
def test_reducing_twice_changes_nothing(line: list[str]) -> None:
    assert reduced(reduced(line)) == reduced(line)


def test_a_program_of_the_command_gives_a_meaning_to_its_args() -> None:
    container = {"name": "w", "command": ["celery"], "args": ["worker", "-c", "4"]}
    (kept,) = slim({"metadata": {}, "spec": {"containers": [container]}})["spec"]["containers"]

    assert command_of(container) == ("celery", HIDDEN, "-c", "4")
    assert command_of(kept) == command_of(container)


@given(st.text(max_size=40) | MARKED, st.sampled_from(sorted(HEAP_AND_WORKER_SETTINGS)))
def test_reducing_a_setting_twice_changes_nothing(value: str, name: str) -> None:
    once = settings_of({"env": [{"name": name, "value": value}]})

    assert settings_of({"env": [{"name": name, "value": once.get(name, "")}]}) == once


def test_every_program_that_the_judge_looks_for_is_read() -> None:
    alternatives = [pattern.split("|") for pattern in runtime._COMMANDS.values()] + [
        findings._WORKERS.pattern.split("|")
    ]
    plain = [name for names in alternatives for name in names if re.fullmatch(r"[\w-]+", name)]

    assert [name for name in plain if command_of({"command": [f"/usr/bin/{name}"]}) != (name,)] == []
