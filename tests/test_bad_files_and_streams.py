"""What the tool makes of files that are no snapshots, of streams that are gone, and of Ctrl-C."""

from __future__ import annotations

import contextlib
import copy
import gzip
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_oom.cli.files import write_whole
from kubectl_oom.cli.run import run
from kubectl_oom.errors import OomError
from kubectl_oom.read import replay
from tests.program import DEADLINE_SECONDS, ENVIRONMENT, oom
from tests.replay import INCIDENTS, Hangs, served

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(120)

RECORDING = INCIDENTS / "memory-volume.json"
TARGET = ["deploy/memory-volume", "-n", "demo"]
NESTED = "[" * 200_000
AT_ONCE_SECONDS = 10.0  # for a program to end: a request may take 15 s


# --- snapshots ---------------------------------------------------------------------------------------------------------

RECORDED = json.loads(RECORDING.read_text())


def with_a_sample_of(value: float) -> str:
    """The recording, with another number in place of its first sample of memory."""
    changed = copy.deepcopy(RECORDED)
    history = next(one["answer"] for one in changed["answers"] if one["ask"] == "history")
    history["lives"][0]["working_set"][0][1] = value
    return json.dumps(changed)


FILES = {
    "empty": ("", "is not a snapshot: it is not JSON"),
    "text": ("hello", "is not a snapshot: it is not JSON"),
    "truncated": (RECORDING.read_text()[:5000], "is not a snapshot: it is not JSON"),
    "nested without end": (NESTED, "is not a snapshot: it is not JSON"),
    "a list of JSON": ("[]", "is not a snapshot of kubectl oom"),
    "kubectl's own": ('{"apiVersion": "v1", "kind": "List", "items": []}', "is not a snapshot of kubectl oom"),
    "of another version": (
        json.dumps(RECORDED | {"apiVersion": "kubectl-oom/v9"}),
        "is a snapshot of version kubectl-oom/v9, this is kubectl-oom/v1",
    ),
    "without its time": (
        json.dumps(RECORDED | {"takenAt": "yesterday"}),
        "is a damaged snapshot: it does not say when it was taken",
    ),
    "without its objects": (json.dumps(RECORDED | {"objects": None}), "is a damaged snapshot: "),
    "with more than any memory": (with_a_sample_of(10**400), "is a damaged snapshot: ValueError at a number that is"),
    "with memory without end": (with_a_sample_of(float("inf")), "is a damaged snapshot: "),
    "with other answers": (json.dumps(RECORDED | {"answers": [5]}), "is a damaged snapshot: "),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_is_no_snapshot_is_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    content, why = FILES[kind]
    file = tmp_path / "evidence.json"
    file.write_text(content)

    ran = oom("why", *TARGET, "--from", str(file))

    assert ran.line.startswith(f"error: {file} {why}")


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "with gzip"])
@pytest.mark.parametrize("piped", [False, True], ids=["a file", "standard input"])
def test_a_snapshot_is_read_from_a_file_or_a_pipe_compressed_or_not(
    tmp_path: Path,
    packed: bool,  # noqa: FBT001 - a table
    piped: bool,  # noqa: FBT001 - a table
) -> None:
    file = tmp_path / "evidence"
    file.write_bytes(gzip.compress(RECORDING.read_bytes()) if packed else RECORDING.read_bytes())
    with file.open("rb") as content:
        source = ("-", {"stdin": content}) if piped else (str(file), {})
        ran = oom("why", *TARGET, "--from", source[0], **source[1])

    assert (ran.code, ran.out, ran.err) == (0, oom("why", *TARGET, "--from", str(RECORDING)).out, "")


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(RECORDING.read_bytes())[:2000],
        gzip.compress(b"hello"),
        b"\x1f\x8b and nothing of the kind",
    ],
    ids=["cut short", "text", "damaged"],
)
def test_a_compressed_file_that_is_no_snapshot_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "evidence.json.gz"
    file.write_bytes(content)

    assert oom("why", *TARGET, "--from", str(file)).line == f"error: {file} is not a snapshot: it is not JSON"


def test_a_compressed_file_is_not_unpacked_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "LARGEST_UNPACKED_BYTES", len(RECORDING.read_bytes()) - 1)
    file = tmp_path / "evidence.json.gz"
    file.write_bytes(gzip.compress(RECORDING.read_bytes()))

    with pytest.raises(OomError, match="is not a snapshot"):
        replay.load(str(file))


