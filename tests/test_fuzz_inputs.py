"""What else is read from outside: snapshots, rule files, kubeconfigs, flags, the environment, watches, completion."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_oom.cli.complete import complete
from tests.connection.servers import unused_port
from tests.fuzz_cluster import DAMAGES, MEANT_FOR_OTHERS, QUANTITIES, STEERING, Cluster, Damage, objects
from tests.fuzz_runs import assert_orderly, captured, said, steering
from tests.junk import mangled
from tests.program import oom
from tests.replay import INCIDENTS, Page, served
from tests.test_fuzz_commands import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kubectl_oom.read.source import Json

pytestmark = pytest.mark.timeout(300)

some = settings(max_examples=2 * EXAMPLES)
RECORDED = (INCIDENTS / "slow-growth.json").read_text(encoding="utf-8")
OF_A_SNAPSHOT = {
    "why": ("text", "wide", "json", "markdown"),
    "history": ("text", "json", "svg"),
    "recommend": ("text", "wide", "csv", "markdown"),
    "fix": ("text", "patch", "kustomize"),
    "report": ("markdown", "html", "json"),
    "list": ("text", "wide", "yaml", "name"),
}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "file"


def _damaged(text: str, damages: list[Damage]) -> bytes:
    page = Page(text)
    for damage in damages:
        page = damage.of(page)
    return page.body.encode() if isinstance(page.body, str) else page.body


@pytest.mark.parametrize("command", OF_A_SNAPSHOT)
def test_any_snapshot_is_answered_or_refused_in_words_by(command: str, file: Path) -> None:
    @settings(max_examples=EXAMPLES)
    @given(damages=DAMAGES, form=st.sampled_from(OF_A_SNAPSHOT[command]), is_terminal=st.booleans())
    def check(damages: list[Damage], form: str, *, is_terminal: bool) -> None:
        file.write_bytes(_damaged(RECORDED, damages))
        target = ["-n", "demo"] if command == "list" else ["deploy/slow-growth", "-n", "demo"]

        assert_orderly(said([command, *target, "--from", str(file), "-o", form], is_terminal=is_terminal))

    check()


RULES = json.dumps({"groups": objects()["prometheusrules.monitoring.coreos.com"][0]["spec"]["groups"]})


@some
@given(damages=DAMAGES, form=st.sampled_from(["text", "json", "yaml"]))
def test_any_rule_file_is_checked_or_refused_in_words(file: Path, damages: list[Damage], form: str) -> None:
    file.write_bytes(_damaged(RULES, damages))

    assert_orderly(said(["alerts", "--check", str(file), "-o", form]))


KUBECONFIG: Json = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "here",
    "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}],
    "clusters": [{"name": "c", "cluster": {"insecure-skip-tls-verify": True, "disable-compression": False}}],
    "users": [{"name": "u", "user": {"username": "me", "password": "x", "as": "you", "as-user-extra": {"a": ["b"]}}}],
}


@some
@given(config=mangled(KUBECONFIG), cut=st.none() | st.integers(0, 400))
def test_any_kubeconfig_is_used_or_refused_in_words(file: Path, config: Json, cut: int | None) -> None:
    file.write_text(json.dumps(config)[:cut], encoding="utf-8")
    # The address is ours, whatever the file says: nobody else is to be asked.
    nobody = f"http://127.0.0.1:{unused_port()}"

    ran = said(["why", "pod/api-0", "--kubeconfig", str(file), "-s", nobody, "--no-prometheus"])

    assert_orderly(ran)
    assert ran.code == 1


# --- flags and the environment ---------------------------------------------------------------------------------------


def is_handed_on(text: str) -> bool:
    """Whether a shell can: anything but NUL, and of half pairs those that stand for bytes that are no UTF-8."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


