"""Proposals to be shown: made by the judges from evidence made by hand, and changed where only the screen matters."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from kubectl_oom.evidence import (
    Autoscaler,
    Change,
    Citation,
    Confidence,
    Cost,
    ExpectedKills,
    Fit,
    Gap,
    HeapAdvice,
    Owner,
    Proposal,
    ProposalReport,
    Risk,
    Rollout,
    Room,
    Scaling,
    ScalingAnswer,
    Setting,
    Sizes,
    TemplateContainer,
    WorkloadPast,
)
from kubectl_oom.judge.propose import Asked, propose
from kubectl_oom.show.colour import NO_PAINT
from kubectl_oom.show.proposals import lines
from tests.build import GI, MI, NOW, case, container, end, history, life, pod, samples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_oom.evidence import Container, Life

WEEK = timedelta(days=7)
HOUR = 3600.0
DEPLOYMENT = Owner(api_version="apps/v1", kind="Deployment", name="api")
SCALED = Scaling(
    answer=ScalingAnswer.APPLIES,
    reason="Its memory seems to fall with load: every day it goes between 50Mi and 80Mi a pod.",
    confidence=Confidence.POSSIBLE,
    sentences=("Target 80% of the request of 96Mi, 76.8Mi a pod on average.", "From 3 pods, as many as today, to 6."),
    warnings=("ResourceQuota team has 100Mi of requests left.",),
    autoscaler=Autoscaler(
        container=None,
        target_percent=80,
        target_bytes=80 * 96 * MI // 100,
        request_bytes=96 * MI,
        min_replicas=3,
        max_replicas=6,
        keep_seconds=300,
        pause_seconds=180,
    ),
)
HOSTILE = "\x1b]0;owned\x07\u202egnp\r=1+1|`x`<b>\n# head"


def proposed(of: Container, *lives: Life, owner: Owner | None = DEPLOYMENT, **asked: Any) -> ProposalReport:
    """What is proposed for the one container of pod api-0, from these lives of it over a week."""
    owners = (owner,) if owner else ()
    seen = history(*lives, since=NOW - WEEK) if lives else None
    past = WorkloadPast(
        namespace="shop", workload=owner, pods=("api-0",), window=None, history=seen, stepped_seconds=None
    )
    template = TemplateContainer(name=of.name, type=of.type, request_bytes=of.request_bytes, limit_bytes=of.limit_bytes)
    room = Room(
        namespace="shop",
        workload=owner,
        rollout=Rollout(replicas=3, surge=1, strategy="RollingUpdate") if owner else None,
        template=(template,),
    )
    file = case(pod(of, owners=owners, created_at=NOW - WEEK), seen=seen)
    return propose(file, [past], [room], since=NOW - WEEK, until=NOW, asked=Asked(**asked))


def over_days(*days: Sequence[float]) -> Life:
    """A week of hourly samples in Mi, the numbers of a day repeated until the next ones begin."""
    hours = [day[int(hour * len(day) / 24)] * MI for day in days for hour in range(24)]
    return life(samples(*hours, last=60, every=HOUR), limit=(), container_id="a" * 64)


def killed() -> ProposalReport:
    """OOM-killed five minutes ago at 100Mi, after a week that stayed below."""
    return proposed(container(end(), request_bytes=64 * MI), over_days(*[[50.0, 60.0, 80.0, 60.0]] * 7))


def leaking() -> ProposalReport:
    """Rises by 2Mi an hour from every start, every day and a half."""
    return proposed(container(request_bytes=64 * MI, limit=512 * MI), *leaks(hours=56, rate=2.0))


def leaks(*, hours: int, rate: float) -> list[Life]:
    """Three lives that begin at 40Mi."""
    return [
        life(
            samples(*[(40 + rate * n / 4) * MI for n in range(hours * 4)], last=60 + HOUR * hours * k, every=900),
            container_id=str(k) * 64,
        )
        for k in (2, 1, 0)
    ]


def unknown() -> ProposalReport:
    """Nobody has seen its memory."""
    return proposed(container(limit=None))


def bare() -> ProposalReport:
    """A pod that nothing owns, with room to spare."""
    return proposed(container(limit=GI, request_bytes=512 * MI), over_days(*[[50.0, 60.0]] * 7), owner=None)


def one(report: ProposalReport) -> Proposal:
    """Its only proposal."""
    (item,) = report.items
    return item


def screen(report: ProposalReport, width: int = 80, *, wide: bool = False, ascii_only: bool = False) -> str:
    """What `recommend` prints of it, without colour."""
    return "\n".join(lines(report, width=width, paint=NO_PAINT, wide=wide, ascii_only=ascii_only))


def report_of(*items: Proposal) -> ProposalReport:
    """These and nothing else."""
    return ProposalReport(items=items, gaps=())


def with_all() -> Proposal:
    """Everything that a proposal can hold: heap, checks that fail and that hold, an offer, money, another way."""
    item = one(killed())
    sizes = Sizes(request_bytes=128 * MI, limit_bytes=256 * MI)
    return replace(
        item,
        size=replace(
            item.size,
            recommended=sizes,
            alternatives={
                "default": 90 * MI,
                "peak": 120 * MI,
                "krr": 100 * MI,
                "vpa-upper": 60 * GI,
                "max+10%": 88 * MI,
            },
            rationale=(
                "It was OOM-killed once at a limit of 100Mi.",
                "Rounded up to a clean size, the limit is 256Mi.",
            ),
            lasts_seconds=9 * 86_400.0,
        ),
        offer=Sizes(request_bytes=96 * MI, limit_bytes=192 * MI),
        heap=HeapAdvice(
            runtime="jvm",
            evidence=(Citation(source="pod spec", field="env JAVA_TOOL_OPTIONS", value="-XX:MaxRAMPercentage=80"),),
            heap_cap_bytes=80 * MI,
            least_limit_bytes=200 * MI,
            sentences=("80 % of 100Mi is a heap of 80Mi, and the rest needs 60Mi.",),
            settings=(
                Setting(name="JAVA_TOOL_OPTIONS", value="-XX:MaxRAMPercentage=75", replaces="80", is_env=True),
                Setting(name="maxmemory", value="100mb", replaces=None, is_env=False),
            ),
        ),
        fits=(
            Fit(check="node", ok=True, detail="The largest node has 9Gi allocatable."),
            Fit(
                check="quota",
                ok=False,
                detail="ResourceQuota team allows 1Gi of limits, and 4 pods of 256Mi beside the others need 1.2Gi.",
                remedy="raise requests.memory of ResourceQuota team by 200Mi",
            ),
        ),
        cost=Cost(
            currency="USD",
            per_gib_month=3.093,
            price_source="as given",
            per_pod_month=0.0967,
            total_month=0.29,
            most_month=0.967,
            detail="+0.29 USD a month: +32Mi of request for 3 pods.",
        ),
        expected_kills=ExpectedKills(before=1.0, after=0.0, detail="Replayed under 192Mi: no kill instead of one."),
        alternative="2 pods of the new size do for the memory of today.",
        scaling=SCALED,
        change=Change(
            command="kubectl set resources deployment/api -n shop -c app --limits=memory=192Mi --requests=memory=96Mi",
            patch={"spec": {"template": {"spec": {"containers": [{"name": "app"}]}}}},
            heap_command="kubectl set env deployment/api -n shop -c app JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=75",
        ),
    )


def many() -> ProposalReport:
    """Five workloads of two namespaces, each with another risk."""
    base, everything = one(leaking()), with_all()
    items = (
        everything,
        replace(named(base, "shop", "worker"), risk=Risk.GROWING),
        replace(named(one(bare()), "shop", "quiet-service-with-a-long-name"), risk=Risk.NONE),
        replace(named(one(unknown()), "tools", "cron"), risk=Risk.UNKNOWN),
        replace(one(bare()), risk=Risk.NONE),
    )
    return ProposalReport(items=items, gaps=(GAP,), warnings=("container old is gone.",))


def named(item: Proposal, namespace: str, name: str) -> Proposal:
    """The same proposal for another workload."""
    return replace(
        item, pod=None, size=replace(item.size, namespace=namespace, workload=replace(DEPLOYMENT, name=name))
    )


def hostile() -> ProposalReport:
    """Every text that a cluster may write, with what could steer a terminal, a ticket or a spreadsheet."""
    item = with_all()
    assert item.heap is not None
    assert item.cost is not None
    owner = Owner(api_version=HOSTILE, kind=HOSTILE, name=HOSTILE)
    return ProposalReport(
        items=(
            replace(
                item,
                size=replace(item.size, namespace=HOSTILE, workload=owner, container=HOSTILE, rationale=(HOSTILE,)),
                heap=replace(item.heap, sentences=(HOSTILE,), runtime=HOSTILE),
                fits=(Fit(check=HOSTILE, ok=False, detail=HOSTILE, remedy=HOSTILE),),
                cost=replace(item.cost, detail=HOSTILE, price_source=HOSTILE),
                alternative=HOSTILE,
                scaling=replace(SCALED, reason=HOSTILE, sentences=(HOSTILE,), warnings=(HOSTILE,), would_tell=HOSTILE),
                change=Change(command=f"kubectl {HOSTILE}", patch={HOSTILE: HOSTILE}, heap_command=HOSTILE),
            ),
        ),
        gaps=(Gap(source=HOSTILE, reason=HOSTILE, remedy=HOSTILE),),
        warnings=(HOSTILE,),
    )


GAP = Gap(source="nodes", reason="not permitted (403)", remedy="grant list on nodes")
EVERYTHING = report_of(with_all())
