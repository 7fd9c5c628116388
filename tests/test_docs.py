"""Documents that cannot lie: what they show is run, what they list is compared with the code."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from kubectl_oom.cli import run as cli_run
from kubectl_oom.cli.group import COMMANDS
from kubectl_oom.evidence import Confidence, Verdict
from kubectl_oom.judge import fullness, kill_events, samples, scope, surroundings
from kubectl_oom.read.gaps import CLUSTER_ROLE, PERMISSIONS
from kubectl_oom.read.settings import HEAP_AND_WORKER_SETTINGS
from kubectl_oom.show.proposal_csv import COLUMNS
from tests.documents import DOCS, ROOT, blocks, is_update, name_of, pages, prose, text_of, with_blocks, with_generated

PAGES = pages()
INCIDENTS = sorted((ROOT / "kubectl_oom" / "incidents").glob("*.json"))
LARGEST_INCIDENT = 200 * 1024  # they travel in every wheel
WIDEST_LINE = 120  # written to 100; a link or a term may stick out
# Pages with blocks that cannot be run without a cluster, and how many.
NEEDS_A_CLUSTER = {
    "docs/commands/doctor.md": 1,
    "docs/commands/fix.md": 1,
    "docs/commands/snapshot.md": 1,
    "docs/commands/watch.md": 1,
}
UPDATE = "write the documents anew with: UPDATE_DOCS=1 make test ARGS=tests/test_docs.py"


def _headings(page: str) -> list[str]:
    """The terms that a page explains under a heading of their own: ### `term`."""
    return re.findall(r"^#{2,4} `([^`]+)`", text_of(page), re.MULTILINE)


# --- what is shown -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_shown_prints_what_is_shown(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    if is_update():
        page.write_text(with_blocks(text), encoding="utf-8")

    assert with_blocks(text) == page.read_text(encoding="utf-8"), UPDATE


def test_only_what_needs_a_cluster_is_not_run() -> None:
    counted = {
        name_of(page): sum(block.is_illustrative for block in blocks(page.read_text(encoding="utf-8")))
        for page in PAGES
    }

    assert {name: count for name, count in counted.items() if count} == NEEDS_A_CLUSTER


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_link_leads_nowhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = [target.partition("#")[0] for target in re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", text)]

    assert [target for target in targets if target and not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_line_of_prose_is_too_wide_to_read(page: Path) -> None:
    lines = prose(page.read_text(encoding="utf-8"))

    assert [line for line in lines if len(line) > WIDEST_LINE and "](http" not in line] == []


# --- what is listed ------------------------------------------------------------------------------------------------


def _command(name: str) -> click.Command:
    command: click.Command = import_module(f"kubectl_oom.cli.{name}").command
    return command


def _flag_rows(command: click.Command) -> list[str]:
    """The flags of a command as a table, in the order of its help."""
    rows = ["| Flag | Meaning |", "| --- | --- |"]
    for option in command.params:
        if isinstance(option, click.Option) and not option.hidden:
            takes_value = not option.is_flag
            names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
            number = isinstance(option.type, click.types.IntParamType)
            value = f" {'N' if number else option.metavar or option.type.name.upper()}" if takes_value else ""
            rows.append(f"| {names}{value} | {option.help} |")
    return [*rows, "| `-h`, `--help` | Show the help and exit |"]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_page_with_all_its_flags(name: str) -> None:
    page = DOCS / "commands" / f"{name}.md"
    text = page.read_text(encoding="utf-8")
    fresh = with_generated(text, "flags", _flag_rows(_command(name)))
    if is_update():
        page.write_text(fresh, encoding="utf-8")

    assert page.read_text(encoding="utf-8") == fresh, UPDATE
    assert {file.stem for file in (DOCS / "commands").glob("*.md")} == set(COMMANDS)


def test_the_readme_lists_every_command() -> None:
    listed = re.findall(
        r"^\| \[`(\w+)`\]\(docs/commands/", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )

    assert listed == list(COMMANDS)


def test_every_verdict_is_explained_and_no_other() -> None:
    assert _headings("verdicts.md") == [verdict.value for verdict in Verdict]


def test_every_confidence_is_defined() -> None:
    defined = re.findall(r"^\| `(\w+)` \|", text_of("verdicts.md"), re.MULTILINE)

    assert defined == [confidence.value for confidence in Confidence]


def test_the_numbers_among_the_verdicts_are_those_of_the_rules() -> None:
    text = " ".join(text_of("verdicts.md").split())

    assert f"a sample of {fullness.AT_THE_LIMIT:.0%}".replace("%", " %") in text
    assert f"the last {samples.LAST_MOMENTS.seconds} seconds of a life" in text
    assert f"at most {fullness.HAD_ROOM:.0%}".replace("%", " %") in text
    assert f"from {fullness.WAS_FULL:.0%}".replace("%", " %") in text
    assert f"within {surroundings.NODE_SAMPLE_WINDOW.seconds} seconds of the kill" in text
    assert f"used at most {fullness.MOSTLY_ELSEWHERE:.0%}".replace("%", " %") in text
    assert f"died within {scope.DIED_AT_ONCE_SECONDS} seconds" in text
    assert f"the grace period and {kill_events.STOP_SLACK.seconds} seconds" in text
    assert f"event fits within {surroundings.NODE_OOM_WINDOW.seconds} seconds" in text
    assert f"within {surroundings.REPLAY_WINDOW.seconds // 60} minutes after a kubelet start" in text


def _findings_in_the_source() -> dict[str, set[str]]:
    """Each finding's code with its severities, from every place that makes one."""
    found: dict[str, set[str]] = {}
    for file in sorted((ROOT / "kubectl_oom").rglob("*.py")):
        module = ast.parse(file.read_text(encoding="utf-8"))
        for function in (node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)):
            for call in _calls(function, "Finding"):
                given = {keyword.arg: keyword.value for keyword in call.keywords}
                severity = ast.unparse(given["severity"]).removeprefix("Severity.").lower()
                for code in _codes(given["code"], function, module):
                    found.setdefault(code, set()).add(severity)
    return found


def _codes(given: ast.expr, function: ast.FunctionDef, module: ast.Module) -> list[str]:
    """The code itself; where it is a parameter of the function, what the function is called with."""
    if not isinstance(given, ast.Name):
        return [ast.literal_eval(given)]
    place = [argument.arg for argument in function.args.args].index(given.id)
    return [ast.literal_eval(call.args[place]) for call in _calls(module, function.name)]


def _calls(tree: ast.AST, name: str) -> list[ast.Call]:
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == name]


