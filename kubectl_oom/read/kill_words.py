"""What events say about pods with a trace of a kill: a few lists for all of them, read page by page.

Events can be ten times as many as pods. So the API server is asked for the few reasons that speak of an end, and of the
answer only what is about these pods is kept.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_oom.judge.messages import start_needs
from kubectl_oom.read.gaps import gap_of
from kubectl_oom.read.objects import event_of, node_of
from kubectl_oom.read.reading import Reading
from kubectl_oom.read.single_reads import EVENT_LISTS_BY_POD, NODE_EVENT_NAMESPACE, read_events
from kubectl_oom.read.source import EVENTS, ReadError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from kubectl_oom.evidence import Event, Gap, Node, Pod, PodKey
    from kubectl_oom.read.source import ClusterSource, Json

Words = dict["PodKey", list["Event"]]
_SANDBOX = "FailedCreatePodSandBox"  # a pod that cannot start at all shows nothing else
# Of an end: the kubelet's own word that it stops a container, and the failures of probes that led to it.
_OF_AN_END = ("Killing", "Unhealthy")


def stuck_sandboxes(source: ClusterSource, namespace: str | None, gaps: list[Gap]) -> Words:
    """The events of pods whose sandbox cannot start within its memory limit."""
    found: Words = defaultdict(list)
    for item in _listed(source, namespace, f"involvedObject.kind=Pod,reason={_SANDBOX}", "pod events", gaps):
        event = event_of(item)
        if start_needs(event.message)[0]:
            found[_pod_of(item, event)].append(event)
    return found


def words_about(
    source: ClusterSource, pods: Mapping[PodKey, Pod], namespace: str | None, gaps: list[Gap]
) -> Mapping[PodKey, list[Event]]:
    """The events that tell how these pods' containers ended."""
    if len(pods) <= EVENT_LISTS_BY_POD:
        reading = Reading()
        found = read_events(source, list(pods.values()), reading)
        gaps += reading.gaps
        return found
    words: Words = defaultdict(list)
    for reason in _OF_AN_END:
        for item in _listed(source, namespace, f"involvedObject.kind=Pod,reason={reason}", "pod events", gaps):
            event = event_of(item)
            if _pod_of(item, event) in pods:
                words[_pod_of(item, event)].append(event)
    return words


def with_words(pod: Pod, told: Iterable[Event]) -> Pod:
    """The pod with what was told of it, oldest first, and not of an earlier pod of that name."""
    own = [event for event in told if event.object_uid in (None, pod.uid)]
    own.sort(key=lambda event: event.last_at.timestamp() if event.last_at else 0.0)
    return replace(pod, events=tuple(own))


def nodes_by_words(source: ClusterSource, names: Collection[str], gaps: list[Gap]) -> dict[str, Node]:
    """These nodes, as far as their events tell: whether they ran out of memory."""
    found: dict[str, list[Event]] = defaultdict(list)
    if not names:
        return {}
    for item in _listed(source, NODE_EVENT_NAMESPACE, "involvedObject.kind=Node", "node events", gaps):
        event = event_of(item)
        if event.object_name in names:
            found[event.object_name].append(event)
    return {name: node_of({"metadata": {"name": name}}, events) for name, events in found.items()}


def _pod_of(item: Json, event: Event) -> PodKey:
    namespace = item.get("metadata", {}).get("namespace") if isinstance(item.get("metadata"), dict) else None
    return str(namespace or "default"), event.object_name


def _listed(source: ClusterSource, namespace: str | None, fields: str, name: str, gaps: list[Gap]) -> Iterator[Json]:
    """The events, page after page; a gap where they cannot be read, or not to the end."""
    try:
        for page in source.pages_of(EVENTS, namespace, fields=fields):
            yield from page
            del page
    except ReadError as error:
        gaps.append(gap_of(name, f"namespace {namespace}" if namespace else "", error))
