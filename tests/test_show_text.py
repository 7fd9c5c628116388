"""The screens of `why`, literally: what a person reads."""

from __future__ import annotations

from kubectl_oom.show.colour import NO_PAINT
from kubectl_oom.show.text import report
from tests.test_show_cases import CASES, NOW


def screen(
    case: str, *, width: int = 80, wide: bool = False, ascii_only: bool = False, namespace: str | None = None
) -> str:
    lines = report(
        CASES[case], now=NOW, width=width, paint=NO_PAINT, wide=wide, ascii_only=ascii_only, namespace=namespace
    )
    return "\n" + "\n".join(lines) + "\n"


def test_an_oom_kill_at_the_limit_with_its_run_up_is_one_screen() -> None:
    assert (
        screen("container limit")
        == """
deploy/api (pod api-7d4b9c6f5-x2k4q, container app) was OOM-killed at its own
memory limit of 100Mi, 5m12s ago.  [likely]
The runtime recorded OOMKilled, and usage stood at 98% of the container's limit
12s earlier.

Memory before the kill (working set, a sample every 15s, Prometheus):
 100Mi ┤╌╌ limit ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌
       │                                                           ▁▂▂▂▃▃▄▄▅▅▆▆▆
       │                                          ▁▁▂▂▃▃▄▄▅▅▆▆▇▇▇███████████████
  50Mi ┤                         ▁▁▂▂▂▃▄▄▅▅▆▆▆▇▇████████████████████████████████
       │        ▁▁▁▂▂▃▃▄▄▅▅▆▆▇▇█████████████████████████████████████████████████
       │▅▅▆▆▇▇██████████████████████████████████████████████████████████████████
     0 ┼───────────────────────────────────────────────────────────────────────X
       41m ago                          23m ago                 killed 5m12s ago
  limit            100Mi, request 64Mi
  highest sampled  working set 96.1Mi (96%), usage 98.4Mi (98%)
  last sample      the highest; 12s before the kill, usage 1.6Mi below the limit
  pattern          leak [likely]: It grew 139Mi per hour from its start and
                   never levelled off.
Timeline:
  started          2026-11-20T10:07:50Z  42m ago
  last sample      2026-11-20T10:44:36Z  5m24s ago
  killed           2026-11-20T10:44:48Z  5m12s ago  OOMKilled (137) after 36m
  restarted        2026-11-20T10:44:51Z  5m9s ago   3s after the kill
  ready again      2026-11-20T10:45:03Z  4m57s ago  recovery took 15s
  now              2 of 3 replicas ready, container restarted 6 times
Evidence:
  5m12s  pod status: lastState.terminated.reason = OOMKilled
  5m12s  pod status: lastState.terminated.exitCode = 137
  5m24s  Prometheus: container_memory_usage_bytes = 98.4Mi
  -      pod spec: spec.containers[app].resources.limits.memory = 100Mi
Findings:
  warning crash-loop: It was killed 6 times, each time within an hour of its
    start.
    -> A larger limit only delays the next kill; find what grows.
Could not see:
  node events: forbidden: User "ann" cannot list resource "events" in API group
    "" at the cluster scope
    -> Bind the ClusterRole of docs/rbac.yaml, then: kubectl oom doctor
Next:
  kubectl oom recommend deploy/api -n shop  # what to set, and why
  kubectl oom history deploy/api -n shop    # what its memory did before
  kubectl oom fix deploy/api -n shop        # see the change
"""
    )