@pytest.mark.parametrize(
    ("name", "why"), [("nothing-here", "No such file or directory"), (".", "Is a directory")], ids=["missing", "folder"]
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, why: str) -> None:
    assert oom("why", "--from", str(tmp_path / name), "x").line == f"error: {why}: {tmp_path / name}"


def test_what_a_snapshot_does_not_hold_is_not_said_to_be_absent() -> None:
    ran = oom("why", "deploy/other", "-n", "demo", "--from", str(RECORDING))

    assert ran.line == 'error: deployments.apps "other" is not in the snapshot'


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a document."""
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(inner, (*path, key))


PLACES = [path for path in _places({key: RECORDED[key] for key in ("objects", "scopes")}) if path]
JUNK: tuple[Any, ...] = (
    None,
    True,
    -1,
    1e308,
    10**30,
    "",
    "\x1b[31m",
    "9999-12-31T23:59:59Z",
    "-5Mi",
    [],
    [None],
    {},
    {"name": "x"},
)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged") / "evidence.json"


@settings(max_examples=200, deadline=None)
@given(
    place=st.sampled_from(PLACES),
    junk=st.sampled_from(JUNK),
    form=st.sampled_from(["text", "wide", "json", "yaml", "markdown", "name"]),
)
def test_whatever_an_object_holds_there_is_an_answer_or_a_line(
    scratch: Path, place: tuple[Any, ...], junk: Any, form: str
) -> None:
    damaged = copy.deepcopy(RECORDED)
    holder = damaged
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = junk
    scratch.write_text(json.dumps(damaged))

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(["why", *TARGET, "-o", form, "--from", str(scratch)])

    assert code in (0, 1)
    assert code == 0 or not out.getvalue()
    assert len(err.getvalue().splitlines()) <= 2
    assert "\x1b" not in out.getvalue() + err.getvalue()


# --- streams and signals -----------------------------------------------------------------------------------------------

FROM_FILE = [*TARGET, "--from", str(RECORDING)]


def test_what_is_no_file_is_written_to_and_stays_what_it_is(tmp_path: Path) -> None:
    pipe, link, file = tmp_path / "pipe", tmp_path / "link", tmp_path / "file"
    os.mkfifo(pipe)
    file.write_text("old")
    link.symlink_to(file)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    try:
        for place in (pipe, link):
            write_whole(place, "new")
        assert os.read(reader, 99) == b"new"
    finally:
        os.close(reader)

    assert (pipe.is_fifo(), link.is_symlink()) == (True, True)
    assert file.read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "link", "pipe"]


def test_a_reader_that_has_gone_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    ran = oom("why", *FROM_FILE, stdout=write)
    os.close(write)

    assert ran.err == ""


def test_head_takes_its_line_and_nobody_complains() -> None:
    piped = f'"{sys.executable}" -m kubectl_oom why {" ".join(FROM_FILE)} -o json | head -1'
    done = subprocess.run(
        ["sh", "-c", piped], capture_output=True, text=True, check=True, timeout=DEADLINE_SECONDS, env=ENVIRONMENT
    )

    assert (done.stdout, done.stderr) == ("{\n", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full on this system")
def test_a_full_disk_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        ran = oom("why", *FROM_FILE, stdout=full)

    assert ran.line == "error: standard output: No space left on device"


def test_a_closed_output_is_one_line() -> None:
    shell = ["sh", "-c", f'exec "{sys.executable}" -m kubectl_oom why {" ".join(FROM_FILE)} >&-']
    done = subprocess.run(shell, capture_output=True, text=True, check=False, timeout=DEADLINE_SECONDS, env=ENVIRONMENT)

    assert (done.returncode, done.stderr) == (1, "error: standard output is closed\n")


@pytest.mark.parametrize("word", ["", "/events"], ids=["at the first question", "with several questions under way"])
def test_ctrl_c_ends_it_at_once_and_without_a_traceback(word: str) -> None:
    # A parent that ignores SIGINT, as a shell's background job does, hands that down: Python would then never see it.
    listening = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.executable, sys.argv[1:])"
    )
    command = [sys.executable, "-m", "kubectl_oom", "why", *TARGET]
    with served(RECORDING, {word: Hangs()}) as server:
        process = subprocess.Popen(
            [sys.executable, "-c", listening, *command, "-s", server.url],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
        )
        assert server.hanging.wait(DEADLINE_SECONDS)
        pressed = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=DEADLINE_SECONDS)

    assert (process.returncode, out, err.strip()) == (130, "", "")
    assert time.monotonic() - pressed < AT_ONCE_SECONDS
