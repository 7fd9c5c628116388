"""The report for a ticket: the facts of the screen as markdown, and no text from a cluster that becomes markup."""

from __future__ import annotations

import pytest

from kubectl_oom.evidence import Confidence, Finding, Gap, NodeAnswer, Report, Severity
from kubectl_oom.show.markdown import escape, report
from tests.test_show_cases import CASES, NOW, diagnosis


def ticket(case: str) -> str:
    return "\n" + "\n".join(report(CASES[case], NOW)) + "\n"


def test_an_oom_kill_as_a_ticket() -> None:
    assert (
        ticket("container limit")
        == r"""
## deploy/api (pod api-7d4b9c6f5-x2k4q, container app) was OOM-killed at its own memory limit of 100Mi, 5m12s ago.

The runtime recorded OOMKilled, and usage stood at 98% of the container's limit 12s earlier.

|  |  |
|---|---|
| verdict | container-limit |
| confidence | likely: the evidence fits this and nothing better |
| namespace | shop |
| node | worker-3 |
| limit | 100Mi, request 64Mi |
| highest sampled | working set 96.1Mi (96%), usage 98.4Mi (98%) |
| last sample | the highest; 12s before the kill, usage 1.6Mi below the limit |
| pattern | leak \[likely\]: It grew 139Mi per hour from its start and never levelled off. |

### Memory before the kill (working set, a sample every 15s, Prometheus)

```text
 100Mi ┤╌╌ limit ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌
       │                                                               ▁▂▂▃▄▄▅▅▆
       │                                                   ▁▁▂▃▃▄▅▅▆▇███████████
       │                                       ▁▁▂▃▃▄▅▆▆▇███████████████████████
  50Mi ┤                           ▁▁▂▃▄▄▅▅▆▇▇██████████████████████████████████
       │               ▁▁▂▃▃▄▅▅▆▇▇██████████████████████████████████████████████
       │   ▁▁▂▃▃▄▅▅▆▇▇██████████████████████████████████████████████████████████
       │▇▇██████████████████████████████████████████████████████████████████████
     0 ┼───────────────────────────────────────────────────────────────────────X
       41m ago                          23m ago                 killed 5m12s ago
```

### Timeline

| what | when |  |
|---|---|---|
| started | 2026-11-20T10:07:50Z, 42m ago |  |
| last sample | 2026-11-20T10:44:36Z, 5m24s ago |  |
| killed | 2026-11-20T10:44:48Z, 5m12s ago | OOMKilled (137) after 36m |
| restarted | 2026-11-20T10:44:51Z, 5m9s ago | 3s after the kill |
| ready again | 2026-11-20T10:45:03Z, 4m57s ago | recovery took 15s |
| now |  | 2 of 3 replicas ready, container restarted 6 times |

### Evidence

- pod status: status.containerStatuses\[app\].lastState.terminated.reason = OOMKilled (2026-11-20T10:44:48Z)
- pod status: status.containerStatuses\[app\].lastState.terminated.exitCode = 137 (2026-11-20T10:44:48Z)
- Prometheus http://prometheus.monitoring:9090: container_memory_usage_bytes = 98.4Mi (2026-11-20T10:44:36Z)
- pod spec: spec.containers\[app\].resources.limits.memory = 100Mi

### Findings

- **warning crash-loop**: It was killed 6 times, each time within an hour of its start.
  - pod status: status.containerStatuses\[app\].lastState.terminated.reason = OOMKilled (2026-11-20T10:44:48Z)
  - to do: A larger limit only delays the next kill; find what grows.

### Could not see

- node events: forbidden: User "ann" cannot list resource "events" in API group "" at the cluster scope
  - to see it: Bind the ClusterRole of docs/rbac.yaml, then: kubectl oom doctor

### Next

```sh
kubectl oom recommend deploy/api -n shop  # what to set, and why
kubectl oom history deploy/api -n shop  # what its memory did before
kubectl oom fix deploy/api -n shop  # see the change
```

As of 2026-11-20T10:50:00Z.
"""
    )


def test_a_sigkill_nobody_explains_as_a_ticket() -> None:
    assert (
        ticket("unknown sigkill")
        == r"""
## deploy/api (pod api-7d4b9c6f5-x2k4q, container app) was killed 5m12s ago (exit code 137), and nothing that could be read says by what.

Exit code 137 without OOMKilled, and no event says who sent the signal.

Could have been, most plausible first:

1. an OOM kill that the runtime did not label
2. a stop that took longer than its grace period
3. somebody's kill -9

|  |  |
|---|---|
| verdict | sigkill-unknown |
| confidence | possible: the evidence allows this, and other causes too |
| namespace | shop |
| node | worker-3 |
| limit | 100Mi, request 64Mi |
| samples | none: nothing that was read knows its memory before the kill |

### Timeline

| what | when |  |
|---|---|---|
| started | 2026-11-20T10:07:50Z, 42m ago |  |
| killed | 2026-11-20T10:44:48Z, 5m12s ago | Error (137) after 36m |
| restarted | 2026-11-20T10:44:51Z, 5m9s ago | 3s after the kill |
| ready again | 2026-11-20T10:45:03Z, 4m57s ago | recovery took 15s |
| now |  | 2 of 3 replicas ready, container restarted 6 times |

### Evidence

- pod status: status.containerStatuses\[app\].lastState.terminated.reason = Error (2026-11-20T10:44:48Z)
- pod status: status.containerStatuses\[app\].lastState.terminated.exitCode = 137 (2026-11-20T10:44:48Z)

### Could not see

- node events: forbidden: User "ann" cannot list resource "events" in API group "" at the cluster scope
  - to see it: Bind the ClusterRole of docs/rbac.yaml, then: kubectl oom doctor
- Prometheus: no --prometheus-url was given
  - to see it: kubectl oom why pod/x --prometheus-url URL

### Next

```sh
kubectl oom why node/worker-3  # who else died there
kubectl logs pod/api-7d4b9c6f5-x2k4q -c app --previous -n shop  # its last words
kubectl oom history deploy/api -n shop  # what its memory did before
```

As of 2026-11-20T10:50:00Z.
"""  # noqa: E501 - the sentence stands on one line in markdown
    )


