"""A whole cluster, or a large selection: namespace after namespace, each ready to be judged.

The pods come from a few lists, their memory from a few questions to the metrics engine about some thousand containers
at a time. What fails costs the namespaces it is about, and is a gap; the others are answered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kubectl_oom.evidence import CaseFile, Gap
from kubectl_oom.read import promql
from kubectl_oom.read.gaps import gap_of
from kubectl_oom.read.kill_words import with_words, words_about
from kubectl_oom.read.past_case import past_of, workloads_of
from kubectl_oom.read.past_kills import OOM_KILLED
from kubectl_oom.read.source import ReadError
from kubectl_oom.read.stock import uses_now
from kubectl_oom.read.survey_answers import Answers
from kubectl_oom.read.survey_batches import batches
from kubectl_oom.read.survey_numbers import Surveyor
from kubectl_oom.read.survey_overview import overview_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import ContainerKey, MemoryNow, Pod, WorkloadPast
    from kubectl_oom.read.source import ClusterSource
    from kubectl_oom.read.stock import Stock
    from kubectl_oom.read.targets import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """One namespace: what is judged together."""

    namespace: str
    case: CaseFile
    pasts: tuple[WorkloadPast, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """What to ask a metrics engine for."""

    since: datetime
    until: datetime
    p99: bool = False  # one more question for every batch, which one of the rules of thumb needs


class Survey:
    """The pods of a selection and what a metrics engine remembers of them, read while it is gone through.

    `metrics` None: no engine is asked, and the pods' own statuses and what they use now have to do.
    """

    def __init__(self, source: ClusterSource, scope: Scope, stock: Stock, metrics: Metrics | None) -> None:
        self._source = source
        self._scope = scope
        self._now: dict[ContainerKey, tuple[MemoryNow, ...]] | None = None
        self.gaps = list(stock.gaps)  # of the survey as a whole; complete when it has been gone through
        self._stock = stock = replace(stock, pods=self._with_words(stock.pods))
        self.workloads: Mapping[str, tuple[WorkloadPast, ...]] = {
            namespace: tuple(workloads_of(scope, CaseFile(pods=pods))) for namespace, pods in stock.pods.items()
        }
        self._answers = self._find_engine(metrics) if metrics and stock.pods else None

    def __iter__(self) -> Iterator[Surveyed]:
        """The namespaces, those with most OOM kills first. Never raises ReadError."""
        answers, order = self._answers, self._order()
        if answers is None:
            yield from (self._without_numbers(namespace, ()) for namespace in order)
            return
        for unit in batches(order, self._stock.containers, {name: self._patterns(name) for name in order}):
            for namespace, answer in answers.of(unit).items():
                if isinstance(answer, ReadError):
                    subject = "" if answer.reason == "GivenUp" else f"namespace {namespace}"
                    yield self._without_numbers(namespace, (gap_of("metrics engine", subject, answer),))
                else:
                    pasts = answers.pasts(self.workloads[namespace], answer)
                    case = self._case(namespace, {}, (), counted=answers.counts_children(namespace, answer))
                    yield Surveyed(namespace=namespace, case=case, pasts=pasts)

    def whole(self) -> tuple[CaseFile, list[WorkloadPast]]:
        """All pods and workloads in one, for what is read once for all of them."""
        pods = tuple(pod for listed in self._stock.pods.values() for pod in listed)
        pasts = [past for listed in self.workloads.values() for past in listed]
        return CaseFile(pods=pods, nodes=self._stock.nodes), pasts

    def _with_words(self, pods: Mapping[str, tuple[Pod, ...]]) -> dict[str, tuple[Pod, ...]]:
        """The pods; with the events of those that carry the OOM mark, which a probe's kill can carry too."""
        marked = {(pod.namespace, pod.name): pod for own in pods.values() for pod in own if _was_oom_killed(pod)}
        words = words_about(self._source, marked, self._scope.namespace, self.gaps) if marked else {}
        told = {key: with_words(pod, words.get(key, ())) for key, pod in marked.items()}
        return {name: tuple(told.get((name, pod.name), pod) for pod in own) for name, own in pods.items()}

    def _find_engine(self, metrics: Metrics) -> Answers | None:
        try:
            surveyor = Surveyor(self._source.engine(), metrics.since, metrics.until, p99=metrics.p99)
            overview = overview_of(surveyor, list(self._stock.pods))
        except ReadError as error:
            self.gaps.append(gap_of("metrics engine", "", error))
            return None
        self.gaps += [Gap(source="metrics engine", reason=warning) for warning in overview.warnings]
        return Answers(surveyor, overview)

    def _order(self) -> list[str]:
        """By kills, as far as the engine and the pods' own statuses tell."""
        killed = set(self._answers.overview.killed) if self._answers else set()
        killed |= {
            (pod.namespace, pod.name) for pods in self._stock.pods.values() for pod in pods if _was_oom_killed(pod)
        }
        counts = dict.fromkeys(self._stock.pods, 0)
        for namespace, _ in killed:
            if namespace in counts:
                counts[namespace] += 1
        return sorted(counts, key=lambda namespace: (-counts[namespace], namespace))

    def _patterns(self, namespace: str) -> tuple[str, ...]:
        """What the names of the pods begin with that were selected by label; nothing where all are asked about."""
        if not self._scope.labels:
            return ()
        found = dict.fromkeys(
            f"{promql.literal(past.workload.name)}.*" if past.workload else promql.literal(past.pods[0])
            for past in self.workloads[namespace]
        )
        return tuple(found) if len(list(promql.groups(found))) == 1 else ()

    def _without_numbers(self, namespace: str, gaps: Sequence[Gap]) -> Surveyed:
        """What the pods' own status says, and what they use now."""
        if self._now is None:
            self._now = uses_now(self._source, self._scope.namespace, self.gaps)
        now = {key: used for key, used in self._now.items() if key[0] == namespace}
        pasts = tuple(past_of(past, None) for past in self.workloads[namespace])
        return Surveyed(namespace=namespace, case=self._case(namespace, now, gaps), pasts=pasts)

    def _case(
        self,
        namespace: str,
        now: Mapping[ContainerKey, tuple[MemoryNow, ...]],
        gaps: Sequence[Gap],
        *,
        counted: bool = False,
    ) -> CaseFile:
        return CaseFile(
            pods=self._stock.pods[namespace],
            nodes=self._stock.nodes,
            now_by_container=now,
            children_counted=counted,
            gaps=tuple(gaps),
        )


def _was_oom_killed(pod: Pod) -> bool:
    return any(end.reason == OOM_KILLED for container in pod.containers for end in container.terminations)
