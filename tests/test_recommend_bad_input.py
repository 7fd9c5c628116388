"""What `recommend` makes of evidence that is missing, thin, garbled or misleading: the size it supports, or none.

The API server is a small one that replays objects; the metrics are in a real Prometheus.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from tests.connection.servers import unused_port
from tests.engines import Series, require_program
from tests.engines import running as engine_running
from tests.in_memory import controlled_by, metadata, pod_json
from tests.program import Ran, oom
from tests.real.status import container, ended, rfc3339, running, status_of, waiting
from tests.replay import Hangs, HangsUp, Page, served
from tests.stories import DAY, End, PodStory, owned, told

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.replay import Behaviour, Server

pytestmark = pytest.mark.timeout(120)

Json = dict[str, Any]
MI = 1 << 20
UNTIL = 1_764_000_000  # 2025-11-24T16:00:00Z: what is long past is the same in every run
NOW = datetime.fromtimestamp(UNTIL, tz=timezone.utc)
WEEK = 7 * DAY
REPLICA_SET = "7d9c5b6f4d"
# Well below the 30 s that an engine may take by itself, well above the second that the tests grant it.
BOUNDED_SECONDS = 12.0


def ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


def pod_name(deployment: str) -> str:
    return f"{deployment}-{REPLICA_SET}-x2x8p"


def deployed(name: str, *statuses: Json, limit: str | None = "512Mi") -> dict[str, list[Json]]:
    """A Deployment with one pod, as the API server would hold them."""
    labels = {"app": name}
    spec = {"nodeName": "node-a", "containers": [container(limit=None)]}
    if limit is not None:
        spec["containers"] = [container() | {"resources": {"limits": {"memory": limit}, "requests": {"memory": "8Mi"}}}]
    template = {"metadata": {"labels": labels}, "spec": spec}
    owner = controlled_by("ReplicaSet", f"{name}-{REPLICA_SET}")
    born: Json = {"labels": labels, "ownerReferences": owner, "creationTimestamp": rfc3339(ago(200))}
    pod = pod_json(pod_name(name), *(statuses or (status_of("app", running(ago(200))),)), spec=spec)
    deployment = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    replica_set = metadata(f"{name}-{REPLICA_SET}", labels=labels, ownerReferences=controlled_by("Deployment", name))
    return {
        "pods": [pod | {"metadata": metadata(pod_name(name), **born)}],
        "deployments.apps": [{"kind": "Deployment", "metadata": metadata(name, labels=labels), "spec": deployment}],
        "replicasets.apps": [{"kind": "ReplicaSet", "metadata": replica_set, "spec": {"replicas": 1}}],
    }


def killed_once(hours: float = 20) -> Json:
    return status_of("app", running(ago(hours)), ended("OOMKilled", 137, ago(hours)), restarts=1)


def crash_looping() -> Json:
    back_off = waiting("CrashLoopBackOff", "back-off 5m0s restarting failed container=app")
    return status_of("app", back_off, ended("OOMKilled", 137, ago(5 / 60), lived=5), restarts=4)


def story(deployment: str, /, **fields: Any) -> PodStory:
    """What Prometheus saw of the Deployment's pod: a week of 200Mi, unless said otherwise."""
    made: dict[str, Any] = {
        "name": pod_name(deployment),
        "owner": ("ReplicaSet", f"{deployment}-{REPLICA_SET}"),
        "since": UNTIL - WEEK,
        "until": UNTIL,
        "limit": 512 * MI,
        "child_killed_after": None,
        "needs": lambda _: 200.0 * MI,
    }
    return PodStory(**made | fields)


# The stories, by the name of their Deployment; what is not told of was never scraped.
CRASHES = tuple(End(UNTIL - minutes * 60) for minutes in (25, 20, 15, 10, 5))
OF_IMAGE_1 = {"name": "images-5f6b8c7d9-bcd42", "owner": ("ReplicaSet", "images-5f6b8c7d9"), "uid": "old"}
OF_WEB = {"name": "renamed-5f6b8c7d9-bcd42", "owner": ("ReplicaSet", "renamed-5f6b8c7d9"), "uid": "old"}
STORIES = (
    story("once", since=UNTIL - 300 - UNTIL % 300, until=UNTIL - UNTIL % 300 + 1, needs=lambda _: 100.0 * MI),
    story(
        "looping", since=UNTIL - 1800, step=30, ends=CRASHES, sampled_until=UNTIL - 1800, stays_dead=True, limit=64 * MI
    ),
    story("short", since=UNTIL - 10 * 3600),
    story("images", **OF_IMAGE_1, until=UNTIL - 3 * DAY, ends=(End(UNTIL - 4 * DAY),), limit=768 * MI),
    story("images", since=UNTIL - 3 * DAY, image="registry.example/app:1"),
    story("renamed", **OF_WEB, container="web", until=UNTIL - 3 * DAY, ends=(End(UNTIL - 4 * DAY),), limit=768 * MI),
    story("renamed", since=UNTIL - 3 * DAY),
    story("killed", ends=(End(UNTIL - 20 * 3600),)),
)
GARBAGE = {"garbled": (math.nan, math.inf, -math.inf, -5.0 * MI, 1e300), "absurd": (-5.0 * MI, 1e300)}
GARBLED = ("container_memory_working_set_bytes", "container_memory_usage_bytes", "kube_pod_container_resource_limits")


