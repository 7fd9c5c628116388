"""`recommend -o hpa` on a real API server and a real Prometheus: what is printed is an object that the server takes."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.cluster.access import READER
from tests.engines import require_program
from tests.engines import running as engine_running
from tests.real.stage import ROOTS, Stage
from tests.real.status import MI, Json, container, running, status_of
from tests.real.tool import Ran, oom
from tests.stories import DAY, PodStory, owned, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cluster.cluster import Cluster

pytestmark = pytest.mark.timeout(300)

WEEK, EVERY, REPLICAS = 7 * DAY, 300, 3


@dataclass
class Shop:
    """A namespace with three workloads, and the Prometheus that has watched them for a week."""

    stage: Stage
    url: str

    def hpa(self, *targets: str) -> Ran:
        where = ("-n", self.stage.namespace, "--prometheus-url", self.url)
        return oom(self.stage.cluster.kubeconfig(READER), "recommend", *targets, *where, "-o", "hpa")

    def scaling(self, target: str, name: str = "app") -> Json:
        answer = self.stage.recommend(target, "--prometheus-url", self.url)
        found: Json = next(item for item in answer["items"] if item["container"] == name)["scaling"]
        return found


def daily(at: int) -> float:
    return (275 - 125 * cos(2 * pi * (at % DAY) / DAY)) * MI


def level(_: int) -> float:
    return 300.0 * MI


def deployed(stage: Stage, name: str, *containers: Json) -> list[Json]:
    """The three pods of a Deployment, all running for a week."""
    owner = stage.workload("deployments", name, pods={"containers": list(containers)})
    stage.api.patch(stage.path(ROOTS["deployments"], "deployments", name), {"spec": {"replicas": REPLICAS}})
    pods = stage.made_by(owner, REPLICAS)
    for pod in pods:
        stage.status(pod, *(status_of(one["name"], running(stage.ago(hours=168))) for one in containers))
    return pods


def story(stage: Stage, pod: Json, needs: Callable[[int], float], **more: object) -> PodStory:
    now = int(stage.now.timestamp())
    owner = pod["metadata"]["ownerReferences"][0]
    return PodStory(
        name=pod["metadata"]["name"],
        namespace=stage.namespace,
        owner=(owner["kind"], owner["name"]),
        uid=pod["metadata"]["uid"],
        since=now - WEEK,
        until=now,
        step=EVERY,
        child_killed_after=None,
        limit=512 * MI,
        needs=needs,
        **more,  # type: ignore[arg-type]  # fields of the story
    )


@pytest.fixture(scope="module")
def shop(api_server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    require_program("prometheus", "promtool")
    stage = Stage.on(api_server)
    app = container(limit="512Mi")
    stories = [story(stage, pod, daily) for pod in deployed(stage, "daily", app)]
    stories += [story(stage, pod, level) for pod in deployed(stage, "level", app)]
    for pod in deployed(stage, "two", app, container("proxy", "512Mi")):
        stories += [story(stage, pod, daily), story(stage, pod, level, container="proxy", beside=True)]
    now = int(stage.now.timestamp())
    sets = {one.owner[1] for one in stories if one.owner}
    owners = [owned(stage.namespace, name.rpartition("-")[0], name, now - WEEK, now, EVERY) for name in sets]
    with engine_running("prometheus", told(*stories, of=owners), tmp_path_factory.mktemp("prometheus")) as engine:
        yield Shop(stage, engine.url)


def test_the_server_takes_the_printed_autoscaler_as_it_is(shop: Shop) -> None:
    printed = shop.hpa("deploy/daily")

    assert (printed.code, only_document(printed)["spec"]["minReplicas"]) == (0, REPLICAS)
    answer = shop.stage.cluster.kubectl("create", "--dry-run=server", "--validate=strict", "-f", "-", stdin=printed.out)
    assert "horizontalpodautoscaler.autoscaling/daily created (server dry run)" in answer


def test_its_numbers_are_those_of_the_data(shop: Shop) -> None:
    found, made = shop.scaling("deploy/daily"), only_document(shop.hpa("deploy/daily"))

    assert (found["answer"], found["confidence"]) == ("applies", "possible")
    numbers = found["autoscaler"]
    (metric,) = made["spec"]["metrics"]
    assert metric["resource"]["target"]["averageUtilization"] == numbers["targetPercent"]
    assert (made["spec"]["minReplicas"], made["spec"]["maxReplicas"]) == (REPLICAS, numbers["maxReplicas"])
    assert numbers["maxReplicas"] > REPLICAS


def test_of_two_containers_the_server_takes_an_autoscaler_by_the_one(shop: Shop) -> None:
    printed = shop.hpa("deploy/two")
    answer = shop.stage.cluster.kubectl("create", "--dry-run=server", "--validate=strict", "-f", "-", stdin=printed.out)

    (metric,) = only_document(printed)["spec"]["metrics"]
    assert metric["containerResource"]["container"] == "app"
    assert "horizontalpodautoscaler.autoscaling/two created (server dry run)" in answer
    assert shop.scaling("deploy/two", "proxy")["answer"] == "does-not-fall"


def test_memory_that_does_not_fall_gets_none_and_the_reason_is_on_stderr(shop: Shop) -> None:
    printed = shop.hpa("deploy/level")

    assert (printed.code, printed.out) == (0, "")
    assert "its memory does not fall with load: an autoscaler would only ever add pods" in printed.err.lower()


def test_several_workloads_are_one_stream_of_objects(shop: Shop) -> None:
    printed = shop.hpa("deploy/daily", "deploy/level", "deploy/two")
    answer = shop.stage.cluster.kubectl("create", "--dry-run=server", "-f", "-", stdin=printed.out)

    assert [made["metadata"]["name"] for made in yaml.safe_load_all(printed.out)] == ["daily", "two"]
    assert answer.count("created (server dry run)") == 2


def test_once_it_is_there_no_second_one_is_advised(shop: Shop) -> None:
    shop.stage.cluster.kubectl("create", "-f", "-", stdin=shop.hpa("deploy/daily").out)

    found = shop.scaling("deploy/daily")
    assert (found["answer"], found["autoscaler"]) == ("exists", None)
    assert found["reason"].startswith("HorizontalPodAutoscaler daily scales it from 3 to ")
    assert shop.hpa("deploy/daily").out == ""


def only_document(printed: Ran) -> Json:
    (made,) = yaml.safe_load_all(printed.out)
    found: Json = made
    return found
