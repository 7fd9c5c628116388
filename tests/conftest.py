"""What all tests share: the tiers, and the promise that with `--require-tiers` nothing is skipped.

Most tests need Python alone. Two tiers need programs: `api_server` a real control plane, `node` a real node. Where
they are missing, those tests are skipped with the reason and how to get them.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.cluster import binaries

if TYPE_CHECKING:
    from collections.abc import Generator

TIERS = {
    "api_server": "needs a real control plane: etcd, kube-apiserver and its controllers",
    "node": "needs a real node: a kubelet with containerd, and Prometheus",
    "small_node": "needs a real node whose pods share 900 Mi",
}
# The node is started once; the one whose pods share little takes its place, so its tests come last.
ORDER = {"api_server": 1, "node": 2, "small_node": 3}


# On a busy machine an example takes as long as it takes: time is not what these tests are about.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--require-tiers", action="store_true", help="fail where a test would be skipped")


def pytest_configure(config: pytest.Config) -> None:
    # A shell's background job ignores SIGINT and hands that down; the tests of Ctrl-C are about what users run.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # What `make cluster` has built is found as if it was installed; what is installed comes first.
    os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), str(binaries.directory())])
    for name, meaning in TIERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for tier in TIERS:
            if tier in getattr(item, "fixturenames", ()):
                item.add_marker(tier)
    items.sort(key=lambda item: max((ORDER[tier] for tier in ORDER if item.get_closest_marker(tier)), default=0))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and item.config.getoption("--require-tiers"):
        reason = call.excinfo.value if call.excinfo else "skipped"
        report.outcome = "failed"
        report.longrepr = f"skipped although --require-tiers is given: {reason}"
    return report