def test_a_killed_child_is_told_although_the_container_is_ready_and_never_restarted() -> None:
    assert (
        screen("child killed")
        == """
deploy/api (pod api-7d4b9c6f5-x2k4q, container app) is running, but a process
inside it was OOM-killed 95s ago.  [certain]
The kubelet counts 7 OOM kills in this container, which has been running all the
time.

Memory (one sample, kubelet metrics/cadvisor):
  limit            100Mi, request 64Mi
  last sample      working set 61Mi (61%), usage 72Mi (72%); 4s ago, usage 28Mi
                   below the limit
Timeline:
  started          2026-11-20T10:07:50Z  42m ago
  process killed   2026-11-20T10:48:25Z  95s ago    after 40m
  last sample      2026-11-20T10:49:56Z  4s ago
  now              1 of 1 replica ready, container never restarted
Evidence:
  4s  kubelet metrics/cadvisor: container_oom_events_total = 7
  -   pod status: restartCount = 0
Findings:
  critical ready-hides-kills: READY is 1/1 and RESTARTS is 0 although processes
    in it are being killed.
    -> Alert on container_oom_events_total, not on restarts.
Next:
  kubectl oom recommend deploy/api -n shop  # what to set, and why
  kubectl oom history deploy/api -n shop    # what its memory did before
  kubectl oom fix deploy/api -n shop        # see the change
"""
    )


def test_a_probe_kill_is_told_apart_from_an_oom_kill() -> None:
    assert (
        screen("probe kill")
        == """
deploy/api (pod api-7d4b9c6f5-x2k4q, container app) was killed by the kubelet
after a failed probe 5m12s ago (exit code 137): not an OOM kill.  [certain]
The kubelet's own event says that the liveness probe failed, 30s before the
container ended.

Memory before the kill (one sample, metrics.k8s.io):
  limit            100Mi, request 64Mi
  last sample      working set 31Mi (31%); 18s before the kill, 69Mi below the
                   limit
Timeline:
  started          2026-11-20T10:07:50Z  42m ago
  last sample      2026-11-20T10:44:30Z  5m30s ago
  killed           2026-11-20T10:44:48Z  5m12s ago  Error (137) after 36m
  restarted        2026-11-20T10:44:51Z  5m9s ago   3s after the kill
  ready again      2026-11-20T10:45:03Z  4m57s ago  recovery took 15s
  now              2 of 3 replicas ready, container restarted 6 times
Evidence:
  5m12s  pod status: lastState.terminated.exitCode = 137
  5m42s  pod events: Killing = Container app failed liveness probe, will be
           restarted
Could not see:
  Prometheus: no --prometheus-url was given
    -> kubectl oom why pod/x --prometheus-url URL
Next:
  kubectl describe pod/api-7d4b9c6f5-x2k4q -n shop  # its probes and events
  kubectl logs pod/api-7d4b9c6f5-x2k4q -c app --previous -n shop
  kubectl oom history deploy/api -n shop            # what its memory did before
"""
    )


def test_an_eviction_says_what_the_kubelet_said() -> None:
    assert (
        screen("evicted")
        == """
pod/batch-0 (container app) was evicted by the kubelet 5m12s ago: not an OOM
kill.  [certain]
The kubelet says so itself: the node was low on memory and app used more than it
requested.

Memory before the end:
  limit            none set
  samples          none: no source knows its memory before the end
Timeline:
  started          2026-11-20T10:07:50Z  42m ago
  evicted          2026-11-20T10:44:48Z  5m12s ago  Error (137) after 36m
  restarted        no restart seen
  now              container never restarted
Evidence:
  5m12s  pod status: status.reason = Evicted
  -      pod status: status.message = The node was low on resource: memory.
           Threshold quantity: 100Mi, available: 88Mi. Container app was using
           712Mi, request is 0, has larger consumption of memory.
Next:
  kubectl oom why node/worker-3              # who else died there
  kubectl oom recommend pod/batch-0 -n shop  # what to set, and why
"""
    )


