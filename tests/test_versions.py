"""What the package says about versions is what is tested, and every module loads on all of them without a warning."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
import yaml

from tests.documents import ROOT
from tests.versions.__main__ import HIGHEST, LOWEST, Choice, choices
from tests.versions.pythons import supported

PROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
MODULES = sorted(
    ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for file in (ROOT / "kubectl_oom").rglob("*.py")
)


@pytest.mark.timeout(120)
def test_every_module_can_be_imported_and_none_of_them_warns() -> None:
    program = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]"
    # A library's own words about its own future are its business; ours are errors.
    warnings = ["-W", "error:::kubectl_oom"]
    done = subprocess.run(
        [sys.executable, *warnings, "-c", program, *MODULES], capture_output=True, text=True, check=False, cwd=ROOT
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_the_pythons_that_are_named_go_from_the_oldest_on_without_a_hole() -> None:
    oldest = re.search(r'requires-python = ">=3\.(\d+)"', PROJECT)

    assert oldest is not None
    assert supported() == [f"3.{minor}" for minor in range(int(oldest[1]), int(oldest[1]) + len(supported()))]
    assert f"3.{sys.version_info.minor}" in supported()


def test_the_workflow_tests_the_same_pythons_and_has_them_all_where_everything_is_tested() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))["jobs"]
    (chosen,) = [step["with"] for step in jobs["everything"]["steps"] if "setup-python" in step.get("uses", "")]

    assert jobs["fast"]["strategy"]["matrix"]["python"] == supported()
    assert set(chosen["python-version"].split()) == set(supported())


def test_both_ends_of_the_dependencies_meet_both_ends_of_the_pythons() -> None:
    assert choices(["3.10", "3.11", "3.12"]) == [
        Choice("3.10", LOWEST),
        Choice("3.10", HIGHEST),
        Choice("3.11", HIGHEST),
        Choice("3.12", LOWEST),
        Choice("3.12", HIGHEST),
    ]


def test_every_dependency_says_from_which_version_on() -> None:
    block = re.search(r"^dependencies = \[\n(.*?)^\]", PROJECT, re.MULTILINE | re.DOTALL)

    assert block is not None
    assert [line for line in block[1].splitlines() if not re.match(r' *"[\w-]+>=[\d.]+', line)] == []
