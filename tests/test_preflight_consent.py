"""Sizes that are only applied when the user agrees, or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubectl_oom.evidence import Band, ContainerType, Saved, Severity
from kubectl_oom.judge.fixing import FixAsked, undo_plan_of
from kubectl_oom.judge.preflight import preflight
from tests.build import MI
from tests.preflights import by_hand, check, facts, found, planned, pod_with, proposal, written
from tests.room import app, room

DAY = 86_400
LOW = {"confidence": Band.LOW, "confidence_reason": "one day was seen."}
ACCEPTED = FixAsked(accept_low_confidence=True)


def test_a_sound_size_of_a_harmless_workload_has_no_checks() -> None:
    plan = planned()

    assert plan.changes
    assert plan.preflight == ()


def test_a_size_of_low_confidence_blocks_until_it_is_accepted() -> None:
    unsure = proposal(size=LOW)

    assert found(planned(None, unsure)) == {"low-confidence": True}
    assert found(planned(None, unsure, asked=ACCEPTED)) == {"low-confidence": False}
    assert check(planned(None, unsure), "low-confidence").message == (
        "The size of app has low confidence: one day was seen."
    )


def test_a_leak_blocks_until_it_is_accepted_and_says_how_long_the_size_lasts() -> None:
    leak = proposal(size={"leaks": True, "lasts_seconds": 5.0 * DAY})

    assert found(planned(None, leak)) == {"leak": True}
    assert found(planned(None, leak, asked=ACCEPTED)) == {"leak": False}
    assert "(after about 5 days)" in check(planned(None, leak), "leak").message


def test_a_size_by_hand_is_the_users_own_word() -> None:
    unsure = proposal(size=LOW | {"leaks": True})

    assert found(planned(None, unsure, asked=by_hand(512, 256))) == {"leak": False}


def test_a_lower_limit_blocks_until_it_is_allowed() -> None:
    assert found(planned(asked=by_hand(100))) == {"decrease": True}
    assert found(planned(asked=by_hand(100, allow_decrease=True))) == {"decrease": False}
    assert found(planned(asked=by_hand(128, 32))) == {}


def test_a_limit_below_the_default_of_a_limit_range_is_a_decrease() -> None:
    bare = facts(written=(written(limit=None),))
    defaulted = pod_with(app(64, 256, limit_defaulted=True))

    assert found(planned(bare, pods=defaulted, asked=by_hand(128))) == {
        "decrease": True,
        "limit-from-limit-range": False,
    }


def test_a_first_limit_is_said() -> None:
    bare = facts(written=(written(limit=None),))
    plan = planned(bare, pods=pod_with(app(64, None)), asked=by_hand(512))

    assert found(plan) == {"first-limit": False}
    assert check(plan, "first-limit").message == "app had no memory limit; from now on it is killed at 512Mi."


@pytest.mark.parametrize(("limit", "blocked"), [(256, True), (200, True), (257, False)])
def test_a_limit_that_killed_before_blocks_whatever_is_accepted(limit: int, *, blocked: bool) -> None:
    killed = proposal(killed_limit_bytes=256 * MI)
    asked = by_hand(limit, accept_low_confidence=True, allow_decrease=True)

    assert found(planned(None, killed, asked=asked)) == ({"below-a-kill": True} if blocked else {})


def test_a_limit_below_the_request_that_stays_is_refused() -> None:
    assert found(planned(asked=by_hand(32, allow_decrease=True))) == {"request-above-limit": True, "decrease": False}
    assert found(planned(asked=by_hand(request=256))) == {"request-above-limit": True}
    assert found(planned(asked=by_hand(request=128))) == {}


def test_a_request_above_the_default_of_a_limit_range_is_refused() -> None:
    bare = facts(written=(written(limit=None),))
    defaulted = pod_with(app(64, 128, limit_defaulted=True))

    assert found(planned(bare, pods=defaulted, asked=by_hand(request=256)))["request-above-limit"] is True


def test_an_offer_below_a_kill_blocks_too() -> None:
    offered = proposal(killed_limit_bytes=300 * MI, offer=replace(proposal().size.current, limit_bytes=300 * MI))

    assert found(planned(None, offered)) == {"below-a-kill": True}


def test_what_has_its_size_already_says_so_and_no_more() -> None:
    plan = planned(asked=by_hand(128, 64))

    assert plan.changes == ()
    assert [(one.code, one.severity, one.evidence[0].value) for one in plan.preflight] == [
        ("nothing-to-change", Severity.INFO, "app: limit 128Mi, request 64Mi")
    ]
    assert plan.effects == ()


def test_a_size_by_hand_for_several_containers_has_to_name_one() -> None:
    two = facts(written=(written(), written("log", type=ContainerType.SIDECAR)))
    plan = planned(two, asked=by_hand(512))

    assert found(plan) == {"container-not-named": True}
    assert check(plan, "container-not-named").remedy == "name one: -c app"
    assert "container-not-named" not in found(planned(two, asked=by_hand(512, container="app")))


def test_an_undo_is_not_asked_for_consent_twice() -> None:
    before = facts(written=(written(limit="512Mi"),))
    saved = replace(before, saved=Saved(at=None, version="0.1", containers=(written(),)))
    plan = undo_plan_of(saved)
    assert plan is not None

    checked = preflight(plan, [proposal(killed_limit_bytes=128 * MI)], room(), pod_with(), FixAsked())

    assert found(checked) == {"below-a-kill": False, "decrease": False}
