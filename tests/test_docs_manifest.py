"""The krew manifest is one that krew takes, and the versions in the files are one version."""

from __future__ import annotations

import re
from typing import Any

import yaml

from tests.documents import ROOT


def _manifest() -> dict[str, Any]:
    manifest: dict[str, Any] = yaml.safe_load((ROOT / "plugin.yaml").read_text(encoding="utf-8"))
    return manifest


def test_the_krew_manifest_has_what_krew_asks_for() -> None:
    manifest = _manifest()
    spec = manifest["spec"]

    assert manifest["apiVersion"] == "krew.googlecontainertools.github.com/v1alpha2"
    assert manifest["kind"] == "Plugin"
    assert manifest["metadata"]["name"] == "oom"
    assert re.fullmatch(r"v\d+\.\d+\.\d+(-[\w.]+)?", spec["version"])
    assert 0 < len(spec["shortDescription"]) <= 50
    assert spec["homepage"].startswith("https://")
    assert max(map(len, spec["description"].splitlines())) <= 80


def test_the_krew_manifest_does_not_hide_what_can_write() -> None:
    description = " ".join(_manifest()["spec"]["description"].split())

    assert "Only `kubectl oom fix --apply` changes anything in the cluster." in description
    assert "writes nothing" not in description


def test_a_package_index_leads_to_the_sources() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    urls = re.findall(r'^\w+ = "(https://[^"]+)"$', project.partition("[project.urls]")[2], re.MULTILINE)
    home = _manifest()["spec"]["homepage"]

    assert urls[0] == home
    pages = [url.removeprefix(f"{home}/blob/main/") for url in urls if "/blob/main/" in url]
    assert pages
    assert [page for page in pages if not (ROOT / page).is_file()] == []


def test_the_krew_manifest_serves_each_platform_once() -> None:
    platforms = {
        (p["selector"]["matchLabels"]["os"], p["selector"]["matchLabels"]["arch"]): p
        for p in _manifest()["spec"]["platforms"]
    }

    assert set(platforms) == {(os, arch) for os in ("linux", "darwin", "windows") for arch in ("amd64", "arm64")}
    for (system, arch), platform in platforms.items():
        assert platform["bin"] == ("kubectl-oom.exe" if system == "windows" else "kubectl-oom")
        assert platform["uri"].endswith(f"/{_manifest()['spec']['version']}/oom_{system}_{arch}.tar.gz")
        assert re.fullmatch(r"[0-9a-f]{64}", platform["sha256"])
        assert "files" not in platform  # everything in the archive, the licence too


def test_the_changelog_tells_of_the_version_in_the_code() -> None:
    from kubectl_oom import __version__

    sections = re.findall(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert sections[0] in (__version__, "Unreleased")
    assert __version__ in sections
    assert _manifest()["spec"]["version"] == f"v{__version__}"
