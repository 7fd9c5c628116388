"""Memory of thousands of containers in a handful of questions, worked out by the engine.

Every function over the window stands on a plain selector, and what is aggregated is aggregated outside of it: the
engine streams one series after the other, and answers with one row per container. The highest sample is asked for by
steps of a few hours, which costs as much as asking for it once, and tells when a pod was there and whether its days
rise. What each question costs is measured: docs/survey.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Owner, Spread
from kubectl_oom.read import promql
from kubectl_oom.read.at_once import readers
from kubectl_oom.read.columns import QUESTIONS_AT_ONCE
from kubectl_oom.read.course import step_for
from kubectl_oom.read.lives import SPEC_LIMIT, WORKING_SET, samples_of
from kubectl_oom.read.metrics import SPEC_LIMITS
from kubectl_oom.read.window import IMAGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import Sample
    from kubectl_oom.read.engine import Answer, Engine
    from kubectl_oom.read.survey_batches import Batch

Key = tuple[str, str, str]  # namespace, pod, container

# Parts of a course: six hours each over a week.
COURSE_STEPS = 28
# Shorter steps would look like samples, and their differences like the jumps between samples.
SHORTEST_STEP = 900
_BY = "by (namespace, pod, container)"
_COUNT = f"sum {_BY} (max by (namespace, pod, container, id) (count_over_time(SERIES)))"
_QUANTILE = f"max {_BY} (quantile_over_time(%s, SERIES))"
_MAX = f"max {_BY} (max_over_time(SERIES))"
_LAST = f"max {_BY} (last_over_time(SERIES))"
_OWNER_LABELS = ("namespace", "pod", "replicaset", "job_name", "replicationcontroller", "owner_kind", "owner_name")
_POD_OWNERS = "kube_pod_owner"
_HIGHER_OWNERS = {
    "kube_replicaset_owner": ("replicaset", "ReplicaSet"),
    "kube_job_owner": ("job_name", "Job"),
    "kube_replicationcontroller_owner": ("replicationcontroller", "ReplicationController"),
}


@dataclass(slots=True)
class Numbers:
    """What the engine says about the containers of a batch; `add` puts the parts of a namespace together."""

    spreads: dict[Key, Spread] = field(default_factory=dict)
    courses: dict[Key, tuple[Sample, ...]] = field(default_factory=dict)
    owners: dict[tuple[str, str], Owner] = field(default_factory=dict)  # namespace, pod → the nearest owner
    above: dict[Key, Owner] = field(default_factory=dict)  # namespace, kind, name of an owner → its own
    # Of namespaces with kills only:
    limits: dict[Key, tuple[Sample, ...]] = field(default_factory=dict)
    oom_events: dict[Key, tuple[Sample, ...]] = field(default_factory=dict)
    images: dict[Key, str] = field(default_factory=dict)
    warnings: dict[str, None] = field(default_factory=dict)

    def add(self, other: Numbers) -> None:
        """Take in the numbers of another part."""
        self.spreads |= other.spreads
        self.courses |= other.courses
        self.owners |= other.owners
        self.above |= other.above
        self.warnings |= other.warnings


class Surveyor:
    """Asks an engine about many containers over one window."""

    def __init__(self, engine: Engine, since: datetime, until: datetime, *, p99: bool = False) -> None:
        self.engine = engine
        self.since = since
        self.until = until
        self.step_seconds = max(SHORTEST_STEP, step_for(since, until, COURSE_STEPS))
        self._p99 = p99
        self._window = promql.over((until - since).total_seconds())

    def numbers(self, batch: Batch, *, with_owners: bool = True) -> Numbers:
        """The numbers of a batch, and the owners in its namespaces.

        ReadError where a question fails: half of the numbers would be taken for all of them.
        """
        here = (*batch.matchers, *promql.IN_CONTAINERS)
        quantiles = {"p95": 0.95} | ({"p99": 0.99} if self._p99 else {})
        with readers(QUESTIONS_AT_ONCE, "survey") as pool:
            course = pool.submit(self._by_steps, _MAX, (WORKING_SET,), *here)
            columns = {
                name: pool.submit(self.over_window, _QUANTILE % share, (WORKING_SET,), *here)
                for name, share in quantiles.items()
            }
            columns["count"] = pool.submit(self.over_window, _COUNT, (WORKING_SET,), *here)
            owners = pool.submit(self._owners, batch) if with_owners else None
            answers = {name: done.result() for name, done in columns.items()}
            found = Numbers(courses=_courses(course.result()))
            others = [course.result(), *([owners.result()] if owners else [])]
        for owned in others[1:]:
            _take_owners(found, owned)
        for answer in (*answers.values(), *others):
            found.warnings |= dict.fromkeys(self.warnings(answer))
        values = {name: _by_container(answer) for name, answer in answers.items()}
        found.spreads = _spreads(found.courses, values)
        return found

    def limits(self, namespaces: Sequence[str]) -> dict[Key, tuple[Sample, ...]]:
        """The last limit in each step, of all containers of these namespaces: one that was raised may have held since."""
        here, memory = promql.one_of("namespace", namespaces), promql.equals("resource", "memory")
        found = _courses(self._by_steps(_LAST, SPEC_LIMITS, here, memory))
        return found or _courses(self._by_steps(_LAST, (SPEC_LIMIT,), here, *promql.IN_CONTAINERS))

    def images(self, namespaces: Sequence[str], pods: Iterable[str]) -> dict[Key, str]:
        """The images of these pods' containers, where each ran only one in the window."""
        found: dict[Key, set[str]] = {}
        by = "max by (namespace, pod, container, image_spec) (last_over_time(SERIES))"
        for group in promql.groups(sorted(set(pods))):
            here = (promql.one_of("namespace", namespaces), promql.one_of("pod", group))
            for row in self.over_window(by, IMAGES, *here).rows:
                if row.labels.get("image_spec"):
                    found.setdefault(_key(row.labels), set()).add(row.labels["image_spec"])
        return {key: images.pop() for key, images in found.items() if len(images) == 1}

    def _by_steps(self, template: str, families: Sequence[str], *here: str) -> Answer:
        """The template's number for each step, stamped with the step's end; the last step ends with the window."""
        step = timedelta(seconds=self.step_seconds)
        first = self.until - step * math.ceil((self.until - self.since) / step - 1)
        expr = template.replace("SERIES", self._series(families, *here) + promql.over(self.step_seconds))
        return self.engine.query_range(expr, since=first, until=self.until, step_seconds=self.step_seconds)

    def _owners(self, batch: Batch) -> Answer:
        """Who owned the pods of the window, and who owned those owners, in one answer."""
        here = promql.one_of("namespace", batch.namespaces)
        by = f"max by ({', '.join(_OWNER_LABELS)}) (last_over_time(SERIES))"
        return self.over_window(by, (_POD_OWNERS, *_HIGHER_OWNERS), here)

    def over_window(self, template: str, families: Sequence[str], *here: str) -> Answer:
        """The template's answer, SERIES in it standing for these series over the whole window."""
        return self.ask(template.replace("SERIES", f"SERIES{self._window}"), families, *here)

    def ask(self, template: str, families: Sequence[str], *here: str) -> Answer:
        """The template's answer at the end of the window, SERIES in it standing for these series."""
        return self.engine.query(template.replace("SERIES", self._series(families, *here)), at=self.until)

    def _series(self, families: Sequence[str], *here: str) -> str:
        return promql.selector(promql.families(*families), *here, *self.engine.matchers)

    def warnings(self, answer: Answer) -> list[str]:
        """What the engine complained of."""
        return [f"{self.engine.label} warns: {warning}" for warning in answer.warnings]


