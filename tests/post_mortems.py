"""Post-mortems as a hostile cluster would make them, and what stands in the page that tells them."""

from __future__ import annotations

from datetime import timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from kubectl_oom.evidence import (
    Confidence,
    ContainerHistory,
    ContainerType,
    Happening,
    Impact,
    Kill,
    Life,
    Measure,
    MeasureKind,
    Outage,
    Owner,
    Pattern,
    PostMortem,
    PostMortemReport,
    Sample,
    Verdict,
)
from kubectl_oom.show.post_mortem import document_of
from kubectl_oom.show.post_mortem_html import html_of
from tests.hostile import (
    FINDINGS,
    GAPS,
    LAST_SAMPLES,
    MAYBE_BYTES,
    NAMES,
    NASTY,
    SERIES,
    TIMES,
    reports,
)
from tests.test_show_any_proposal import PROPOSALS
from tests.test_show_cases import NOW

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

VOID = frozenset({"meta", "link"})
ALLOWED = frozenset(
    {
        *("html", "head", "meta", "link", "title", "style", "body", "main", "h1", "h2", "h3", "p", "ul", "li"),
        *("strong", "em", "span", "time", "pre", "code", "figure", "figcaption", "details", "summary"),
        *("table", "caption", "thead", "tbody", "tr", "th", "td"),
        *("svg", "desc", "rect", "line", "text", "polyline", "path"),
    }
)
# Attributes whose value a browser would fetch or run.
FETCHES = frozenset({"src", "href", "xlink:href", "action", "data", "srcset", "poster", "background", "formaction"})

KILLS = st.builds(
    Kill,
    at=TIMES,
    exact=st.booleans(),
    namespace=NAMES,
    pod=NAMES,
    pod_gone=st.booleans(),
    node=st.none() | NAMES,
    container=NAMES,
    verdict=st.sampled_from(Verdict),
    confidence=st.sampled_from(Confidence),
    exit_code=st.none() | st.integers(0, 255),
    limit_bytes=MAYBE_BYTES,
    highest_sampled_bytes=MAYBE_BYTES,
    pattern=st.sampled_from(Pattern),
    image=st.none() | NASTY,
    sources=st.lists(NASTY, max_size=2).map(tuple),
)
LIVES = st.builds(
    Life, pod=NAMES, container=NAMES, container_id=st.none(), working_set=SERIES, limit=SERIES.map(lambda s: s[:3])
)
HISTORIES = st.builds(
    ContainerHistory,
    namespace=NAMES,
    workload=st.none() | st.builds(Owner, api_version=st.just("v1"), kind=st.just("Deployment") | NASTY, name=NAMES),
    pods=st.lists(NAMES, max_size=2).map(tuple),
    container=NAMES,
    container_type=st.none() | st.sampled_from(ContainerType),
    since=st.just(NOW - timedelta(days=7)),
    until=st.just(NOW),
    interval_seconds=st.none() | st.floats(1, 600),
    samples=st.integers(0, 99),
    working_set=st.none(),
    usage=st.none(),
    limit_bytes=MAYBE_BYTES,
    request_bytes=MAYBE_BYTES,
    pattern=st.sampled_from(Pattern),
    confidence=st.none() | st.sampled_from(Confidence),
    reason=NASTY,
    data_needed=st.none() | NASTY,
    growth_bytes_per_hour=st.none(),
    seconds_to_limit=st.none(),
    kills=st.lists(KILLS, min_size=1, max_size=2).map(tuple),
    restarts=st.none() | st.integers(0, 99),
    kills_per_week=st.none(),
    findings=st.lists(FINDINGS, max_size=1).map(tuple),
    now=st.none() | LAST_SAMPLES,
    lives=st.lists(LIVES, max_size=2).map(tuple),
    stepped_seconds=st.none(),
)
OUTAGES = st.builds(
    Outage,
    pod=NAMES,
    since=TIMES,
    restarted_at=st.none() | TIMES,
    until=st.none() | TIMES,
    goes_on=st.booleans(),
)
COUNTS = st.none() | st.integers(0, 9)
IMPACTS = st.builds(
    Impact,
    wanted=COUNTS,
    ready_now=COUNTS,
    since=st.none() | TIMES,
    kept_serving=st.lists(NAMES, max_size=7).map(tuple),
    later_ready=st.lists(NAMES, max_size=2).map(tuple),
    outages=st.lists(OUTAGES, max_size=2).map(tuple),
    untold=st.integers(0, 9),
)
MEASURES = st.builds(Measure, kind=st.sampled_from(MeasureKind), what=NASTY, because=NASTY, command=st.none() | NASTY)
HAPPENINGS = st.builds(Happening, at=TIMES, what=NASTY, note=NASTY, pod=st.none() | NAMES, exact=st.booleans())
DIAGNOSES = reports(most=1).filter(lambda report: bool(report.items)).map(lambda report: report.items[0])
POST_MORTEMS = st.builds(
    PostMortem,
    namespace=NAMES,
    workload=st.none() | st.builds(Owner, api_version=st.just("v1"), kind=NASTY, name=NAMES),
    pod=st.none() | NAMES,
    container=NAMES,
    happened_at=st.none() | TIMES,
    diagnosis=st.none() | DIAGNOSES,
    others=st.just(()),
    history=HISTORIES,
    proposal=st.none() | PROPOSALS,
    impact=IMPACTS,
    timeline=st.lists(HAPPENINGS, max_size=2).map(tuple),
    kernel=st.lists(NASTY, max_size=2).map(tuple),
    measures=st.lists(MEASURES, max_size=2).map(tuple),
)
REPORTS: SearchStrategy[PostMortemReport] = st.builds(
    PostMortemReport,
    items=st.lists(POST_MORTEMS, max_size=2).map(tuple),
    gaps=st.lists(GAPS, max_size=2).map(tuple),
    since=st.just(NOW - timedelta(days=7)),
    until=st.just(NOW),
)