def test_every_finding_is_explained_and_no_other() -> None:
    explained = re.findall(r"^### `([\w-]+)` \(([\w, ]+)\)$", text_of("findings.md"), re.MULTILINE)

    assert {code: set(severities.split(", ")) for code, severities in explained} == _findings_in_the_source()
    assert len(explained) == len(_headings("findings.md"))


def test_every_exit_code_is_listed_and_no_other() -> None:
    listed = [int(code) for code in re.findall(r"^\| (\d+) \|", text_of("exit-codes.md"), re.MULTILINE)]
    codes = {value for name, value in vars(cli_run).items() if name.isupper() and isinstance(value, int)}

    assert listed == sorted({0, *codes})


def test_every_recorded_setting_is_named() -> None:
    named = set(re.findall(r"`([\w]+)`", text_of("snapshot.md")))

    assert named >= HEAP_AND_WORKER_SETTINGS


# --- permissions ---------------------------------------------------------------------------------------------------


def _granted() -> set[tuple[str, str, str]]:
    role = yaml.safe_load((ROOT / CLUSTER_ROLE).read_text(encoding="utf-8"))
    return {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


@pytest.mark.parametrize("source", PERMISSIONS)
def test_the_cluster_role_grants_what_every_source_needs(source: str) -> None:
    groups, resources, verbs = (text.split(",") for text in PERMISSIONS[source])
    granted = _granted()
    needed = _pairs(resources, verbs)

    assert [
        f"{verb} {resource}"
        for resource, verb in needed
        if not any((group, resource, verb) in granted for group in groups)
    ] == []


def _pairs(resources: list[str], verbs: list[str]) -> list[tuple[str, str]]:
    """Resource and verb: every verb on each, or one verb per resource where a Service is listed and its proxy read."""
    if "services/proxy" in resources:
        return list(zip(resources, verbs, strict=True))
    return [(resource, verb) for resource in resources for verb in verbs]


def test_the_cluster_role_can_only_read() -> None:
    assert {verb for _, _, verb in _granted()} <= {"get", "list", "watch"}


def test_every_source_and_every_rule_has_its_row_among_the_permissions() -> None:
    rows = re.findall(r"^\| ([^|`]+) \| (`[^|]+) \|", text_of("permissions.md"), re.MULTILINE)
    resources = {resource for _, cell in rows for resource in re.findall(r"`([^`]+)`", cell)}

    assert {source.strip() for source, _ in rows} == set(PERMISSIONS)
    assert {resource for _, resource, _ in _granted()} <= resources


# --- JSON ----------------------------------------------------------------------------------------------------------


def _undescribed(name: str, schema: dict[str, Any], definitions: dict[str, Any]) -> list[str]:
    """The fields of a schema that nothing describes: neither they themselves nor the definition they refer to."""
    found = []
    for field, its in schema.get("properties", {}).items():
        references = [its.get("$ref"), *(choice.get("$ref") for choice in its.get("oneOf", ()))]
        referred = [definitions[reference.rpartition("/")[2]] for reference in references if reference]
        if "const" not in its and not any(described.get("description") for described in (its, *referred)):
            found.append(f"{name}.{field}")
        found += _undescribed(f"{name}.{field}", its, definitions)
        found += _undescribed(f"{name}.{field}[]", its.get("items", {}), definitions)
    return found


def test_every_json_field_is_described() -> None:
    definitions = json.loads(text_of("schema.json"))["$defs"]

    assert [field for name, schema in definitions.items() for field in _undescribed(name, schema, definitions)] == []


def test_every_column_of_csv_is_explained() -> None:
    page = DOCS / "commands" / "recommend.md"
    text = page.read_text(encoding="utf-8")
    rows = [f"| `{name}` | {field.meaning} |" for name, field in COLUMNS.items()]
    fresh = with_generated(text, "csv columns", ["| Column | Holds |", "| --- | --- |", *rows])
    if is_update():
        page.write_text(fresh, encoding="utf-8")

    assert page.read_text(encoding="utf-8") == fresh, UPDATE


# --- the krew manifest ---------------------------------------------------------------------------------------------


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


# --- incidents, and what is nobody's business ------------------------------------------------------------------------


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
