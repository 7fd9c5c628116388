"""The screens of `recommend`, literally: what a person reads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubectl_oom.evidence import Change, Risk
from kubectl_oom.show.words import cells
from tests.proposals import EVERYTHING, bare, hostile, killed, leaking, many, one, report_of, screen, unknown


def test_a_killed_deployment_gets_its_size_the_reasons_and_the_command() -> None:
    assert screen(killed()) == KILLED


KILLED = """\
deploy/api in shop, container app: OOM-killed once
           TODAY  RECOMMENDED  CHANGE
  limit    100Mi  160Mi        +60Mi
  request  64Mi   88Mi         +24Mi
  QoS      Burstable, as today
  limit today      ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┤ 100Mi
  highest sampled  █████████████████████████ 80Mi (80%)
  recommended      ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┤ 160Mi
Why (high confidence):
  - 168 samples of one pod over 7 days, one every 60 min; the highest is 80Mi.
  - OOM-killed once at a limit of 100Mi: it needed at least 100Mi, and how much
    more, no source can know.
  - Profile balanced: the limit that killed, 100Mi, times 1.36 (killed in 14% of
    the time it was seen) + 10Mi for its jumps = 146Mi. That is a bet, not a
    measurement.
  - Rounded up to a clean size, the limit is 160Mi.
  - The request, 88Mi, is what the pod that needs most stays below for 95 % of
    its time (80Mi) and 5 %.
  - A burst between two samples, 60 min apart, was not seen.
  - Confidence high: a week was seen, and it rises calmly. In replay 93 of 100
    sizes of this confidence held through the following week.
What other rules would say:
  RULE        MEANS                       LIMIT  AGAINST-OURS
  default     p95 + 30 %                  104Mi  -35%
  stateless   p95 + 20 %                  96Mi   -40%          killed at 100Mi
  peak        highest sample + 50 %       120Mi  -25%
  krr         KRR: highest sample + 15 %  100Mi  -38%          killed at 100Mi
  krr-oom     KRR with its OOM data       125Mi  -22%
  vpa-target  VPA's target                238Mi  +49%
  5 more with -o wide
What it means:
  cost     +0.22 USD a month: +24Mi of request for 3 pods at 3.093 USD per GiB
           and month (OpenCost default list price, on demand). A limit alone
           costs nothing.
  kills    Replayed under 160Mi, the 7 days that were seen have no kill instead
           of one kill under the 100Mi of today; how far above its limit it
           would have gone at a kill, no replay knows.
More replicas instead (possible):
  - Its memory seems to fall with load: every day it goes between 50Mi and 80Mi
    a pod, 6.9 days seen. That another pod takes its share is what a Service
    does, and was not seen here.
  - An autoscaler from 3 to 5 pods at 90% of the request of 88Mi, 79.2Mi a pod
    on average: as its memory moved in the samples, another pod is ready before
    one reaches its limit.
  - As a HorizontalPodAutoscaler, with the reasons: -o hpa
Set it:
  kubectl set resources deployment/api -n shop -c app --limits=memory=160Mi \\
    --requests=memory=88Mi

Could not be seen:
  kills of child processes: a process killed while its container lives on shows
    only in container_oom_events_total, which could not be read
    -> allow get on nodes/proxy, or name a metrics engine: --prometheus-url"""


def test_a_leak_is_told_how_long_its_size_lasts() -> None:
    assert screen(leaking()) == LEAKING


LEAKING = """\
deploy/api in shop, container app: its memory grows
           TODAY  RECOMMENDED  CHANGE
  limit    512Mi  512Mi        none
  request  64Mi   256Mi        +192Mi
  QoS      Burstable, as today
  limit today      ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┤ 512Mi
  highest sampled  ██████████████ 152Mi (30%)
  recommended      ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┤ 512Mi
Why (low confidence):
  - 672 samples of one pod over 7 days, one every 15 min; the highest is 152Mi.
  - Room for a week of growth, at most twice what is known to be needed = 303Mi.
  - It leaks 2Mi/h, and a leak has no right size: 512Mi lasts 9.8 days from each
    start.
  - That is below the limit of today, 512Mi, and too little was seen to lower
    it: it stays.
  - The request is 256Mi: a limit is at most twice its request.
  - A burst between two samples, 15 min apart, was not seen.
  - Confidence low: a leak has no right size. In replay 84 of 100 sizes of this
    confidence held through the following week.