def _spreads(courses: Mapping[Key, tuple[Sample, ...]], values: Mapping[str, Mapping[Key, float]]) -> dict[Key, Spread]:
    """Of the containers that every answer speaks of; the p99 is there only if it was asked for."""
    known = set(courses).intersection(*values.values())
    p99 = values.get("p99")
    return {
        key: Spread(
            samples=round(values["count"][key]),
            mean_bytes=None,
            p50_bytes=None,
            p95_bytes=round(values["p95"][key]),
            p99_bytes=round(p99[key]) if p99 else None,
            max_sampled_bytes=max(sample.value for sample in courses[key]),
        )
        for key in known
    }


def _take_owners(found: Numbers, answer: Answer) -> None:
    """Which family a row is of, its labels tell: the name of a metric does not survive an aggregation."""
    for row in answer.rows:
        labels = row.labels
        namespace, kind, name = (labels.get(label, "") for label in ("namespace", "owner_kind", "owner_name"))
        if kind in ("", "<none>"):
            continue
        owner = Owner(api_version="", kind=kind, name=name)
        for label, of_kind in _HIGHER_OWNERS.values():
            if labels.get(label):
                found.above[namespace, of_kind, labels[label]] = owner
                break
        else:
            found.owners[namespace, labels.get("pod", "")] = owner


def _courses(answer: Answer) -> dict[Key, tuple[Sample, ...]]:
    return {_key(row.labels): samples_of(dict(row.samples)) for row in answer.rows if row.samples}


def _by_container(answer: Answer) -> dict[Key, float]:
    return {_key(row.labels): row.samples[0][1] for row in answer.rows if row.samples}


def _key(labels: Mapping[str, str]) -> Key:
    return labels.get("namespace", ""), labels.get("pod", ""), labels.get("container", "")