def garbled(name: str) -> list[Series]:
    """A week of 200Mi in which every hundredth sample is no memory, and counters that count nothing."""
    made = [one for one in story(name).series() if one.labels.get("reason") != "OOMKilled"]
    garbage = GARBAGE[name]
    whole = [
        replace(
            one,
            points=[
                (at, garbage[place // 100 % len(garbage)]) if place % 100 == 50 else (at, value)
                for place, (at, value) in enumerate(one.points)
            ],
        )
        if one.labels["__name__"] in GARBLED
        else replace(one, points=[(at, (0.0, 1e9, 1e300)[place % 3]) for place, (at, _) in enumerate(one.points)])
        if one.labels["__name__"].endswith("_total")
        else one
        for one in made
    ]
    labels = {"namespace": "shop", "pod": pod_name(name), "uid": "u1", "container": "app"}
    ended_at = {"__name__": "kube_pod_container_status_last_terminated_timestamp", **labels}
    reason = {"__name__": "kube_pod_container_status_last_terminated_reason", **labels, "reason": "OOMKilled"}
    times = [at for at, _ in made[0].points][-100:]
    return [*whole, Series(ended_at, [(at, 1e300) for at in times]), Series(reason, [(at, 1.0) for at in times])]


def everything() -> list[Series]:
    names = {(one.owner or ("", ""))[1] for one in STORIES} | {f"{name}-{REPLICA_SET}" for name in GARBAGE}
    owners = [owned("shop", name.partition("-")[0], name, UNTIL - WEEK, UNTIL) for name in sorted(names)]
    return told(*STORIES, of=[*owners, *(one for name in GARBAGE for one in garbled(name))])


OBJECTS = (
    deployed("nothing"),
    deployed("once"),
    deployed("looping", crash_looping(), limit="64Mi"),
    deployed("short"),
    *map(deployed, GARBAGE),
    deployed("images"),
    deployed("renamed"),
    deployed("killed", killed_once()),
    deployed("megabits", killed_once(), limit="512Mb"),
)


@dataclass
class Shop:
    """A small API server with these objects, and a Prometheus that has watched them."""

    server: Server
    url: str

    def ask(self, *args: str) -> Ran:
        flags = ("-n", "shop", "-s", self.server.url, "--now", rfc3339(NOW), "-o", "json")
        return oom("recommend", *args, *flags)

    def answer(self, name: str, *args: str) -> Json:
        return self.ask(f"deploy/{name}", "--prometheus-url", self.url, *args).document

    def size(self, name: str, *args: str) -> Json:
        return only(self.answer(name, *args))


def only(answer: Json) -> Json:
    [item] = answer["items"]
    found: Json = item
    return found


def recording(folder: Path, objects: Sequence[dict[str, list[Json]]]) -> Path:
    kinds = {kind for each in objects for kind in each}
    held = {kind: [item for each in objects for item in each.get(kind, ())] for kind in kinds}
    file = folder / "recording.json"
    file.write_text(json.dumps({"namespace": "shop", "objects": held}))
    return file


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    require_program("prometheus", "promtool")
    folder = tmp_path_factory.mktemp("prometheus")
    with engine_running("prometheus", everything(), folder) as engine, served(recording(folder, OBJECTS)) as server:
        yield Shop(server, engine.url)


def limit_of(size: Json) -> float:
    limit: int = size["recommended"]["limitBytes"]
    return limit / MI


# --- little or nothing -----------------------------------------------------------------------------------------------


def test_without_any_history_there_is_no_size(shop: Shop) -> None:
    size = shop.size("nothing")

    assert (size["recommended"], size["floorBytes"], size["command"], size["cost"]) == (None, None, None, None)
    assert (size["risk"], size["confidence"], size["whyNoCommand"]) == ("unknown", "low", "nothing is recommended")
    assert size["rationale"][-1] == "Nothing is known that a size could be made from, so none is recommended."


def test_one_sample_never_lowers_a_limit(shop: Shop) -> None:
    size = shop.size("once")

    assert (size["highestSampledBytes"], size["confidence"]) == (100 * MI, "low")
    assert limit_of(size) == 512
    assert "All that is known of its memory is one sample: 100Mi." in size["rationale"]


def test_a_crash_loop_that_was_never_sampled_is_sized_from_its_kills(shop: Shop) -> None:
    size = shop.size("looping")

    assert (size["kills"], size["risk"], size["confidence"]) == (5, "killed", "low")
    assert size["highestSampledBytes"] is None
    assert 64 * 1.25 <= limit_of(size) <= 192
    assert size["expectedKillsPerWeek"]["before"] is None


def test_a_history_that_is_shorter_than_asked_for_is_said(shop: Shop) -> None:
    size = shop.size("short", "--since", "30d")

    assert any(sentence.startswith("Asked for 30 days, and only 9.8 h of them") for sentence in size["rationale"])
    assert size["confidence"] == "low"
    assert limit_of(size) == 512  # it stays


# --- what is no evidence ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("garbled", "samples are left out: they are no numbers (NaN)"),
        ("absurd", "are no amount of memory, so its numbers are not used for app in"),
    ],
)
def test_garbled_samples_and_counters_do_not_move_the_size(shop: Shop, name: str, said: str) -> None:
    answer = shop.answer(name)
    size = only(answer)

    assert (size["highestSampledBytes"], size["kills"]) == (200 * MI, 0)
    assert size["current"]["limitBytes"] == 512 * MI
    assert 210 <= limit_of(size) <= 256
    assert any(said in gap["reason"] for gap in answer["gaps"])


