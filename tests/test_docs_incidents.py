"""The recordings that ship are small and hold no secret, and no file of the project tells of somebody's machine."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.documents import ROOT, name_of

INCIDENTS = sorted((ROOT / "kubectl_oom" / "incidents").glob("*.json"))
LARGEST_INCIDENT = 200 * 1024  # they travel in every wheel


def test_the_bundled_incidents_are_small_recordings() -> None:
    assert {file.stem for file in INCIDENTS} == {"slow-growth", "child-kill", "probe-kill", "memory-volume"}
    assert [file.name for file in INCIDENTS if file.stat().st_size > LARGEST_INCIDENT] == []


@pytest.mark.parametrize("file", INCIDENTS, ids=lambda file: file.stem)
def test_an_incident_tells_of_no_machine_and_holds_no_secret(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    recorded = json.loads(text)
    addresses = set(re.findall(r"https?://[^\s\"/]+", text))
    told = re.compile(r"machineID|systemUUID|bootID|Bearer|eyJ[\w-]{10}|BEGIN [A-Z ]+-----|/(root|home)/|/tmp/kubectl")

    assert recorded["kind"] == "Snapshot"
    assert told.findall(text) == []
    # The test node's own addresses, which nobody else can reach, and a page that a kubelet's event points to.
    harmless = re.compile(r"https?://(?:(?:127\.0\.0\.1|10\.88\.77\.1):\d+|git\.k8s\.io)")
    assert [address for address in addresses if not harmless.fullmatch(address)] == []


def _project_files() -> list[Path]:
    """What a commit of the working tree would hold."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=60,
    ).stdout.decode()
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    places = [str(ROOT), str(Path.home())]
    own = [re.escape(place) for place in places if place.count("/") > 1]
    private = re.compile("|".join([*own, r"(?<![\w.])/(?:(?:home|Users)/[a-z]+|root|work)/", r"[A-Z]:\\Users\\"]))

    found = {
        name_of(file): sorted(set(private.findall(file.read_text(encoding="utf-8", errors="replace"))))
        for file in _project_files()
        if file != Path(__file__)
    }

    assert {name: places for name, places in found.items() if places} == {}
