"""Running `kubectl oom fix` on a stage, and what a change leaves of an object that is not a change."""

from __future__ import annotations

import copy
import sys
from typing import TYPE_CHECKING

from tests.cluster.access import FIXER
from tests.real import tool
from tests.real.stage import ROOTS
from tests.real.tool import Ran, run

if TYPE_CHECKING:
    from tests.real.stage import Stage
    from tests.real.status import Json

ANNOTATION = "kubectl-oom/undo"
# What the API server and the controllers count and note by themselves, whatever the change.
COUNTED = ("generation", "resourceVersion", "managedFields")
REVISIONS = ("deployment.kubernetes.io/revision", "deprecated.daemonset.template.generation")
PROGRAM = [sys.executable, "-m", "kubectl_oom"]


def fix(stage: Stage, *args: str, user: str = FIXER) -> Ran:
    """One run of `fix` in the stage's namespace, without a metrics engine."""
    return run(PROGRAM, arguments(stage, *args), environment(stage, user))


def arguments(stage: Stage, *args: str) -> tuple[str, ...]:
    """The words of the command line."""
    return ("fix", *args, "-n", stage.namespace, "--no-prometheus", "--no-kubelet", "--no-logs")


def environment(stage: Stage, user: str = FIXER) -> dict[str, str]:
    """The caller's environment, with the user's kubeconfig in place of the caller's own."""
    return tool.environment(stage.cluster.kubeconfig(user))


def read(stage: Stage, plural: str, name: str) -> Json:
    """The object as the API server holds it."""
    return stage.api.ask("GET", stage.path(ROOTS.get(plural, "/api/v1"), plural, name))


def written(item: Json) -> Json:
    """The object without what the API server and the controllers count and note by themselves."""
    found = copy.deepcopy(item)
    found.pop("status", None)
    for name in COUNTED:
        found["metadata"].pop(name, None)
    annotations = found["metadata"].get("annotations", {})
    for name in REVISIONS:
        annotations.pop(name, None)
    if not annotations:
        found["metadata"].pop("annotations", None)
    return found


def without_note(item: Json) -> Json:
    """As `written`, without the note for the way back."""
    found = written(item)
    found["metadata"].get("annotations", {}).pop(ANNOTATION, None)
    if not found["metadata"].get("annotations"):
        found["metadata"].pop("annotations", None)
    return found


def containers_of(item: Json, listed: str = "containers") -> list[Json]:
    """The containers of a pod, or of a workload's template."""
    spec = item["spec"]
    if "jobTemplate" in spec:
        spec = spec["jobTemplate"]["spec"]
    if "template" in spec:
        spec = spec["template"]["spec"]
    found: list[Json] = spec[listed]
    return found
