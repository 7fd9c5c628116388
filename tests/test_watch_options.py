"""What `watch` refuses before it asks anybody, in kubectl's words."""

from __future__ import annotations

import pytest

from tests.program import oom


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (
            ("-o", "yaml"),
            'error: unable to match a printer suitable for the output format "yaml", allowed formats are: json,text',
        ),
        (("--for", "0s"), "error: --for must be longer than nothing"),
        (("--for", "soon"), 'error: invalid duration "soon"'),
        (("--interval", "0"), 'error: invalid duration "0"'),
        (("--since", "x"), 'error: invalid duration "x"'),
        (("--exec", "no-such-program"), "error: --exec: no-such-program: not found, or not executable"),
        (("-n", "a/b"), "error: invalid namespace \"a/b\": [may not contain '/']"),
        (("pod/x",), "error: got unexpected extra argument (pod/x)"),
        (("--from", "x.json"), "Error: unknown flag: --from"),
    ],
)
def test_what_cannot_be_meant_is_refused(args: tuple[str, ...], line: str) -> None:
    assert oom("watch", *args).line == line


def test_without_a_cluster_it_says_so_and_ends() -> None:
    ran = oom("watch", "-A", "--server", "http://127.0.0.1:1")

    assert ran.line == "The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?"
