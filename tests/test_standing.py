"""What other objects tell about a workload's rollout: budgets, claims, applications; and junk in any of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_oom.evidence import Budget, WorkloadFacts
from kubectl_oom.read.source import ARGO_APPLICATIONS, CLAIMS, DISRUPTION_BUDGETS, Json, ReadError
from kubectl_oom.read.standing import with_surroundings
from kubectl_oom.read.workload import UNKNOWN_WRITERS
from tests.build import node
from tests.in_memory import InMemory, metadata
from tests.junk import mangled
from tests.preflights import read, workload_json

SELECTOR = {"matchLabels": {"app": "api"}}


def _source(**objects: list[Json]) -> InMemory:
    kinds = {"budgets": DISRUPTION_BUDGETS, "claims": CLAIMS, "applications": ARGO_APPLICATIONS}
    return InMemory(objects={kinds[name].qualified: items for name, items in objects.items()})


def _around(item: Json, source: InMemory, kind: str = "Deployment") -> WorkloadFacts:
    return with_surroundings(read(item, kind), item, source, {})


def _budget(name: str, selector: object, allowed: int | None = 0) -> Json:
    status = {} if allowed is None else {"disruptionsAllowed": allowed}
    return {"metadata": metadata(name), "spec": {"selector": selector}, "status": status}


def test_the_budgets_that_select_the_pods_are_found() -> None:
    rule = {"key": "app", "operator": "In", "values": ["api", "web"]}
    budgets = [
        _budget("by-label", SELECTOR),
        _budget("by-rule", {"matchExpressions": [rule]}, 1),
        _budget("all", {}, None),
        _budget("none", None),
        _budget("others", {"matchLabels": {"app": "web"}}),
        _budget("without", {"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}),
    ]

    found = _around(workload_json(), _source(budgets=budgets)).budgets

    assert found == (
        Budget(name="by-label", allowed=0),
        Budget(name="by-rule", allowed=1),
        Budget(name="all", allowed=None),
    )


def _claim(name: str, *modes: str) -> Json:
    return {"metadata": metadata(name), "spec": {"accessModes": list(modes)}}


def test_claims_that_cannot_be_shared_are_told_by_their_modes() -> None:
    claims = [
        _claim("one-node", "ReadWriteOnce"),
        _claim("one-pod", "ReadWriteOncePod"),
        _claim("many", "ReadWriteMany", "ReadWriteOnce"),
    ]
    volumes = [{"name": n, "persistentVolumeClaim": {"claimName": n}} for n in ("one-node", "one-pod", "many")]
    pods = {"volumes": [*volumes, {"name": "x", "emptyDir": {}}]}
    source = _source(claims=claims)

    found = _around(workload_json(pods=pods), source)
    recreated = _around(workload_json(pods=pods, strategy={"type": "Recreate"}), source)

    assert (found.claims_once, found.claims_one_pod) == (("one-node",), ("one-pod",))
    assert (recreated.claims_once, recreated.claims_one_pod) == ((), ())
    assert source.asked["get persistentvolumeclaims"] == 3  # none for pods that never overlap


@pytest.mark.parametrize(
    ("policy", "heals"),
    [
        ({"automated": {"selfHeal": True}}, True),
        ({"automated": {"prune": True}}, False),
        ({"automated": {"selfHeal": True, "enabled": False}}, False),
        ({}, False),
    ],
)
@pytest.mark.parametrize(("app", "place"), [("shop", "argocd"), ("team_shop", "team")])
def test_an_application_says_whether_it_heals(policy: Json, app: str, place: str, *, heals: bool) -> None:
    tracked = {"annotations": {"argocd.argoproj.io/tracking-id": f"{app}:apps/Deployment:shop/api"}}
    application = {"metadata": metadata("shop", place), "spec": {"syncPolicy": policy}}

    assert _around(workload_json(meta=tracked), _source(applications=[application])).self_heals is heals


def test_an_application_is_asked_for_only_where_the_object_names_one() -> None:
    source = _source()

    assert _around(workload_json(), source).self_heals is None
    assert "get applications" not in source.asked


def test_what_cannot_be_read_is_a_gap_and_the_rest_is_read() -> None:
    source = _source()
    source.failures = {"list poddisruptionbudgets": ReadError("Forbidden", "no", 403)}
    pods = {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}
    item = workload_json(pods=pods)

    found = with_surroundings(read(item), item, source, {"node-a": node()})

    assert [gap.source for gap in found.gaps] == ["claims (data)", "disruption budgets (namespace shop)"]
    assert found.kubelets == {"node-a": "v1.36.3"}


def test_a_snapshot_says_once_what_it_does_not_hold() -> None:
    source = _source()
    source.failures = {"list poddisruptionbudgets": ReadError("NotRecorded", "not listed")}

    assert _around(workload_json(meta={"labels": {}}), source).gaps == (UNKNOWN_WRITERS,)


WHOLE = workload_json(
    pods={"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]},
    meta={
        "managedFields": [{"manager": "x", "fieldsV1": {'k:{"name":"app"}': {"f:resources": {"f:memory": {}}}}}],
        "annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/api"},
    },
    strategy={"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 1}},
    updateStrategy={"rollingUpdate": {"partition": 1}},
)
BUDGET = {name: value for name, value in _budget("b", SELECTOR).items() if name != "metadata"}


@given(
    mangled(WHOLE),
    mangled(BUDGET),
    st.sampled_from(["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod"]),
)
def test_junk_in_any_place_does_not_stop_the_reading(item: Json, budget: Json, kind: str) -> None:
    source = _source(budgets=[budget | {"metadata": metadata("b")}], claims=[_claim("data", "ReadWriteOnce")])

    assert _around(item, source, kind).target.kind == kind
