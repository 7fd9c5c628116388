"""What a watch must not miss: marks that come later than the end, containers of every kind, loops without an end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_oom.evidence import ContainerType, EndSeen
from kubectl_oom.judge.ledger import ENDS_REMEMBERED
from tests.build import ago, container, end, last_end, other, pod
from tests.test_ledger import begun, ends_of, restarted


def test_an_end_that_is_marked_only_afterwards_is_told_again_with_its_mark_and_that_once() -> None:
    ledger = begun(pod(container()))
    unmarked, marked = last_end("Error"), last_end()

    first = ledger.sees(pod(container(unmarked)), ago(299))
    later = [ledger.sees(each, ago(298)) for each in (restarted(end()), pod(container(unmarked)), restarted(end()))]

    assert ends_of(first) == [unmarked]
    assert [ends_of(found) for found in later] == [[end()], [], []]
    assert ends_of(ledger.goes(pod(container(marked)), ago(297))) == []


def test_the_mark_of_an_end_that_was_told_as_a_kill_without_it_is_no_news() -> None:
    ledger = begun(pod(container()))
    (unmarked,) = ledger.sees(pod(container(last_end("Error"))), ago(299))
    assert isinstance(unmarked, EndSeen)

    ledger.tells(unmarked)

    assert ledger.sees(restarted(end()), ago(298)) == []


def test_the_late_mark_of_an_end_of_before_the_watch_is_no_news() -> None:
    ledger = begun(restarted(end("Error", killed=1001)))

    assert ledger.sees(restarted(end(killed=1001)), ago(990)) == []


def test_the_late_mark_of_a_child_is_news_whatever_the_exit_code_was() -> None:
    ledger = begun(pod(container()))

    silent, child = (
        ledger.sees(pod(container(last_end(reason, 0))), ago(299)) for reason in ("Completed", "OOMKilled")
    )

    assert (ends_of(silent), ends_of(child)) == ([], [last_end("OOMKilled", 0)])


def test_of_a_container_that_ends_for_ever_only_so_many_ends_are_remembered() -> None:
    ledger = begun(pod(container()))
    told = [
        ledger.sees(restarted(end(container_id=f"{number:064x}"), restarts=number), ago(299))
        for number in range(1, 3 * ENDS_REMEMBERED)
    ]

    (known,) = ledger._pods["uid-of-api-0"].values()
    assert len(known.ends) == ENDS_REMEMBERED
    assert all(len(ends_of(found)) == 1 for found in told)


@given(st.lists(st.tuples(st.sampled_from(["Error", "OOMKilled"]), st.sampled_from(["sees", "goes", "listed"]))))
def test_whenever_a_mark_appears_and_vanishes_an_end_is_told_without_it_once_at_most_and_with_it_once(
    steps: list[tuple[str, str]],
) -> None:
    ledger = begun(pod(container()))
    told: list[str | None] = []
    for reason, how in steps:
        shown = pod(container(last_end(reason)))
        found = ledger.goes(shown, ago(1)) if how == "goes" else ledger.sees(shown, ago(1))
        told += [one.reason for one in ends_of(found)]
        if how == "listed":
            ledger.listed(set())

    reasons = [reason for reason, _ in steps]
    marked = ["OOMKilled"] if "OOMKilled" in reasons else []
    assert told == (["Error"] if reasons[:1] == ["Error"] else []) + marked


# --- containers of every kind ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ContainerType)
def test_containers_of_every_kind_are_watched(kind: ContainerType) -> None:
    ledger = begun(pod(container(), other("beside", type=kind)))

    found = ledger.sees(pod(container(), other("beside", None, last_end(), type=kind)), ago(299))

    assert [one.container.type for one in found if isinstance(one, EndSeen)] == [kind]


def test_a_container_that_was_added_to_a_running_pod_and_killed_at_once_is_told() -> None:
    ledger = begun(pod(container()))
    debugger = other("debugger", None, last_end(killed=10), type=ContainerType.EPHEMERAL)

    assert ends_of(ledger.sees(pod(container(), debugger), ago(9))) == [last_end(killed=10)]
