"""Which language runtime or server a container runs, as far as its spec tells, and how to look into its memory.

Only the spec is read: image, command, arguments and the named settings. A static binary says nothing, and then
nothing is said.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Citation
from kubectl_oom.evidence.settings import OF_ONE_RUNTIME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.evidence import Container


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """A runtime and what in the spec gave it away."""

    name: str  # jvm, node, go, dotnet, python, ruby, php, nginx, postgres, redis
    evidence: Citation


# Words of a command line, whole and without path; the strongest witness, since it is what runs.
_COMMANDS = {
    "jvm": r"java|kotlin|catalina\.sh|gradle|mvn",
    "node": r"node|nodejs|npm|yarn|pnpm|next|pm2(?:-runtime)?",
    "dotnet": r"dotnet",
    "python": r"python\d?(?:\.\d+)?|gunicorn|uvicorn|celery|uwsgi|hypercorn|jupyter(?:-\w+)?|daphne",
    "ruby": r"ruby|puma|unicorn|sidekiq|rails|bundle",
    "php": r"php|php-fpm\d*(?:\.\d+)?|artisan",
    "nginx": r"nginx",
    "postgres": r"postgres",
    "redis": r"redis-server|valkey-server|keydb-server",
}
# The last part of an image's name, as a whole word of it; the weakest witness, since an image may be called anything.
_IMAGES = {
    "jvm": r"openjdk|openj9|semeru|temurin|corretto|amazoncorretto|zulu|jre|jdk|liberica|graalvm|java"
    r"|tomcat|jetty|wildfly|keycloak|kafka|elasticsearch"
    r"|opensearch|logstash|cassandra|zookeeper|jenkins|sonarqube|solr|spark|flink|trino|neo4j|activemq|spring",
    "node": r"node|nodejs|nextjs",
    "go": r"prometheus|coredns|etcd|traefik|grafana|loki|vault|consul|argocd|thanos|golang|kube-state-metrics",
    "dotnet": r"dotnet|aspnet",
    "python": r"python|gunicorn|uvicorn|celery|django|flask|fastapi|airflow|superset|jupyter|jupyterhub",
    "ruby": r"ruby|rails|sidekiq|puma|gitlab",
    "php": r"php|wordpress|laravel|nextcloud|drupal",
    "nginx": r"nginx|openresty|ingress-nginx|kong",
    "postgres": r"postgres|postgresql|timescaledb|postgis",
    "redis": r"redis|valkey|keydb",
}
# Words of an image that looks after another program, and is written in whatever its author liked.
_ABOUT_ANOTHER = frozenset({"exporter", "operator", "detector", "registrar", "driver", "adapter"})


def runtime_of(container: Container) -> Runtime | None:
    """The runtime that the container's command, its settings or its image name, in this order; None if none does."""
    return next(_by_command(container), None) or next(_by_setting(container), None) or next(_by_image(container), None)


def _by_command(container: Container) -> Iterator[Runtime]:
    words = [word.rpartition("/")[2] for line in container.command[:6] for word in line.split()[:12]]
    for word in words:
        for name, pattern in _COMMANDS.items():
            if re.fullmatch(pattern, word):
                yield Runtime(name=name, evidence=Citation(source="pod", field="command", value=word))


def _by_setting(container: Container) -> Iterator[Runtime]:
    for name, settings in OF_ONE_RUNTIME.items():
        for setting in settings:
            if setting in container.env:
                value = f"{setting}={container.env[setting]}"
                yield Runtime(name=name, evidence=Citation(source="pod", field="env", value=value))


def _by_image(container: Container) -> Iterator[Runtime]:
    whole = (container.image or "").partition("@")[0].lower()
    name = whole.rpartition("/")[2].partition(":")[0]
    words = set(re.split(r"[^a-z0-9]+", name))
    if words & _ABOUT_ANOTHER:
        return
    # `node` is a word of many names that mean a machine: only an image that is called just that is Node.js.
    words = words - {"node"} | ({name} - {"node"} if "calico/" in whole else {name})
    for runtime, pattern in _IMAGES.items():
        of_microsoft = runtime == "dotnet" and "/dotnet/" in whole
        if of_microsoft or any(re.fullmatch(pattern, word) for word in words):
            yield Runtime(name=runtime, evidence=Citation(source="pod", field="image", value=container.image or ""))


# --- looking inside ------------------------------------------------------------------------------------------------

# What shows where the memory is, run inside the container; {exec} is `kubectl exec POD -n NS -c CONTAINER --`.
_PROFILES = {
    "jvm": (
        "{exec} jcmd 1 GC.heap_info",
        "{exec} jcmd 1 GC.class_histogram",
        "{exec} jcmd 1 VM.native_memory summary",
    ),
    "node": (
        "{exec} kill -USR1 1",
        "{forward} 9229:9229",
    ),
    "go": (
        "{forward} 6060:6060",
        "go tool pprof http://localhost:6060/debug/pprof/heap",
    ),
    "dotnet": ("{exec} dotnet-gcdump collect -p 1", "{exec} dotnet-counters monitor -p 1 System.Runtime"),
    "python": (
        "{exec} py-spy dump --pid 1",
        "{exec} python -m memray attach 1",
    ),
    "ruby": ("{exec} rbspy record --pid 1 --duration 30",),
    "php": ("{exec} php -i",),
    "postgres": ("{exec} psql -c 'SELECT name, setting FROM pg_settings WHERE name LIKE $$%mem%$$'",),
    "redis": ("{exec} redis-cli INFO memory", "{exec} redis-cli --bigkeys"),
}


def profile_commands(runtime: str | None, *, namespace: str, pod: str, container: str) -> tuple[str, ...]:
    """Commands that show where this container's memory is, with its names filled in; empty for an unknown runtime."""
    run = shlex.join(("kubectl", "exec", pod, "-n", namespace, "-c", container, "--"))
    forward = shlex.join(("kubectl", "port-forward", pod, "-n", namespace))
    return tuple(line.format(exec=run, forward=forward) for line in _PROFILES.get(runtime or "", ()))
