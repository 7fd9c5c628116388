"""The preflight of `fix` on a real API server: who writes to an object, how it rolls out, and what is in its pods."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cluster.access import NOBODY, READER
from tests.real.fixing import fix
from tests.real.stage import ROOTS, Stage, reference
from tests.real.status import Json, container
from tests.real.test_preflight_on_the_api_server import apply, check, claimed, found, plan, shop

if TYPE_CHECKING:
    from tests.cluster.cluster import Cluster

pytestmark = pytest.mark.timeout(300)

DEPLOYMENTS = ROOTS["deployments"]
APPLY = "application/apply-patch+yaml"
SIZE = ("--limit", "96Mi")


@pytest.fixture
def stage(api_server: Cluster) -> Stage:
    return Stage.on(api_server)


def _applied_by(stage: Stage, manager: str, limit: str, *, force: bool = False) -> Json:
    """Server-side apply of the memory by another field manager."""
    resources = {"limits": {"memory": limit}, "requests": {"memory": "32Mi"}}
    document = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "shop"},
        "spec": {"template": {"spec": {"containers": [{"name": "app", "resources": resources}]}}},
    }
    query = f"?fieldManager={manager}" + ("&force=true" if force else "")
    return stage.api.ask("PATCH", stage.path(DEPLOYMENTS, "deployments", "shop") + query, document, APPLY)


def _marked(stage: Stage, **metadata: Json) -> None:
    stage.api.patch(stage.path(DEPLOYMENTS, "deployments", "shop"), {"metadata": metadata})


def _limit(stage: Stage) -> str:
    item = stage.api.ask("GET", stage.path(DEPLOYMENTS, "deployments", "shop"))
    found: str = item["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"]
    return found


# --- who else keeps it ------------------------------------------------------------------------------------------------


def test_a_second_manager_of_the_memory_is_named_and_its_next_apply_is_a_conflict(stage: Stage) -> None:
    shop(stage)
    _applied_by(stage, "release-bot", "72Mi", force=True)

    item = plan(stage, *SIZE)
    apply(stage, item)

    assert found(item) == {"other-manager": False}
    told = check(item, "other-manager")
    assert [(one["field"], one["value"]) for one in told["evidence"]] == [
        ("metadata.managedFields", "release-bot, Apply")
    ]
    assert told["evidence"][0]["at"]
    with pytest.raises(AssertionError, match="409"):
        _applied_by(stage, "release-bot", "72Mi")


def test_flux_blocks_and_its_next_reconciliation_indeed_sets_the_memory_back(stage: Stage) -> None:
    shop(stage)
    _marked(stage, labels={"kustomize.toolkit.fluxcd.io/name": "apps"})
    _applied_by(stage, "kustomize-controller", "64Mi", force=True)

    item = plan(stage, *SIZE)
    apply(stage, item)
    changed = _limit(stage)
    again = plan(stage, "--limit", "112Mi")
    _applied_by(stage, "kustomize-controller", "64Mi", force=True)

    assert found(item) == {"flux": True}
    assert (changed, _limit(stage)) == ("96Mi", "64Mi")
    assert found(again)["flux"] is True  # although the memory was another manager's by then


def test_argo_cd_blocks_unless_its_application_is_seen_not_to_heal(stage: Stage) -> None:
    shop(stage)
    _marked(stage, annotations={"argocd.argoproj.io/tracking-id": f"shop:apps/Deployment:{stage.namespace}/shop"})

    answer = fix(stage, "deploy/shop", *SIZE, "-o", "changes", user=READER).document()
    (gap,) = (one for one in answer["gaps"] if one["source"].startswith("argo cd"))

    assert found(answer["items"][0]) == {"argo-cd": True}
    assert (gap["source"], gap["reason"]) == ("argo cd (application argocd/shop)", "not there (404)")


def test_helm_kapp_and_kustomize_are_told_by_their_marks(stage: Stage) -> None:
    shop(stage)
    annotations = {
        "meta.helm.sh/release-name": "shop",
        "meta.helm.sh/release-namespace": stage.namespace,
        "config.kubernetes.io/origin": "path: base/shop.yaml\n",
    }
    _marked(stage, annotations=annotations, labels={"kapp.k14s.io/app": "1690"})

    assert found(plan(stage, *SIZE)) == {"helm-managed": False, "kapp": False, "kustomize": False}


def test_what_kubectl_applied_from_a_file_is_told(stage: Stage) -> None:
    shop(stage)
    template = {"metadata": {"labels": {"app": "shop"}}, "spec": {"containers": [container(limit="80Mi")]}}
    document = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "shop", "namespace": stage.namespace},
        "spec": {"selector": {"matchLabels": {"app": "shop"}}, "template": template},
    }
    stage.cluster.apply(document)

    assert "applied-from-files" in found(plan(stage, "--limit", "128Mi"))


def test_an_operators_object_is_named_with_the_command_that_edits_it(stage: Stage) -> None:
    owner = reference(stage.database("orders"))
    owned = stage.workload("statefulsets", "shop", ownerReferences=[owner])
    stage.made_by(owned)

    item = plan(stage, *SIZE, target="sts/shop")

    assert found(item)["owned-by-operator"] is True
    assert (
        f"kubectl edit database.databases.example.com/orders -n {stage.namespace}"
        in (check(item, "owned-by-operator")["remedy"])
    )


# --- how it rolls out -------------------------------------------------------------------------------------------------


def test_a_budget_that_allows_nothing_is_told_beside_a_rollout_that_does_not_ask_it(stage: Stage) -> None:
    shop(stage, "statefulsets")
    budget = {"metadata": {"name": "strict"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "shop"}}}}
    stage.create("/apis/policy/v1", "poddisruptionbudgets", budget)
    path = stage.path("/apis/policy/v1", "poddisruptionbudgets", "strict")
    stage.wait(
        "the budget's count", lambda: stage.api.ask("GET", path).get("status", {}).get("observedGeneration") == 1
    )

    item = plan(stage, *SIZE, target="sts/shop")

    assert found(item) == {"single-replica": False, "pod-disruption-budget": False}
    assert check(item, "pod-disruption-budget")["evidence"][0]["source"] == "poddisruptionbudget/strict"


def test_a_claim_on_one_node_is_told_where_old_and_new_pods_run_side_by_side(stage: Stage) -> None:
    claimed(stage, "ReadWriteOnce")
    shop(stage, volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}])

    assert found(plan(stage, *SIZE)) == {"claim-on-one-node": False}
    spec = {"strategy": {"type": "Recreate", "rollingUpdate": None}}
    stage.api.patch(stage.path(DEPLOYMENTS, "deployments", "shop"), {"spec": spec})
    assert found(plan(stage, *SIZE)) == {"recreate": False}


def test_a_paused_deployment_takes_the_change_and_makes_no_pod(stage: Stage) -> None:
    shop(stage)
    stage.api.patch(stage.path(DEPLOYMENTS, "deployments", "shop"), {"spec": {"paused": True}})

    item = plan(stage, *SIZE)

    assert found(item) == {"paused": False}
    assert item["effects"][0] == "No pod restarts until the rollout is resumed."


@pytest.mark.parametrize(
    ("rules", "code"),
    [({"type": "OnDelete"}, "on-delete"), ({"rollingUpdate": {"partition": 1}}, "partition")],
)
def test_a_stateful_set_that_keeps_its_pods_is_told(stage: Stage, rules: Json, code: str) -> None:
    shop(stage, "statefulsets")
    rules = {"rollingUpdate": None, **rules}
    stage.api.patch(stage.path(ROOTS["statefulsets"], "statefulsets", "shop"), {"spec": {"updateStrategy": rules}})

    assert found(plan(stage, *SIZE, target="sts/shop"))[code] is False


# --- inside the pods --------------------------------------------------------------------------------------------------


def test_a_container_that_only_the_pod_has_is_set_by_its_annotation(stage: Stage) -> None:
    # The controller adopts a pod that bears the name and the labels of its first one.
    stage.pod("shop-0", container(), container("istio-proxy"), labels={"app": "shop"})
    owner = stage.workload("statefulsets", "shop")
    stage.made_by(owner)

    ran = fix(stage, "sts/shop", "-c", "istio-proxy", *SIZE, user=READER)

    assert "sidecar.istio.io/proxyMemoryLimit" in " ".join(ran.out.split())


def test_a_limit_that_a_limit_range_filled_in_is_told_from_a_chosen_one(stage: Stage) -> None:
    default = {"type": "Container", "default": {"memory": "64Mi"}, "defaultRequest": {"memory": "32Mi"}}
    stage.create("/api/v1", "limitranges", {"metadata": {"name": "mem"}, "spec": {"limits": [default]}})
    stage.made_by(stage.workload("deployments", "shop", pods={"containers": [container(limit=None)]}))

    item = plan(stage, *SIZE)

    assert found(item) == {"limit-from-limit-range": False}
    assert "64Mi, is the default of a LimitRange" in check(item, "limit-from-limit-range")["message"]
    assert found(plan(stage, "--limit", "48Mi")) == {"decrease": True, "limit-from-limit-range": False}


# --- without permission -----------------------------------------------------------------------------------------------


def test_what_may_not_be_read_is_a_gap_and_no_check_is_made_up(stage: Stage) -> None:
    claimed(stage, "ReadWriteOnce")
    shop(stage, volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}])
    stage.allow(NOBODY, ["pods", "events", "deployments", "replicasets"], groups=("", "apps"))

    answer = fix(stage, "deploy/shop", *SIZE, "-o", "changes", user=NOBODY).document()
    remedies = {gap["source"].partition(" (")[0]: gap["remedy"] for gap in answer["gaps"]}

    assert found(answer["items"][0]) == {}
    assert remedies["claims"] == "grant get on persistentvolumeclaims: docs/clusterrole.yaml"
    assert remedies["disruption budgets"] == (
        'grant list on poddisruptionbudgets in apiGroups ["policy"]: docs/clusterrole.yaml'
    )
    assert json.dumps(answer["gaps"]).count("not permitted (403)") >= 2
