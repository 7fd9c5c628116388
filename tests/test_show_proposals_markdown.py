"""Proposals for a ticket or a pull request: everything that the screen says, and nothing that could become markup."""

from __future__ import annotations

import re
from dataclasses import replace

from kubectl_oom.evidence import ContainerType, Sizes
from kubectl_oom.show.proposal_markdown import proposals_markdown
from tests.build import NOW
from tests.proposals import EVERYTHING, hostile, killed, many, one, report_of


def test_a_ticket_has_the_sizes_the_reasons_and_the_command() -> None:
    assert "\n".join(proposals_markdown(EVERYTHING, now=NOW)) == TICKET


TICKET = """\
## deploy/api in shop, container app: OOM-killed once

|  | today | recommended | what fits | change |
|---|---|---|---|---|
| limit | 100Mi | 256Mi | 192Mi | \\+92Mi |
| request | 64Mi | 128Mi | 96Mi | \\+32Mi |

**The recommended limit of 256Mi does not fit; 192Mi does. The first is what it needs, the second what can be set today.**

```text
limit today      ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┤ 100Mi
highest sampled  ███████████████ 80Mi (80%)
recommended      ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┤ 256Mi
what fits        ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┤ 192Mi
```

|  |  |
|---|---|
| QoS | Burstable, as today |
| cost | \\+0.29 USD a month: +32Mi of request for 3 pods. |
| kills | Replayed under 192Mi: no kill instead of one. |
| lasts | about 9 days from now, as fast as it grows today |
| or else | 2 pods of the new size do for the memory of today. |
| class | stateless: a Deployment |
| profile | balanced |
| confidence | high: a week was seen, and it rises calmly |
| replicas | 3 |
| floor | 105Mi: no profile goes below |
| price | 3.093 USD per GiB and month: as given |

### Why (high confidence)

- It was OOM-killed once at a limit of 100Mi.
- Rounded up to a clean size, the limit is 256Mi.

### What other rules would say

| rule | means | limit | against ours |  |
|---|---|---|---|---|
| default | p95 + 30 % | 90Mi | \\-65% | killed at 100Mi |
| peak | highest sample + 50 % | 120Mi | \\-53% |  |
| krr | KRR: highest sample + 15 % | 100Mi | \\-61% | killed at 100Mi |
| vpa-upper | VPA's upper bound | 60Gi | 240 times |  |
| max+10% | highest sample + 10 % | 88Mi | \\-66% | killed at 100Mi |

### Its own memory settings (jvm)

- 80 % of 100Mi is a heap of 80Mi, and the rest needs 60Mi.
- set with the limit: JAVA_TOOL_OPTIONS to -XX:MaxRAMPercentage=75 (environment variable, today 80)
- set with the limit: maxmemory to 100mb (flag or configuration, not set today)
- pod spec: env JAVA_TOOL_OPTIONS = -XX:MaxRAMPercentage=80

### What the cluster allows

- **not**: quota: ResourceQuota team allows 1Gi of limits, and 4 pods of 256Mi beside the others need 1.2Gi.
  - to do: raise requests.memory of ResourceQuota team by 200Mi
- ok: node: The largest node has 9Gi allocatable.

### More replicas instead (possible)

- Its memory seems to fall with load: every day it goes between 50Mi and 80Mi a pod.
- Target 80% of the request of 96Mi, 76.8Mi a pod on average.
- From 3 pods, as many as today, to 6.
- ResourceQuota team has 100Mi of requests left.
- As a HorizontalPodAutoscaler, with the reasons: -o hpa

### Set what fits

```sh
kubectl set resources deployment/api -n shop -c app --limits=memory=192Mi --requests=memory=96Mi
kubectl set env deployment/api -n shop -c app JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=75
```

As of 2026-11-22T09:00:00Z."""


def test_a_ticket_about_many_begins_with_a_table_of_all() -> None:
    shown = list(proposals_markdown(many(), now=NOW))

    assert shown[0] == "## Memory requests and limits"
    assert shown[2].startswith("5 containers: 2 at risk (1 killed and 1 growing)")
    assert [line.split(" | ")[2] for line in shown[6:11]] == [
        *("deploy/api", "deploy/worker", "deploy/quiet-service-with-a-long-name", "deploy/cron", "pod/api-0"),
    ]
    assert len([line for line in shown if line.startswith("## ")]) == 1 + 5 + 2


def test_a_ticket_in_ascii_is_ascii() -> None:
    assert "".join(proposals_markdown(EVERYTHING, now=NOW, ascii_only=True)).isascii()


def test_what_a_cluster_writes_stays_text_in_a_ticket() -> None:
    told = "\n".join(proposals_markdown(hostile(), now=NOW))
    outside = re.sub(r"^```.*?^```$", "", told, flags=re.DOTALL | re.MULTILINE)

    assert not {"\x1b", "\x07", "\r", "\u202e"} & set(told)
    assert "<b>" not in outside
    assert re.search(r"(?<!\\)`", outside) is None


def test_an_init_container_of_an_unknown_workload_is_named_as_what_it_is() -> None:
    item = one(killed())
    init = replace(
        item,
        size=replace(item.size, container_type=ContainerType.INIT, current=Sizes(request_bytes=None, limit_bytes=None)),
    )

    assert next(iter(proposals_markdown(report_of(init), now=NOW))).startswith(
        "## deploy/api in shop, init container app"
    )