def test_an_unexplained_sigkill_lists_its_candidates() -> None:
    assert (
        screen("unknown sigkill")
        == """
deploy/api (pod api-7d4b9c6f5-x2k4q, container app) was killed 5m12s ago (exit
code 137), and nothing that could be read says by what.  [possible]
Exit code 137 without OOMKilled, and no event says who sent the signal.
Could have been, most plausible first:
  1. an OOM kill that the runtime did not label
  2. a stop that took longer than its grace period
  3. somebody's kill -9

Memory before the kill:
  limit            100Mi, request 64Mi
  samples          none: no source knows its memory before the kill
Timeline:
  started          2026-11-20T10:07:50Z  42m ago
  killed           2026-11-20T10:44:48Z  5m12s ago  Error (137) after 36m
  restarted        2026-11-20T10:44:51Z  5m9s ago   3s after the kill
  ready again      2026-11-20T10:45:03Z  4m57s ago  recovery took 15s
  now              2 of 3 replicas ready, container restarted 6 times
Evidence:
  5m12s  pod status: lastState.terminated.reason = Error
  5m12s  pod status: lastState.terminated.exitCode = 137
Could not see:
  node events: forbidden: User "ann" cannot list resource "events" in API group
    "" at the cluster scope
    -> Bind the ClusterRole of docs/rbac.yaml, then: kubectl oom doctor
  Prometheus: no --prometheus-url was given
    -> kubectl oom why pod/x --prometheus-url URL
Next:
  kubectl oom why node/worker-3           # who else died there
  kubectl logs pod/api-7d4b9c6f5-x2k4q -c app --previous -n shop
  kubectl oom history deploy/api -n shop  # what its memory did before
"""
    )


def test_two_victims_are_told_worst_first_and_the_second_briefly() -> None:
    assert (
        screen("two victims", namespace="shop")
        == """
deploy/api (pod api-7d4b9c6f5-x2k4q, container app) was OOM-killed at its own
memory limit of 100Mi, 5m12s ago.  [likely]
The runtime recorded OOMKilled, and usage stood at 98% of the container's limit
12s earlier.

Memory before the kill (working set, a sample every 15s, Prometheus):
 100Mi ┤╌╌ limit ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌
       │                                                           ▁▂▂▂▃▃▄▄▅▅▆▆▆
       │                                          ▁▁▂▂▃▃▄▄▅▅▆▆▇▇▇███████████████
  50Mi ┤                         ▁▁▂▂▂▃▄▄▅▅▆▆▆▇▇████████████████████████████████
       │        ▁▁▁▂▂▃▃▄▄▅▅▆▆▇▇█████████████████████████████████████████████████
       │▅▅▆▆▇▇██████████████████████████████████████████████████████████████████
     0 ┼───────────────────────────────────────────────────────────────────────X
       41m ago                          23m ago                 killed 5m12s ago
  limit            100Mi, request 64Mi
  highest sampled  working set 96.1Mi (96%), usage 98.4Mi (98%)
  last sample      the highest; 12s before the kill, usage 1.6Mi below the limit
  pattern          leak [likely]: It grew 139Mi per hour from its start and
                   never levelled off.
Timeline:
  started          2026-11-20T10:07:50Z  42m ago
  last sample      2026-11-20T10:44:36Z  5m24s ago
  killed           2026-11-20T10:44:48Z  5m12s ago  OOMKilled (137) after 36m
  restarted        2026-11-20T10:44:51Z  5m9s ago   3s after the kill
  ready again      2026-11-20T10:45:03Z  4m57s ago  recovery took 15s
  now              2 of 3 replicas ready, container restarted 6 times
Evidence:
  5m12s  pod status: lastState.terminated.reason = OOMKilled
  5m12s  pod status: lastState.terminated.exitCode = 137
  5m24s  Prometheus: container_memory_usage_bytes = 98.4Mi
  -      pod spec: spec.containers[app].resources.limits.memory = 100Mi
Findings:
  warning crash-loop: It was killed 6 times, each time within an hour of its
    start.
    -> A larger limit only delays the next kill; find what grows.

deploy/api (pod api-7d4b9c6f5-x2k4q, sidecar proxy) was killed 5m10s ago (exit
code 137), and nothing that could be read says by what.  [possible]
Exit code 137 without OOMKilled, and no event says who sent the signal.
Could have been, most plausible first:
  1. an OOM kill that the runtime did not label
  2. a stop that took longer than its grace period
  3. somebody's kill -9

Memory before the kill:
  limit            100Mi, request 64Mi
  samples          none: no source knows its memory before the kill
Timeline:
  started          2026-11-20T10:07:50Z  42m ago
  killed           2026-11-20T10:44:50Z  5m10s ago  Error (137) after 37m
  restarted        2026-11-20T10:44:51Z  5m9s ago   1s after the kill
  ready again      2026-11-20T10:45:03Z  4m57s ago  recovery took 13s
  now              2 of 3 replicas ready, container restarted 6 times
Next:
  kubectl oom recommend deploy/api  # what to set, and why
  kubectl oom history deploy/api    # what its memory did before
  kubectl oom fix deploy/api        # see the change
  kubectl oom why node/worker-3     # who else died there
  kubectl logs pod/api-7d4b9c6f5-x2k4q -c proxy --previous  # its last words
"""
    )


