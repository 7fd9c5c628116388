"""What happened when: what every source knows of the incident, in one order."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kubectl_oom.evidence import KERNEL_OOM_VERDICTS, Happening
from kubectl_oom.judge.fullness import HAD_ROOM
from kubectl_oom.quantity import show_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import CaseFile, ContainerHistory, Diagnosis, Event, Kill, Sample

# Of a crash loop: more rows are not read, and `history` lists them all.
KILLS_TOLD = 12
EVENTS_TOLD = 12
# The kubelet's time of an end is whole seconds, and so is the metrics engine's copy of it.
SAME_END = timedelta(seconds=2)
NEAR_THE_LIMIT = HAD_ROOM  # where an alert on memory would have fired


def timeline_of(case: CaseFile, history: ContainerHistory, ended: Sequence[Diagnosis]) -> tuple[Happening, ...]:
    """All moments that are known, oldest first; events repeat, and stand where they were last seen."""
    found = [
        *(moment for item in ended for moment in _of_end(item, history.kills)),
        *_kills(history, ended),
        *(Happening(at=c.at, what="new image", note=c.image) for c in history.image_changes),
        *_events(case, history, ended),
    ]
    return tuple(sorted(dict.fromkeys(found), key=lambda h: h.at))


def near_limit_since(item: Diagnosis) -> datetime | None:
    """Since when every sample of the life that ended was near the limit; None where the last one was not."""
    run_up, limit = item.run_up, item.limit_bytes
    if run_up is None or not limit:
        return None
    since = None
    for sample in reversed(_charged(run_up.usage or run_up.samples, item.killed_at)):
        if sample.value < NEAR_THE_LIMIT * limit:
            break
        since = sample.at
    return since


def _charged(samples: Sequence[Sample], until: datetime | None) -> list[Sample]:
    return [sample for sample in samples if until is None or sample.at <= until]


def _of_end(item: Diagnosis, kills: Sequence[Kill]) -> Iterator[Happening]:
    if item.started_at:
        yield Happening(at=item.started_at, what="started", note="the instance it happened in", pod=item.pod)
    if (near := near_limit_since(item)) and item.limit_bytes:
        share = f"{NEAR_THE_LIMIT:.0%} of {show_bytes(item.limit_bytes)}"
        note = f"every sample from here on is at {share} or more"
        yield Happening(at=near, what="near the limit", note=note, pod=item.pod)
    if item.last_sample:
        yield Happening(at=item.last_sample.at, what="last sample", note=_sizes(item), pod=item.pod)
    if item.killed_at and not any(is_end_of(kill, item) for kill in kills):
        yield Happening(at=item.killed_at, what=_end_word(item), note=_end_note(item), pod=item.pod)
    if item.restarted_at:
        yield Happening(at=item.restarted_at, what="restarted", note="by the kubelet", pod=item.pod)
    if item.ready_again_at:
        yield Happening(at=item.ready_again_at, what="ready again", pod=item.pod)


def _end_word(item: Diagnosis) -> str:
    return "OOM kill" if item.verdict in KERNEL_OOM_VERDICTS else item.verdict.value


def _end_note(item: Diagnosis) -> str:
    told = [item.reason or "", "" if item.exit_code is None else f"exit code {item.exit_code}"]
    return ", ".join(filter(None, told))


def _sizes(item: Diagnosis) -> str:
    last = item.last_sample
    if last is None:
        return ""
    sizes = (("working set", last.working_set_bytes), ("usage", last.usage_bytes))
    return ", ".join(f"{name} {show_bytes(size)}" for name, size in sizes if size is not None)


def is_end_of(kill: Kill, item: Diagnosis) -> bool:
    """Whether the kill of the history is the end that the diagnosis tells."""
    return kill.pod == item.pod and item.killed_at is not None and abs(kill.at - item.killed_at) <= SAME_END


def _kills(history: ContainerHistory, ended: Sequence[Diagnosis]) -> Iterator[Happening]:
    """Every kill of the window; of very many the first and the newest."""
    kills = history.kills
    shown = [*kills[: KILLS_TOLD - 1], kills[-1]] if len(kills) > KILLS_TOLD else list(kills)
    left_out = len(kills) - len(shown)
    for place, kill in enumerate(shown):
        item = next((item for item in ended if is_end_of(kill, item)), None)
        limit = f"limit {show_bytes(kill.limit_bytes)}" if kill.limit_bytes else ""
        note = ", ".join(filter(None, (kill.verdict.value, limit, _end_note(item) if item else "")))
        if left_out and place == len(shown) - 1:
            note += f"; {left_out} more between this one and the next row of a kill"
        yield Happening(at=kill.at, what="OOM kill", note=note, pod=kill.pod, exact=kill.exact)


def _events(case: CaseFile, history: ContainerHistory, ended: Sequence[Diagnosis]) -> Iterator[Happening]:
    """What the kubelet warned of in the pods that ended, as far as events are still kept."""
    pods = {item.pod for item in ended}
    told = [
        (at, event, pod.name)
        for pod in case.pods
        if pod.namespace == history.namespace and pod.name in pods
        for event in pod.events
        if _tells_of(event, history.container) and (at := event.last_at or event.first_at)
    ]
    for at, event, pod_name in sorted(told, key=lambda entry: entry[0])[-EVENTS_TOLD:]:
        times = f" ({event.count} times)" if event.count > 1 else ""
        yield Happening(at=at, what=f"event {event.reason}", note=" ".join(event.message.split()) + times, pod=pod_name)


def _tells_of(event: Event, container: str) -> bool:
    """Warnings, and the kubelet's own word that it kills; of this container, or of the pod as a whole."""
    about = event.field_path is None or "{" not in event.field_path or f"{{{container}}}" in event.field_path
    return about and (event.type == "Warning" or event.reason in ("Killing", "Evicted"))
