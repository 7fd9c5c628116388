"""Alert rules as files: a rule file of Prometheus, or a PrometheusRule of its operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_oom.judge.alert_asked import AlertRule

Json = dict[str, Any]
_NO_FOLDING = 1 << 31


def rule_file(rules: Sequence[AlertRule], group: str, labels: Mapping[str, str]) -> str:
    """A file for `rule_files:`, with a comment that says how to go on."""
    return _HEAD + _yaml({"groups": [_group(rules, group, labels)]})


def rule_object(
    rules: Sequence[AlertRule], group: str, labels: Mapping[str, str], object_labels: Mapping[str, str]
) -> str:
    """An object to apply; its namespace is left to `kubectl apply -n`."""
    metadata: Json = {"name": group}
    if object_labels:
        metadata["labels"] = dict(object_labels)
    tree = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": metadata,
        "spec": {"groups": [_group(rules, group, labels)]},
    }
    return _HEAD + _yaml(tree)


_HEAD = (
    "# Written by kubectl oom alerts. Each rule and what it cannot see: docs/alerts.md of kubectl-oom.\n"
    "# To look at rules of your own: kubectl oom alerts --check FILE\n"
)


def _group(rules: Sequence[AlertRule], group: str, labels: Mapping[str, str]) -> Json:
    return {"name": group, "rules": [_rule(rule, labels) for rule in rules]}


def _rule(rule: AlertRule, labels: Mapping[str, str]) -> Json:
    return {
        "alert": rule.name,
        "expr": rule.expr,
        **({"for": rule.waits} if rule.waits else {}),
        "labels": {"severity": rule.severity.value, **labels},
        "annotations": {"summary": rule.summary, "description": rule.description, "runbook": rule.runbook},
    }


def _yaml(tree: Json) -> str:
    """YAML in which expressions keep their lines."""
    import yaml  # noqa: PLC0415 - 25 ms that only this command needs

    class Dumper(yaml.SafeDumper):
        """Writes text of several lines as a block."""

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Dumper.add_representer(str, text)
    return str(yaml.dump(tree, Dumper=Dumper, sort_keys=False, allow_unicode=False, width=_NO_FOLDING))
