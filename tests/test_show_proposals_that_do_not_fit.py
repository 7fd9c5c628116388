"""The screens of a size that does not fit, with all that a proposal can hold: at 80 columns, at 40, and in full."""

from __future__ import annotations

from dataclasses import replace

from kubectl_oom.evidence import Sizes
from kubectl_oom.show.colour import Paint
from kubectl_oom.show.proposals import lines
from tests.build import MI
from tests.proposals import EVERYTHING, report_of, screen, with_all


def test_where_the_size_does_not_fit_both_sizes_are_shown_and_the_command_sets_the_one_that_does() -> None:
    assert screen(EVERYTHING) == OFFERED


OFFERED = """\
deploy/api in shop, container app: OOM-killed once
           TODAY  RECOMMENDED  WHAT-FITS  CHANGE
  limit    100Mi  256Mi        192Mi      +92Mi
  request  64Mi   128Mi        96Mi       +32Mi
  QoS      Burstable, as today
  The recommended limit of 256Mi does not fit; 192Mi does. The first is what it
  needs, the second what can be set today.
  limit today      ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┤ 100Mi
  highest sampled  ███████████████ 80Mi (80%)
  recommended      ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┤ 256Mi
  what fits        ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┤ 192Mi
Why (high confidence):
  - It was OOM-killed once at a limit of 100Mi.
  - Rounded up to a clean size, the limit is 256Mi.
What other rules would say:
  RULE     MEANS                       LIMIT  AGAINST-OURS
  default  p95 + 30 %                  90Mi   -65%          killed at 100Mi
  peak     highest sample + 50 %       120Mi  -53%
  krr      KRR: highest sample + 15 %  100Mi  -61%          killed at 100Mi
  2 more with -o wide
Its own memory settings (jvm):
  - 80 % of 100Mi is a heap of 80Mi, and the rest needs 60Mi.
  -> set with the limit: JAVA_TOOL_OPTIONS to -XX:MaxRAMPercentage=75
     (environment variable, today 80)
  -> set with the limit: maxmemory to 100mb (flag or configuration, not set
     today)
What the cluster allows:
  NOT quota: ResourceQuota team allows 1Gi of limits, and 4 pods of 256Mi beside
      the others need 1.2Gi.
      -> raise requests.memory of ResourceQuota team by 200Mi
  ok  node: The largest node has 9Gi allocatable.
What it means:
  cost     +0.29 USD a month: +32Mi of request for 3 pods.
  kills    Replayed under 192Mi: no kill instead of one.
  lasts    about 9 days from now, as fast as it grows today
  or else  2 pods of the new size do for the memory of today.
More replicas instead (possible):
  - Its memory seems to fall with load: every day it goes between 50Mi and 80Mi
    a pod.
  - An autoscaler from 3 to 6 pods at 80% of the request of 96Mi, 76.8Mi a pod
    on average: as its memory moved in the samples, another pod is ready before
    one reaches its limit.
  - ResourceQuota team has 100Mi of requests left.
  - As a HorizontalPodAutoscaler, with the reasons: -o hpa
Set what fits:
  kubectl set resources deployment/api -n shop -c app --limits=memory=192Mi \\
    --requests=memory=96Mi
  kubectl set env deployment/api -n shop -c app \\
    JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=75"""


def test_a_narrow_screen_in_ascii_holds_the_same() -> None:
    assert screen(EVERYTHING, 40, ascii_only=True) == NARROW


NARROW = """\
deploy/api in shop, container app:
OOM-killed once
           TODAY  RECOMMENDED  WHAT-FITS
  limit    100Mi  256Mi        192Mi
  request  64Mi   128Mi        96Mi
  QoS      Burstable, as today
  The recommended limit of 256Mi does
  not fit; 192Mi does. The first is what
  it needs, the second what can be set
  today.
  limit today      ---| 100Mi
  highest sampled  ### 80Mi (80%)
  recommended      ---------| 256Mi
  what fits        -------| 192Mi
Why (high confidence):
  - It was OOM-killed once at a limit of
    100Mi.
  - Rounded up to a clean size, the
    limit is 256Mi.
What other rules would say:
  RULE     LIMIT
  default  90Mi   killed at 100Mi
  peak     120Mi
  krr      100Mi  killed at 100Mi
  2 more with -o wide
Its own memory settings (jvm):
  - 80 % of 100Mi is a heap of 80Mi, and
    the rest needs 60Mi.
  -> set with the limit:
     JAVA_TOOL_OPTIONS to
     -XX:MaxRAMPercentage=75
     (environment variable, today 80)
  -> set with the limit: maxmemory to
     100mb (flag or configuration, not
     set today)
What the cluster allows:
  NOT quota: ResourceQuota team allows
      1Gi of limits, and 4 pods of 256Mi
      beside the others need 1.2Gi.
      -> raise requests.memory of
         ResourceQuota team by 200Mi
  ok  node: The largest node has 9Gi
      allocatable.
What it means:
  cost     +0.29 USD a month: +32Mi of
           request for 3 pods.
  kills    Replayed under 192Mi: no kill
           instead of one.
  lasts    about 9 days from now, as
           fast as it grows today
  or else  2 pods of the new size do for
           the memory of today.
More replicas instead (possible):
  - Its memory seems to fall with load:
    every day it goes between 50Mi and
    80Mi a pod.
  - An autoscaler from 3 to 6 pods at
    80% of the request of 96Mi, 76.8Mi a
    pod on average: as its memory moved
    in the samples, another pod is ready
    before one reaches its limit.
  - ResourceQuota team has 100Mi of
    requests left.
  - As a HorizontalPodAutoscaler, with
    the reasons: -o hpa
Set what fits:
  kubectl set resources deployment/api \\
    -n shop -c app \\
    --limits=memory=192Mi \\
    --requests=memory=96Mi
  kubectl set env deployment/api -n \\
    shop -c app \\
    JAVA_TOOL_OPTIONS=-XX:MaxRAMPercen\\
tage=75"""