TEXTS = (
    st.sampled_from([text for text in (*STEERING, *MEANT_FOR_OTHERS, *QUANTITIES) if is_handed_on(text)])
    | st.text(max_size=12).filter(is_handed_on)
    | st.sampled_from(["-1", "0", "1e9", "5m", "99999999999999999999d", "\udcff", "--", "-", "a=b", "a,b", "x/y/z"])
)
FLAGS = (
    *("-n", "-l", "-c", "-o", "--width", "--since", "--now", "--profile", "--headroom", "--target-qos", "--class"),
    *("--ram-price", "--limit", "--request", "--timeout", "--watch-for", "--dry-run", "--contexts", "--sort-by"),
    *("--window", "--group-name", "--label", "--namespace-selector", "--prometheus-label", "--request-timeout"),
    *("--height", "--every", "--context", "--token", "--as", "--nonsense", "--prometheus-header"),
)
VARIABLES = ("KUBECTL_OOM_RAM_PRICE", "COLUMNS", "TERM", "NO_COLOR", "LANG", "KUBECONFIG", "HOME")
RECORDING = ["-n", "demo", "--from", str(INCIDENTS / "slow-growth.json")]


@some
@given(
    command=st.sampled_from([*OF_A_SNAPSHOT, "alerts", "doctor", "snapshot", "version"]),
    words=st.lists(TEXTS.filter(lambda text: not text.startswith("-")), max_size=2),
    flags=st.lists(st.tuples(st.sampled_from(FLAGS), TEXTS), max_size=3),
    environment=st.dictionaries(st.sampled_from(VARIABLES), TEXTS, max_size=2),
)
def test_any_words_flags_and_environment_are_understood_or_refused(
    command: str, words: list[str], flags: list[tuple[str, str]], environment: dict[str, str]
) -> None:
    where = RECORDING if command in OF_A_SNAPSHOT else ["-s", f"http://127.0.0.1:{unused_port()}"]
    target = words or (["deploy/slow-growth"] if command in OF_A_SNAPSHOT and command != "list" else [])
    with patch.dict(os.environ, environment):
        ran = said([command, *target, *(word for pair in flags for word in pair), *where])

    assert_orderly(ran)


# --- watches and completion ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster() -> Iterator[tuple[Cluster, str]]:
    held = Cluster(None)
    with served(held) as server:
        yield held, server.url


@settings(max_examples=EXAMPLES // 2)  # each is a program of its own
@given(damages=DAMAGES, form=st.sampled_from(["text", "json"]))
def test_a_watch_goes_on_whatever_it_is_shown(cluster: tuple[Cluster, str], damages: list[Damage], form: str) -> None:
    held, url = cluster
    held.damages = damages

    words = ("--since", "7d", "--for", "300ms", "--request-timeout=2s", "--no-prometheus", "-o", form)
    ran = oom("watch", "-n", "shop", "-s", url, *words)

    assert ran.code in (0, 1)
    assert "Traceback" not in ran.err
    assert (steering(ran.out), steering(ran.err)) == ({}, {})
    if form == "json":
        assert all(json.loads(line)["kind"] for line in ran.out.splitlines())


@some
@given(
    damages=DAMAGES,
    before=st.sampled_from(
        [["why"], ["why", "pod/api-0", "-c"], ["why", "-n"], ["fix", "deploy"], ["history", "pod"], []]
    ),
    begun=TEXTS | st.sampled_from(["", "api", "pod/", "deploy/a"]),
)
def test_completion_answers_whatever_it_is_told(
    cluster: tuple[Cluster, str], damages: list[Damage], before: list[str], begun: str
) -> None:
    held, url = cluster
    held.damages = damages
    flags = ["-s", url] + ([] if "-n" in before else ["-n", "shop"])
    words: list[Any] = [*before[:1], *(flags if before else []), *before[1:], begun]

    out, code = captured(lambda: complete(words))

    assert code == 0
    assert out.rpartition("\n:")[2].strip().isdigit() or out.startswith(":")
    assert steering(out) == {}