def test_where_nothing_was_killed_the_screen_says_what_was_looked_at() -> None:
    assert (
        screen("nothing killed")
        == """
Nothing in deploy/api was killed that any source can show.
No container of it has ended since its pod started.
Memory now:
POD                  CONTAINER  WORKING-SET   USAGE       LIMIT   AGE
api-7d4b9c6f5-x2k4q  app        40.1Mi (40%)  48Mi (48%)  100Mi   4s
api-7d4b9c6f5-x2k4q  proxy      40.1Mi        48Mi        <none>  4s
api-7d4b9c6f5-9zr8w  app        <unknown>     <unknown>   100Mi   <unknown>
Looked at: pod status, kubelet metrics/cadvisor
Could not see:
  node events: forbidden: User "ann" cannot list resource "events" in API group
    "" at the cluster scope
    -> Bind the ClusterRole of docs/rbac.yaml, then: kubectl oom doctor
Next:
  kubectl oom history deploy/api -n shop  # what its memory did before
"""
    )


def test_where_hardly_anything_could_be_read_the_screen_says_how_to_see_more() -> None:
    assert (
        screen("everything unknown")
        == """
deploy/api (pod api-7d4b9c6f5-x2k4q, container app) was OOM-killed; which limit
was hit cannot be told.  [possible]
The pod says OOMKilled; its limit was changed since, and nothing else could be
read.

Memory before the kill:
  limit            not known for that time
  samples          none: no source knows its memory before the kill
Timeline:
  killed           OOMKilled, no source says when
  restarted        no restart seen
  now              container restarted 1 time
Could not see:
  node events: forbidden: User "ann" cannot list resource "events" in API group
    "" at the cluster scope
    -> Bind the ClusterRole of docs/rbac.yaml, then: kubectl oom doctor
  Prometheus: no --prometheus-url was given
    -> kubectl oom why pod/x --prometheus-url URL
  kubelet metrics/cadvisor: forbidden: User "ann" cannot get resource
    "nodes/proxy" in API group "" at the cluster scope
Next:
  kubectl oom history deploy/api -n shop    # what its memory did before
  kubectl oom recommend deploy/api -n shop  # what to set, and why
"""
    )


