"""`history` on the screen, as a document, as a ticket and as a picture."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from kubectl_oom.evidence import (
    Citation,
    Confidence,
    ContainerHistory,
    ContainerType,
    Finding,
    Gap,
    HistoryReport,
    ImageChange,
    Kill,
    LastSample,
    Life,
    LifeGrowth,
    Owner,
    Pattern,
    Sample,
    Severity,
    Spread,
    Verdict,
)
from kubectl_oom.show.colour import Paint
from kubectl_oom.show.document import to_json, to_yaml
from kubectl_oom.show.history import lines
from kubectl_oom.show.history_document import history_document
from kubectl_oom.show.history_markdown import history_markdown
from kubectl_oom.show.svg import drawing
from tests.documents import SCHEMA

NOW = datetime(2026, 5, 8, 3, 0, tzinfo=timezone.utc)
MI = 1 << 20
ESCAPE = "\x1b[31m"


def ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


SPREAD = Spread(
    samples=672,
    mean_bytes=60 * MI,
    p50_bytes=58 * MI,
    p95_bytes=110 * MI,
    p99_bytes=120 * MI,
    max_sampled_bytes=126 * MI,
)
KILL = Kill(
    at=ago(20),
    exact=True,
    namespace="shop",
    pod="api-7d-x2",
    pod_gone=True,
    node="worker-3",
    container="app",
    verdict=Verdict.CONTAINER_LIMIT,
    confidence=Confidence.LIKELY,
    exit_code=137,
    limit_bytes=128 * MI,
    highest_sampled_bytes=126 * MI,
    pattern=Pattern.LEAK,
    image="shop/api:7",
    sources=("kube_pod_container_status_last_terminated_timestamp",),
)
HISTORY = ContainerHistory(
    namespace="shop",
    workload=Owner(api_version="apps/v1", kind="Deployment", name="api"),
    pods=("api-7d-x2", "api-7d-z9"),
    container="app",
    container_type=ContainerType.APP,
    since=ago(168),
    until=NOW,
    interval_seconds=4 * 3600.0,
    samples=672,
    working_set=SPREAD,
    usage=replace(SPREAD, max_sampled_bytes=190 * MI),
    limit_bytes=128 * MI,
    request_bytes=64 * MI,
    pattern=Pattern.LEAK,
    confidence=Confidence.LIKELY,
    reason="grew in both lives",
    data_needed=None,
    growth_bytes_per_hour=MI * 2.5,
    seconds_to_limit=7200.0,
    kills=(KILL, replace(KILL, at=ago(70), exact=False)),
    restarts=3,
    kills_per_week=2.0,
    findings=(
        Finding(
            code="cause-leak",
            severity=Severity.WARNING,
            message="It grows in every life.",
            evidence=(Citation(source="pattern", field="leak", value="grew in both lives"),),
            remedy="look inside: jcmd 1 GC.heap_info",
        ),
    ),
    now=LastSample(
        source="kubelet metrics/cadvisor", at=NOW, working_set_bytes=78 * MI, usage_bytes=80 * MI, interval_seconds=None
    ),
    growth_of_lives=(
        LifeGrowth(pod="api-7d-x2", since=ago(168), until=ago(72), bytes_per_hour=MI * 1.0),
        LifeGrowth(pod="api-7d-z9", since=ago(69), until=ago(1), bytes_per_hour=None),
    ),
    image_changes=(ImageChange(at=ago(69), image="shop/api:8"),),
    lives=(
        Life(
            pod="api-7d-x2",
            container="app",
            container_id="a" * 64,
            working_set=tuple(Sample(at=ago(168 - h), value=(10 + h) * MI) for h in range(0, 98, 4)),
            limit=(Sample(at=ago(168), value=128 * MI),),
        ),
        Life(
            pod="api-7d-z9",
            container="app",
            container_id="b" * 64,
            working_set=tuple(Sample(at=ago(69 - h), value=(10 + h) * MI) for h in range(0, 69, 4)),
        ),
    ),
    stepped_seconds=None,
)
REPORT = HistoryReport(
    items=(HISTORY,),
    gaps=(Gap(source="metrics engine", reason="half of it", remedy="ask again"),),
    since=ago(168),
    until=NOW,
)


def screen(report: HistoryReport, width: int = 80, *, wide: bool = False) -> list[str]:
    return list(lines(report, now=NOW, width=width, height=8, paint=Paint(on=False), wide=wide))


def test_the_screen_says_numbers_kills_causes_and_gaps_under_the_picture() -> None:
    assert "\n".join(screen(REPORT)) == EXPECTED


EXPECTED = """\
deployment/api in shop, container app: 2 OOM kills in 7d
Working set, 672 samples of 2 pods (a sample every 4h):
 128Mi ┤╌╌ limit ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌
       │
       │                     ▁▃▅▆
       │                 ▂▄▆▇████                 ▂
  64Mi ┤            ▁▃▅▇█████████            ▁▃▅▇██
       │       ▁▂▄▆██████████████       ▁▂▄▆███████
       │   ▂▃▅▇██████████████████   ▂▃▅▇███████████
       │▄▆███████████████████████▄▆████████████████
     0 ┼────────────────────────XI───────────X─────
       7d ago           3d12h ago               now
  limit         128Mi, request 64Mi
  now           working set 78Mi (61%), kubelet metrics/cadvisor
  working set   avg 60Mi (47%), p50 58Mi (45%), p95 110Mi (86%), p99 120Mi
                (94%), highest sampled 126Mi (98%)
  usage         avg 60Mi (47%), p50 58Mi (45%), p95 110Mi (86%), p99 120Mi
                (94%), highest sampled 190Mi (148%); 64Mi more than the working
                set is file cache, which the kernel can take back
  pattern       leak [likely]: grew in both lives
  growth        +2.5Mi an hour in the floor, over all lives; at this rate the
                limit is 120m away
  in each life  seen too shortly over 2d20h, +1Mi/h over 4d
  kills         2 kills, 2.0 a week at this rate; 3 restarts of any cause, at
                least
  image (I)     shop/api:8 from 2026-05-05T06:00:00Z
