"""The workflows build what the manifest promises, and trust no name that can be moved."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.documents import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def _read(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8"))
    return document


def _project() -> dict[str, Any]:
    tomllib = pytest.importorskip("tomllib", reason="Python 3.11 has it, and one run of this is enough")
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return project


def test_a_release_builds_and_tries_every_platform_of_the_manifest() -> None:
    manifest = yaml.safe_load((ROOT / "plugin.yaml").read_text(encoding="utf-8"))
    platforms = [platform["selector"]["matchLabels"] for platform in manifest["spec"]["platforms"]]
    job = _read("release.yml")["jobs"]["archive"]
    built = [{"os": entry["os"], "arch": entry["arch"]} for entry in job["strategy"]["matrix"]["include"]]
    commands = " ".join(step.get("run", "") for step in job["steps"])

    assert built == platforms
    assert "packaging/build.py" in commands
    assert "packaging/check.py" in commands


def test_nothing_is_published_without_a_tag_and_before_all_is_built_and_tried() -> None:
    jobs = _read("release.yml")["jobs"]
    may_write = {name for name, job in jobs.items() if "write" in job.get("permissions", {}).values()}

    assert may_write == {"publish", "pypi"}
    assert set(jobs["publish"]["needs"]) == {"archive", "wheel"}
    for name in may_write | {"krew-index"}:
        assert jobs[name]["if"].startswith("github.ref_type == 'tag'")
        assert name == "publish" or jobs[name]["needs"] == "publish"


def test_the_manifest_passes_through_the_release_bot_as_it_is() -> None:
    """The bot takes it for a template: nothing in it may look like an action of one."""
    assert "{{" not in (ROOT / "plugin.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_every_action_is_pinned_to_a_commit_and_may_read_only(file: Any) -> None:
    text = file.read_text(encoding="utf-8")
    used = re.findall(r"uses: (.*)", text)

    assert used
    assert [action for action in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", action)] == []
    assert yaml.safe_load(text)["permissions"] == {"contents": "read"}


def test_the_fast_tests_run_on_every_python_that_is_supported() -> None:
    oldest = re.search(r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    versions = _read("ci.yml")["jobs"]["fast"]["strategy"]["matrix"]["python"]

    assert oldest is not None
    assert versions[0] == oldest[1]
    assert [int(version.partition(".")[2]) for version in versions] == list(range(10, 10 + len(versions)))


def test_what_is_frozen_is_locked_with_hashes_and_nothing_is_missing() -> None:
    project = _project()
    asked = [*project["project"]["dependencies"], *project["dependency-groups"]["dist"]]
    locked = (ROOT / "packaging" / "requirements.txt").read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", locked, flags=re.MULTILINE).strip())
    pins = {block.partition("==")[0] for block in blocks}

    assert [block for block in blocks if not re.match(r"[\w-]+==[\w.]+ .*\\\n +--hash=sha256:", block)] == []
    assert {re.split(r"[<>=!]", name)[0].lower() for name in asked} <= pins


def test_the_release_uses_the_uv_that_is_locked() -> None:
    assert _project()["dependency-groups"]["lock"] == [f"uv=={_read('release.yml')['env']['UV']}"]