def test_nothing_killed_as_a_ticket() -> None:
    assert (
        ticket("nothing killed")
        == r"""
## Nothing in deploy/api was killed that any source can show.

No container of it has ended since its pod started.

| NAMESPACE | POD | CONTAINER | WORKING-SET | USAGE | LIMIT | REQUEST | AGE |
|---|---|---|---|---|---|---|---|
| shop | api-7d4b9c6f5-x2k4q | app | 40.1Mi (40%) | 48Mi (48%) | 100Mi | 64Mi | 4s |
| shop | api-7d4b9c6f5-x2k4q | proxy | 40.1Mi | 48Mi | &lt;none&gt; | &lt;none&gt; | 4s |
| shop | api-7d4b9c6f5-9zr8w | app | &lt;unknown&gt; | &lt;unknown&gt; | 100Mi | 64Mi | &lt;unknown&gt; |

Looked at: pod status, kubelet metrics/cadvisor

### Could not see

- node events: forbidden: User "ann" cannot list resource "events" in API group "" at the cluster scope
  - to see it: Bind the ClusterRole of docs/rbac.yaml, then: kubectl oom doctor

### Next

```sh
kubectl oom history deploy/api -n shop  # what its memory did before
```

As of 2026-11-20T10:50:00Z.
"""
    )


def test_many_victims_are_a_table_before_the_newest() -> None:
    lines = list(report(CASES["many"], NOW))

    assert lines[:5] == [
        "## 5 containers, all with an OOM kill. Newest first:",
        "",
        "| NAMESPACE | POD | CONTAINER | VERDICT | CONFIDENCE | LIMIT | WORKLOAD | NODE | REASON | EXIT-CODE | RESTARTS | AGE |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
        "| shop | api-7d4b9c6f5-ccccc | app | container-limit | likely | 100Mi | deploy/api | worker-3 | OOMKilled | 137 | 6 | 5m12s |",  # noqa: E501 - so does a row
    ]
    assert lines[10].startswith("## deploy/api (pod api-7d4b9c6f5-ccccc, container app) was OOM-killed")


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a|b", r"a\|b"),
        ("`code`", r"\`code\`"),
        ("<script>&", "&lt;script&gt;&amp;"),
        ("![x](y) [z]", r"\!\[x\](y) \[z\]"),
        ("*bold* ~~gone~~ $x$", r"\*bold\* \~\~gone\~\~ \$x\$"),
        ("_it_ snake_case __init__", r"\_it\_ snake_case \_\_init\_\_"),
        ("two\nlines\r\x1b", r"two lines\\r^\["),
        ("# no heading", r"\# no heading"),
        ("- no item", r"\- no item"),
        ("1. no item", r"1\. no item"),
        ("2) no item", r"2\) no item"),
        ("40.1Mi", "40.1Mi"),
        ("=== no rule", r"\=== no rule"),
    ],
)
def test_text_from_a_cluster_cannot_become_markup(text: str, escaped: str) -> None:
    assert escape(text) == escaped


def test_a_fence_inside_a_command_does_not_end_the_code_block() -> None:
    lines = list(report(Report(items=(diagnosis(pod="```\nrm -rf", workload=None, findings=()),), gaps=()), NOW))
    start = lines.index("### Next")

    assert lines[start + 2] == "````sh"
    assert lines[start + 3] == "kubectl oom recommend 'pod/``` rm -rf' -n shop  # what to set, and why"
    assert lines[start + 6] == "````"


def test_a_node_and_the_gaps_of_a_hostile_cluster_are_text() -> None:
    answer = NodeAnswer(
        name="worker|3", ran_out=True, confidence=Confidence.CERTAIN, because="It said <so>.", evidence=()
    )
    finding = Finding(code="x", severity=Severity.INFO, message="# not a heading", remedy="`do`")
    gap = Gap(source="events", reason="</details>", remedy="- this")

    lines = list(report(Report(items=(diagnosis(findings=(finding,)),), gaps=(gap,), nodes=(answer,)), NOW))

    assert lines[:4] == [
        r"## node/worker\|3 ran out of memory.",
        "",
        "**certain** (a source says exactly this, or nothing else fits). It said &lt;so&gt;.",
        "",
    ]
    assert r"- **info x**: \# not a heading" in lines
    assert r"  - to do: \`do\`" in lines
    assert "- events: &lt;/details&gt;" in lines
    assert r"  - to see it: \- this" in lines


def test_a_stream_without_unicode_gets_ascii() -> None:
    lines = list(report(CASES["container limit"], NOW, ascii_only=True))

    assert all(line.isascii() for line in lines)
    assert any(line.startswith(" 100Mi |-- limit ---") for line in lines)


def test_an_empty_report_says_so() -> None:
    assert list(report(Report(items=(), gaps=()), NOW)) == [
        "## No container was found to look at",
        "",
        "As of 2026-11-20T10:50:00Z.",
    ]
