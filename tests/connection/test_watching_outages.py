"""A server that pods cannot be followed at for a while, or not at all: how often it is asked, and what is said."""

from __future__ import annotations

import pytest

from kubectl_oom.read.source import ReadError
from kubectl_oom.read.watching import (
    BELIEVED_AFTER,
    FAILURES_BEFORE_A_LIST,
    LONGEST_PAUSE_SECONDS,
    POLL_SECONDS,
    POLLS,
    Listed,
    Over,
    Refused,
    Shown,
    Trouble,
)
from tests.connection.scripts import Made, event, is_pod, listed, names, plain, pod_at, refused, watch

# --- outages -------------------------------------------------------------------------------------------------------


def test_an_outage_is_told_once_and_its_end_too_with_longer_and_longer_pauses(scene: Made) -> None:
    made = scene(listed(7), *[None] * 9, watch(event("ADDED", pod_at(8))))

    reports = made.follow(is_pod("a"))

    told = [report for report in reports if isinstance(report, Trouble | Over)]
    assert [type(report) for report in told] == [Trouble, Over]
    assert isinstance(reports[-1], Shown)
    assert len(made.pauses) == 9
    assert all(early <= late * 2 for early, late in zip(made.pauses, made.pauses[1:], strict=False))
    assert max(made.pauses) <= LONGEST_PAUSE_SECONDS


def test_what_keeps_failing_at_one_version_is_listed_again(scene: Made) -> None:
    garbage = watch(b"garbage\n")
    made = scene(listed(7), *[garbage] * FAILURES_BEFORE_A_LIST, listed(9), watch(event("ADDED", pod_at(10))))

    reports = made.follow(lambda report: isinstance(report, Over))

    assert made.script.versions == [None, *["7"] * FAILURES_BEFORE_A_LIST, None, "9"]
    assert [type(report) for report in reports if isinstance(report, Trouble | Over)] == [Trouble, Over]


def test_a_server_that_answers_410_to_everything_is_not_hammered(scene: Made) -> None:
    rounds = [refused(410, "Expired"), listed(9)] * 6
    made = scene(listed(7), *rounds, watch(event("ADDED", pod_at(10))))

    made.follow(is_pod("a"))

    assert len(made.pauses) == 6
    assert made.pauses[-1] > made.pauses[0] * 4


def test_where_pods_may_be_listed_but_not_watched_they_are_listed_and_watching_is_tried_again(scene: Made) -> None:
    lists = [listed(version) for version in range(8, 8 + POLLS)]
    made = scene(listed(7), refused(403, "Forbidden"), *lists, watch(event("ADDED", pod_at(99))))

    reports = made.follow(is_pod("a"))

    (said,) = [report for report in reports if isinstance(report, Refused | Trouble | Over)]
    assert isinstance(said, Refused)
    assert said.error.status == 403
    assert made.script.versions == [None, "7", *[None] * POLLS, str(7 + POLLS)]
    assert made.pauses == [POLL_SECONDS] * POLLS


def test_a_server_that_has_just_started_and_does_not_know_its_roles_yet_is_asked_again(scene: Made) -> None:
    first, refusals = watch(event("ADDED", pod_at(8, "b"))), [refused(403, "Forbidden")] * (BELIEVED_AFTER - 1)
    made = scene(listed(7), first, *refusals, watch(event("ADDED", pod_at(9))))

    reports = made.follow(is_pod("a"))

    assert made.script.versions == [None, "7", *["8"] * BELIEVED_AFTER]  # not once a list: pods come and go between two
    assert [type(report) for report in reports if isinstance(report, Refused | Trouble | Over)] == [Trouble, Over]


def test_a_permission_that_is_taken_away_is_believed_in_the_end(scene: Made) -> None:
    first, refusals = watch(event("ADDED", pod_at(8, "b"))), [refused(403, "Forbidden")] * BELIEVED_AFTER
    made = scene(listed(7), first, *refusals, listed(20, pod_at(19)))

    reports = made.follow(is_pod("a"))

    assert [type(report) for report in reports if isinstance(report, Refused | Trouble)] == [Trouble, Refused]


def test_a_first_list_that_fails_is_the_end(scene: Made) -> None:
    made = scene(refused(403, "Forbidden"))

    with pytest.raises(ReadError) as caught:
        list(made.follower.start())

    assert (caught.value.reason, caught.value.status) == ("Forbidden", 403)


def test_a_first_list_that_expires_while_it_is_read_is_read_anew(scene: Made) -> None:
    first, second = listed(7, pod_at(5), token="next"), listed(9, pod_at(5), pod_at(8, "b"))
    made = scene(first, refused(410, "Expired"), second)

    reports = list(made.follower.start())

    assert names(reports) == ["a", "a", "b"]
    assert reports[-1] == Listed(frozenset({"a", "b"}))


def test_a_first_list_that_expires_again_and_again_is_the_end(scene: Made) -> None:
    made = scene(refused(410, "Expired"), refused(410, "Expired"))

    with pytest.raises(ReadError) as caught:
        list(made.follower.start())

    assert caught.value.status == 410


@pytest.mark.parametrize(
    "answer",
    [
        plain(200, {"items": [], "metadata": {}}),
        plain(200, {"items": 3, "metadata": {"resourceVersion": "7"}}),
        listed(7, token="again"),
    ],
)
def test_a_first_list_that_makes_no_sense_is_the_end(answer: bytes, scene: Made) -> None:
    made = scene(answer, answer)

    with pytest.raises(ReadError) as caught:
        list(made.follower.start())

    assert caught.value.reason == "BadAnswer"
