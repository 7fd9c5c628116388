"""`recommend` end to end: a real API server holds the objects, a real Prometheus what was scraped of them.

The cases are those that tools which look at one source, or at percentiles, get wrong.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.engines import require_program
from tests.engines import running as engine_running
from tests.real.beside import kubectl
from tests.real.stage import Stage
from tests.real.status import MI, Json, container, ended, only, running, status_of, waiting
from tests.stories import DAY, End, PodStory, owned, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cluster.cluster import Cluster

pytestmark = pytest.mark.timeout(300)

HOUR, WEEK = 3600, 7 * DAY
EVERY = 120
OLD_REPLICA_SET, GONE = "replaced-5d8f7c9b64", "replaced-5d8f7c9b64-x2x8p"


@dataclass
class Shop:
    """A namespace with every case in it, and the Prometheus that has watched it."""

    stage: Stage
    url: str

    def asked(self, *words: str) -> Json:
        """The answer about a workload of the namespace."""
        return self.stage.recommend(*words, "--prometheus-url", self.url)

    def size(self, *words: str) -> Json:
        """The one proposal about it."""
        return only(self.asked(*words))


def level(mebibytes: float) -> Callable[[int], float]:
    return lambda _: mebibytes * MI


class Setting:
    """The objects, put into the API server, and the stories of their pods, as Prometheus would tell them."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.now = int(stage.now.timestamp())
        self.stories: list[PodStory] = []

    def deployed(self, name: str, *containers: Json, **pods: object) -> Json:
        """The one pod of a Deployment."""
        spec = {"containers": list(containers), **pods}
        (pod,) = self.stage.made_by(self.stage.workload("deployments", name, pods=spec))
        return pod

    def watched(self, pod: Json, **story: Any) -> None:
        """What Prometheus saw of a container of a pod."""
        owner = pod["metadata"]["ownerReferences"][0]
        fields = {
            "name": pod["metadata"]["name"],
            "namespace": self.stage.namespace,
            "owner": (owner["kind"], owner["name"]),
            "uid": pod["metadata"]["uid"],
            "since": self.now - WEEK,
            "until": self.now,
            "step": EVERY,
            "child_killed_after": None,
        }
        self.stories.append(PodStory(**fields | story))

    def kill(self, *hours: float) -> tuple[End, ...]:
        return tuple(End(self.now - int(ago * HOUR)) for ago in sorted(hours, reverse=True))

    def scraped_below_the_limit(self) -> None:
        pod = self.deployed("scraped-below", container(limit="512Mi"))
        self.watched(pod, ends=self.kill(20), limit=512 * MI, needs=level(300))
        self.stage.kill(pod, minutes=20 * 60)

    def replaced(self) -> None:
        pod = self.deployed("replaced", container(limit="512Mi"))
        rollout = self.now - 3 * DAY
        gone = {"name": GONE, "owner": ("ReplicaSet", OLD_REPLICA_SET), "uid": "gone", "until": rollout}
        self.watched(pod, **gone, ends=self.kill(80), limit=512 * MI, needs=level(220))
        self.watched(pod, since=rollout, limit=512 * MI, needs=level(220))
        self.stage.status(pod, status_of("app", running(self.stage.ago(hours=72))))

    def burst(self) -> None:
        pod = self.deployed("burst", container(limit="1024Mi"))
        high = self.now - DAY - (self.now - DAY) % 15

        def needs(at: int) -> float:
            return 900.0 * MI if at == high else 200.0 * MI

        self.watched(pod, since=self.now - 2 * DAY, step=15, limit=1024 * MI, needs=needs)
        self.stage.status(pod, status_of("app", running(self.stage.ago(hours=48))))

    def resized(self) -> None:
        pod = self.deployed("resized", container(limit="512Mi"))
        name = pod["metadata"]["name"]
        self.watched(
            pod,
            ends=self.kill(5),
            limit=512 * MI,
            resized=(self.now - 4 * HOUR, 2048 * MI),
            needs=level(480),
        )
        end, again = ended("OOMKilled", 137, self.stage.ago(hours=5)), running(self.stage.ago(hours=5))
        self.stage.resize(name, "app", "2Gi")
        enforced = {"limits": {"memory": "2Gi"}, "requests": pod["spec"]["containers"][0]["resources"]["requests"]}
        self.stage.status(pod, status_of("app", again, end, restarts=1, resources=enforced))

    def young_crash_loop(self) -> None:
        pod = self.deployed("young", container(limit="64Mi"))
        ends = self.kill(25 / 60, 20 / 60, 15 / 60, 10 / 60, 5 / 60)
        self.watched(pod, since=self.now - 1800, step=30, ends=ends, limit=64 * MI, needs=level(40), stays_dead=True)
        back_off = waiting("CrashLoopBackOff", "back-off 5m0s restarting failed container=app")
        end = ended("OOMKilled", 137, self.stage.ago(minutes=5), lived=270)
        self.stage.status(pod, status_of("app", back_off, end, restarts=4))

    def scaled_by_memory(self) -> None:
        pod = self.deployed("scaled", container(limit="256Mi"))
        metric = {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 80}}
        spec = {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "scaled"},
            "minReplicas": 1,
            "maxReplicas": 6,
            "metrics": [{"type": "Resource", "resource": metric}],
        }
        self.stage.create(
            "/apis/autoscaling/v2", "horizontalpodautoscalers", {"metadata": {"name": "scaled"}, "spec": spec}
        )
        self.watched(pod, ends=self.kill(30, 60), limit=256 * MI, needs=level(180))
        self.stage.kill(pod, minutes=30 * 60)

    def helpers(self) -> None:
        setup, proxy = container("setup", "32Mi"), container("proxy", "48Mi", restartPolicy="Always")
        pod = self.deployed("helped", container(limit="256Mi"), initContainers=[setup, proxy])
        began = self.now - WEEK
        self.watched(pod, limit=256 * MI, needs=level(100))
        once = {"init": True, "beside": True}
        first = (End(began + 240),)
        self.watched(
            pod, **once, container="setup", ends=first, sampled_until=began + 480, limit=32 * MI, needs=level(20)
        )
        self.watched(pod, **once, container="proxy", ends=self.kill(10), limit=48 * MI, needs=level(30))
        at = self.stage.ago(hours=168)
        done = ended("Completed", 0, at)
        proxy_end = ended("OOMKilled", 137, self.stage.ago(hours=10))
        again = running(self.stage.ago(hours=10))
        self.stage.status(
            pod,
            status_of("app", running(at)),
            initContainerStatuses=[
                status_of("setup", done, ended("OOMKilled", 137, at), restarts=1),
                status_of("proxy", again, proxy_end, restarts=1),
            ],
        )


