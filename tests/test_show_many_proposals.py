"""Many proposals as a table: at once, or a namespace after the other, with what they all add up to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubectl_oom.evidence import Cost, ProposalReport
from kubectl_oom.show.colour import NO_PAINT
from kubectl_oom.show.proposal_rows import Totals, table_rows
from kubectl_oom.show.proposals import Page
from tests.proposals import hostile, killed, many, one, report_of, screen, unknown, with_all

PAGE = Page(width=80, paint=NO_PAINT, wide=False, ascii_only=False)
WIDE_PAGE = replace(PAGE, wide=True)


def test_more_than_three_workloads_are_a_table_with_its_sums_notes_and_gaps() -> None:
    assert screen(many(), 130) == TABLE


TABLE = """\
RISK     NAMESPACE  WORKLOAD                               CONTAINER  KILLS  LIMIT   HIGHEST    RECOMMENDED  COST/MONTH
killed   shop       deploy/api                             app        1      100Mi   80Mi       256Mi        +0.29 USD
growing  shop       deploy/worker                          app        0      512Mi   152Mi      512Mi        +1.74 USD
none     shop       deploy/quiet-service-with-a-long-name  app        0      1Gi     60Mi       72Mi         -1.35 USD
unknown  tools      deploy/cron                            app        0      <none>  <unknown>  <unknown>    <none>
none     shop       pod/api-0                              app        0      1Gi     60Mi       72Mi         -1.35 USD

5 containers: 2 at risk (1 killed and 1 growing), 1 with nothing known. Requests of all pods: -224Mi, -0.68 USD a month. Something
stands against 1 of the sizes.

Note:
  - container old is gone.

Could not be seen:
  nodes: not permitted (403)
    -> grant list on nodes"""


def test_a_narrow_table_keeps_who_is_at_risk_and_the_two_limits() -> None:
    assert screen(many()).splitlines()[:3] == [
        "RISK     NAMESPACE  WORKLOAD                               LIMIT   RECOMMENDED",
        "killed   shop       deploy/api                             100Mi   256Mi",
        "growing  shop       deploy/worker                          512Mi   512Mi",
    ]


def test_the_wide_table_has_every_number_and_the_command() -> None:
    head, first, *_ = screen(many(), wide=True).splitlines()

    assert head.split() == [
        *("RISK", "NAMESPACE", "WORKLOAD", "CONTAINER", "KILLS", "LIMIT", "HIGHEST", "RECOMMENDED", "REQUEST", "FITS"),
        *(
            "CONFIDENCE",
            "COST/MONTH",
            "CLASS",
            "PROFILE",
            "REPLICAS",
            "DEFAULT",
            "KRR",
            "VPA-TARGET",
            "LASTS",
            "COMMAND",
        ),
    ]
    assert first.endswith(
        "kubectl set resources deployment/api -n shop -c app --limits=memory=192Mi --requests=memory=96Mi"
    )


def test_a_price_that_is_hidden_leaves_no_column() -> None:
    items = tuple(replace(item, cost=None) for item in many().items)

    shown = screen(replace(many(), items=items), 160)

    assert "COST" not in shown
    assert "USD" not in shown


def test_rows_of_one_namespace_stand_below_those_of_another() -> None:
    first, second = many().items[:2], many().items[2:]

    shown = [
        *PAGE.some_rows(first, with_namespace=True, with_header=True),
        *PAGE.some_rows(second, with_namespace=True, with_header=False),
    ]

    assert shown == [
        "RISK       NAMESPACE       WORKLOAD                  KILLS  LIMIT   RECOMMENDED",
        "killed     shop            deploy/api                1      100Mi   256Mi",
        "growing    shop            deploy/worker             0      512Mi   512Mi",
        "none       shop            deploy/quie..a-long-name  0      1Gi     72Mi",
        "unknown    tools           deploy/cron               0      <none>  <unknown>",
        "none       shop            pod/api-0                 0      1Gi     72Mi",
    ]


def test_rows_that_come_one_after_another_are_whole_in_the_wide_form() -> None:
    shown = list(WIDE_PAGE.some_rows(many().items, with_namespace=True, with_header=False))

    assert [line for line in shown if ".." in line] == []
    assert "deploy/quiet-service-with-a-long-name" in shown[2]


def test_sums_of_namespaces_are_those_of_the_cluster() -> None:
    items = many().items
    whole = Totals.of(items)

    # Of the price but to the last digits of a float: Python 3.12 and later add more exactly within one `sum`.
    halves = Totals.of(items[:2]) + Totals.of(items[2:])
    assert halves.cost == pytest.approx(whole.cost, abs=1e-9)
    assert replace(halves, cost=whole.cost) == whole
    assert Totals() + whole == whole


def test_the_sum_of_requests_counts_every_pod_and_says_whose_pods_are_not_known() -> None:
    item = one(killed())
    unpriced = replace(item, cost=None)
    lost = replace(item, cost=None, size=replace(item.size, replicas=None))

    assert Totals.of([item]).words() == (
        "1 container: 1 at risk (1 killed). Requests of all pods: +72Mi, +0.22 USD a month."
    )
    assert Totals.of([unpriced, lost]).words() == (
        "2 containers: 2 at risk (2 killed). Requests of all pods: +72Mi, without 1 of which that cannot be told."
    )
    assert Totals.of([one(unknown())]).words() == (
        "1 container: 0 at risk, 1 with nothing known. Requests of all pods: 0."
    )


def test_what_is_cheaper_is_summed_with_its_sign() -> None:
    cost = with_all().cost
    assert isinstance(cost, Cost)
    cheaper = replace(with_all(), cost=replace(cost, per_pod_month=-3.093, total_month=-9.279))

    assert Totals.of([cheaper, cheaper]).words() == (
        "2 containers: 2 at risk (2 killed). Requests of all pods: -6Gi, -18.56 USD a month. "
        "Something stands against 2 of the sizes."
    )


def test_what_a_cluster_writes_steers_no_terminal_in_a_table() -> None:
    report = ProposalReport(items=hostile().items * 4, gaps=())
    shown = "".join(PAGE.some_rows(report.items, with_namespace=True, with_header=True))
    shown += "".join(WIDE_PAGE.whole_table(report.items))

    assert not {"\x1b", "\x07", "\r", "\u202e"} & set(shown)


def test_a_row_has_a_cell_for_every_header() -> None:
    for wide in (False, True):
        rows = table_rows(report_of(with_all(), one(unknown())).items, wide=wide, with_namespace=True)

        assert len({len(row) for row in rows}) == 1
