"""The screens of `fix` before anything is changed, literally: what a person reads."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_oom.show.colour import Paint
from kubectl_oom.show.fix_commands import Flags
from kubectl_oom.show.fixes import difference, lines
from kubectl_oom.show.words import cells
from tests.fixes import OUTCOMES, blocked, everything, hostile, of_all_types, open_, plain, report_of, screen, with_env
from tests.preflights import by_hand, facts, planned


def test_a_change_that_would_be_refused_says_so_before_it_says_how_to_make_it() -> None:
    assert screen(OUTCOMES["blocked"]) == BLOCKED


BLOCKED = """\
deploy/api in shop: 1 container to change, and 2 things stand against it
  container app
  - limits.memory: 128Mi
  + limits.memory: 512Mi
  - requests.memory: 64Mi
  + requests.memory: 256Mi
What stands against it:
  BLOCKS quota: app: ResourceQuota mem on limits.memory allows 600Mi and 256Mi
    are used: 2 pods of 512Mi instead of 128Mi, with 1 more while it rolls out,
    need 896Mi more, and 344Mi are left: some of the pods would be refused.
    -> raise limits.memory of ResourceQuota mem to 1152Mi, or run fewer pods
  BLOCKS low-confidence: The size of app has low confidence: less than two days
    were seen.
    -> apply it with --accept-low-confidence
Worth knowing:
  warning helm-managed: Helm release api sets the memory back at its next
    upgrade.
    -> change its values as well (-o helm-values; today's: helm get values api
       -n shop)
What will happen:
  - 2 pods are replaced, with up to 1 more at a time and none unavailable.
  - The QoS class stays Burstable.
Clear what stands against it (or go on with --force); then make it so:
  kubectl oom fix deploy/api -n shop --accept-low-confidence --apply
The way back after that:
  kubectl oom fix deploy/api -n shop --undo --apply
The same with kubectl alone:
  kubectl set resources deployment/api -n shop -c app --limits=memory=512Mi \\
    --requests=memory=256Mi
The way back with kubectl alone:
  kubectl patch deployment/api -n shop --patch \\
    '{"spec":{"template":{"spec":{"containers":[{"name":"app","resources":{"li'\\
'mits":{"memory":"128Mi"},"requests":{"memory":"64Mi"}}}]}}}}'"""


def test_the_way_back_is_a_change_like_any_other_with_the_sizes_as_they_were_spelled() -> None:
    assert screen(OUTCOMES["to be undone"]) == UNDONE


UNDONE = """\
deploy/api in shop: 1 container to change back; nothing is changed yet
  container app
  - limits.memory: 512Mi
  + limits.memory: 128M
  - requests.memory: 256Mi
Worth knowing:
  warning decrease: The limit of app goes down from 512Mi to 122Mi.
What will happen:
  - 2 pods are replaced, with up to 1 more at a time and none unavailable.
  - The QoS class stays Burstable.
Make it so:
  kubectl oom fix deploy/api -n shop --undo --apply
The same with kubectl alone:
  kubectl patch deployment/api -n shop --patch \\
    '{"spec":{"template":{"spec":{"containers":[{"name":"app","resources":{"li'\\
'mits":{"memory":"128M"},"requests":{"memory":null}}}]}}}}'
The way back with kubectl alone:
  kubectl patch deployment/api -n shop --patch \\
    '{"spec":{"template":{"spec":{"containers":[{"name":"app","resources":{"li'\\
'mits":{"memory":"512Mi"},"requests":{"memory":"256Mi"}}}]}}}}'"""


def test_where_nothing_is_to_be_changed_the_sizes_that_stand_are_shown_and_nothing_is_to_be_run() -> None:
    assert screen(OUTCOMES["nothing"]) == NOTHING


NOTHING = """\
deploy/api in shop: nothing to change
  container app: limit 128Mi, request 64Mi
What is recommended, and why:
  kubectl oom recommend deploy/api -n shop"""


def test_where_no_change_can_be_planned_the_screen_says_what_is_missing() -> None:
    assert screen(OUTCOMES["unnamed"]) == UNNAMED


UNNAMED = """\
deploy/api in shop: no change can be planned
  container app: limit 128Mi, request 64Mi
  container proxy: limit 128Mi, request 64Mi
What stands against it:
  BLOCKS container-not-named: Deployment api has 2 containers, and nothing says
    which of them the size is for.
    -> name one: -c app
What is recommended, and why:
  kubectl oom recommend deploy/api -n shop"""


def test_a_job_is_only_made_anew() -> None:
    assert screen(OUTCOMES["a job"]) == JOB


JOB = """\
job/import in shop: 1 container to change, and 1 thing stands against it
  container app
  - limits.memory: 128Mi
  + limits.memory: 512Mi
  - requests.memory: 64Mi
  + requests.memory: 256Mi
What stands against it:
  BLOCKS job-immutable: The template of Job import cannot be changed: the API
    server refuses that.
    -> delete it and create it with the new size: kubectl get job/import -n shop
       -o yaml
What will happen:
  - Nothing: a Job's template stays as it was created.
  - The QoS class stays Burstable.
The only way is to make it anew, which starts its work from the beginning:
  kubectl get job/import -n shop -o json | kubectl patch --local -f - -o json \\
    --patch \\
    '{"spec":{"template":{"spec":{"containers":[{"name":"app","resources":{"li'\\
