"""Rules in a cluster: the PrometheusRule objects of Prometheus' operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.read.answer import part, text
from kubectl_oom.read.rule_files import rules_of
from kubectl_oom.read.source import PROMETHEUS_RULES

if TYPE_CHECKING:
    from kubectl_oom.evidence.alerting import FoundRule
    from kubectl_oom.read.source import ClusterSource


def read_rule_objects(source: ClusterSource, namespace: str | None) -> list[FoundRule]:
    """The rules of a namespace, or of all; ReadError where they cannot be listed, "NotFound" where there is no such kind."""
    rules: list[FoundRule] = []
    for page in source.pages_of(PROMETHEUS_RULES, namespace):
        for item in page:
            meta = part(item, "metadata")
            name = f"prometheusrule/{text(meta.get('name'))} -n {text(meta.get('namespace'))}"
            rules += rules_of(part(item, "spec"), name)
    return rules
