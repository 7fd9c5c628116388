"""`recommend` on a real API server: what it says is refused is refused, and what it says fits is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kubectl_oom.quantity import exact_bytes
from tests.cluster.access import READER
from tests.real.around import CORE, accepted, fits, killed_shop, limit_range, quota, recommend, refusal, set_sizes
from tests.real.status import MI, container, only
from tests.real.tool import oom

if TYPE_CHECKING:
    from tests.cluster.cluster import Cluster
    from tests.real.stage import Stage

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def stage(api_server: Cluster) -> Stage:
    return killed_shop(api_server)


def test_a_size_that_the_limit_range_refuses_is_refused_and_the_offer_is_taken(stage: Stage) -> None:
    limit_range(stage, max={"memory": "100Mi"})

    item = only(recommend(stage))
    wanted, offer = item["recommended"], item["offer"]

    assert [(fit["ok"], fit["detail"]) for fit in item["fits"] if fit["check"] == "limit-range"] == [
        (
            False,
            (
                f"LimitRange mem refuses it for a container: its limit {exact_bytes(wanted['limitBytes'])} is above the "
                "maximum of 100Mi."
            ),
        )
    ]
    assert offer == {"requestBytes": wanted["requestBytes"], "limitBytes": 96 * MI}
    set_sizes(stage, wanted["requestBytes"], wanted["limitBytes"])
    assert f"maximum memory usage per Container is 100Mi, but limit is {exact_bytes(wanted['limitBytes'])}" in refusal(
        stage
    )
    set_sizes(stage, offer["requestBytes"], offer["limitBytes"])
    accepted(stage, offer["limitBytes"])


def test_a_ratio_that_is_refused_is_refused(stage: Stage) -> None:
    limit_range(stage, maxLimitRequestRatio={"memory": "1200m"})

    item = only(recommend(stage))

    assert "and 1.2 times is the most" in fits({"items": [item]}, "limit-range")[0][1]
    set_sizes(stage, item["recommended"]["requestBytes"], item["recommended"]["limitBytes"])
    assert "memory max limit to request ratio per Container is 1200m" in refusal(stage)
    set_sizes(stage, item["offer"]["requestBytes"], item["offer"]["limitBytes"])
    accepted(stage, item["offer"]["limitBytes"])


def test_a_size_that_the_quota_refuses_is_refused_until_it_is_raised_as_told(stage: Stage) -> None:
    """One pod of 64Mi is there, and its successor starts beside it."""
    limit = only(recommend(stage))["recommended"]["limitBytes"]
    quota(stage, 64 + limit // MI - 1)

    item = only(recommend(stage))
    (fit,) = (fit for fit in item["fits"] if fit["check"] == "quota")
    set_sizes(stage, item["recommended"]["requestBytes"], limit)
    said = refusal(stage)

    enough = f"{64 + limit // MI}Mi"
    assert (fit["ok"], item["offer"]["limitBytes"] < limit) == (False, True)
    assert f"need {exact_bytes(limit)} more, and {limit // MI - 1}Mi are left" in fit["detail"]
    assert f"exceeded quota: mem, requested: limits.memory={exact_bytes(limit)}, used: limits.memory=64Mi" in said
    assert fit["remedy"].startswith(
        f"raise limits.memory of ResourceQuota mem to {enough}, or roll out without a surge"
    )
    path = stage.path(CORE, "resourcequotas", "mem")
    stage.api.patch(path, {"spec": {"hard": {"limits.memory": enough}}})
    accepted(stage, limit)


def test_a_size_that_fits_the_quota_to_the_byte_is_taken(stage: Stage) -> None:
    wanted = only(recommend(stage))["recommended"]
    quota(stage, 64 + wanted["limitBytes"] // MI)

    answer = recommend(stage)
    set_sizes(stage, wanted["requestBytes"], wanted["limitBytes"])

    assert [ok for ok, _ in fits(answer, "quota")] == [True]
    assert only(answer)["offer"] is None
    accepted(stage, wanted["limitBytes"])


def test_a_limit_above_the_pods_own_is_refused(stage: Stage) -> None:
    own = {"limits": {"memory": "70Mi"}, "requests": {"memory": "40Mi"}}
    pod = stage.pod("whole", resources=own)
    stage.kill(pod)
    answer = oom(
        stage.cluster.kubeconfig(READER), "recommend", "whole", "-n", stage.namespace, "-o", "json", "--no-prometheus"
    ).document()
    limit = only(answer)["recommended"]["limitBytes"]

    limits, requests = fits(answer, "pod-limit")
    assert limits == (
        False,
        f"The pod's own limit of 70Mi is below its limit of {exact_bytes(limit)}, which the API server refuses.",
    )
    assert requests[0] is False
    with pytest.raises(AssertionError, match="Invalid value"):
        stage.pod("larger", container(limit=exact_bytes(limit), request="40Mi"), resources=own)
    with pytest.raises(AssertionError, match="aggregate container requests"):
        stage.pod("asks", container(limit="70Mi", request="41Mi"), resources=own)