def test_many_victims_are_a_table_and_the_newest_in_full() -> None:
    assert (
        screen("many")
        == """
5 containers, all with an OOM kill. Newest first:
POD                  CONTAINER  VERDICT          CONFIDENCE  LIMIT  AGE
api-7d4b9c6f5-ccccc  app        container-limit  likely      100Mi  5m12s
api-7d4b9c6f5-aaaaa  app        container-limit  likely      100Mi  30m
api-7d4b9c6f5-bbbbb  app        container-limit  likely      100Mi  55m
api-7d4b9c6f5-ddddd  app        container-limit  likely      100Mi  80m
api-7d4b9c6f5-eeeee  app        container-limit  likely      100Mi  105m

deploy/api (pod api-7d4b9c6f5-ccccc, container app) was OOM-killed at its own
memory limit of 100Mi, 5m12s ago.  [likely]
The runtime recorded OOMKilled, and usage stood at 98% of the container's limit
12s earlier.

Memory before the kill (working set, a sample every 15s, Prometheus):
 100Mi ┤╌╌ limit ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌
       │                                                           ▁▂▂▂▃▃▄▄▅▅▆▆▆
       │                                          ▁▁▂▂▃▃▄▄▅▅▆▆▇▇▇███████████████
  50Mi ┤                         ▁▁▂▂▂▃▄▄▅▅▆▆▆▇▇████████████████████████████████
       │        ▁▁▁▂▂▃▃▄▄▅▅▆▆▇▇█████████████████████████████████████████████████
       │▅▅▆▆▇▇██████████████████████████████████████████████████████████████████
     0 ┼───────────────────────────────────────────────────────────────────────X
       41m ago                          23m ago                 killed 5m12s ago
  limit            100Mi, request 64Mi
  highest sampled  working set 96.1Mi (96%), usage 98.4Mi (98%)
  last sample      the highest; 12s before the kill, usage 1.6Mi below the limit
  pattern          leak [likely]: It grew 139Mi per hour from its start and
                   never levelled off.
Timeline:
  started          2026-11-20T08:20:00Z  150m ago
  last sample      2026-11-20T10:44:36Z  5m24s ago
  killed           2026-11-20T10:44:48Z  5m12s ago  OOMKilled (137) after 144m
  restarted        2026-11-20T10:44:51Z  5m9s ago   3s after the kill
  ready again      2026-11-20T10:45:03Z  4m57s ago  recovery took 15s
  now              2 of 3 replicas ready, container restarted 6 times
Evidence:
  5m12s  pod status: lastState.terminated.reason = OOMKilled
  5m12s  pod status: lastState.terminated.exitCode = 137
  5m24s  Prometheus: container_memory_usage_bytes = 98.4Mi
  -      pod spec: spec.containers[app].resources.limits.memory = 100Mi
Findings:
  warning crash-loop: It was killed 6 times, each time within an hour of its
    start.
    -> A larger limit only delays the next kill; find what grows.
Next:
  kubectl oom recommend deploy/api -n shop  # what to set, and why
  kubectl oom history deploy/api -n shop    # what its memory did before
  kubectl oom fix deploy/api -n shop        # see the change
"""
    )


def test_a_narrow_screen_folds_and_breaks_nothing() -> None:
    assert (
        screen("probe kill", width=40)
        == r"""
deploy/api (pod api-7d4b9c6f5-x2k4q,
container app) was killed by the kubelet
after a failed probe 5m12s ago (exit
code 137): not an OOM kill.  [certain]
The kubelet's own event says that the
liveness probe failed, 30s before the
container ended.

Memory before the kill (one sample,
  metrics.k8s.io):
  limit            100Mi, request 64Mi
  last sample      working set 31Mi
                   (31%); 18s before the
                   kill, 69Mi below the
                   limit
Timeline:
  started          2026-11-20T10:07:50Z
                   42m ago
  last sample      2026-11-20T10:44:30Z
                   5m30s ago
  killed           2026-11-20T10:44:48Z
                   5m12s ago, Error
                   (137) after 36m
  restarted        2026-11-20T10:44:51Z
                   5m9s ago, 3s after
                   the kill
  ready again      2026-11-20T10:45:03Z
                   4m57s ago, recovery
                   took 15s
  now              2 of 3 replicas
                   ready, container
                   restarted 6 times
Evidence:
  5m12s  pod status:
           lastState.terminated.exitCode
           = 137
  5m42s  pod events: Killing = Container
           app failed liveness probe,
           will be restarted
Could not see:
  Prometheus: no --prometheus-url was
    given
    -> kubectl oom why pod/x
       --prometheus-url URL
Next:
  kubectl describe \
    pod/api-7d4b9c6f5-x2k4q -n shop
  kubectl logs pod/api-7d4b9c6f5-x2k4q \
    -c app --previous -n shop
  kubectl oom history deploy/api -n shop
"""
    )


