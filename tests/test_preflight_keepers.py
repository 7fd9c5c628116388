"""Who else keeps an object, and whether that stands against a change."""

from __future__ import annotations

import pytest

from kubectl_oom.evidence import Owner, Sizes
from tests.preflights import by_hand, check, facts, found, manager, planned, pod_facts, pod_with, written
from tests.room import app, room

TRACKED = {"argocd.argoproj.io/tracking-id": "shop-app:apps/Deployment:shop/api"}
FLUX = {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
DATABASE = Owner(api_version="databases.example.com/v1", kind="Database", name="orders")
UNSET = (written(request=None, limit=None),)


def test_an_operators_object_blocks_and_is_named() -> None:
    plan = planned(facts(owned_by=DATABASE, controller=DATABASE))
    one = check(plan, "owned-by-operator")

    assert found(plan) == {"owned-by-operator": True}
    assert "Database orders (databases.example.com/v1)" in one.message
    assert one.remedy == "set the size there: kubectl edit database.databases.example.com/orders -n shop"
    assert one.evidence[0].source == "deployment/api"


def test_an_operator_above_the_workload_that_only_the_room_tells_of_blocks_too() -> None:
    assert found(planned(around=room(owned_by=DATABASE)))["owned-by-operator"] is True


def test_a_workload_that_another_makes_blocks() -> None:
    above = Owner(api_version="apps/v1", kind="Deployment", name="api")
    plan = planned(facts(controller=above, target=Owner(api_version="apps/v1", kind="ReplicaSet", name="api-7d9")))

    assert found(plan)["owned-by-workload"] is True
    assert check(plan, "owned-by-workload").remedy == "fix deployment/api instead"


@pytest.mark.parametrize(
    ("heals", "blocked", "said"),
    [
        (True, True, "heals by itself"),
        (False, False, "at its next sync"),
        (None, True, "could not be read"),
    ],
)
def test_argo_cd_blocks_unless_it_is_known_not_to_heal(*, heals: bool | None, blocked: bool, said: str) -> None:
    plan = planned(facts(marks=TRACKED, self_heals=heals))

    assert found(plan) == {"argo-cd": blocked}
    assert said in check(plan, "argo-cd").message
    assert "application shop-app" in check(plan, "argo-cd").message


def test_a_tracking_id_that_was_copied_from_another_object_says_nothing() -> None:
    copied = {"argocd.argoproj.io/tracking-id": "shop-app:databases.example.com/Database:shop/orders"}

    assert found(planned(facts(marks=copied))) == {}


def test_the_instance_label_alone_does_not_tell_of_argo_cd() -> None:
    label = {"app.kubernetes.io/instance": "shop-app"}

    assert found(planned(facts(marks=label))) == {}
    assert found(planned(facts(marks=label, managers=(manager("argocd-controller", "Apply"),)))) == {"argo-cd": True}


def test_a_keeper_that_never_set_the_memory_does_not_stand_against_it() -> None:
    silent = manager("argocd-controller", "Apply", ())
    quiet = manager("kustomize-controller", "Apply", ())
    pods = pod_with(app(None, None))

    argo = planned(facts(marks=TRACKED, managers=(silent,), written=UNSET, self_heals=True), pods=pods)
    flux = planned(facts(marks=FLUX, managers=(quiet,), written=UNSET), pods=pods)

    assert found(argo)["argo-cd"] is False
    assert found(flux)["flux"] is False


def test_a_keeper_from_whom_somebody_took_the_memory_over_still_stands_against_it() -> None:
    silent = manager("kustomize-controller", "Apply", ())

    assert found(planned(facts(marks=FLUX, managers=(silent, manager("kubectl-oom"))))) == {"flux": True}


def test_flux_blocks_and_says_how_to_suspend_it() -> None:
    plan = planned(facts(marks=FLUX))

    assert found(plan) == {"flux": True}
    assert (
        check(plan, "flux").message == "Flux's Kustomization flux-system/apps sets the memory back when it reconciles."
    )
    assert "flux suspend kustomization apps -n flux-system" in (check(plan, "flux").remedy or "")


@pytest.mark.parametrize("mark", [{"reconcile": "disabled"}, {"ssa": "Ignore"}, {"ssa": "IfNotPresent"}])
def test_flux_that_is_told_to_look_away_does_not_block(mark: dict[str, str]) -> None:
    marks = FLUX | {f"kustomize.toolkit.fluxcd.io/{key}": value for key, value in mark.items()}

    assert found(planned(facts(marks=marks))) == {"flux-looks-away": False}


def test_a_helm_release_of_flux_is_said_once() -> None:
    release = {"meta.helm.sh/release-name": "shop", "helm.toolkit.fluxcd.io/name": "shop"}

    assert found(planned(facts(marks=release))) == {"flux-helm": False}


def test_helm_sets_it_back_at_the_next_upgrade_and_does_not_block() -> None:
    marks = {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "releases"}
    plan = planned(facts(marks=marks))

    assert found(plan) == {"helm-managed": False}
    assert "helm get values shop -n releases" in (check(plan, "helm-managed").remedy or "")


def test_kapp_and_kustomize_are_said() -> None:
    marks = {"kapp.k14s.io/app": "1690", "config.kubernetes.io/origin": "path: base/deploy.yaml\n"}
    plan = planned(facts(marks=marks))

    assert found(plan) == {"kapp": False, "kustomize": False}
    assert check(plan, "kustomize").evidence[0].value == "path: base/deploy.yaml"


@pytest.mark.parametrize(
    ("name", "operation", "code"),
    [
        ("Terraform", "Update", "infrastructure-code"),
        ("HashiCorp", "Update", "infrastructure-code"),
        ("pulumi-kubernetes-1a2b", "Apply", "infrastructure-code"),
        ("kubectl-client-side-apply", "Update", "applied-from-files"),
        ("release-bot", "Apply", "other-manager"),
        ("release-bot", "Update", "other-writer"),
    ],
)
def test_every_other_writer_of_this_memory_is_said(name: str, operation: str, code: str) -> None:
    plan = planned(facts(managers=(manager(name, operation),)))

    assert found(plan) == {code: False}
    assert check(plan, code).evidence[0].value == f"{name}, {operation}"


@pytest.mark.parametrize("name", ["kubectl-edit", "kubectl-set", "kubectl-patch", "kubectl-oom", "Mozilla"])
def test_what_somebody_did_by_hand_comes_back_from_nowhere(name: str) -> None:
    assert found(planned(facts(managers=(manager(name),)))) == {}


def test_a_writer_of_another_containers_memory_is_not_said() -> None:
    assert found(planned(facts(managers=(manager("release-bot", "Apply", ("log",)),)))) == {}


def test_a_bare_pod_has_its_keepers_too() -> None:
    plan = planned(pod_facts(owned_by=DATABASE, controller=DATABASE), asked=by_hand(512))

    assert found(plan) == {"owned-by-operator": True}
    assert plan.changes[0].after == Sizes(request_bytes=None, limit_bytes=512 << 20)