Kills, newest first:
  AGE     POD               VERDICT          CONFIDENCE  LIMIT  PATTERN
  20h     api-7d-x2 (gone)  container-limit  likely      128Mi  leak
  ~2d22h  api-7d-x2 (gone)  container-limit  likely      128Mi  leak
  warning cause-leak: It grows in every life.
    -> look inside: jcmd 1 GC.heap_info

Could not be seen:
  metrics engine: half of it -> ask again"""


@given(st.integers(min_value=40, max_value=200))
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    assert max(len(line) for line in screen(REPORT, width)) <= width


def test_the_document_fits_the_schema_and_yaml_says_the_same() -> None:
    import yaml

    document = history_document(REPORT, NOW)

    SCHEMA.validate(document)
    assert yaml.safe_load(to_yaml(document)) == json.loads(to_json(document))
    (item,) = document["items"]
    assert item["workingSet"]["ofLimit"]["maxSampled"] == round(126 / 128, 4)
    assert [kill["exact"] for kill in item["kills"]] == [True, False]


def test_what_is_not_known_is_null_and_fits_the_schema_too() -> None:
    bare = replace(
        HISTORY,
        workload=None,
        pods=("lone",),
        container_type=None,
        working_set=None,
        usage=None,
        limit_bytes=None,
        request_bytes=None,
        confidence=None,
        growth_bytes_per_hour=None,
        seconds_to_limit=None,
        interval_seconds=None,
        samples=0,
        kills=(),
        restarts=None,
        kills_per_week=None,
        findings=(),
        now=None,
        growth_of_lives=(),
        image_changes=(),
        lives=(),
    )
    report = replace(REPORT, items=(bare,), gaps=())

    SCHEMA.validate(history_document(report, NOW))
    assert screen(report) == [
        "lone in shop, container app: no OOM kill that any source shows in 7d",
        "  limit         none known",
        "  pattern       leak: grew in both lives",
        "  kills         none that any source shows",
    ]


def test_control_characters_of_a_cluster_reach_neither_screen_nor_ticket_nor_picture() -> None:
    evil = replace(
        REPORT,
        items=(replace(HISTORY, container=f"app{ESCAPE}", reason=f"x{ESCAPE}", pods=(f"p{ESCAPE}",)),),
        gaps=(Gap(source=f"s{ESCAPE}", reason=f"r{ESCAPE}\r", remedy=f"m{ESCAPE}"),),
    )

    told = [*screen(evil, wide=True), *history_markdown(evil, now=NOW), *drawing(evil, now=NOW)]

    assert not any("\x1b" in line or "\r" in line for line in told)


def test_the_picture_is_one_svg_without_anything_from_outside() -> None:
    svg = "\n".join(drawing(REPORT, now=NOW))

    root = ET.fromstring(svg)
    tags = [element.tag.rpartition("}")[2] for element in root.iter()]
    assert "script" not in tags
    assert "image" not in tags
    assert "href" not in svg
    assert svg.count("OOM kill at") == 2
    assert "limit 128Mi" in svg
    assert tags.count("polyline") == 2