def test_the_wide_form_has_every_rule_and_the_patch() -> None:
    assert screen(EVERYTHING, wide=True) == WIDE


WIDE = """\
deploy/api in shop, container app: OOM-killed once
           TODAY  RECOMMENDED  WHAT-FITS  CHANGE
  limit    100Mi  256Mi        192Mi      +92Mi
  request  64Mi   128Mi        96Mi       +32Mi
  QoS      Burstable, as today
  The recommended limit of 256Mi does not fit; 192Mi does. The first is what it
  needs, the second what can be set today.
  limit today      ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┤ 100Mi
  highest sampled  ███████████████ 80Mi (80%)
  recommended      ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┤ 256Mi
  what fits        ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┤ 192Mi
Why (high confidence):
  - It was OOM-killed once at a limit of 100Mi.
  - Rounded up to a clean size, the limit is 256Mi.
What other rules would say:
  RULE       MEANS                       LIMIT  AGAINST-OURS
  default    p95 + 30 %                  90Mi   -65%          killed at 100Mi
  peak       highest sample + 50 %       120Mi  -53%
  krr        KRR: highest sample + 15 %  100Mi  -61%          killed at 100Mi
  vpa-upper  VPA's upper bound           60Gi   240 times
  max+10%    highest sample + 10 %       88Mi   -66%          killed at 100Mi
Its own memory settings (jvm):
  - 80 % of 100Mi is a heap of 80Mi, and the rest needs 60Mi.
  -> set with the limit: JAVA_TOOL_OPTIONS to -XX:MaxRAMPercentage=75
     (environment variable, today 80)
  -> set with the limit: maxmemory to 100mb (flag or configuration, not set
     today)
    pod spec: env JAVA_TOOL_OPTIONS = -XX:MaxRAMPercentage=80
What the cluster allows:
  NOT quota: ResourceQuota team allows 1Gi of limits, and 4 pods of 256Mi beside
      the others need 1.2Gi.
      -> raise requests.memory of ResourceQuota team by 200Mi
  ok  node: The largest node has 9Gi allocatable.
What it means:
  cost        +0.29 USD a month: +32Mi of request for 3 pods.
  kills       Replayed under 192Mi: no kill instead of one.
  lasts       about 9 days from now, as fast as it grows today
  or else     2 pods of the new size do for the memory of today.
  class       stateless: a Deployment
  profile     balanced
  confidence  high: a week was seen, and it rises calmly
  replicas    3
  floor       105Mi: no profile goes below
  price       3.093 USD per GiB and month: as given
More replicas instead (possible):
  - Its memory seems to fall with load: every day it goes between 50Mi and 80Mi
    a pod.
  - Target 80% of the request of 96Mi, 76.8Mi a pod on average.
  - From 3 pods, as many as today, to 6.
  - ResourceQuota team has 100Mi of requests left.
  - As a HorizontalPodAutoscaler, with the reasons: -o hpa
Set what fits:
  kubectl set resources deployment/api -n shop -c app --limits=memory=192Mi \\
    --requests=memory=96Mi
  kubectl set env deployment/api -n shop -c app \\
    JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=75
The same as a patch:
  {
    "spec": {
      "template": {
        "spec": {
          "containers": [
            {
              "name": "app"
            }
          ]
        }
      }
    }
  }"""


def test_an_offer_that_killed_before_is_not_called_a_fit() -> None:
    item = replace(with_all(), offer=Sizes(request_bytes=64 * MI, limit_bytes=96 * MI))

    assert (
        "The recommended limit of 256Mi does not fit; 96Mi does, and it was OOM-killed at 100Mi: make room instead."
        in " ".join(screen(report_of(item)).split())
    )


def test_red_is_what_was_killed_and_yellow_what_stands_against_the_size() -> None:
    coloured = list(lines(EVERYTHING, width=80, paint=Paint(on=True)))

    assert coloured[0] == "\x1b[31mdeploy/api in shop, container app: OOM-killed once\x1b[0m"
    assert [line[:5] for line in coloured if "NOT quota" in line] == ["\x1b[33m"]
