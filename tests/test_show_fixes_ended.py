"""The screens of `fix` after a change, literally: how it ended, and the way back."""

from __future__ import annotations

from dataclasses import replace

from kubectl_oom.evidence import Rolled, RolloutState
from kubectl_oom.show.fix_facts import failed
from tests.fixes import OUTCOMES, ROLLED, made, nothing, open_, plain, screen


def test_a_change_that_rolled_out_says_so_with_what_was_seen_since_and_the_way_back() -> None:
    assert screen(OUTCOMES["quiet again"]) == QUIET


QUIET = """\
deploy/api in shop: changed and rolled out
  container app
  - limits.memory: 128Mi
  + limits.memory: 512Mi
  - requests.memory: 64Mi
  + requests.memory: 256Mi
What became of it:
  - Rolled out after 42s: 2 of 2 pods run with the new size. The pods themselves
    say so.
  - Watched for 10m: no OOM kill; the highest sample was 300Mi, 59% of the
    limit.
The way back:
  kubectl oom fix deploy/api -n shop --undo --apply
The way back with kubectl alone:
  kubectl patch deployment/api -n shop --patch \\
    '{"spec":{"template":{"spec":{"containers":[{"name":"app","resources":{"li'\\
'mits":{"memory":"128Mi"},"requests":{"memory":"64Mi"}}}]}}}}'"""


def test_a_container_that_is_killed_again_is_the_first_thing_said() -> None:
    assert screen(OUTCOMES["killed again"]) == KILLED


KILLED = """\
deploy/api in shop: changed, and OOM-killed again 2 times
  container app
  - limits.memory: 128Mi
  + limits.memory: 512Mi
  - requests.memory: 64Mi
  + requests.memory: 256Mi
What became of it:
  - Rolled out after 42s: 2 of 2 pods run with the new size. The pods themselves
    say so.
  - Watched for 10m: 2 OOM kills; the highest sample was 510Mi, 99% of the
    limit.
The way back:
  kubectl oom fix deploy/api -n shop --undo --apply
The way back with kubectl alone:
  kubectl patch deployment/api -n shop --patch \\
    '{"spec":{"template":{"spec":{"containers":[{"name":"app","resources":{"li'\\
'mits":{"memory":"128Mi"},"requests":{"memory":"64Mi"}}}]}}}}'"""


def test_a_rollout_that_failed_and_was_taken_back_leaves_nothing_to_take_back() -> None:
    assert screen(OUTCOMES["taken back"]) == TAKEN_BACK


TAKEN_BACK = """\
deploy/api in shop: changed, but the rollout failed, so it was taken back
  container app
  - limits.memory: 128Mi
  + limits.memory: 512Mi
  - requests.memory: 64Mi
  + requests.memory: 256Mi
What became of it:
  - The rollout failed after 65s (1 of 2 pods updated): pod api-1 cannot be
    placed: 0/3 nodes are available: 3 Insufficient memory.
  - Next: ask for less, or add a node
  - The change was taken back: the values from before stand there again."""


def test_after_an_undo_the_change_can_be_had_again() -> None:
    assert screen(OUTCOMES["undone"]) == UNDONE


UNDONE = """\
deploy/api in shop: changed back and rolled out
  container app
  - limits.memory: 512Mi
  + limits.memory: 128M
  - requests.memory: 256Mi
What became of it:
  - Rolled out after 42s: 2 of 2 pods run with the new size. The pods themselves
    say so.
Worth knowing:
  warning decrease: The limit of app goes down from 512Mi to 122Mi.
To have the change again:
  kubectl patch deployment/api -n shop --patch \\
    '{"spec":{"template":{"spec":{"containers":[{"name":"app","resources":{"li'\\
'mits":{"memory":"512Mi"},"requests":{"memory":"256Mi"}}}]}}}}'"""


def test_a_rollout_that_failed_keeps_the_way_back() -> None:
    shown = screen(OUTCOMES["failed"]).splitlines()

    assert shown[0] == "deploy/api in shop: changed, but the rollout failed"
    assert "  - Next: ask for less, or add a node" in shown
    assert "  kubectl oom fix deploy/api -n shop --undo --apply" in shown


def test_what_takes_too_long_or_has_nothing_to_follow_is_told_as_that() -> None:
    late = Rolled(state=RolloutState.TIMED_OUT, updated=1, wanted=2, seconds=60.0, because="Not finished within 60 s.")
    later = Rolled(
        state=RolloutState.NOTHING_TO_FOLLOW, updated=0, wanted=0, seconds=0.0, because="The next run gets it."
    )

    assert screen(made(plain(), rollout=late)).splitlines()[0].endswith("changed, and the rollout is not done yet")
    assert "  - The rollout is not done after 60s (1 of 2 pods updated): Not finished within 60 s." in screen(
        made(plain(), rollout=late), width=100
    )
    assert "  - Nothing to follow: The next run gets it." in screen(made(plain(), rollout=later))
    assert not failed(made(plain(), rollout=later))


def test_pods_without_the_new_limit_are_a_failure_although_the_rollout_is_done() -> None:
    unlike = made(plain(), rollout=replace(ROLLED, verified=False))

    assert failed(unlike)
    assert screen(unlike).splitlines()[0] == "deploy/api in shop: changed, but the new pods do not have the new size"


def test_an_earlier_change_that_is_followed_to_its_end_is_told_without_a_change() -> None:
    again = replace(open_(nothing()), rollout=ROLLED)

    assert screen(again).splitlines()[:5] == [
        "deploy/api in shop: nothing to change",
        "  container app: limit 128Mi, request 64Mi",
        "What became of it:",
        "  - Rolled out after 42s: 2 of 2 pods run with the new size. The pods themselves",
        "    say so.",
    ]


def test_a_change_that_was_not_followed_says_only_that_it_was_made() -> None:
    assert screen(made(plain(), rollout=None)).splitlines()[0] == "deploy/api in shop: changed"


def test_what_was_not_reached_is_still_to_be_changed() -> None:
    shown = screen(OUTCOMES["failed"], OUTCOMES["plain"]).splitlines()

    assert shown[0] == "2 workloads: 1 changed, 1 to change, 1 went wrong"
    assert "deploy/api in shop: 1 container to change; nothing is changed yet" in shown


def test_what_failed_is_told_from_what_did_not() -> None:
    assert {name for name, outcome in OUTCOMES.items() if failed(outcome)} == {
        *("unnamed", "killed again", "failed", "taken back"),
    }
