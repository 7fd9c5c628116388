"""Changes for git: the object, the patch, and what kustomize and Helm make of them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from kubectl_oom.errors import OomError
from kubectl_oom.evidence import Owner
from kubectl_oom.judge.merging import merged
from kubectl_oom.show.fix_objects import helm_values_text, kustomize_text, objects_text, patches_text
from tests.fixes import HELM, OUTCOMES, nothing, of_all_types, open_, plain, with_env
from tests.kubectl import kubectl
from tests.preflights import facts, planned, proposal, written
from tests.room import app, replicas

if TYPE_CHECKING:
    from pathlib import Path

    from kubectl_oom.evidence import FixOutcome

OBJECT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "api"},
    "spec": {
        "selector": {"matchLabels": {"app": "api"}},
        "template": {
            "metadata": {"labels": {"app": "api"}},
            "spec": {
                "initContainers": [{"name": name, "image": name} for name in ("warm-up", "proxy")],
                "containers": [
                    {"name": "other", "image": "o"},
                    {
                        "name": "app",
                        "image": "a",
                        "env": [{"name": "NODE_OPTIONS", "value": "--max-old-space-size=512"}],
                        "resources": {"limits": {"cpu": "1", "memory": "512Mi"}, "requests": {"memory": "256Mi"}},
                    },
                ],
            },
        },
    },
}


def test_one_object_is_printed_alone_and_several_as_a_list_without_managed_fields() -> None:
    item = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "managedFields": [{}]}}

    assert yaml.safe_load(objects_text([item], "yaml")) == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "x"},
    }
    assert json.loads(objects_text([item, item], "json"))["kind"] == "List"


def test_patches_are_one_a_line_and_none_where_nothing_changes() -> None:
    outcomes = [open_(plain()), open_(nothing()), open_(of_all_types())]

    assert [json.loads(line) for line in patches_text(outcomes).splitlines()] == [
        *(dict(outcome.plan.patch) for outcome in (outcomes[0], outcomes[2])),
    ]
    assert (patches_text([open_(nothing())]), kustomize_text([open_(nothing())]), helm_values_text([])) == ("", "", "")


@pytest.mark.parametrize("namespace", [None, "shop"])
@pytest.mark.parametrize("what", ["plain", "of all types", "with env", "to be undone"])
def test_kustomize_makes_the_intended_change_of_the_manifest(tmp_path: Path, what: str, namespace: str | None) -> None:
    outcome = OUTCOMES[what]
    manifest = OBJECT | {"metadata": OBJECT["metadata"] | ({"namespace": namespace} if namespace else {})}

    (built,) = _kustomized(tmp_path, [manifest], kustomize_text([outcome]))

    assert _by_name(built) == _by_name(merged(manifest, outcome.plan.patch))


def test_kustomize_takes_several_workloads_at_once(tmp_path: Path) -> None:
    worker = replace(plain(), facts=facts(target=Owner(api_version="batch/v1", kind="CronJob", name="api.worker")))
    inner = plain().patch["spec"]
    worker = replace(worker, patch={"spec": {"jobTemplate": {"spec": inner}}})
    cron = OBJECT | {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "api.worker"}}
    cron |= {"spec": {"schedule": "@daily", "jobTemplate": {"spec": OBJECT["spec"]}}}

    built = _kustomized(tmp_path, [OBJECT, cron], kustomize_text([open_(plain()), open_(worker)]))

    assert sorted(map(_by_name, built)) == sorted(
        [_by_name(merged(OBJECT, plain().patch)), _by_name(merged(cron, worker.patch))]
    )


def _kustomized(folder: Path, manifests: list[dict[str, Any]], patches: str) -> list[dict[str, Any]]:
    """What the real kustomize, the one inside kubectl, builds of manifests and our patches."""
    (folder / "manifest.yaml").write_text(yaml.safe_dump_all(manifests))
    (folder / "kustomization.yaml").write_text(f"resources:\n- manifest.yaml\n{patches}")
    return list(yaml.safe_load_all(kubectl("kustomize", str(folder))))


def _by_name(item: dict[str, Any]) -> str:
    """The object as text; kustomize puts patched containers first, and leaves empty what a patch has emptied."""
    text = json.dumps(_sorted(item), sort_keys=True)
    return re.sub(r'(, )?"(limits|requests)": \{\}', "", text).replace("{, ", "{")


def _sorted(value: Any) -> Any:
    if isinstance(value, list):
        return sorted(map(_sorted, value), key=lambda one: json.dumps(one, sort_keys=True))
    return {key: _sorted(one) for key, one in value.items()} if isinstance(value, dict) else value


# --- values of a Helm chart --------------------------------------------------------------------------------------------


def test_values_are_printed_for_the_container_that_is_called_as_its_chart() -> None:
    text = helm_values_text([open_(planned(facts(marks=HELM)))])

    assert yaml.safe_load(text) == {"resources": {"limits": {"memory": "512Mi"}, "requests": {"memory": "256Mi"}}}
    assert text.startswith("# deploy/api in shop, chart app: `resources` is where a chart made by `helm create`\n")


@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        (
            open_(plain()),
            "error: deploy/api in shop does not say that a Helm chart made it (label helm.sh/chart)",
        ),
        (
            open_(planned(facts(marks={"helm.sh/chart": "shop-1.0.0"}))),
            (
                "error: deploy/api in shop: the cluster does not tell which values of chart shop set the memory of "
                "container app"
            ),
        ),
        (
            open_(replace(of_all_types(), facts=facts(marks=HELM))),
            (
                "error: deploy/api in shop: the cluster does not tell which values of chart app set the memory of "
                "container app"
            ),
        ),
    ],
    ids=["no chart", "another name", "more containers"],
)
def test_where_the_keys_of_a_chart_cannot_be_told_that_is_said(outcome: FixOutcome, line: str) -> None:
    with pytest.raises(OomError) as failure:
        helm_values_text([outcome])

    assert failure.value.message == line


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("app-1.2.3", "app"),
        ("my-app-v1.2.3-rc-2", "my-app"),
        ("app-2-0.1.0_build.5", "app-2"),
        ("app", None),
        ("", None),
    ],
)
def test_a_chart_is_told_from_its_version(label: str, name: str | None) -> None:
    own = written(name or "app")
    plan = planned(
        facts(marks={"helm.sh/chart": label}, written=(own,)),
        proposal(size={"container": own.name}),
        pods=replicas(2, app(name=own.name)),
    )

    if name:
        assert f"chart {name}:" in helm_values_text([open_(plan)])
    else:
        with pytest.raises(OomError, match="does not say"):
            helm_values_text([open_(plan)])


def test_values_tell_of_variables_that_they_cannot_hold() -> None:
    plan = replace(with_env(), facts=facts(marks=HELM))

    assert "# Not in it: NODE_OPTIONS of its environment\n" in helm_values_text([open_(plan)])