def test_a_limit_in_an_unknown_unit_is_not_guessed(shop: Shop) -> None:
    size = only(shop.ask("deploy/megabits", "--no-prometheus").document)

    assert size["current"]["limitBytes"] is None
    assert size["recommended"] is None


# --- what belongs to somebody else -----------------------------------------------------------------------------------


def test_the_history_of_a_container_that_was_renamed_is_not_counted_and_said(shop: Shop) -> None:
    answer = shop.answer("renamed")

    assert (only(answer)["container"], only(answer)["kills"]) == ("app", 0)
    assert limit_of(only(answer)) < 512
    assert answer["warnings"] == [
        (
            "container web of Deployment renamed in shop has a history, and no pod has it today: renamed, or gone. "
            "Its history is not counted for any other container."
        )
    ]


def test_a_kill_of_another_image_counts_unless_it_is_not_wanted(shop: Shop) -> None:
    both, this = shop.size("images"), shop.size("images", "--this-image-only")

    assert (both["kills"], both["killedLimitBytes"], both["risk"]) == (1, 768 * MI, "killed")
    assert limit_of(both) >= 768 * 1.25
    assert (this["kills"], this["killedLimitBytes"]) == (0, None)
    assert limit_of(this) < 512


# --- without the engine ----------------------------------------------------------------------------------------------

ENGINES: dict[str, tuple[Behaviour, str]] = {
    "answers 500": (Page("boom", 500, "text/plain"), "answered 500: boom"),
    "never answers": (Hangs(), "gave no full answer within 1 s"),
    "sends a byte now and then": (Hangs(drips=True), "gave no full answer within 1 s"),
    "hangs up": (HangsUp(), "could not be asked"),
    "answers nothing": (Page(""), "answered with something that is not JSON"),
}


def assert_sized_from_status(ran: Ran, reason: str) -> None:
    answer = ran.document
    size = only(answer)
    assert (size["risk"], size["confidence"], size["kills"]) == ("killed", "low", 1)
    assert 512 * 1.25 <= limit_of(size) <= 1536
    assert size["command"] is not None
    gaps = [gap for gap in answer["gaps"] if gap["source"] == "metrics engine"]
    assert [gap for gap in gaps if reason in gap["reason"] and gap["remedy"]]
    assert ran.seconds < BOUNDED_SECONDS


@pytest.mark.parametrize("what", ENGINES)
def test_the_status_alone_gives_a_size_beside_a_prometheus_that(shop: Shop, what: str) -> None:
    fault, reason = ENGINES[what]
    with served(faults={"": fault}) as engine:
        ran = shop.ask("deploy/killed", "--prometheus-url", engine.url, "--request-timeout=1s")

    assert_sized_from_status(ran, reason)


def test_the_status_alone_gives_a_size_where_prometheus_is_gone(shop: Shop) -> None:
    ran = shop.ask("deploy/killed", "--prometheus-url", f"http://127.0.0.1:{unused_port()}")

    assert_sized_from_status(ran, "Connection refused")


def test_the_status_alone_gives_a_size_where_there_is_no_prometheus(shop: Shop) -> None:
    assert_sized_from_status(shop.ask("deploy/killed"), "")


def test_a_prometheus_that_knows_nothing_of_containers_is_a_gap(shop: Shop, tmp_path: Path) -> None:
    up = Series({"__name__": "up", "job": "other"}, [(UNTIL - 60, 1.0)])
    with engine_running("prometheus", [up], tmp_path) as engine:
        ran = shop.ask("deploy/killed", "--prometheus-url", engine.url)

    assert_sized_from_status(ran, "it does not scrape the kubelets' cAdvisor")


def test_with_prometheus_the_same_kill_is_counted_once(shop: Shop) -> None:
    size = shop.size("killed")

    assert (size["kills"], size["killedLimitBytes"], size["confidence"]) == (1, 512 * MI, "high")
