"""Each command loads what it works with and no more: a module that nobody needs is time that somebody waits."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from kubectl_oom import evidence
from tests.connection.servers import Reply, api_server
from tests.program import DEADLINE_SECONDS, ENVIRONMENT
from tests.served_names import kubeconfig_for, pod

if TYPE_CHECKING:
    from collections.abc import Iterator

# Printed by a program that has just done the work: everything of others' and ours that it has loaded.
LOADED = """
import json, sys
before = set(sys.modules)
from kubectl_oom.{module} import {function}
assert not {function}({words!r})
loaded = set(sys.modules) - before
others = {{name.partition(".")[0] for name in loaded}} - set(sys.stdlib_module_names)
print(json.dumps([sorted(name for name in loaded if name.startswith("kubectl_oom.")), sorted(others)]), file=sys.stderr)
"""
LAYERS = ("act", "evidence", "judge", "read", "show")
COMPILED = ("_", "cython", "kubectl_oom")  # what PyYAML's C part calls its own, and ourselves


class Loaded(NamedTuple):
    """What one command has loaded: our modules (without `kubectl_oom.`), and packages of others."""

    ours: list[str]
    others: set[str]

    @property
    def layers(self) -> set[str]:
        return {name.partition(".")[0] for name in self.ours} & set(LAYERS)

    def of(self, layer: str) -> set[str]:
        return {name.split(".")[1] for name in self.ours if name.startswith(f"{layer}.")}


def _loaded(module: str, function: str, *words: str, **environment: str) -> Loaded:
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(module=module, function=function, words=list(words))],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_SECONDS,
        env=ENVIRONMENT | environment,
    )
    assert done.returncode == 0, done.stderr
    ours, others = json.loads(done.stderr.splitlines()[-1])
    return Loaded(
        [name.removeprefix("kubectl_oom.") for name in ours],
        {name for name in others if not name.startswith(COMPILED)},
    )


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Path]:
    """The kubeconfig of a cluster with one pod, that was OOM-killed, and without a metrics engine."""
    with api_server() as server:
        killed = pod("api-1", "2026-11-21T10:00:00Z")
        killed["metadata"] |= {"namespace": "shop", "uid": "1"}
        pods = "/api/v1/namespaces/shop/pods"
        server.replies[f"{pods}/api-1"] = Reply(body=json.dumps(killed).encode())
        server.replies[f"{pods}?limit=500"] = Reply(
            body=json.dumps({"metadata": {"resourceVersion": "1"}, "items": [killed]}).encode()
        )
        yield kubeconfig_for(tmp_path, server.url)


# --- what asks nobody ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words", [[""], ["why", "--na"], ["why", "-o", ""], ["fix", "--profile", "s"], ["why", "--from", ""]], ids=" ".join
)
def test_completion_without_names_loads_click_alone(words: list[str]) -> None:
    found = _loaded("cli.complete", "complete", *words)

    assert (found.layers, found.others) == (set(), {"click"})


@pytest.mark.parametrize(
    "words",
    [["--help"], ["why", "--help"], ["recommend", "--help"], ["version"], ["completion", "bash"]],
    ids=" ".join,
)
def test_help_loads_click_alone(words: list[str]) -> None:
    found = _loaded("cli.run", "run", *words)

    assert (found.layers, found.others) == (set(), {"click"})


def test_names_load_what_a_connection_needs_and_no_more(cluster: Path) -> None:
    in_time = {"KUBECTL_OOM_COMPLETION_TIMEOUT": "9s"}  # whatever else the machine does

    found = _loaded("cli.complete", "complete", "why", "", KUBECONFIG=str(cluster), **in_time)

    assert (found.layers, found.others) == ({"read", "show"}, {"click", "yaml"})
    assert found.of("show") == {"words"}


# --- what reads a cluster ------------------------------------------------------------------------------------------

SEEN = {"case", "cluster", "diagnosis", "memory", "settings", "vocabulary"}  # what `why` speaks of
PAST = SEEN | {"history", "past"}
SIZES = PAST | {"proposal", "room", "scaling", "sizing"}
ALL_BUT_WRITING = {"evidence", "judge", "read", "show"}
ONLY_READING = {"evidence", "read"}

COMMANDS: dict[str, tuple[set[str], set[str], set[str]]] = {
    # words: packages of others beside click, layers, modules of the vocabulary
    "why pod/api-1": ({"yaml"}, ALL_BUT_WRITING, SEEN),
    "why pod/api-1 -o json": ({"yaml"}, ALL_BUT_WRITING, SEEN),
    "why pod/api-1 -o markdown": ({"yaml"}, ALL_BUT_WRITING, SEEN),
    "list": ({"yaml"}, ALL_BUT_WRITING, PAST | {"kill_list"}),
    "watch --for 1s": ({"yaml", "urllib3"}, ALL_BUT_WRITING, SEEN | {"watching"}),
    "history pod/api-1": ({"yaml", "tabulate"}, ALL_BUT_WRITING, PAST),
    "recommend pod/api-1": ({"yaml", "tabulate"}, ALL_BUT_WRITING, SIZES),
    "fix pod/api-1": ({"yaml"}, ALL_BUT_WRITING, SIZES | {"fixing"}),
    "report pod/api-1": ({"yaml"}, ALL_BUT_WRITING, SIZES | {"post_mortem"}),
    "snapshot pod/api-1 -f -": ({"yaml"}, ONLY_READING, SEEN - {"diagnosis"} | {"past", "room"}),
    "doctor": ({"yaml", "tabulate"}, {"evidence", "read", "show"}, {"diagnosis", "memory", "vocabulary"}),
    "alerts": ({"yaml"}, ALL_BUT_WRITING, {"alerting", "cluster", "settings", "vocabulary"}),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_loads_its_own_libraries_layers_and_vocabulary(command: str, cluster: Path) -> None:
    found = _loaded("cli.run", "run", *command.split(), KUBECONFIG=str(cluster))

    others, layers, vocabulary = COMMANDS[command]
    assert found.others == {"click"} | others
    assert found.layers == layers
    assert found.of("evidence") == vocabulary


def test_why_loads_nothing_about_samples_that_it_has_not_got_nor_another_form_of_answer(cluster: Path) -> None:
    found = _loaded("cli.run", "run", "why", "pod/api-1", KUBECONFIG=str(cluster))

    assert (
        found.of("judge") & {"pattern", "instance", "trend", "shape", "habit", "growth", "history", "sizing"} == set()
    )
    assert found.of("read") & {"metrics", "lives", "direct", "pool", "stream", "heap_log", "plugin", "foreign"} == set()
    assert found.of("show") & {"chart", "document", "markdown", "history", "proposals"} == set()


# --- the vocabulary ------------------------------------------------------------------------------------------------


def test_type_checkers_and_the_table_are_told_the_same_home_of_every_name() -> None:
    source = ast.parse(Path(evidence.__file__).read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(source) if isinstance(node, ast.ImportFrom) and node.module]
    told = {
        alias.name: node.module.removeprefix("kubectl_oom.evidence.")
        for node in imports
        if node.module and node.module.startswith("kubectl_oom.evidence.")
        for alias in node.names
    }

    assert told == evidence._HOME
    assert sorted(told) == sorted(evidence.__all__)
    assert all(hasattr(evidence, name) for name in told)
    assert not hasattr(evidence, "Nonsense")