class Page(HTMLParser):
    """What stands in a page: its tags, balanced or not, and what a browser would fetch for it."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.fetched: list[str] = []
        self.handlers: list[str] = []
        self.ids: list[str] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.fetched += [f"{name}={value}" for name, value in attrs if name in FETCHES]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def page_of(report: PostMortemReport) -> str:
    return "\n".join(html_of(document_of(report, NOW))) + "\n"


def hostile_page() -> str:
    """A page whose every word from a cluster is an attack on it."""
    from dataclasses import replace

    from tests.test_show_history import HISTORY

    evil = "</svg></style><script>alert(1)</script><img src=http://example.com/x onerror=alert(2)>" + "x" * 300
    lives = tuple(
        replace(life, pod=evil, limit=(Sample(at=life.working_set[0].at, value=1 << 27),)) for life in HISTORY.lives
    )
    history = replace(
        HISTORY, namespace=evil, container=evil, reason=evil, lives=lives, pods=(evil,), workload=None, findings=()
    )
    item = PostMortem(
        namespace=evil,
        workload=Owner(api_version=evil, kind=evil, name=evil),
        pod=evil,
        container=evil,
        happened_at=NOW,
        diagnosis=None,
        others=(),
        history=history,
        proposal=None,
        impact=Impact(
            wanted=2,
            ready_now=1,
            since=NOW,
            kept_serving=(evil,),
            later_ready=(evil,),
            outages=(Outage(pod=evil, since=NOW, restarted_at=None, until=None, goes_on=False),),
            untold=1,
        ),
        timeline=(Happening(at=NOW, what=evil, note=evil, pod=evil),),
        kernel=(evil,),
        measures=(Measure(kind=MeasureKind.PREVENTION, what=evil, because=evil, command=evil),),
    )
    return page_of(PostMortemReport(items=(item,), gaps=(), since=NOW, until=NOW))
