"""`doctor` tries what any command reads: a source that is missing somewhere is missing here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kubectl_oom.read.gaps import PERMISSIONS
from tests.connection.servers import Asked, Reply, api_server
from tests.program import oom

if TYPE_CHECKING:
    from collections.abc import Callable

CUSTOM = {"/apis/argoproj.io/v1alpha1": "applications", "/apis/monitoring.coreos.com/v1": "prometheusrules"}
FORBIDDEN = Reply.status_object(403, "Forbidden", "no")
NOT_FOUND = Reply.status_object(404, "NotFound", "not found")
NO_SUCH_KIND = "none: this cluster knows no such kind"
UNTRIED = {"node", "kubelet", "log"}  # where nothing may be listed there is no node and no pod to try them on


def _said(answer: Callable[[str], Reply]) -> dict[str, Any]:
    """What it says, where requests of a path are answered like that."""

    def reply(asked: Asked) -> Reply:
        return answer(asked.path.partition("?")[0])

    with api_server() as server:
        server.reply = reply  # type: ignore[method-assign]
        ran = oom("doctor", "-n", "shop", "-s", server.url, "-o", "json")
    found: dict[str, Any] = json.loads(ran.out)
    return found


def _doctor(answer: Callable[[str], Reply]) -> dict[str, dict[str, Any]]:
    """What it says of each source."""
    return {item["source"]: item for item in _said(answer)["items"]}


def _known(path: str) -> Reply:
    """Which kinds a group has: everybody may ask that."""
    return Reply(200, json.dumps({"resources": [{"name": CUSTOM[path]}]}).encode())


def test_whatever_may_not_be_read_is_told_with_its_rule() -> None:
    told = _doctor(lambda path: _known(path) if path in CUSTOM else FORBIDDEN)

    assert set(told) == set(PERMISSIONS)
    assert {source for source, item in told.items() if item["answers"]} == set()
    rules = {source: item["rule"] for source, item in told.items() if source not in UNTRIED}
    assert [source for source, rule in rules.items() if not rule] == []
    assert rules["claims"] == '- {apiGroups: [""], resources: [persistentvolumeclaims], verbs: [get]}'
    assert rules["argo cd"] == '- {apiGroups: ["argoproj.io"], resources: [applications], verbs: [get]}'


def test_a_kind_that_the_cluster_does_not_have_needs_no_rule() -> None:
    without = _doctor(lambda path: NOT_FOUND if path in CUSTOM else FORBIDDEN)
    other = _doctor(lambda path: Reply(200, b'{"resources": [{"name": "rollouts"}]}') if path in CUSTOM else FORBIDDEN)

    for told in (without, other):
        assert [told[source]["detail"] for source in ("argo cd", "alert rules")] == [NO_SUCH_KIND, NO_SUCH_KIND]
        assert [told[source]["rule"] for source in ("argo cd", "alert rules")] == [None, None]


def test_what_is_only_read_by_name_is_there_where_nothing_has_that_name() -> None:
    named = {"claims": "persistentvolumeclaims/", "argo cd": "applications/"}
    told = _doctor(
        lambda path: (
            NOT_FOUND if any(n in path for n in named.values()) else _known(path) if path in CUSTOM else Reply()
        )
    )

    assert {source: told[source]["answers"] for source in named} == dict.fromkeys(named, True)


def test_every_kind_of_workload_has_to_be_readable() -> None:
    for plural in ("deployments", "statefulsets", "daemonsets", "replicasets", "jobs", "cronjobs"):
        told = _doctor(lambda path, plural=plural: FORBIDDEN if path.endswith(f"/{plural}") else Reply())  # type: ignore[misc]

        assert {source for source, item in told.items() if item["rule"]} == {"owners"}


def test_nobody_is_sent_to_the_doctor_by_the_doctor() -> None:
    late = Reply.status_object(504, "Timeout", "too late")
    for answer in (NOT_FOUND, late, Reply.status_object(500, "InternalError", "broken"), Reply(200, b"{")):
        gaps = _said(lambda _path, answer=answer: answer)["gaps"]  # type: ignore[misc]

        assert gaps
        assert [gap for gap in gaps if "doctor" in (gap["remedy"] or "")] == []
        assert ("raise --request-timeout" in {gap["remedy"] for gap in gaps}) == (answer is late)
