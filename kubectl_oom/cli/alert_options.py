"""The options of the rules that are written, read and refused in words."""

from __future__ import annotations

import re
from typing import Any

from kubectl_oom.errors import OomError
from kubectl_oom.judge.alert_lint.syntax import Matcher
from kubectl_oom.judge.alert_rules import AlertAsked

_LABEL = re.compile(r"[a-zA-Z_]\w*", re.ASCII)
_OBJECT_LABEL = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?", re.ASCII)
_OBJECT_VALUE = re.compile(r"([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?", re.ASCII)
_OBJECT_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", re.ASCII)
_RULES_OWN = ("alertname", "__name__")
SHORTEST_WINDOW_SECONDS = 120  # two scrapes of a minute: less may lie between two evaluations


def alert_asked(values: dict[str, Any]) -> AlertAsked:
    """What the rules shall be like; OomError for what makes no sense."""
    percents = [values[name] for name in ("info_at", "warn_at", "critical_at")]
    if sorted(set(percents)) != percents:
        raise OomError("error: --info-at, --warn-at and --critical-at have to rise in this order")
    cluster = values["cluster_label"]
    if cluster is not None and not _LABEL.fullmatch(cluster):
        raise OomError(f'error: invalid label "{cluster}" for --cluster-label')
    window = _seconds("--window", values["window"])
    if window < SHORTEST_WINDOW_SECONDS:
        raise OomError("error: --window has to be 2m at least", "A kill has to be told for longer than a scrape takes")
    return AlertAsked(
        namespaces=_namespaces(values),
        cluster_label=cluster,
        window_seconds=window,
        info_percent=percents[0],
        warning_percent=percents[1],
        critical_percent=percents[2],
        warning_for=duration_text(_seconds("--warn-for", values["warn_for"])),
        ahead_seconds=_seconds("--ahead", values["ahead"]),
    )


def _namespaces(values: dict[str, Any]) -> tuple[Matcher, ...]:
    from kubectl_oom.read.targets import refuse_bad_namespace

    found: list[Matcher] = []
    if values["namespace"]:
        refuse_bad_namespace(values["namespace"])
        found.append(Matcher("namespace", "=", values["namespace"]))
    for flag, op in (("namespace_selector", "=~"), ("exclude_namespaces", "!~")):
        pattern = values[flag]
        if pattern is None:
            continue
        try:
            re.compile(pattern)
        except re.error as error:
            raise OomError(f'error: invalid pattern "{pattern}" for --{flag.replace("_", "-")}: {error}') from error
        found.append(Matcher("namespace", op, pattern))
    if values["namespace"] and len(found) > 1:
        raise OomError("error: -n names one namespace: it takes no --namespace-selector and no --exclude-namespaces")
    return tuple(found)


def labels_of(flag: str, given: tuple[str, ...], *, of_object: bool = False) -> dict[str, str]:
    """The labels of an option; OomError for what Prometheus or Kubernetes would refuse."""
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        right = _OBJECT_LABEL.fullmatch(name) if of_object else _LABEL.fullmatch(name) and name not in _RULES_OWN
        if not equals or not right or (of_object and not _OBJECT_VALUE.fullmatch(value)):
            raise OomError(f'error: invalid label "{text}" for {flag}: NAME=VALUE')
        found[name] = value
    return found


def group_name(values: dict[str, Any], form: str) -> str:
    """The name of the group, which names the object too."""
    name: str = values["group_name"]
    if not name or (form == "prometheusrule" and not _OBJECT_NAME.fullmatch(name)):
        raise OomError(f'error: invalid name "{name}" for --group-name: letters, digits, - and .')
    return name


def _seconds(flag: str, text: str) -> int:
    from kubectl_oom.cli.options import span_of

    try:
        seconds = span_of(text)
    except OomError as error:
        raise OomError(f'error: invalid duration "{text}" for {flag}', error.hint) from error
    if seconds != int(seconds):
        raise OomError(f'error: invalid duration "{text}" for {flag}: whole seconds')
    return int(seconds)


def duration_text(seconds: int) -> str:
    """The duration as Prometheus spells it: `10m`, `90s`."""
    for unit, letter in ((3600, "h"), (60, "m")):
        if seconds % unit == 0:
            return f"{seconds // unit}{letter}"
    return f"{seconds}s"
