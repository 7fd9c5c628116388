"""Prometheus' own judgement of rules: whether they can be read, and when they fire."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import yaml

from tests.engines import require_program

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SECONDS = 60.0
# What tells one alert from another; the rest of its labels are the rule's own.
TOLD_APART = ("alertname", "namespace", "pod", "container", "severity")

Firing = tuple[str, ...]  # the values of TOLD_APART; what an alert does not have is empty


def check(file: Path) -> str:
    """What `promtool check rules` prints; a rule that it refuses fails the test with its words."""
    require_program("promtool")
    done = subprocess.run(
        ["promtool", "check", "rules", str(file)], capture_output=True, text=True, check=False, timeout=SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rules_file(folder: Path, expressions: Mapping[str, str]) -> Path:
    """A rule file of alerts with these names and expressions."""
    rules = [{"alert": name, "expr": expr} for name, expr in expressions.items()]
    return _write(folder / "rules.yml", {"groups": [{"name": "g", "rules": rules}]})


def assert_firing(file: Path, series: Mapping[str, str], expected: Mapping[str, set[Firing]]) -> None:
    """At each moment exactly the expected alerts fire; samples and evaluations are a minute apart.

    `series` are as promtool writes them: a selector and values such as `0x5 1x20`.
    """
    labels = ", ".join(TOLD_APART)
    expr = f'max by ({labels}) (ALERTS{{alertstate="firing"}})'
    questions = [
        {"expr": expr, "eval_time": moment, "exp_samples": [_sample(one) for one in sorted(firing)]}
        for moment, firing in expected.items()
    ]
    _run(file, {"interval": "1m", "input_series": _inputs(series), "promql_expr_test": questions})


def assert_says(
    file: Path, series: Mapping[str, str], at: str, alert: str, labels: Mapping[str, str], **said: str
) -> None:
    """At that moment the alert fires once, with exactly these labels and annotations."""
    asked = {"eval_time": at, "alertname": alert, "exp_alerts": [{"exp_labels": dict(labels), "exp_annotations": said}]}
    _run(file, {"interval": "1m", "input_series": _inputs(series), "alert_rule_test": [asked]})


def _inputs(series: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"series": name, "values": values} for name, values in series.items()]


def _sample(firing: Firing) -> dict[str, Any]:
    named = zip(TOLD_APART, (*firing, *[""] * len(TOLD_APART)), strict=False)
    labels = ", ".join(f'{name}="{value}"' for name, value in named if value)
    return {"labels": f"{{{labels}}}", "value": 1}


def _run(file: Path, test: dict[str, Any]) -> None:
    require_program("promtool")
    tests = {"rule_files": [str(file)], "evaluation_interval": "1m", "tests": [test]}
    path = _write(file.with_name("tests.yml"), tests)
    done = subprocess.run(
        ["promtool", "test", "rules", str(path)], capture_output=True, text=True, check=False, timeout=SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _write(path: Path, tree: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(tree, sort_keys=False, width=1 << 30), encoding="utf-8")
    return path