def test_a_stream_without_unicode_gets_the_same_screen_in_ascii() -> None:
    assert (
        screen("container limit", width=60, ascii_only=True)
        == """
deploy/api (pod api-7d4b9c6f5-x2k4q, container app) was
OOM-killed at its own memory limit of 100Mi, 5m12s ago.
[likely]
The runtime recorded OOMKilled, and usage stood at 98% of
the container's limit 12s earlier.

Memory before the kill (working set, a sample every 15s,
  Prometheus):
 100Mi |-- limit -------------------------------------------
       |                                          .....:::::
       |                              ....:::::#############
  50Mi |                  .....::::#########################
       |      ....:::::#####################################
       |:::#################################################
     0 +---------------------------------------------------X
       41m ago                23m ago       killed 5m12s ago
  limit            100Mi, request 64Mi
  highest sampled  working set 96.1Mi (96%), usage 98.4Mi
                   (98%)
  last sample      the highest; 12s before the kill, usage
                   1.6Mi below the limit
  pattern          leak [likely]: It grew 139Mi per hour
                   from its start and never levelled off.
Timeline:
  started          2026-11-20T10:07:50Z 42m ago
  last sample      2026-11-20T10:44:36Z 5m24s ago
  killed           2026-11-20T10:44:48Z 5m12s ago, OOMKilled
                   (137) after 36m
  restarted        2026-11-20T10:44:51Z 5m9s ago, 3s after
                   the kill
  ready again      2026-11-20T10:45:03Z 4m57s ago, recovery
                   took 15s
  now              2 of 3 replicas ready, container
                   restarted 6 times
Evidence:
  5m12s  pod status: lastState.terminated.reason = OOMKilled
  5m12s  pod status: lastState.terminated.exitCode = 137
  5m24s  Prometheus: container_memory_usage_bytes = 98.4Mi
  -      pod spec:
           spec.containers[app].resources.limits.memory =
           100Mi
Findings:
  warning crash-loop: It was killed 6 times, each time
    within an hour of its start.
    -> A larger limit only delays the next kill; find what
       grows.
Could not see:
  node events: forbidden: User "ann" cannot list resource
    "events" in API group "" at the cluster scope
    -> Bind the ClusterRole of docs/rbac.yaml, then: kubectl
       oom doctor
Next:
  kubectl oom recommend deploy/api -n shop
  kubectl oom history deploy/api -n shop
  kubectl oom fix deploy/api -n shop  # see the change
"""
    )


def test_wide_names_whole_fields_and_the_evidence_of_findings() -> None:
    assert (
        screen("child killed", wide=True)
        == """
deploy/api (pod api-7d4b9c6f5-x2k4q, container app) is running, but a process
inside it was OOM-killed 95s ago.  [certain]
The kubelet counts 7 OOM kills in this container, which has been running all the
time.

Memory (one sample, kubelet metrics/cadvisor):
  limit            100Mi, request 64Mi
  last sample      working set 61Mi (61%), usage 72Mi (72%); 4s ago, usage 28Mi
                   below the limit
Timeline:
  started          2026-11-20T10:07:50Z  42m ago
  process killed   2026-11-20T10:48:25Z  95s ago    after 40m
  last sample      2026-11-20T10:49:56Z  4s ago
  now              1 of 1 replica ready, container never restarted
Evidence:
  4s  kubelet metrics/cadvisor: container_oom_events_total = 7
  -   pod status: status.containerStatuses[app].restartCount = 0
Findings:
  critical ready-hides-kills: READY is 1/1 and RESTARTS is 0 although processes
    in it are being killed.
    -> Alert on container_oom_events_total, not on restarts.
Next:
  kubectl oom recommend deploy/api -n shop  # what to set, and why
  kubectl oom history deploy/api -n shop    # what its memory did before
  kubectl oom fix deploy/api -n shop        # see the change
"""
    )