@pytest.fixture(scope="module")
def shop(api_server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    require_program("prometheus", "promtool")
    setting = Setting(Stage.on(api_server))
    setting.scraped_below_the_limit()
    setting.replaced()
    setting.burst()
    setting.resized()
    setting.young_crash_loop()
    setting.scaled_by_memory()
    setting.helpers()
    namespace, now = setting.stage.namespace, setting.now
    owners = [owned(namespace, "replaced", OLD_REPLICA_SET, now - WEEK, now - 3 * DAY, EVERY)]
    for story in setting.stories:
        kind, name = story.owner or ("", "")
        if kind == "ReplicaSet" and name != OLD_REPLICA_SET and not story.beside:
            owners.append(owned(namespace, name.rpartition("-")[0], name, story.since, story.until, story.step))
    series = told(*setting.stories, of=owners)
    with engine_running("prometheus", series, tmp_path_factory.mktemp("prometheus")) as engine:
        yield Shop(setting.stage, engine.url)


def limit_of(proposal: Json) -> float:
    limit: int = proposal["recommended"]["limitBytes"]
    return limit / MI


def test_killed_at_512_with_samples_of_300_gets_more_than_512(shop: Shop) -> None:
    size = shop.size("deploy/scraped-below")

    assert 512 * 1.25 <= limit_of(size) <= 1024
    assert (size["risk"], size["kills"], size["highestSampledBytes"]) == ("killed", 1, 300 * MI)
    assert size["alternatives"]["krr"] == 345 * MI
    assert size["current"] == {"requestBytes": 256 * MI, "limitBytes": 512 * MI}


def test_a_kill_in_a_pod_since_replaced_counts(shop: Shop) -> None:
    size = shop.size("deploy/replaced")

    assert limit_of(size) >= 512 * 1.25
    assert (size["risk"], size["kills"], size["replicas"]) == ("killed", 1, 1)


def test_one_sample_of_900_among_thousands_is_never_gone_below(shop: Shop) -> None:
    for profile in ("lean", "balanced", "safe", "default", "stateless"):
        size = shop.size("deploy/burst", "--profile", profile)
        assert size["highestSampledBytes"] == 900 * MI
        assert limit_of(size) >= 900 * 1.05
    assert limit_of(shop.size("deploy/burst")) >= 900 * 1.1


def test_the_limit_at_the_kill_counts_not_what_it_was_resized_to_and_a_second_pass_says_the_same(shop: Shop) -> None:
    once = shop.size("deploy/resized")

    assert once["killedLimitBytes"] == 512 * MI
    assert once["current"]["limitBytes"] == 2048 * MI
    assert 512 * 1.25 <= limit_of(once) <= 1024
    assert once["risk"] == "none"

    (pod,) = [p for p in shop.stage.items("/api/v1", "pods") if p["metadata"]["name"].startswith("resized-")]
    limit = str(once["recommended"]["limitBytes"])
    shop.stage.resize(pod["metadata"]["name"], "app", limit)
    status = pod["status"]["containerStatuses"][0]
    status["resources"]["limits"]["memory"] = limit
    shop.stage.status(pod, status)
    again = shop.size("deploy/resized")

    assert again["current"]["limitBytes"] == once["recommended"]["limitBytes"]
    assert again["recommended"] == once["recommended"]


def test_a_crash_loop_of_half_an_hour_gets_an_answer_with_low_confidence(shop: Shop) -> None:
    size = shop.size("deploy/young")

    assert 64 * 1.25 <= limit_of(size) <= 256
    assert (size["confidence"], size["risk"], size["kills"]) == ("low", "killed", 5)
    assert size["expectedKillsPerWeek"]["before"] is None
    assert any(sentence.startswith("Asked for 7 days, and only") for sentence in size["rationale"])


def test_a_workload_that_is_scaled_by_memory_and_killed_is_sized_and_not_called_good(shop: Shop) -> None:
    size = shop.size("deploy/scaled")

    assert limit_of(size) >= 256 * 1.25
    assert (size["risk"], size["kills"]) == ("killed", 2)
    assert size["cost"]["mostMonth"] == pytest.approx(6 * size["cost"]["perPodMonth"], abs=0.001)


def test_a_sidecar_and_an_init_container_that_were_killed_have_rows_of_their_own(shop: Shop) -> None:
    answer = shop.asked("deploy/helped")

    found = {item["container"]: item for item in answer["items"]}
    told = {name: (item["containerType"], item["risk"], item["kills"]) for name, item in found.items()}
    assert told == {"setup": ("init", "killed", 1), "proxy": ("sidecar", "killed", 1), "app": ("app", "none", 0)}
    assert [item["container"] for item in answer["items"]][-1] == "app"
    assert limit_of(found["setup"]) >= 32 * 1.25
    assert limit_of(found["proxy"]) >= 48 * 1.25


def test_the_whole_namespace_is_answered_at_once_those_at_risk_first(shop: Shop) -> None:
    answer = shop.asked("deploy")

    assert len(answer["items"]) == 9
    order = ["killed", "growing", "close", "tight", "unlimited", "none", "unknown"]
    risks = [order.index(item["risk"]) for item in answer["items"]]
    assert risks == sorted(risks)


def test_the_printed_command_is_what_makes_the_next_answer_the_same(shop: Shop, api_server: Cluster) -> None:
    size = shop.size("deploy/scraped-below")
    done = kubectl(api_server, api_server.kubeconfig("admin"), *shlex.split(size["command"])[1:])
    assert done.code == 0, done.err

    again = shop.size("deploy/scraped-below")

    assert again["recommended"] == size["recommended"]
