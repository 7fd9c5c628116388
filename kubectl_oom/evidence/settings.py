"""Settings in a container's environment: which are recorded, and the words that stand where a value is not.

A recorded value never holds anything else in brackets.
"""

from __future__ import annotations

NOT_RECORDED = "(not recorded)"  # nothing of the value is; of a command line: that word of it
AND_MORE = "(and more)"  # after the options that are recorded: the value holds others too
FROM_CONFIG_MAP = "(set by a ConfigMap)"
FROM_SECRET = "(set by a Secret)"  # noqa: S105 - a word that stands in for one
FROM_ELSEWHERE = "(set elsewhere)"  # a field of the pod, another container's resources
# What `valueFrom.resourceFieldRef` fills in of this container's own resources; with a divisor: "(limits.memory / 1Mi)".
FROM_RESOURCES = ("limits.memory", "requests.memory", "limits.cpu", "requests.cpu")

# Settings that only one runtime reads.
OF_ONE_RUNTIME = {
    "jvm": (
        "JAVA_OPTS",
        "JAVA_OPTS_APPEND",
        "JAVA_TOOL_OPTIONS",
        "JDK_JAVA_OPTIONS",
        "_JAVA_OPTIONS",
        "CATALINA_OPTS",
        "ES_JAVA_OPTS",
        "OPENSEARCH_JAVA_OPTS",
        "LS_JAVA_OPTS",
        "KAFKA_HEAP_OPTS",
    ),
    "node": ("NODE_OPTIONS",),
    "go": ("GOMEMLIMIT", "GOGC"),
    "dotnet": (
        "DOTNET_GCHeapHardLimit",
        "DOTNET_GCHeapHardLimitPercent",
        "DOTNET_gcServer",
        "DOTNET_GCConserveMemory",
        "COMPlus_GCHeapHardLimit",
        "COMPlus_GCHeapHardLimitPercent",
        "COMPlus_gcServer",
        "COMPlus_GCConserveMemory",
    ),
    "python": ("GUNICORN_CMD_ARGS", "CELERYD_CONCURRENCY", "AIRFLOW__CELERY__WORKER_CONCURRENCY"),
    "ruby": ("RAILS_MAX_THREADS", "PUMA_WORKERS"),
    "php": ("PHP_MEMORY_LIMIT", "PHP_FPM_PM_MAX_CHILDREN"),
    "nginx": ("NGINX_WORKER_PROCESSES", "NGINX_ENTRYPOINT_WORKER_PROCESSES_AUTOTUNE"),
    "redis": ("REDIS_ARGS",),
}
# WEB_CONCURRENCY: gunicorn, uvicorn and puma all read it.
OF_SEVERAL_RUNTIMES = ("MALLOC_ARENA_MAX", "UV_THREADPOOL_SIZE", "WEB_CONCURRENCY")


def is_whole(value: str) -> bool:
    """Whether a recorded value is all there is, so that it can be written back without a loss.

    Not whole: a stand-in, a value with more in it, and what Kubernetes or a shell fills in (`$(NAME)`).
    """
    return "(" not in value and "$" not in value


def is_set_elsewhere(value: str) -> bool:
    """Whether the value comes from an object that is not read."""
    return value in (FROM_CONFIG_MAP, FROM_SECRET, FROM_ELSEWHERE)
