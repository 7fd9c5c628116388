"""The whole answer for a workload: what is sized, how much at risk it is, in which order, and what is only said."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kubectl_oom.evidence import (
    ContainerType,
    Owner,
    Risk,
    Rollout,
    TemplateContainer,
)
from kubectl_oom.judge.propose import Asked
from kubectl_oom.judge.sizing import Wishes
from tests.pasts import MI, ago, life

if TYPE_CHECKING:
    from collections.abc import Sequence

from tests.worlds import DEPLOYMENT, Killed, World, container, limit_of, only, pod, report_of

# --- risk ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "need", "kills", "risk"),
    [
        (512, 300, [512], Risk.KILLED),
        (512, 300, [768], Risk.KILLED),
        (512, 300, [None], Risk.KILLED),
        (544, 300, [512], Risk.TIGHT),  # raised since, to less than is recommended
        (2048, 300, [512], Risk.NONE),  # raised since, to more
        (None, 300, [512], Risk.UNLIMITED),
        (None, 300, [], Risk.UNLIMITED),
        (512, 480, [], Risk.CLOSE),
        (512, 300, [], Risk.NONE),
        (512, None, [], Risk.UNKNOWN),
        (None, None, [], Risk.UNKNOWN),
        (512, None, [None], Risk.KILLED),
    ],
)
def test_the_risk_is_the_worst_of_what_is_known(
    limit: float | None, need: float | None, kills: Sequence[float | None], risk: Risk
) -> None:
    lives = (life(need),) if need else ()
    world = World((pod(container(limit=limit)),), lives, tuple(Killed(20 + n, at) for n, at in enumerate(kills)))

    assert only(world).risk is risk


def test_what_grows_towards_its_limit_is_at_risk_and_what_takes_months_is_not() -> None:
    soon = World((pod(container(limit=1200)),), (life(lambda hours: 1000 - 5 * hours),))
    late = World((pod(container(limit=512)),), (life(lambda hours: 100 - hours / 100),))

    assert only(soon).risk is Risk.GROWING
    assert only(late).risk is Risk.NONE


def test_those_at_risk_come_first_and_of_them_those_killed_most() -> None:
    def named(name: str, *kills: Killed, limit: float, need: float) -> World:
        owner = replace(DEPLOYMENT, name=name)
        made = pod(container(limit=limit), name=f"{name}-1", owners=(owner,))
        lives = (life(need, pod=f"{name}-1"),)
        return World((made,), lives, kills, workload=owner)

    answer = report_of(
        named("calm", limit=512, need=100),
        named("killed", Killed(20, 512), limit=512, need=300),
        named("close", limit=512, need=500),
        named("often", Killed(20, 512), Killed(40, 512), limit=512, need=300),
        named("closer", limit=512, need=510),
    )

    names = [item.size.workload.name for item in answer.items if item.size.workload]
    assert names == ["often", "killed", "closer", "close", "calm"]


# --- what is sized ---------------------------------------------------------------------------------------------------


def test_every_container_is_sized_but_not_what_was_attached_to_debug() -> None:
    setup = container("setup", limit=64, type=ContainerType.INIT)
    shell = container("debugger", type=ContainerType.EPHEMERAL)
    answer = report_of(World((pod(container(limit=512), setup, shell),), (life(300),)))

    assert {item.size.container for item in answer.items} == {"app", "setup"}
    assert answer.warnings == ()


def test_a_renamed_container_is_a_warning_and_its_kills_are_nobodys() -> None:
    old = replace(life(300, pod="gone-0"), container="web")
    answer = report_of(World((pod(container(limit=512)),), (old,), (Killed(20, 768, container="web"),)))

    (item,) = answer.items
    assert (item.size.container, item.kills, item.size.recommended) == ("app", 0, None)
    assert answer.warnings == (
        (
            "container web of Deployment api in shop has a history, and no pod has it today: renamed, or gone. Its "
            "history is not counted for any other container."
        ),
    )


def test_a_workload_without_pods_is_sized_as_its_template_has_it() -> None:
    template = (TemplateContainer(name="app", type=ContainerType.SIDECAR, request_bytes=64 * MI, limit_bytes=512 * MI),)
    asleep = Rollout(replicas=0, surge=0, strategy="RollingUpdate")
    item = only(World((), (life(300),), room={"template": template, "rollout": asleep}))

    assert (item.size.current.limit_bytes, item.size.container_type) == (512 * MI, ContainerType.SIDECAR)
    assert item.size.replicas == 0
    assert item.change.command is not None and "initContainers" in item.change.command


def test_during_a_rollout_the_newest_pod_says_what_holds_today() -> None:
    old = pod(container(limit=512), name="api-0", created_at=ago(100))
    new = pod(container(limit=1024), name="api-1", created_at=ago(1))

    assert only(World((old, new), (life(300),))).size.current.limit_bytes == 1024 * MI


def test_kills_of_other_images_are_left_out_of_everything_where_that_is_asked() -> None:
    kills = (Killed(20, 768, image="registry.example/api:1"), Killed(30, 256, image="registry.example/api:2"))
    world = World((pod(container(limit=512)),), (life(200),), kills)
    every, this = only(world), only(replace(world, asked=Asked(this_image_only=True)))

    assert (every.kills, every.killed_limit_bytes, every.risk) == (2, 768 * MI, Risk.KILLED)
    assert (this.kills, this.killed_limit_bytes, this.risk) == (1, 256 * MI, Risk.NONE)
    assert limit_of(every) > 768 > limit_of(this) > 256
    assert this.expected_kills is not None and this.expected_kills.before == 0.0


# --- replicas, money and pods ----------------------------------------------------------------------------------------


def test_pods_that_have_ended_are_no_replicas() -> None:
    pods = [pod(container(limit=512), name=f"api-{n}", phase=phase) for n, phase in enumerate(("Running", "Failed"))]

    assert only(World(tuple(pods), (life(300),))).size.replicas == 1


def test_the_workloads_own_number_of_replicas_comes_first() -> None:
    room = {"rollout": Rollout(replicas=5, surge=1, strategy="RollingUpdate")}
    item = only(World((pod(container(limit=512, request=128)),), (life(300),), room=room))

    assert item.size.replicas == 5
    assert item.cost is not None and item.cost.total_month == pytest.approx(5 * item.cost.per_pod_month)


def test_runs_that_come_and_go_have_no_price_of_a_month() -> None:
    cron = Owner(api_version="batch/v1", kind="CronJob", name="report")
    room = {"rollout": Rollout(replicas=1, surge=0, strategy="next run")}
    item = only(World((pod(container(limit=512), owners=(cron,)),), (life(300),), workload=cron, room=room))

    assert (item.cost, item.size.replicas) == (None, None)


def test_a_request_of_the_whole_pod_is_what_costs_there() -> None:
    assert only(World((pod(container(limit=512), request_bytes=MI),), (life(300),))).cost is None


def test_a_bare_pod_is_named_and_counts_as_one() -> None:
    item = only(World((pod(container(limit=512), owners=()),), (life(300),), workload=None))

    assert (item.pod, item.size.workload, item.size.replicas) == ("api-1", None, 1)
    assert item.change.command is not None and item.change.command.startswith("kubectl patch pod/api-1 ")


def test_a_pod_that_an_operator_made_is_not_resized_behind_its_back() -> None:
    owner = Owner(api_version="postgresql.cnpg.io/v1", kind="Cluster", name="orders")
    item = only(World((pod(container(limit=512), owners=(owner,)),), (life(300),), workload=None))

    assert item.change.command is None
    assert item.change.why_not is not None and "belongs to Cluster orders" in item.change.why_not


def test_guaranteed_is_passed_on() -> None:
    asked = Asked(wishes=Wishes(guaranteed=True))
    item = only(World((pod(container(limit=512)),), (life(300),), asked=asked))

    assert item.size.recommended is not None
    assert item.size.recommended.request_bytes == item.size.recommended.limit_bytes
