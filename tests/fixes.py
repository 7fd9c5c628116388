"""Changes to be shown: planned by the judges from facts made by hand, with endings as `act` reports them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kubectl_oom.evidence import (
    Band,
    Check,
    Citation,
    ContainerType,
    FixOutcome,
    FixReport,
    Gap,
    Owner,
    Rolled,
    RolloutState,
    Saved,
    Severity,
    Watched,
)
from kubectl_oom.judge.fixing import FixAsked, undo_plan_of
from kubectl_oom.judge.preflight import preflight
from kubectl_oom.show.colour import NO_PAINT
from kubectl_oom.show.fix_commands import Flags
from kubectl_oom.show.fixes import lines
from tests.build import MI, NOW
from tests.preflights import by_hand, facts, planned, pod_facts, pod_with, proposal, written
from tests.proposals import GAP, HOSTILE
from tests.room import app, quota, replicas, room

if TYPE_CHECKING:
    from kubectl_oom.evidence import FixPlan

NODE_OPTIONS = "--max-old-space-size=512"
HELM = {"meta.helm.sh/release-name": "api", "meta.helm.sh/release-namespace": "shop", "helm.sh/chart": "app-1.2.3"}
ROLLED = Rolled(
    state=RolloutState.DONE,
    updated=2,
    wanted=2,
    seconds=42.0,
    because="2 of 2 pods run with the new size.",
    verified=True,
)
FAILED = Rolled(
    state=RolloutState.FAILED,
    updated=1,
    wanted=2,
    seconds=65.0,
    because="pod api-1 cannot be placed: 0/3 nodes are available: 3 Insufficient memory.",
    remedy="ask for less, or add a node",
)


def plain() -> FixPlan:
    """Nothing stands against it."""
    reasons = ("OOM-killed once at a limit of 128Mi.", "Rounded up to a clean size, the limit is 512Mi.")
    return planned(None, proposal(size={"rationale": reasons}))


def doubtful() -> FixPlan:
    """A size of low confidence, for what a Helm release keeps."""
    low = {"confidence": Band.LOW, "confidence_reason": "less than two days were seen"}
    return planned(facts(marks=HELM), proposal(size=low))


def blocked() -> FixPlan:
    """A quota refuses a pod of the rollout, and the size is not trusted."""
    low = {"confidence": Band.LOW, "confidence_reason": "less than two days were seen"}
    around = room(quotas=(quota(limits=(600, 256)),))
    return planned(facts(marks=HELM), proposal(size=low), around=around)


def nothing() -> FixPlan:
    """It has the size that was asked for."""
    return planned(asked=by_hand(128, 64))


def unnamed() -> FixPlan:
    """A size by hand, and nothing says for which of two containers."""
    return planned(facts(written=(written(), written("proxy"))), asked=by_hand(512))


def of_all_types() -> FixPlan:
    """An app container, an init container and a sidecar; one of them had no sizes."""
    names = {"app": ContainerType.APP, "warm-up": ContainerType.INIT, "proxy": ContainerType.SIDECAR}
    own = [
        written(name, type=kind, limit=None if kind is ContainerType.INIT else "128Mi") for name, kind in names.items()
    ]
    proposals = [proposal(size={"container": name, "container_type": kind}) for name, kind in names.items()]
    of_these = [app(name=name, type=kind) for name, kind in names.items()]
    return planned(facts(written=tuple(own)), *proposals, pods=replicas(2, *of_these))


def with_env(*, along: bool = True) -> FixPlan:
    """A Node.js program whose heap is set in its environment."""
    program = app(command=("node", "server.js"), env={"NODE_OPTIONS": NODE_OPTIONS}, image="node:22")
    subject = facts(written=(written(settings={"NODE_OPTIONS": NODE_OPTIONS}),))
    return planned(subject, pods=pod_with(program), asked=by_hand(512, 256, with_heap=along))


def undone() -> FixPlan:
    """The way back from 512Mi to what was spelled 128M, without a request."""
    before = Saved(at=NOW, version="0.1.0", containers=(written(limit="128M", request=None),))
    plan = undo_plan_of(facts(written=(written(limit="512Mi", request="256Mi"),), saved=before))
    assert plan is not None
    return preflight(plan, (proposal(),), room(), replicas(2, app(256, 512)), FixAsked())


def bare() -> FixPlan:
    """A pod that nothing owns."""
    return planned(pod_facts(), asked=by_hand(512, 256))


def job() -> FixPlan:
    """A Job, whose template never changes."""
    return planned(facts(target=Owner(api_version="batch/v1", kind="Job", name="import")))


def open_(plan: FixPlan, **changes: Any) -> FixOutcome:
    """Nothing was done yet."""
    return FixOutcome(plan=plan, applied=False, **changes)


def made(plan: FixPlan, **changes: Any) -> FixOutcome:
    """Applied, and rolled out unless something else is said."""
    fields: dict[str, Any] = {"plan": plan, "applied": True, "rollout": ROLLED}
    return FixOutcome(**fields | changes)


def quiet_again() -> FixOutcome:
    """Rolled out, and not killed while it was watched."""
    watched = Watched(seconds=600.0, kills=0, highest_bytes=300 * MI, limit_bytes=512 * MI)
    return made(plain(), watched=watched)


def killed_again() -> FixOutcome:
    """Rolled out, and killed twice."""
    watched = Watched(seconds=600.0, kills=2, highest_bytes=510 * MI, limit_bytes=512 * MI)
    return made(plain(), watched=watched)


def taken_back() -> FixOutcome:
    """The rollout failed, and that was undone."""
    return made(plain(), rollout=FAILED, rolled_back=True)


OUTCOMES = {
    "plain": open_(plain()),
    "doubtful": open_(doubtful()),
    "blocked": open_(blocked()),
    "nothing": open_(nothing()),
    "unnamed": open_(unnamed()),
    "of all types": open_(of_all_types()),
    "with env": open_(with_env()),
    "env beside it": open_(with_env(along=False)),
    "to be undone": open_(undone()),
    "a bare pod": open_(bare()),
    "a job": open_(job()),
    "accepted": open_(plain(), dry_run="server"),
    "quiet again": quiet_again(),
    "killed again": killed_again(),
    "failed": made(plain(), rollout=FAILED),
    "taken back": taken_back(),
    "undone": made(undone()),
}


def report_of(*outcomes: FixOutcome) -> FixReport:
    """These and nothing else."""
    return FixReport(items=outcomes, gaps=())


def everything() -> FixReport:
    """All of them, and what could not be seen."""
    return FixReport(items=tuple(OUTCOMES.values()), gaps=(GAP,), warnings=("container old is gone.",))


def hostile() -> FixReport:
    """Every text that a cluster may write, with what could steer a terminal or a pull request."""
    plan = with_env()
    (change,) = plan.changes
    owner = Owner(api_version="apps/v1", kind="Deployment", name=HOSTILE)
    evil = Check(
        code="quota",
        severity=Severity.CRITICAL,
        message=HOSTILE,
        evidence=(Citation(source=HOSTILE, field=HOSTILE, value=HOSTILE),),
        remedy=HOSTILE,
        blocks=True,
    )
    spelled = replace(change.written, limit=HOSTILE, settings={HOSTILE: HOSTILE})
    entry = {
        "name": HOSTILE,
        "resources": {"limits": {"memory": "512Mi"}},
        "env": [{"name": HOSTILE, "value": HOSTILE}],
    }
    plan = replace(
        plan,
        facts=replace(plan.facts, namespace=HOSTILE, target=owner, marks={"helm.sh/chart": f"{HOSTILE}-1.2.3"}),
        changes=(replace(change, container=HOSTILE, written=spelled, env={HOSTILE: HOSTILE}),),
        patch={"spec": {"template": {"spec": {"containers": [entry]}}}},
        undo={"spec": {"template": {"spec": {"containers": [entry]}}}},
        commands=(f"kubectl {HOSTILE}",),
        undo_commands=(f"kubectl {HOSTILE}",),
        heap_commands=(f"kubectl {HOSTILE}",),
        preflight=(evil, replace(evil, blocks=False)),
        effects=(HOSTILE,),
        evidence=(HOSTILE,),
        qos_before=HOSTILE,
    )
    rolled = replace(FAILED, because=HOSTILE, remedy=HOSTILE)
    idle = replace(plan, changes=())
    return FixReport(
        items=(open_(plan), made(plan, rollout=rolled), open_(idle)),
        gaps=(Gap(source=HOSTILE, reason=HOSTILE, remedy=HOSTILE),),
        warnings=(HOSTILE,),
    )


def screen(
    *outcomes: FixOutcome, width: int = 80, wide: bool = False, ascii_only: bool = False, flags: Flags | None = None
) -> str:
    """What `fix` prints of them, without colour."""
    shown = lines(
        report_of(*outcomes), width=width, paint=NO_PAINT, wide=wide, ascii_only=ascii_only, flags=flags or Flags()
    )
    return "\n".join(shown)
