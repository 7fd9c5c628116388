"""The options that decide about a size, as `recommend` and `fix` understand them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_oom.cli.options import CLASSES, PROFILES, QOS_CLASSES
from kubectl_oom.errors import OomError

if TYPE_CHECKING:
    from kubectl_oom.judge.propose import Asked


def asked_of(values: dict[str, Any]) -> Asked:
    """The options that decide about sizes; OomError for words that are none."""
    from kubectl_oom.evidence import WorkloadClass
    from kubectl_oom.judge.cost import Price
    from kubectl_oom.judge.propose import Asked
    from kubectl_oom.judge.sizing import PROFILES as BY_NAME
    from kubectl_oom.judge.sizing import Wishes

    profile = _one_of("--profile", values["profile"], PROFILES)
    qos = _one_of("--target-qos", values["target_qos"] or "burstable", QOS_CLASSES)
    of_class = values["workload_class"]
    price = _number("--ram-price", values["ram_price"])
    wishes = Wishes(
        profile=BY_NAME[profile],
        headroom=_headroom(values["headroom"]),
        guaranteed=qos == "guaranteed",
        workload_class=WorkloadClass(_one_of("--class", of_class, CLASSES)) if of_class else None,
    )
    return Asked(
        wishes=wishes,
        this_image_only=values["this_image_only"],
        price=Price() if price is None else Price(per_gib_month=price, source="as given"),
        container=values["container"],
    )


def _one_of(flag: str, given: str, allowed: tuple[str, ...]) -> str:
    if given.lower() not in allowed:
        raise OomError(f'error: invalid value "{given}" for {flag}: must be one of {", ".join(allowed)}')
    return given.lower()


def _headroom(given: str | None) -> float | None:
    """A share of one: `20` and `20%` are both 0.2."""
    percent = _number("--headroom", given.removesuffix("%") if given else None)
    return None if percent is None else percent / 100


def _number(flag: str, given: str | None) -> float | None:
    if given is None:
        return None
    try:
        number = float(given)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise OomError(f'error: invalid value "{given}" for {flag}: must be a number, and not below 0')
    return number
