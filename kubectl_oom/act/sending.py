"""One change, sent once: where no answer came, the object is read again, and what stands there is the answer."""

from __future__ import annotations

from http import HTTPStatus
from time import sleep
from typing import TYPE_CHECKING, Any

from kubectl_oom.errors import OomError
from kubectl_oom.judge.fixing import sizes_of
from kubectl_oom.read.kinds import kind_named
from kubectl_oom.read.source import ReadError
from kubectl_oom.read.workload import facts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kubectl_oom.evidence import FixPlan, Sizes, WorkloadFacts
    from kubectl_oom.read.connection import Connection

Json = dict[str, Any]

FIELD_MANAGER = "kubectl-oom"
STRATEGIC = "application/strategic-merge-patch+json"
FIX_ROLE = "docs/clusterrole-fix.yaml"
# A load balancer notices within seconds that an API server is gone; then another one answers.
LOOKS = 5
BETWEEN_LOOKS_SECONDS = 2.0


def patch(connection: Connection, path: str, body: Mapping[str, Any], *, dry_run: bool = False) -> Json:
    """The object after one strategic merge patch; ReadError where there is none, and OomError without permission."""
    params = {"fieldManager": FIELD_MANAGER} | ({"dryRun": "All"} if dry_run else {})
    try:
        return connection.send("PATCH", path, dict(body), STRATEGIC, params)
    except ReadError as error:
        if error.status == HTTPStatus.FORBIDDEN and "cannot patch" in error.message:
            raise OomError(
                f"Error from server (Forbidden): {error.message}",
                f"{FIX_ROLE} grants what --apply needs; without --apply the change is printed",
            ) from error
        raise


def may_have_been_made(error: ReadError) -> bool:
    """Whether a change may stand although it was not confirmed: no answer, or a server that failed at it."""
    if error.status is None:
        return error.reason != "NoCredentials"
    return error.status >= HTTPStatus.INTERNAL_SERVER_ERROR


def what_stands(connection: Connection, plan: FixPlan, error: ReadError, tell: Callable[[str], None]) -> Json:
    """The object, where the change was made after all; OomError where it was not, or where nobody can tell."""
    name = name_of(plan)
    item = _read_again(connection, plan)
    if item is None:
        raise OomError(
            f"error: the change of {name} got no answer ({error.message}), and it cannot be read again: "
            "nobody knows whether it was made",
            "Run the command again: it starts from what is there",
        ) from error
    if not has_the_sizes(item, plan):
        raise OomError(
            f"error: the change of {name} got no answer ({error.message}); {name} was read again: the change was not made",
            "Run the command again",
        ) from error
    tell(f"The answer to the change of {name} was lost; {name} was read again: the change was made.")
    return item


def has_the_sizes(item: Json, plan: FixPlan) -> bool:
    """Whether the object has what the plan is to bring about."""
    facts = facts_of(item, plan.facts.target.api_version, plan.facts.target.kind)
    return not unlike(facts, plan)


def unlike(facts: WorkloadFacts, plan: FixPlan) -> tuple[str, ...]:
    """The containers of the plan whose memory is not what the plan is to bring about."""
    now = {one.name: sizes_of(one) for one in facts.written}
    return tuple(
        change.container
        for change in plan.changes
        if change.container not in now or not _as_wanted(now[change.container], change.after, exact=plan.is_undo)
    )


def _as_wanted(now: Sizes, wanted: Sizes, *, exact: bool) -> bool:
    """A change leaves alone what it does not name; an undo takes that away."""
    return all(
        there == asked or (asked is None and not exact)
        for there, asked in ((now.limit_bytes, wanted.limit_bytes), (now.request_bytes, wanted.request_bytes))
    )


def _read_again(connection: Connection, plan: FixPlan) -> Json | None:
    for attempt in range(LOOKS):
        if attempt:
            sleep(BETWEEN_LOOKS_SECONDS)
        item = _read_once(connection, plan)
        if item is not None:
            return item
    return None


def _read_once(connection: Connection, plan: FixPlan) -> Json | None:
    try:
        return connection.get_json(path_of(plan))
    except ReadError:
        return None


def path_of(plan: FixPlan) -> str:
    """The path of the plan's object."""
    target = plan.facts.target
    return kind_named(target.kind.lower()).path(plan.facts.namespace, target.name)


def name_of(plan: FixPlan) -> str:
    """`deployment/api`."""
    return f"{plan.facts.target.kind.lower()}/{plan.facts.target.name}"
