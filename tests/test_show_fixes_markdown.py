"""A change as the text of a pull request: all that the screen says, with the evidence, and nothing that could become markup."""

from __future__ import annotations

import re

from kubectl_oom.show.fix_commands import Flags
from kubectl_oom.show.fix_markdown import changes_markdown
from tests.build import NOW
from tests.fixes import OUTCOMES, everything, hostile, report_of


def told(name: str, flags: Flags | None = None) -> list[str]:
    return list(changes_markdown(report_of(OUTCOMES[name]), now=NOW, flags=flags or Flags()))


def test_a_pull_request_has_the_change_the_checks_with_their_evidence_the_commands_and_the_patch() -> None:
    assert "\n".join(told("blocked")) == TEXT


TEXT = """\
## Change the memory of deploy/api in shop

|  | field | before | after |
|---|---|---|---|
| container app | limits.memory | 128Mi | 512Mi |
| container app | requests.memory | 64Mi | 256Mi |

### What stands against it

- **blocks quota**: app: ResourceQuota mem on limits.memory allows 600Mi and 256Mi are used: 2 pods of 512Mi \
instead of 128Mi, with 1 more while it rolls out, need 896Mi more, and 344Mi are left: some of the pods would \
be refused.
  - resourcequota/mem: limits.memory = 600Mi, 256Mi used
  - to do: raise limits.memory of ResourceQuota mem to 1152Mi, or run fewer pods
- **blocks low-confidence**: The size of app has low confidence: less than two days were seen.
  - to do: apply it with --accept-low-confidence

### Worth knowing

- **warning helm-managed**: Helm release api sets the memory back at its next upgrade.
  - deployment/api: meta.helm.sh/release-name = api
  - to do: change its values as well (-o helm-values; today's: helm get values api -n shop)

### What will happen

- 2 pods are replaced, with up to 1 more at a time and none unavailable.
- The QoS class stays Burstable.

### Clear what stands against it (or go on with --force); then make it so

```sh
kubectl oom fix deploy/api -n shop --accept-low-confidence --apply
```

### The way back after that

```sh
kubectl oom fix deploy/api -n shop --undo --apply
```

### The same with kubectl alone

```sh
kubectl set resources deployment/api -n shop -c app --limits=memory=512Mi --requests=memory=256Mi
```

### The way back with kubectl alone

```sh
kubectl patch deployment/api -n shop --patch \
'{"spec":{"template":{"spec":{"containers":[{"name":"app","resources":{"limits":{"memory":"128Mi"},"requests":\
{"memory":"64Mi"}}}]}}}}'
```

### Patch

```json
{
  "spec": {
    "template": {
      "spec": {
        "containers": [
          {
            "name": "app",
            "resources": {
              "limits": {
                "memory": "512Mi"
              },
              "requests": {
                "memory": "256Mi"
              }
            }
          }
        ]
      }
    }
  }
}
```

As of 2026-11-22T09:00:00Z."""


def test_a_pull_request_says_why() -> None:
    shown = told("plain")

    assert shown[shown.index("### Why: what kubectl oom recommend found") :][:4] == [
        "### Why: what kubectl oom recommend found",
        "",
        "- OOM-killed once at a limit of 128Mi.",
        "- Rounded up to a clean size, the limit is 512Mi.",
    ]


def test_what_was_made_is_told_with_how_it_ended() -> None:
    shown = told("killed again")

    assert shown[0] == "## deploy/api in shop: changed, and OOM-killed again 2 times"
    assert "- Watched for 10m: 2 OOM kills; the highest sample was 510Mi, 99% of the limit." in shown
    assert "### What will happen" not in shown


def test_the_way_back_is_titled_as_that() -> None:
    assert told("to be undone")[0] == "## Bring back the memory of deploy/api in shop"


def test_where_nothing_changes_the_text_says_so_and_has_no_patch() -> None:
    shown = told("nothing")

    assert shown[:3] == ["## deploy/api in shop: nothing to change", "", "- container app: limit 128Mi, request 64Mi"]
    assert "### Patch" not in shown


def test_the_commands_have_the_flags_they_need() -> None:
    flags = Flags(change=("--profile", "safe"))

    assert "kubectl oom fix deploy/api -n shop --profile safe --apply" in told("plain", flags)


def test_what_could_not_be_seen_comes_last_with_what_would_show_it() -> None:
    shown = list(changes_markdown(everything(), now=NOW))

    assert shown[-4:] == [
        "",
        "- nodes: not permitted (403) (grant list on nodes)",
        "",
        "As of 2026-11-22T09:00:00Z.",
    ]
    assert "".join(changes_markdown(everything(), now=NOW, ascii_only=True)).isascii()


def test_what_a_cluster_writes_stays_text_in_a_pull_request() -> None:
    shown = "\n".join(changes_markdown(hostile(), now=NOW))
    outside = re.sub(r"^```.*?^```$", "", shown, flags=re.DOTALL | re.MULTILINE)

    assert not {"\x1b", "\x07", "\r", "\u202e"} & set(shown)
    assert "<b>" not in outside
    assert re.search(r"(?<!\\)`", outside) is None
