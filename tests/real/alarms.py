"""A second Prometheus beside the node's own, which evaluates the rules of `alerts` on what it scrapes itself."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.cluster.settings import NODE_NAME
from tests.engines import free_port, program
from tests.promtool import check
from tests.real.tool import oom

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.cluster.cluster import Cluster
    from tests.real.scene import Scene

Json = dict[str, Any]
EVALUATED = "5s"
STICKY = "EndsNever"
STATES, NODE = "kube-state-metrics", "node-exporter"  # jobs of the scrape configuration
# So that every rule fires within minutes, and the end of an alert is seen too.
QUICK = (
    *("--window", "2m", "--info-for", "10s", "--warn-for", "10s", "--critical-for", "10s"),
    *("--grow-window", "2m", "--ahead", "10m"),
)


class Alert(NamedTuple):
    """One alert: its rule, and what it is about; an alert about a node is about no workload."""

    name: str
    workload: str = ""
    container: str = ""
    severity: str = "warning"


@dataclass(frozen=True)
class Alarms:
    """Prometheus at `url`, and what its rules say of one namespace and of the node."""

    url: str
    namespace: str

    def ask(self, promql: str) -> list[Json]:
        """The answer to an instant query."""
        found: list[Json] = self._get("query", query=promql)["result"]
        return found

    def now(self) -> set[Alert]:
        """What fires."""
        return self._alerts("{}")

    def ever(self) -> set[Alert]:
        """Whatever has fired since it was started."""
        return self._alerts("count_over_time({}[1d])")

    def runbooks(self) -> dict[str, str]:
        """The command that one of each kind of firing alert carries."""
        firing = [one for one in self._get("alerts")["alerts"] if one["state"] == "firing"]
        return {one["labels"]["alertname"]: one["annotations"].get("runbook", "") for one in firing}

    def shown(self) -> str:
        """What there is, for the message of a failure."""
        ends = self.ask(f'kube_pod_container_status_last_terminated_reason{{namespace="{self.namespace}"}}')
        waiting = self._alerts("{}", state="pending")
        told = {"fired": sorted(self.ever()), "now": sorted(self.now()), "waiting": sorted(waiting)}
        return "\n".join(f"{name}: {what}" for name, what in {**told, "ended": [one["metric"] for one in ends]}.items())

    def _alerts(self, asked: str, state: str = "firing") -> set[Alert]:
        series = f'ALERTS{{alertstate="{state}",namespace=~"({self.namespace})?"}}'
        return {_alert(one["metric"]) for one in self.ask(asked.format(series))}

    def _get(self, endpoint: str, **params: str) -> Json:
        query = urllib.parse.urlencode(params)
        with urllib.request.urlopen(f"{self.url}/api/v1/{endpoint}?{query}", timeout=20) as answer:
            data: Json = json.load(answer)["data"]
        return data


def _alert(labels: Json) -> Alert:
    """The workload is `once` of the pod `once-5b7d49c456-8chg4`: the names here are one word."""
    workload = labels.get("pod", "").partition("-")[0]
    return Alert(labels["alertname"], workload, labels.get("container", ""), labels.get("severity", ""))


@contextmanager
def alarms(scene: Scene, folder: Path, *asked: str, ports: Mapping[str, int]) -> Iterator[Alarms]:
    """It runs the rules that the tool writes when asked like that, and has scraped every job once.

    `ports` are of jobs on 127.0.0.1, beside those of the node's own Prometheus or in place of one of them.
    """
    folder.mkdir(parents=True)
    config = _config(scene.cluster, ports)
    config["rule_files"] = [str(_rules(scene, folder, asked)), str(_sticky(folder))]
    file = folder / "prometheus.yml"
    file.write_text(json.dumps(config))
    url = f"http://127.0.0.1:{free_port()}"
    command = ["prometheus", f"--config.file={file}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    with program([*command, f"--web.listen-address={url.removeprefix('http://')}"], folder, f"{url}/-/ready"):
        running = Alarms(url, scene.namespace)
        jobs = {one["job_name"] for one in config["scrape_configs"]}
        scene.wait("its scrapes", lambda: {one["metric"]["job"] for one in running.ask("up == 1")} == jobs, lambda: "")
        yield running


def _config(cluster: Cluster, ports: Mapping[str, int]) -> Json:
    config: Json = json.loads((cluster.state / "prometheus.json").read_text())
    config["global"]["evaluation_interval"] = EVALUATED
    kept = [one for one in config["scrape_configs"] if one["job_name"] not in ports]
    own = [
        {"job_name": job, "honor_labels": True, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
        for job, port in ports.items()
    ]
    return config | {"scrape_configs": kept + own}


def _rules(scene: Scene, folder: Path, asked: tuple[str, ...]) -> Path:
    ran = oom(scene.cluster.kubeconfig(), "alerts", *QUICK, *asked)
    assert (ran.code, ran.err) == (0, "")
    file = folder / "own.yml"
    file.write_text(ran.out)
    check(file)
    return file


def _sticky(folder: Path) -> Path:
    """The rule that so many people have, for comparison."""
    expr = (
        'max by (namespace, pod, container) (kube_pod_container_status_last_terminated_reason{reason="OOMKilled"} == 1)'
    )
    rule = {"alert": STICKY, "expr": expr, "labels": {"severity": "warning"}}
    file = folder / "sticky.yml"
    file.write_text(json.dumps({"groups": [{"name": "sticky", "rules": [rule]}]}))
    return file


@contextmanager
def node_exporter(folder: Path) -> Iterator[int]:
    """The port of a node-exporter whose machine is called as the node is: there a kubelet takes the host's name."""
    port = free_port()
    collectors = "--collector.disable-defaults --collector.vmstat --collector.uname"
    exporter = f"exec node_exporter {collectors} --web.listen-address=127.0.0.1:{port}"
    command = ["unshare", "--uts", "sh", "-c", f"hostname {NODE_NAME} && {exporter}"]
    with program(command, folder, f"http://127.0.0.1:{port}/metrics"):
        yield port


@contextmanager
def old_state_metrics(cluster: Cluster, folder: Path) -> Iterator[int]:
    """The port of a kube-state-metrics from before it told when a container ended."""
    port = free_port()
    command = [
        "kube-state-metrics-old",
        f"--kubeconfig={cluster.kubeconfig('kube-state-metrics')}",
        "--resources=pods",
        "--host=127.0.0.1",
        f"--port={port}",
        "--telemetry-host=127.0.0.1",
        f"--telemetry-port={free_port()}",
    ]
    with program(command, folder, f"http://127.0.0.1:{port}/healthz"):
        yield port
