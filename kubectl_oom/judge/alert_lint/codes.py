"""Every code that the check of rules has, how much it matters, and why (docs/alerts.md explains each).

Critical: the rule cannot do what it is for (it never fires, or never stops). Warning: it misses kills, or cries wolf.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Severity

if TYPE_CHECKING:
    from kubectl_oom.judge.alert_lint.syntax import Expr

_OWN_RULES = "take the rules of `kubectl oom alerts`"


@dataclass(frozen=True, slots=True)
class Lint:
    """One thing that can be wrong with a rule."""

    severity: Severity
    why: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """One place where it is: `instead` takes that place; None where nothing ready can."""

    code: str
    at: Expr
    instead: Expr | None = None


LINTS = {
    "not-checked": Lint(Severity.WARNING, "This expression is not understood here, so nothing is known of it."),
    # --- how a container ended ---
    "reason-on-restarts": Lint(
        Severity.CRITICAL,
        "The restart counter has no label `reason`: this selects nothing and never fires.",
    ),
    "reason-never-oom": Lint(
        Severity.CRITICAL,
        "This metric never has the reason OOMKilled: it tells why a container waits, or why a whole pod failed.",
    ),
    "misspelled-reason": Lint(Severity.CRITICAL, "The reason is spelled OOMKilled: this selects nothing."),
    "sticky-gauge": Lint(
        Severity.CRITICAL,
        "This gauge stays 1 after the kill for as long as the pod is there: the alert does not end, "
        "and the next kill raises none.",
        "the mended expression needs kube-state-metrics 2.12 or later; before it, join with increase() of the restarts",
    ),
    "ended-gauge": Lint(
        Severity.WARNING,
        "A container that ended for good keeps this gauge at 1 until its pod is deleted: the alert stays for days "
        "where finished Jobs are kept.",
    ),
    "first-kill-only": Lint(
        Severity.WARNING,
        "Compared with itself some time ago, this gauge tells of a pod's first kill and of none after it.",
    ),
    "constant-gauge": Lint(
        Severity.CRITICAL,
        "This gauge is 1 and stays 1: it never changes, and its first appearance is no change either. This never fires.",
    ),
    "exit-code-is-no-reason": Lint(
        Severity.WARNING,
        "Exit code 137 is SIGKILL, whoever sent it (failed probes, grace periods that ran out); an OOM kill of a child "
        "may end with another code.",
    ),
    "never-zero": Lint(
        Severity.CRITICAL,
        "Without an end there is no series, not one with 0: this is never true (kube-state-metrics 2.0 and later).",
        "drop this comparison",
    ),
    "absent-of-event": Lint(
        Severity.CRITICAL,
        "The series is there only after a kill: absent() is true while all is well, and says nothing about one pod.",
        'to watch the exporter: absent(up{job="kube-state-metrics"} == 1)',
    ),
    "offset-misses-new-pods": Lint(
        Severity.WARNING,
        "A pod younger than the offset has no earlier sample: kills right after a rollout are missed.",
    ),
    "raw-counter": Lint(
        Severity.CRITICAL,
        "A counter only grows: once above the threshold, the alert stays until the pod or the node is new.",
    ),
    "for-outlives-window": Lint(
        Severity.WARNING,
        "The expression is true for the length of its window after a kill, and `for` waits at least as long: "
        "one kill never fires it.",
        "take `for` away, or make the window longer than it",
    ),
    "oom-counter-alone": Lint(
        Severity.WARNING,
        "The counter dies with its container: it tells of killed child processes, not of containers that were killed, "
        "and no other rule that was checked does.",
        _OWN_RULES,
    ),
    "ended-reason-alone": Lint(
        Severity.WARNING,
        "This gauge is there while the container is ended: one that is started again within a scrape is missed, and no "
        "other rule that was checked looks at the last end.",
        _OWN_RULES,
    ),
    # --- joins ---
    "join-without-namespace": Lint(
        Severity.WARNING,
        "Pod names are unique in their namespace only: without it, pods are taken for one another, "
        "or the query fails (many-to-many).",
    ),
    "join-without-container": Lint(
        Severity.WARNING,
        "Containers of one pod are taken for one another: one's restart is blamed on the other's memory, or the query "
        "fails (many-to-many).",
    ),
    "join-never-matches": Lint(
        Severity.CRITICAL,
        "The two sides never have the same labels, and nothing says which to compare: the result is empty.",
    ),
    "old-labels": Lint(
        Severity.CRITICAL,
        "The kubelet's labels are `pod` and `container` since Kubernetes 1.16: this selects nothing, or groups all in one.",
    ),
    # --- memory ---
    "pod-totals-counted": Lint(
        Severity.WARNING,
        'The kubelet also reports whole pods and slices (container=""): they are counted beside their containers.',
    ),
    "sandbox-counted": Lint(
        Severity.INFO,
        "Some runtimes report the pod's sandbox as a container named POD.",
    ),
    "name-is-an-id": Lint(
        Severity.WARNING,
        "`name` is the runtime's own id: not every runtime has it, the pod's sandbox has one too, and it is another "
        "after every restart.",
    ),
    "usage-bytes": Lint(
        Severity.WARNING,
        "Usage counts file cache that the kernel drops before it kills: it stands near the limit in health. The working "
        "set leaves the inactive part out.",
    ),
    "highest-usage": Lint(
        Severity.WARNING,
        "It never falls in a container's life, counts file cache, and is 0 on many nodes with cgroup v2.",
    ),
    "failcnt": Lint(Severity.CRITICAL, "cgroup v2 has no such counter: it stays 0.", _OWN_RULES),
    "rss-is-not-all": Lint(
        Severity.INFO,
        "Memory volumes, shared memory and the kernel's own part are charged too, and are not in it.",
    ),
    "unlimited-is-infinite": Lint(
        Severity.CRITICAL,
        "The limit is 0 where there is none: the quotient is +Inf and above every threshold, and any memory is above 0.",
    ),
    "ratio-of-sums": Lint(
        Severity.WARNING,
        "Each container has a limit of its own: in a pod's sum one at its limit hides behind the others, and one without "
        "a limit adds to one side only.",
    ),
    "resource-not-chosen": Lint(
        Severity.CRITICAL,
        'The metric holds CPU cores and storage too: without resource="memory" bytes are divided by cores.',
    ),
    "old-limits-metric": Lint(Severity.CRITICAL, "Gone since version 2.0 of kube-state-metrics: this never fires."),
    "rate-of-gauge": Lint(
        Severity.CRITICAL,
        "A gauge may fall, which this function takes for the reset of a counter: the result is far too high.",
    ),
    "delta-of-counter": Lint(
        Severity.WARNING,
        "A counter starts again at 0: this function then tells of a fall, where something was added.",
    ),
}
