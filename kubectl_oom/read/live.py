"""A live cluster as a source: every question is one or a few GETs through the API server."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from kubectl_oom.read.answer import part, text
from kubectl_oom.read.connection import HttpError, fresh_token
from kubectl_oom.read.kubelet import memory_lines
from kubectl_oom.read.resources import requested_bytes
from kubectl_oom.read.source import PODS, Json, Kind, ReadError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import HeapLine, MemoryHistory, Owner, WorkloadPast
    from kubectl_oom.read.connection import Connection
    from kubectl_oom.read.engine import Engine, EngineOptions

PAGE = 500  # objects per list request: what kubectl asks for
# Reading takes seconds, and events are put beside samples to the minute.
CLOCKS_APART_SECONDS = 30.0
LOG_TAIL_LINES = 200  # a dying runtime's last words; enough for a V8 or JVM report
LOG_TAIL_BYTES = 256 * 1024  # one line can be huge


def _clock_warning(engine: Engine, now: datetime) -> tuple[str, ...]:
    """Says so when the engine's clock is so far from ours that samples cannot be put beside events.

    ReadError "Timeout" from an engine that does not answer even that.
    """
    from kubectl_oom.read.metrics import clock_difference  # noqa: PLC0415 - only where there is an engine

    try:
        ahead = clock_difference(engine, now)
    except ReadError as error:
        if error.reason == "Timeout":
            raise
        return ()  # an engine that cannot say has answered everything else
    if abs(ahead) < CLOCKS_APART_SECONDS:
        return ()
    which = "ahead of" if ahead > 0 else "behind"
    return (f"its clock is {abs(ahead):.0f} s {which} ours: samples and events of one moment carry different times",)


class LiveSource:
    """Questions go to the API server; metrics go to the engine of `engine_options`, if there is one."""

    def __init__(
        self,
        connection: Connection,
        engine_options: EngineOptions | None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._connection = connection
        self._tell = tell  # one sentence for the user, beside the answer
        self._engine_options = engine_options
        self._engine: Engine | None = None
        self._silent: ReadError | None = None  # an engine that did not answer the smallest question is not asked again
        self.namespace = connection.namespace
        self.label = connection.server

    @property
    def connection(self) -> Connection:
        """The API server, for those who change something."""
        return self._connection

    def get(self, kind: Kind, namespace: str | None, name: str) -> Json:
        """One object."""
        if namespace is None and kind.namespaced:
            namespace = self.namespace
        path = kind.path(namespace, quote(name, safe=""))
        item = self._connection.get_json(path)
        if part(item, "metadata").get("name") != name:
            raise self._misfit(path, f"something that is no {kind.name} {name}")
        return item

    def list(self, kind: Kind, namespace: str | None, *, labels: str = "", fields: str = "") -> list[Json]:
        """All objects that match, read page by page."""
        return [item for page in self.pages_of(kind, namespace, labels=labels, fields=fields) for item in page]

    def pages_of(
        self, kind: Kind, namespace: str | None, *, labels: str = "", fields: str = ""
    ) -> Iterator[Sequence[Json]]:
        """The objects of `list`, as they arrive."""
        params = {"limit": str(PAGE)}
        if labels:
            params["labelSelector"] = labels
        if fields:
            params["fieldSelector"] = fields
        path = kind.path(namespace)
        while True:
            page = self._page(path, params)
            found = page["items"] or [] if "items" in page else None  # Go writes null for a list of nothing
            if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
                raise self._misfit(path, f"something that is no list of {kind.plural}")
            token = text(part(page, "metadata").get("continue"))
            del page
            yield found
            del found  # two pages at a time would be twice the memory
            if not token:
                return
            if token == params.get("continue"):
                raise self._misfit(path, "the same page of a list again")
            params["continue"] = token

    def _page(self, path: str, params: dict[str, str]) -> Json:
        """A page; where the list has become too old to go on with (410), the server's own token leads on to the rest.

        From there on it is the list of a later moment: what was deleted or made in between may be missing or there.
        """
        try:
            return self._connection.get_json(path, params)
        except HttpError as error:
            token = fresh_token(error) if "continue" in params else None
            if not token or token == params["continue"]:
                raise
        params["continue"] = token
        return self._connection.get_json(path, params)

    def _misfit(self, path: str, what: str) -> ReadError:
        return ReadError("BadAnswer", f"{urlsplit(self.label).netloc} answered {path} with {what}")

    def kubelet_metrics(self, node: str) -> str:
        """The memory lines of the kubelet's cAdvisor page."""
        page = self._connection.get(f"/api/v1/nodes/{quote(node, safe='')}/proxy/metrics/cadvisor", accept="text/plain")
        return memory_lines(page.decode(errors="replace"))

    def kubelet_summary(self, node: str) -> Json:
        """The kubelet's stats summary."""
        return self._connection.get_json(f"/api/v1/nodes/{quote(node, safe='')}/proxy/stats/summary")

    def pod_metrics(self, namespace: str, pod: str) -> Json:
        """The pod's `PodMetrics`."""
        return self._connection.get_json(f"/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods/{pod}")

    def requested_on(self, node: str) -> int:
        """The sum over the node's pods; what they are is told to nobody."""
        still_there = f"spec.nodeName={node},status.phase!=Succeeded,status.phase!=Failed"
        return sum(requested_bytes(pod) for pod in self.list(PODS, None, fields=still_there))

    def heap_lines(self, namespace: str, pod: str, container: str, *, previous: bool) -> tuple[HeapLine, ...]:
        """Matching lines of the log's tail; the rest of it is dropped here and reaches nobody."""
        from kubectl_oom.read.heap_log import heap_lines_in  # noqa: PLC0415 - many expressions, only for who has a log

        params = {
            "container": container,
            "tailLines": str(LOG_TAIL_LINES),
            "limitBytes": str(LOG_TAIL_BYTES),
            "previous": "true" if previous else "false",
        }
        log = self._connection.get(f"/api/v1/namespaces/{namespace}/pods/{pod}/log", params, accept="*/*")
        return heap_lines_in(log.decode(errors="replace"), pod=pod, container=container)

    def history(
        self, namespace: str, pods: Sequence[str], nodes: Sequence[str], since: datetime, until: datetime
    ) -> MemoryHistory:
        """What the metrics engine holds; ReadError "NotConfigured" where none was named."""
        engine = self.engine()
        from kubectl_oom.read.metrics import read_history  # noqa: PLC0415 - 20 ms, only where there is an engine

        try:
            apart = _clock_warning(engine, until)  # first: reading takes its time
        except ReadError as error:
            self._silent = error
            raise
        try:
            found = read_history(engine, namespace, pods, nodes, since, until)
        except ReadError as error:
            if apart:  # what is of another time looks like nothing at all
                raise ReadError(error.reason, f"{error.message}; {apart[0]}", error.status) from error
            raise
        return replace(found, warnings=(*found.warnings, *apart))

    def past(
        self, namespace: str, workload: Owner | None, living: Sequence[str], since: datetime, until: datetime
    ) -> WorkloadPast:
        """What the metrics engine remembers of a workload."""
        from kubectl_oom.read.past import read_past  # noqa: PLC0415 - as above

        return read_past(self.engine(), namespace, workload, living, since, until)

    def engine(self) -> Engine:
        """The metrics engine that the options name, or the one found in the cluster."""
        if self._engine_options is None:
            raise ReadError("NotConfigured", "no metrics engine was named")
        if self._silent:
            raise self._silent
        if self._engine is None:
            from kubectl_oom.read.engines import connect_engine  # noqa: PLC0415 - only when asked

            self._engine = connect_engine(self._engine_options, self._connection)
            if self._engine.chosen_because:
                self._tell(f"{self._engine.chosen_because}.")
        return self._engine

    def forget_engine(self) -> None:
        """Look for the metrics engine anew, and ask it again although it was silent: hours may have passed."""
        self._engine, self._silent = None, None