'mits":{"memory":"512Mi"},"requests":{"memory":"256Mi"}}}]},"metadata":{"label'\\
's":{"batch.kubernetes.io/controller-uid":null,"batch.kubernetes.io/job-name":'\\
'null,"controller-uid":null,"job-name":null}}},"selector":null}}' | kubectl \\
    replace --force -f -"""


def test_init_containers_and_sidecars_are_called_what_they_are() -> None:
    shown = screen(open_(of_all_types())).splitlines()

    assert shown[1:11] == [
        "  container app",
        "  - limits.memory: 128Mi",
        "  + limits.memory: 512Mi",
        "  - requests.memory: 64Mi",
        "  + requests.memory: 256Mi",
        "  init container warm-up",
        "  + limits.memory: 512Mi",
        "  - requests.memory: 64Mi",
        "  + requests.memory: 256Mi",
        "  sidecar proxy",
    ]


def test_settings_of_the_environment_are_part_of_the_change_when_asked_for() -> None:
    along, beside = screen(open_(with_env())), screen(open_(with_env(along=False)))

    env = "  + env NODE_OPTIONS: --max-old-space-size=384"
    assert env in along.splitlines()
    assert env not in beside.splitlines()
    assert "Its own memory settings along with it (or --with-heap):" in beside.splitlines()
    command = "  kubectl set env deployment/api -n shop -c app \\"
    assert along.splitlines().count(command) == beside.splitlines().count(command) == 1


def test_the_command_to_run_has_the_flags_that_were_given_and_the_cluster_but_the_way_back_only_the_cluster() -> None:
    flags = Flags(change=("--limit", "512Mi"), cluster=("--context", "prod"))

    shown = screen(open_(plain()), flags=flags, width=120).splitlines()

    assert "  kubectl oom fix deploy/api -n shop --limit 512Mi --apply --context prod" in shown
    assert "  kubectl oom fix deploy/api -n shop --undo --apply --context prod" in shown


def test_no_flag_is_said_twice_and_force_is_only_offered() -> None:
    agreed = Flags(change=("--accept-low-confidence",))
    forced = Flags(change=("--force",))

    assert "--force --apply" not in screen(open_(blocked()))
    assert screen(open_(blocked()), flags=agreed).count("--accept-low-confidence --") == 1
    assert "Make it so all the same:" in screen(open_(blocked()), flags=forced).splitlines()


def test_sizes_from_a_snapshot_may_be_others_on_the_cluster() -> None:
    shown = screen(open_(plain()), flags=Flags(sizes_again=True))

    assert "Make it so (a cluster may know more than the snapshot):" in shown.splitlines()


def test_the_wide_form_adds_evidence_reasons_and_the_patch() -> None:
    shown = screen(open_(blocked()), wide=True).splitlines()

    assert "    resourcequota/mem: limits.memory = 600Mi, 256Mi used" in shown
    assert "The patch:" in shown
    assert '                  "memory": "512Mi"' in shown
    assert "  - OOM-killed once at a limit of 128Mi." in screen(open_(plain()), wide=True).splitlines()


def test_many_workloads_begin_with_a_sum_and_end_with_those_that_stay() -> None:
    shown = screen(open_(plain()), OUTCOMES["nothing"], open_(blocked()), OUTCOMES["nothing"]).splitlines()

    assert shown[0] == "4 workloads: 2 to change (1 with something against it)"
    assert shown[-1] == "Nothing to change: deploy/api in shop and deploy/api in shop."


def test_without_a_workload_the_screen_says_so() -> None:
    assert screen() == "No workload was found that could be changed."


def test_who_is_asked_for_a_yes_sees_the_change_what_stands_against_it_and_what_will_happen() -> None:
    shown = list(difference(blocked()))

    assert shown[:3] == ["deploy/api in shop", "  container app", "  - limits.memory: 128Mi"]
    assert "What stands against it:" in shown
    assert "  - 2 pods are replaced, with up to 1 more at a time and none unavailable." in shown


def test_red_is_what_stands_against_it_and_the_old_size() -> None:
    shown = list(lines(report_of(open_(blocked())), width=80, paint=Paint(on=True)))

    red = [line for line in shown if line.startswith("\x1b[31m")]
    assert red[:2] == [
        "\x1b[31mdeploy/api in shop: 1 container to change, and 2 things stand against it\x1b[0m",
        "\x1b[31m  - limits.memory: 128Mi\x1b[0m",
    ]
    assert "\x1b[33m  warning helm-managed: Helm release api sets the memory back at its next\x1b[0m" in shown


@pytest.mark.parametrize("width", [40, 61, 80, 133])
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    for report in (everything(), hostile()):
        shown = screen(*report.items, width=width).splitlines()
        assert [line for line in shown if cells(line) > width] == []


def test_what_a_cluster_writes_steers_no_terminal() -> None:
    told = "".join(screen(*hostile().items, width=width, wide=True) for width in (40, 80))

    assert not {"\x1b", "\x07", "\r", "\u202e"} & set(told)
    assert screen(*everything().items, ascii_only=True).isascii()


@pytest.mark.parametrize(
    ("changes", "back"),
    [
        ({"strategy": "OnDelete"}, "--undo --in-place --apply"),
        ({"paused": True}, "--undo --in-place --apply"),
        ({}, "--undo --apply"),
    ],
)
def test_the_way_back_of_pods_that_were_resized_and_that_no_rollout_replaces_resizes_them_too(
    changes: dict[str, Any], back: str
) -> None:
    plan = planned(facts(**changes), asked=by_hand(512, in_place=True))

    assert f"  kubectl oom fix deploy/api -n shop {back}" in screen(open_(plan), width=120).splitlines()
