"""Targets, flags and logins on a real API server, with the real kubectl beside it: what it takes, we take."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.access import READER
from tests.cluster.cluster import ADMIN
from tests.cluster.control_plane import READER_CERTIFICATE, READER_EXEC
from tests.real.beside import kubectl
from tests.real.stage import Stage
from tests.real.status import container, running, status_of
from tests.real.tool import oom

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.cluster import Cluster

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def shop(api_server: Cluster) -> Stage:
    """A namespace with a killed container of each kind of owner, and a calm one."""
    stage = Stage.on(api_server)
    stage.kill(stage.pod("api", labels={"app": "api", "tier": "back"}))
    calm = stage.pod("calm", labels={"app": "calm", "tier": "back"})
    stage.status(calm, status_of("app", running(stage.ago(hours=1))))
    for plural, name in (("deployments", "web"), ("statefulsets", "db"), ("daemonsets", "log"), ("jobs", "load")):
        (pod,) = stage.made_by(stage.workload(plural, name))
        stage.kill(pod)
    return stage


def _pods(answer: dict[str, Any]) -> set[str]:
    """Who an answer is about; what controllers add to a name is left out."""
    return {item["pod"].partition("-")[0] for item in answer["items"]}


# --- targets -----------------------------------------------------------------------------------------------------------

KILLED = {"api", "web", "db", "log", "load"}
FORMS = {
    "pod/api": {"api"},
    "pods/api": {"api"},
    "po/api": {"api"},
    "POD/api": {"api"},
    "pods.v1./api": {"api"},
    "pod api": {"api"},
    "po api calm": {"api", "calm"},  # each thing that was named gets its answer
    "pod/calm": {"calm"},
    "deploy/web": {"web"},
    "deploy web": {"web"},
    "deployment/web": {"web"},
    "deployments web": {"web"},
    "deployment.apps/web": {"web"},
    "deployments.v1.apps/web": {"web"},
    "deployments.v1.apps web": {"web"},
    "sts/db": {"db"},
    "statefulset db": {"db"},
    "ds/log": {"log"},
    "daemonsets.apps log": {"log"},
    "job/load": {"load"},
    "jobs.batch load": {"load"},
    "pod/api deploy/web sts/db": {"api", "web", "db"},
    "deploy": {"web"},
    "deploy,sts": {"web", "db"},
    "pods": KILLED,
    "pods -l app=api": {"api"},
    "pods -l app=calm": {"calm"},
    "pods --selector app=api": {"api"},
    "pods -l tier=back,app!=calm": {"api"},
    "pods -l app in (api,web)": {"api", "web"},
    "pods -l tier": {"api"},
    "deploy -l app=web": {"web"},
    "deploy,sts -l app!=db": {"web"},
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_target_that_kubectl_takes_is_taken(shop: Stage, form: str) -> None:
    words, found, selector = form.partition(" in ")  # the one selector with blanks in it
    args = [*words.split()[:-1], words.split()[-1] + found + selector] if found else form.split()

    theirs = kubectl(shop.cluster, shop.cluster.kubeconfig(READER), "get", *args, "-n", shop.namespace, "-o", "name")

    assert _pods(shop.why(*args)) == FORMS[form]
    assert theirs.code == 0, theirs.err


def test_a_lone_name_is_a_pods(shop: Stage) -> None:
    assert _pods(shop.why("api")) == {"api"}


@pytest.mark.parametrize("selector", [["-l", "app=api"], ["-l=app=api"], ["--selector=app=api"]])
def test_a_selector_alone_selects_pods(shop: Stage, selector: list[str]) -> None:
    assert _pods(shop.why(*selector)) == {"api"}


def test_all_namespaces_overrides_the_one_that_is_named(shop: Stage, api_server: Cluster) -> None:
    elsewhere = Stage.on(api_server)
    elsewhere.kill(elsewhere.pod("api", labels={"app": "api"}))

    answer = shop.why("-A", "-l", "app=api")

    assert {shop.namespace, elsewhere.namespace} <= {item["namespace"] for item in answer["items"]}
    assert _pods(answer) == {"api"}


def test_a_node_leads_to_its_pods_and_a_namespace_narrows_them(shop: Stage, api_server: Cluster) -> None:
    elsewhere = Stage.on(api_server)
    elsewhere.kill(elsewhere.pod("guest", nodeName=shop.node_name))

    everywhere = shop.why_node()
    here = shop.why(f"node/{shop.node_name}")
    by_words = shop.why("no", shop.node_name)

    assert _pods(everywhere) == {*KILLED, "guest"}
    assert _pods(here) == _pods(by_words) == KILLED


def test_a_container_is_chosen_by_its_name_and_an_unknown_one_is_kubectls_error(shop: Stage) -> None:
    kubeconfig = shop.cluster.kubeconfig(READER)
    shop.pod("mixed", container(), container("second"), initContainers=[container("first")])
    ours = oom(kubeconfig, "why", "mixed", "-c", "nope", "-n", shop.namespace)
    theirs = kubectl(shop.cluster, kubeconfig, "logs", "mixed", "-c", "nope", "-n", shop.namespace)

    assert _pods(shop.why("api", "-c", "app")) == {"api"}
    assert (ours.code, ours.out) == (theirs.code, "") == (1, "")
    assert ours.err == theirs.err


# --- answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["text", "wide", "json", "yaml", "markdown", "name"])
def test_an_answer_goes_to_stdout_and_nothing_to_stderr(shop: Stage, form: str) -> None:
    ran = oom(shop.cluster.kubeconfig(READER), "why", "pod/api", "-n", shop.namespace, "-o", form)

    assert (ran.code, ran.err) == (0, "")
    assert ("pod/api" in ran.out) or (form in ("json", "yaml") and "container-limit" in ran.out)
    assert "\x1b" not in ran.out


def test_names_are_those_that_kubectl_prints(shop: Stage) -> None:
    kubeconfig = shop.cluster.kubeconfig(READER)
    args = ["-l", "app in (api,web)", "-n", shop.namespace, "-o", "name"]

    ours, theirs = oom(kubeconfig, "why", *args), kubectl(shop.cluster, kubeconfig, "get", "pods", *args)

    assert sorted(ours.out.splitlines()) == sorted(theirs.out.splitlines())
    assert len(ours.out.splitlines()) == 2


# --- who asks, and where -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("user", [READER, READER_CERTIFICATE, READER_EXEC])
def test_a_token_a_certificate_and_a_plugin_log_in_alike(shop: Stage, user: str) -> None:
    assert _pods(shop.why("api", user=user)) == {"api"}


@pytest.mark.parametrize(
    "identity",
    [["--as", READER], ["--as", "bob", "--as-group", "system:masters"], ["--as=bob", "--as-group=system:masters"]],
    ids=["a user", "a group", "with equals signs"],
)
def test_somebody_else_is_asked_for(shop: Stage, identity: list[str]) -> None:
    assert _pods(shop.why("api", *identity, user=ADMIN)) == {"api"}


def test_a_plugin_that_fails_is_told_with_its_own_words(shop: Stage, tmp_path: Path) -> None:
    plugin = tmp_path / "sso-login"
    plugin.write_text("#!/bin/sh\necho 'session expired: run sso login' >&2\nexit 7\n")
    plugin.chmod(0o755)
    config = json.loads(shop.cluster.kubeconfig(READER_EXEC).read_text())
    config["users"][0]["user"]["exec"]["command"] = str(plugin)
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text(json.dumps(config))

    ours = oom(kubeconfig, "why", "pod/api", "-n", shop.namespace)
    theirs = kubectl(shop.cluster, kubeconfig, "get", "pod/api", "-n", shop.namespace)

    assert (ours.code, ours.out) == (theirs.code, theirs.out) == (1, "")
    message, words = ours.err.splitlines()
    assert message in theirs.err
    assert words == "session expired: run sso login"


@pytest.fixture
def two_contexts(shop: Stage, tmp_path: Path) -> Path:
    """A kubeconfig whose current context leads nowhere, and whose other one to the shop."""
    config = json.loads(shop.cluster.kubeconfig(READER).read_text())
    config["clusters"].append({"name": "gone", "cluster": {"server": "https://127.0.0.1:1"}})
    login = {"user": config["users"][0]["name"], "namespace": shop.namespace}
    config["contexts"] += [
        {"name": "nowhere", "context": {"cluster": "gone", **login}},
        {"name": "shop", "context": {"cluster": "test", **login}},
    ]
    config["current-context"] = "nowhere"
    path = tmp_path / "two-contexts"
    path.write_text(json.dumps(config))
    return path


def test_a_context_brings_its_cluster_its_user_and_its_namespace(two_contexts: Path) -> None:
    there = oom(two_contexts, "why", "api", "--context", "shop", "-o", "json")
    nowhere = oom(two_contexts, "why", "api", "-o", "json")

    assert _pods(there.document()) == {"api"}
    assert (nowhere.code, nowhere.out) == (1, "")
    assert nowhere.err.splitlines()[0] == (
        "The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?"
    )


def test_a_cluster_of_another_context_is_chosen_by_its_name(two_contexts: Path) -> None:
    assert _pods(oom(two_contexts, "why", "api", "--cluster", "test", "-o", "json").document()) == {"api"}


def test_a_kubeconfig_that_is_named_is_read_in_place_of_the_environments(two_contexts: Path, shop: Stage) -> None:
    named = ["--kubeconfig", str(shop.cluster.kubeconfig(READER)), "-n", shop.namespace]

    assert _pods(oom(two_contexts, "why", "api", *named, "-o", "json").document()) == {"api"}


def test_several_kubeconfigs_are_read_as_one(shop: Stage, tmp_path: Path) -> None:
    config = json.loads(shop.cluster.kubeconfig(READER).read_text())
    users = {"apiVersion": "v1", "kind": "Config", "users": config.pop("users")}
    (tmp_path / "clusters").write_text(json.dumps(config))
    (tmp_path / "users").write_text(json.dumps(users))

    both = tmp_path / f"clusters:{tmp_path}/users"
    ran = oom(both, "why", "api", "-n", shop.namespace, "-o", "json")

    assert _pods(ran.document()) == {"api"}


@pytest.mark.parametrize("timeout", ["0", "30", "30s", "1m30s", "0.5m"])
def test_a_timeout_is_given_as_kubectl_takes_it(shop: Stage, timeout: str) -> None:
    assert _pods(shop.why("api", f"--request-timeout={timeout}")) == {"api"}
