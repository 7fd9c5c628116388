"""Flags are written as for kubectl: `-n=shop`, `-A=true`, several letters in one word, off as well as on."""

from __future__ import annotations

import pytest

from tests.documents import ROOT
from tests.program import oom

NO_BOOLEAN = 'strconv.ParseBool: parsing "maybe": invalid syntax'
INCIDENT = ("--from", str(ROOT / "kubectl_oom/incidents/slow-growth.json"))
POD = "pod/slow-growth-5b7d49c456-8chg4"


@pytest.mark.parametrize(
    "words",
    [
        "list -A -o name",
        "list -A=true -o=name",
        "list -Ao=name",
        "list -Aoname",
        "list --all-namespaces=true --output=name",
        "list --all-namespaces=T --no-prometheus=0 -oname",
        "list --all-namespaces=false -A -o name",
        "list -n= -A -o name",  # the sign is the value there, and not the word after it
        "list -n=demo -o name",
        "list -A --all-namespaces=false -n demo -o name",
        "why deploy/slow-growth --namespace=demo --kubelet=false --no-logs=true -o name",
        "why deploy/slow-growth -n demo --insecure-skip-tls-verify=true -o name",
    ],
)
def test_a_flag_means_what_it_means_to_kubectl(words: str) -> None:
    ran = oom(*words.split(), *INCIDENT)

    assert (ran.code, ran.out.split()) == (0, [POD])


@pytest.mark.parametrize(
    ("words", "line", "command"),
    [
        (
            "why --all-namespaces=maybe",
            f'error: invalid argument "maybe" for "--all-namespaces" flag: {NO_BOOLEAN}',
            "why",
        ),
        ("why -Az", "Error: unknown shorthand flag: 'z' in -z", "why"),
        ("why -A=", "Error: unknown shorthand flag: '=' in -=", "why"),
        ("list -n", "Error: flag needs an argument: 'n' in -n", "list"),
        ("fix deploy/api --dry-run", "Error: flag needs an argument: --dry-run", "fix"),
    ],
)
def test_a_flag_that_makes_no_sense_is_told_with_the_help_of_its_command(words: str, line: str, command: str) -> None:
    ran = oom(*words.split())

    assert (ran.line, ran.err.splitlines()[1]) == (line, f"See 'kubectl oom {command} --help' for usage.")


@pytest.mark.parametrize(
    ("flag", "of_a_kill", "of_trouble"),
    [("--exit-code", 1, 2), ("--exit-code=true", 1, 2), ("--exit-code=false", 0, 1)],
)
def test_the_exit_code_is_the_answer_where_that_is_switched_on(flag: str, of_a_kill: int, of_trouble: int) -> None:
    assert oom("list", "-n", "demo", flag, *INCIDENT).code == of_a_kill
    assert oom("list", "-n", "demo", flag, "--from", "nothing-there.json").code == of_trouble


def test_what_was_switched_off_is_not_said_again() -> None:
    flags = ("--in-place=false", "--kubelet=false", "--limit=256Mi")
    ran = oom("fix", "deploy/slow-growth", "-n", "demo", *flags, *INCIDENT)

    assert "kubectl oom fix deploy/slow-growth -n demo --limit 256Mi --no-kubelet --apply" in " ".join(
        ran.out.replace("\\\n", " ").split()
    )


@pytest.mark.parametrize(
    "words",
    [
        "history deploy/slow-growth --since 99999999d",
        "recommend deploy/slow-growth --since 100000000000000h",
        "fix deploy/slow-growth --timeout 99999999999999999999s",
        f"list -A --since {'9' * 5000}w",
    ],
)
def test_a_time_that_no_calendar_has_is_refused_in_one_line(words: str) -> None:
    duration = words.rpartition(" ")[2]

    assert oom(*words.split(), "-n", "demo", *INCIDENT).line == f'error: invalid duration "{duration}"'


def test_a_hyphen_alone_is_a_word_and_no_flag() -> None:
    assert oom("alerts", "--check", "-").line.startswith("error: -: ")  # standard input was read, and holds nothing
