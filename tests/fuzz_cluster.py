"""A cluster with every source there is, over real HTTP, whose answers can be damaged on the way.

Its metrics are those of a real engine. What is damaged, and how, is drawn by hypothesis (`DAMAGES`).
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from hypothesis import strategies as st

from tests import junk
from tests.build import KILLED, MI, NOW
from tests.in_memory import deployment_json, metadata, pod_json
from tests.replay import LOGIN_PAGE, Page, Recorded
from tests.stories import DAY, End, PodStory, owned, told

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hypothesis.strategies import SearchStrategy

    from kubectl_oom.read.source import Json
    from tests.engines import RunningEngine, Series

_TABLE = {  # what completion asks for
    "columnDefinitions": [{"name": name} for name in ("Name", "Ready", "Status", "Restarts", "Age")],
    "rows": [{"cells": [name, "1/1", "Running", "3 (5m ago)", "4d"]} for name in ("api-0", "api-1", "shop")],
}
LOG = "starting\nException in thread main java.lang.OutOfMemoryError: Java heap space\n"
SECONDS = 10.0

# --- what there is ---------------------------------------------------------------------------------------------------


def objects() -> dict[str, list[Json]]:
    """What the API server holds, by kind."""
    service = {
        "metadata": metadata("prometheus", "monitoring", labels={"app.kubernetes.io/name": "prometheus"}),
        "spec": {"ports": [{"name": "web", "port": 9090}]},
    }
    rule = {"alert": "Killed", "expr": 'rate(kube_pod_container_status_restarts_total{reason="OOMKilled"}[5m]) > 0'}
    rules = {"metadata": metadata("oom"), "spec": {"groups": [{"name": "oom", "rules": [rule]}]}}
    template = {"metadata": {"labels": {"app": "api"}}, "spec": junk.POD["spec"]}
    deployment = deployment_json()
    deployment["spec"] |= {"template": template, "strategy": junk.WORKLOAD["spec"]["strategy"]}
    return {
        "pods": [junk.POD, pod_json("api-1"), pod_json("api-2", spec={"nodeName": "node-b"})],
        "events": junk.EVENTS,
        "nodes": [junk.NODE],
        "namespaces": [{"metadata": {"name": "shop"}}],
        "services": [service],
        "limitranges": [{**junk.LIMIT_RANGE, "metadata": metadata("defaults")}],
        "resourcequotas": [junk.RESOURCE_QUOTA],
        "replicasets.apps": [junk.REPLICA_SET],
        "deployments.apps": [deployment],
        "horizontalpodautoscalers.autoscaling": [junk.HORIZONTAL_AUTOSCALER],
        "verticalpodautoscalers.autoscaling.k8s.io": [junk.VERTICAL_AUTOSCALER],
        "prometheusrules.monitoring.coreos.com": [rules],
        "pods.metrics.k8s.io": [{**junk.POD_METRICS, "metadata": metadata(name)} for name in ("api-0", "api-1")],
    }


def series() -> list[Series]:
    """What the metrics engine holds: two days of two pods, one of them killed twice."""
    until = int(NOW.timestamp())
    since = until - 2 * DAY
    owner = ("ReplicaSet", "api-7d9")
    ends = (End(until - DAY + 7), End(until - int(KILLED)))
    killed = PodStory("api-0", owner, since, until, ends=ends, limit=100 * MI)
    gone = PodStory("api-gone", owner, since, until - DAY, ends=(End(until - DAY - 3000),), limit=100 * MI)
    return told(
        killed, gone, PodStory("api-1", owner, since, until), of=[owned("shop", "api", "api-7d9", since, until)]
    )


@dataclass
class Cluster(Recorded):
    """Answers every GET of the tool, as it is or damaged."""

    engine: RunningEngine | None
    namespace: str = "shop"
    damages: Sequence[Damage] = ()
    _objects: dict[str, list[Json]] = field(default_factory=objects)

    def page(self, path: str) -> Page:
        """The answer to a path, with all that `damages` does to it."""
        whole = self._whole(path)
        for damage in self.damages:
            if damage.word in path:
                whole = damage.of(whole)
        return whole

    def _whole(self, path: str) -> Page:
        if "/api/v1/query" in path and self.engine:
            return _asked(self.engine, path)
        if "/proxy/metrics/cadvisor" in path:
            return Page(junk.PAGE, kind="text/plain")
        if "/proxy/stats/summary" in path:
            return Page(json.dumps(junk.SUMMARY))
        if path.partition("?")[0].endswith("/log"):
            return Page(LOG, kind="text/plain")
        if "includeObject=None" in path:
            return Page(json.dumps(_TABLE))
        page = super().page(path)
        if page.status != 200 or '"items"' not in str(page.body):
            return page
        listed = {**json.loads(page.body), "metadata": {"resourceVersion": "5"}}
        return Page("\n".join(_watched(listed)) if "watch" in parse_qs(urlsplit(path).query) else json.dumps(listed))


def _asked(engine: RunningEngine, path: str) -> Page:
    below = path[path.index("/api/v1/query") :]
    try:
        with urllib.request.urlopen(engine.url + below, timeout=SECONDS) as response:
            return Page(response.read())
    except urllib.error.HTTPError as refused:
        with refused:
            return Page(refused.read(), refused.code)


def _watched(listed: Json) -> Iterator[str]:
    """What a watch shows of a list: everything again, and then the killed pod killed once more, and gone."""
    for item in listed["items"]:
        yield json.dumps({"type": "ADDED", "object": item})
    for kind in ("MODIFIED", "DELETED"):
        yield json.dumps({"type": kind, "object": {**listed["items"][0], "kind": "Pod"}})
    yield json.dumps({"type": "BOOKMARK", "object": {"kind": "Pod", "metadata": {"resourceVersion": "9"}}}) + "\n"


# --- what can be done to it --------------------------------------------------------------------------------------------

# Stand for what is written into the text afterwards: no dict or list of Python's could be that.
_DEEP, _LONG_NUMBER = "\0deep", "\0number"
_TEXTS = {_DEEP: "[" * 20_000 + "]" * 20_000, _LONG_NUMBER: "9" * 5_000}
_SHALLOWER = {_DEEP: '{"x":' * 900 + "1" + "}" * 900, _LONG_NUMBER: "9" * 400}
STEERING = [
    "\x1b]0;owned\x07\x1b[2J",
    "50%\r100%\b\x7f",
    "\x9b31mred\x85",
    "\u202egpj.exe\u2066\u200f",
    "zero\u200bwidth\ufeff\u2028line\u2029paragraph\u00ad",
    "one\ntwo\n\n# three\n```\n",
    "nul\0nul",
    "half \ud800 a pair",
]
MEANT_FOR_OTHERS = [
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "a|b|c",
    "'; rm -rf / #",
    "$(reboot)`reboot`",
    "{{ .Values.x }}",
    "&anchor *alias !!python/object:os.system",
    "](http://x) ![](y)",
    "../../etc/passwd",
    "café 日本語 🧨",
    "x" * 3_000,
    "a " * 1_500,
    "",
]
QUANTITIES = ["100Mi", "1e400", "-5Gi", "0", "9" * 400, "1Ki1", "1e-400", "0x10", "10m", "NaN", "inf", "128974848000m"]


class _Gone:
    """In place of a part that is dropped."""

    def __repr__(self) -> str:
        return "GONE"


GONE = _Gone()
_NEW = st.one_of(
    st.sampled_from(STEERING),
    st.sampled_from(MEANT_FOR_OTHERS),
    st.sampled_from(QUANTITIES),
    st.sampled_from([GONE, _DEEP, _LONG_NUMBER]),
    st.sampled_from(
        [[], {}, [[]], [None], {"": None}, {"x": {}}, None, 0, -1, True, 1e308, float("nan"), float("inf")]
    ),
    junk.JUNK,
)
WORDS = [
    "",
    "/pods",
    "/events",
    "/nodes/",
    "/proxy/metrics",
    "/stats/summary",
    "metrics.k8s.io",
    "/log",
    "/replicasets",
    "/deployments",
    "/limitranges",
    "/resourcequotas",
    "/horizontal",
    "/vertical",
    "/services?",
    "/prometheusrules",
    "/query?",
    "/query_range?",
    "watch=",
]


@dataclass(frozen=True)
class Damage:
    """One part of every answer whose path holds the word, replaced; or, where it is `whole`, the answer itself."""

    word: str
    place: int
    new: Any
    whole: Page | None = None
    gentle: bool = False  # nested and long only as far as a parser still takes it

    def of(self, page: Page) -> Page:
        """The damaged answer."""
        if self.whole is not None:
            return self.whole
        try:
            value = json.loads(page.body)
        except (ValueError, RecursionError):
            return replace(page, body=self._of_text(page.body))
        paths = list(junk.paths(value))
        value = _put(value, paths[self.place % len(paths)], self.new)
        text = json.dumps(None if value is GONE else value)
        for mark, instead in (_SHALLOWER if self.gentle else _TEXTS).items():
            text = text.replace(json.dumps(mark), instead)
        return replace(page, body=text)

    def _of_text(self, body: str | bytes) -> bytes:
        """A text (or lines of JSON) with something in place of what is found there."""
        content = body.encode() if isinstance(body, str) else body
        at = self.place % (len(content) + 1)
        new = b"" if self.new is GONE else str(self.new).encode("utf-8", "surrogatepass")
        return content[:at] + new + content[at + (0 if self.gentle else len(new)) :]


def _put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    inner = _put(value[path[0]], path[1:], new)
    if inner is not GONE:
        value[path[0]] = inner
    else:
        del value[path[0]]
    return value


ANSWERS = [
    Page(""),
    Page("null"),
    Page("[]"),
    Page('{"items": 5}'),
    Page('{"items": [], "metadata": {"continue": "\\u001b[2J"}}'),
    Page(b'{"items": ["\xff\xfe"]}'),
    Page('{"status": "success", "data": {"resultType": "vector", "result": 7}, "warnings": 7}'),
    Page('{"status": "success", "data": {"resultType": "\\u001b[2J", "result": []}, "warnings": ["\\u001b[2J"]}'),
    Page('{"kind": "Status", "message": "\\u001b]0;x\\u0007\\u202e", "reason": 7, "code": "x", "details": []}', 403),
    Page('{"kind": "Status", "message": "\\ud800", "reason": "Expired", "code": 410}', 410),
    Page('{"status": "error", "errorType": [], "error": "\\u001b[2J too many"}', 422),
    Page("boom \x1b[2J", 500, "text/plain"),
    Page(LOGIN_PAGE, 200, "text/html"),
    Page("", 301),
    Page("later", 429),
    Page('{"kind": "Status", "status": "Failure", "reason": "NotFound", "message": "pods \\"api-0\\" not found"}', 404),
]
PLACES = st.integers(0, 1 << 16)
_PARTS = st.builds(Damage, word=st.sampled_from(WORDS), place=PLACES, new=_NEW, gentle=st.booleans())
_WHOLES = st.builds(
    Damage, word=st.sampled_from(WORDS[1:]), place=st.just(0), new=st.none(), whole=st.sampled_from(ANSWERS)
)
DAMAGES: SearchStrategy[list[Damage]] = st.lists(_PARTS, min_size=1, max_size=8) | st.lists(
    _PARTS | _WHOLES, min_size=1, max_size=4
)
