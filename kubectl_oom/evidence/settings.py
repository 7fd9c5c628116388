"""The fixed words that stand where a setting's value is not recorded: a value never holds anything else in brackets."""

from __future__ import annotations

NOT_RECORDED = "(not recorded)"  # nothing of the value is; of a command line: that word of it
AND_MORE = "(and more)"  # after the options that are recorded: the value holds others too
FROM_CONFIG_MAP = "(set by a ConfigMap)"
FROM_SECRET = "(set by a Secret)"  # noqa: S105 - a word that stands in for one
FROM_ELSEWHERE = "(set elsewhere)"  # a field of the pod, another container's resources
# What `valueFrom.resourceFieldRef` fills in of this container's own resources; with a divisor: "(limits.memory / 1Mi)".
FROM_RESOURCES = ("limits.memory", "requests.memory", "limits.cpu", "requests.cpu")


def is_whole(value: str) -> bool:
    """Whether a recorded value is all there is, so that it can be written back without a loss.

    Not whole: a stand-in, a value with more in it, and what Kubernetes or a shell fills in (`$(NAME)`).
    """
    return "(" not in value and "$" not in value


def is_set_elsewhere(value: str) -> bool:
    """Whether the value comes from an object that is not read."""
    return value in (FROM_CONFIG_MAP, FROM_SECRET, FROM_ELSEWHERE)
