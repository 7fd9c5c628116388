"""`make bench` at its smallest, through the same code: its table is complete, and true where no clock is needed."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from benchmarks.contestants import (
    CLICK,
    COMPLETION,
    DESCRIBE,
    GET_ALL,
    HELP,
    LIST,
    LIST_BARE,
    PYTHON,
    RECOMMEND_ALL,
    UNPAGED,
    WHY,
    WHY_ALONE,
)
from benchmarks.page import HEADERS
from tests.cluster import binaries
from tests.documents import ROOT
from tests.engines import require_program

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.timeout(600), pytest.mark.api_server]

FEW, CONTAINERS, KILLED = 10, 100, 2
FLOOR, GET_POD, RECOMMEND = (
    "the same requests, nothing made of them",
    "kubectl get pod -o json",
    "kubectl oom recommend deploy",
)
WHY_WITH_PROMETHEUS, UNPAGED_GZIP = f"{WHY} --prometheus-url URL", f"{UNPAGED}, gzip"
OF_A_CLUSTER = "100 containers"
OF_ALL_PODS = [GET_ALL, UNPAGED, UNPAGED_GZIP, LIST_BARE, LIST, RECOMMEND_ALL]
EVERYTHING = {
    "start-up": [CLICK, PYTHON, HELP, COMPLETION],
    "one pod": [DESCRIBE, GET_POD, FLOOR, WHY_ALONE, WHY, WHY_WITH_PROMETHEUS, RECOMMEND],
    "10 containers": OF_ALL_PODS,
    OF_A_CLUSTER: OF_ALL_PODS,
}


@dataclass(frozen=True)
class Page:
    """The page as a reader takes it: block → command → header → cell; the other tables as rows."""

    blocks: dict[str, dict[str, dict[str, str]]]
    targets: list[list[str]]
    growth: list[list[str]]

    def number(self, block: str, command: str, header: str) -> float:
        return float(self.blocks[block][command][header].replace(",", ""))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """One run."""
    if reason := binaries.missing(control_plane_only=True):
        pytest.skip(reason)
    require_program("prometheus")
    file = tmp_path_factory.mktemp("bench") / "page.md"
    asked = ["--sizes", str(CONTAINERS), str(FEW), "--runs", "1", "--write", str(file)]
    environment = {name: value for name, value in os.environ.items() if name != "KUBECONFIG"}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *asked],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{file.read_text()}\n"
    return read(file.read_text())


def read(text: str) -> Page:
    """The tables of a page."""
    tables = [part for part in text.split("\n\n") if part.startswith("|")]
    targets, measured, growth = ([_cells(line) for line in table.splitlines()] for table in tables)
    assert measured[0] == list(HEADERS)
    blocks: dict[str, dict[str, dict[str, str]]] = {}
    title = ""
    for title_or_not, *cells in measured[2:]:
        title = title_or_not or title
        blocks.setdefault(title, {})[cells[0].strip("`")] = dict(zip(HEADERS[1:], cells, strict=True))
    return Page(blocks, targets[2:], growth[2:])


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_everything_is_measured(page: Page) -> None:
    found = {title: [name for name in rows if name != "kubectl oomd -A"] for title, rows in page.blocks.items()}
    assert found == EVERYTHING
    for title, rows in page.blocks.items():
        for name in rows:
            assert page.number(title, name, "Wall s") > 0
            assert page.number(title, name, "CPU s") > 0
            assert 8 <= page.number(title, name, "Memory MiB") < 400


def test_ratios_are_those_of_the_blocks_first_row(page: Page) -> None:
    for title, rows in page.blocks.items():
        base = next(iter(rows))
        for name in rows:
            for measure in ("Wall", "CPU"):
                ratio = page.number(title, name, f"{measure} s") / page.number(title, base, f"{measure} s")
                assert page.number(title, name, f"{measure} x") == pytest.approx(ratio, rel=0.15, abs=0.02)


def test_requests_are_counted_and_few(page: Page) -> None:
    def asked(block: str, name: str) -> tuple[float, float]:
        return page.number(block, name, "API requests"), page.number(block, name, "Prometheus requests")

    assert asked("one pod", GET_POD) == (1, 0)
    assert asked("one pod", DESCRIBE) == (3, 0)  # the pod; its events; what they are found by
    why, _ = asked("one pod", WHY)
    assert asked("one pod", FLOOR) == (why, 0)
    assert 5 <= why <= 12  # the pod, its events, its node, the node's events, the kubelet, and where metrics may be
    requests, questions = asked("one pod", WHY_WITH_PROMETHEUS)
    assert requests < why  # an engine that is named need not be looked for
    assert 1 <= questions <= 8
    requests, questions = asked("one pod", RECOMMEND)
    assert requests <= 25
    assert 1 <= questions <= 45
    assert asked(OF_A_CLUSTER, GET_ALL) == (1, 0)
    assert asked(OF_A_CLUSTER, UNPAGED) == asked(OF_A_CLUSTER, UNPAGED_GZIP) == (1, 0)
    requests, questions = asked(OF_A_CLUSTER, LIST_BARE)
    assert 1 <= requests <= 12  # one is a page of pods; the others are about those that were killed
    assert questions == 0
    requests, questions = asked(OF_A_CLUSTER, LIST)
    assert 1 <= requests <= 12
    assert 1 <= questions <= 20
    requests, questions = asked(OF_A_CLUSTER, RECOMMEND_ALL)
    assert 1 <= requests <= 15  # one list of each kind, and the cluster's own answers about kinds
    assert 1 <= questions <= 16


def test_bytes_are_counted_and_compressed(page: Page) -> None:
    def received(name: str) -> float:
        return page.number(OF_A_CLUSTER, name, "API kB")

    assert received(UNPAGED) > 5 * CONTAINERS  # some 7 kB a pod
    for name in (LIST_BARE, LIST, RECOMMEND_ALL):
        assert 0 < received(name) < received(UNPAGED) / 5
        assert page.number(OF_A_CLUSTER, name, "Memory MiB") < 80
    assert 0 < page.number(OF_A_CLUSTER, RECOMMEND_ALL, "Prometheus kB") < 200
    assert page.number(OF_A_CLUSTER, RECOMMEND_ALL, "Prometheus CPU s") > 0


def test_every_program_has_answered_the_question(page: Page) -> None:
    killed = {name: page.number(OF_A_CLUSTER, name, "Lines") for name in (UNPAGED, UNPAGED_GZIP, LIST_BARE, LIST)}
    assert killed == {UNPAGED: KILLED, UNPAGED_GZIP: KILLED, LIST_BARE: KILLED + 1, LIST: KILLED + 1}
    assert page.number(OF_A_CLUSTER, GET_ALL, "Lines") == CONTAINERS + 1
    assert page.number(OF_A_CLUSTER, RECOMMEND_ALL, "Lines") > CONTAINERS / 3  # a row for each Deployment
    assert page.number("one pod", WHY, "Lines") > 10


def test_the_targets_are_held_against_the_table(page: Page) -> None:
    ratios = [
        (HELP, 1.3, page.number("start-up", HELP, "Wall x")),
        (COMPLETION, 1.3, page.number("start-up", COMPLETION, "Wall x")),
        (WHY_ALONE, 2.0, page.number("one pod", WHY_ALONE, "Wall x")),
        (WHY, 2.0, page.number("one pod", WHY, "Wall x")),
    ]
    for [asked, measured, verdict], (name, limit, ratio) in zip(page.targets[:4], ratios, strict=True):
        assert asked.startswith(f"`{name}` within {limit:g}x of ")
        assert measured.startswith(f"wall {ratio:.2f}x, CPU ")
        assert verdict == ("met" if ratio <= limit else "**not met**")


def test_growth_is_that_of_the_table_and_held_against_its_targets(page: Page) -> None:
    found = {command.strip("`"): [float(cell.rstrip("x")) for cell in cells] for command, *cells in page.growth}
    assert list(found) == OF_ALL_PODS
    for name, (_, _, memory, lines) in found.items():
        for header, factor in (("Memory MiB", memory), ("Lines", lines)):
            few, many = (page.number(block, name, header) for block in ("10 containers", OF_A_CLUSTER))
            assert factor == pytest.approx(many / few, rel=0.1)
    for [asked, measured, verdict], name in zip(page.targets[4:], (LIST_BARE, LIST, RECOMMEND_ALL), strict=True):
        _, cpu, memory, lines = found[name]
        assert asked.startswith(f"`{name}`: memory at most ")
        assert measured == f"memory {memory:.2f}x, CPU {cpu:.2f}x, answer {lines:.2f}x"
        most = lines / 2 if name == RECOMMEND_ALL else 2
        assert verdict == ("met" if memory <= most and cpu <= 10 else "**not met**")


def test_where_the_programs_are_missing_it_says_which_and_how_to_get_them(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"KUBECTL_OOM_CLUSTER_BIN": str(tmp_path)},
    )

    assert (done.returncode, done.stdout) == (1, "")
    absent = f"no etcd and {len(binaries.CONTROL_PLANE) - 1} more in {tmp_path}"
    assert done.stderr == f"nothing measured: {absent}: {binaries.BUILD}\n"
