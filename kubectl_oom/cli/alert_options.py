"""The options of the rules that are written, read and refused in words."""

from __future__ import annotations

import re
from typing import Any

from kubectl_oom.errors import OomError
from kubectl_oom.judge.alert_asked import AlertAsked, duration_text
from kubectl_oom.judge.alert_lint.syntax import Matcher

_LABEL = re.compile(r"[a-zA-Z_]\w*", re.ASCII)
_OBJECT_LABEL = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?", re.ASCII)
_OBJECT_VALUE = re.compile(r"([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?", re.ASCII)
_OBJECT_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", re.ASCII)
_RULES_OWN = ("alertname", "__name__")
_ESCAPED, _CLASS = re.compile(r"\\."), re.compile(r"\[\]?[^]]*\]")
_BACKREFERENCE = re.compile(r"\\[1-9Z]")
_ONLY_PYTHON = re.compile(r"\(\?(?!P<|[ims-]*[:)])|[*+?}]\+")
SHORTEST_WINDOW_SECONDS = 120  # two scrapes of a minute: less may lie between two evaluations, and makes no line


def alert_asked(values: dict[str, Any]) -> AlertAsked:
    """What the rules shall be like; OomError for what makes no sense."""
    percents = [values[name] for name in ("info_at", "warn_at", "critical_at")]
    if sorted(set(percents)) != percents:
        raise OomError("error: --info-at, --warn-at and --critical-at have to rise in this order")
    cluster = values["cluster_label"]
    if cluster is not None and not _LABEL.fullmatch(cluster):
        raise OomError(f'error: invalid label "{cluster}" for --cluster-label')
    window = _window("--window", values["window"], "A kill has to be told for longer than a scrape takes")
    grow_window = _window("--grow-window", values["grow_window"], "A line needs samples, and scrapes take their time")
    return AlertAsked(
        namespaces=_namespaces(values),
        cluster_label=cluster,
        window_seconds=window,
        info_percent=percents[0],
        warning_percent=percents[1],
        critical_percent=percents[2],
        info_for=duration_text(_seconds("--info-for", values["info_for"])),
        warning_for=duration_text(_seconds("--warn-for", values["warn_for"])),
        critical_for=duration_text(_seconds("--critical-for", values["critical_for"])),
        grow_window_seconds=grow_window,
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
        if _is_beyond_re2(pattern):
            raise OomError(
                f'error: invalid pattern "{pattern}" for --{flag.replace("_", "-")}: Prometheus (RE2) has no lookaround, '
                "no backreferences and no possessive repetition",
                "--exclude-namespaces leaves out what matches; both flags can be given",
            )
        found.append(Matcher("namespace", op, pattern))
    if values["namespace"] and len(found) > 1:
        raise OomError("error: -n names one namespace: it takes no --namespace-selector and no --exclude-namespaces")
    return tuple(found)


def _is_beyond_re2(pattern: str) -> bool:
    """Whether it has what Python's patterns know and Prometheus' do not: a rule with it would be refused there."""
    bare = _CLASS.sub("x", _ESCAPED.sub("x", pattern))
    return _BACKREFERENCE.search(pattern.replace("\\\\", "")) is not None or _ONLY_PYTHON.search(bare) is not None


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


def _window(flag: str, text: str, why: str) -> int:
    seconds = _seconds(flag, text)
    if seconds < SHORTEST_WINDOW_SECONDS:
        raise OomError(f"error: {flag} has to be {duration_text(SHORTEST_WINDOW_SECONDS)} at least", why)
    return seconds


def _seconds(flag: str, text: str) -> int:
    from kubectl_oom.cli.durations import span_of

    try:
        seconds = span_of(text)
    except OomError as error:
        raise OomError(f'error: invalid duration "{text}" for {flag}', error.hint) from error
    if seconds != int(seconds):
        raise OomError(f'error: invalid duration "{text}" for {flag}: whole seconds')
    return int(seconds)