What other rules would say:
  RULE        MEANS                       LIMIT  AGAINST-OURS
  default     p95 + 30 %                  190Mi  -63%
  stateless   p95 + 20 %                  175Mi  -66%
  peak        highest sample + 50 %       227Mi  -56%
  krr         KRR: highest sample + 15 %  174Mi  -66%
  krr-oom     KRR with its OOM data       174Mi  -66%
  vpa-target  VPA's target                238Mi  -53%
  5 more with -o wide
What it means:
  cost     +1.74 USD a month: +192Mi of request for 3 pods at 3.093 USD per GiB
           and month (OpenCost default list price, on demand). A limit alone
           costs nothing.
  kills    A leak fills 512Mi in 9.8 days from each start: about 0.7 kills a
           week, 0.7 kills under the limit of today.
  lasts    about 9.8 days from each start, as fast as it grows today
Set it:
  kubectl set resources deployment/api -n shop -c app --limits=memory=512Mi \\
    --requests=memory=256Mi

Could not be seen:
  kills of child processes: a process killed while its container lives on shows
    only in container_oom_events_total, which could not be read
    -> allow get on nodes/proxy, or name a metrics engine: --prometheus-url"""


def test_where_nothing_is_known_no_number_is_shown() -> None:
    assert screen(unknown()) == UNKNOWN


UNKNOWN = """\
deploy/api in shop, container app: nothing is known that a size could be made
from
           TODAY
  limit    none known
  request  none known
  QoS      BestEffort if nothing else in the pod has a size
Why:
  - No sample of its memory was found.
  - Nothing is known that a size could be made from, so none is recommended.
No command: nothing is recommended.

Could not be seen:
  kills of child processes: a process killed while its container lives on shows
    only in container_oom_events_total, which could not be read
    -> allow get on nodes/proxy, or name a metrics engine: --prometheus-url"""


def test_the_patch_of_a_bare_pod_is_broken_so_that_it_can_be_pasted() -> None:
    shown = screen(bare()).splitlines()
    start = shown.index("Set it:") + 1

    assert shown[start : start + 3] == [
        "  kubectl patch pod/api-0 -n shop --subresource resize --patch \\",
        '    \'{"spec":{"containers":[{"name":"app","resources":{"limits":{"memory":"72M\'\\',
        '\'i"},"requests":{"memory":"64Mi"}}}]}}\'',
    ]


def test_a_size_that_stands_is_not_set_again() -> None:
    item = one(killed())
    assert item.size.recommended is not None
    same = replace(item, size=replace(item.size, current=item.size.recommended), risk=Risk.NONE)

    told = screen(report_of(same))

    assert "Nothing to set: that is its size today." in told
    assert "kubectl" not in told


def test_where_no_command_would_last_the_screen_says_why() -> None:
    item = replace(one(killed()), change=Change(command=None, patch=None, why_not="its operator would revert it"))

    assert "No command: its operator would revert it." in screen(report_of(item)).splitlines()


def test_a_sample_below_its_limit_never_reaches_the_end_of_the_limit_in_the_picture() -> None:
    item = one(killed())
    almost = replace(item, highest_bytes=item.size.current.limit_bytes - 1)  # type: ignore[operator]  # it has one

    shown = {line.split()[0]: line for line in screen(report_of(almost)).splitlines() if "╌" in line or "█" in line}

    assert shown["highest"].count("█") < len(shown["limit"].split()[2])


def test_without_a_container_to_size_the_screen_says_so() -> None:
    assert screen(report_of()) == "No container was found that could be sized."


def test_what_a_cluster_writes_steers_no_terminal() -> None:
    told = screen(hostile(), wide=True) + screen(hostile(), 40) + screen(hostile(), ascii_only=True)

    assert not {"\x1b", "\x07", "\r", "\u202e"} & set(told)


@pytest.mark.parametrize("width", [40, 61, 80, 133])
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    for report in (EVERYTHING, killed(), leaking(), unknown(), bare(), many(), hostile()):
        assert [line for line in screen(report, width).splitlines() if cells(line) > width] == []
