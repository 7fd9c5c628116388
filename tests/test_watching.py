"""A watch that cannot hear any more ends and says so: silence must mean that nothing was killed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from kubectl_oom.cli.output import Output
from kubectl_oom.cli.watching import Asked, Watching
from kubectl_oom.read.gather import Wants
from tests.build import NOW
from tests.in_memory import InMemory

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_oom.read.live import LiveSource
    from kubectl_oom.read.source import Json


class _Broken:
    """A server that lists no pods, and whose watch is met by an error that nobody expected."""

    server = "https://cluster.example:6443"

    def get_json(self, path: str, params: Mapping[str, str] | None = None, *, timeout: float | None = None) -> Json:
        del path, params, timeout
        return {"items": [], "metadata": {"resourceVersion": "7"}}

    def stream(self, path: str, params: Mapping[str, str], *, silent_seconds: float) -> Any:
        raise RuntimeError(f"{path} {params['resourceVersion']} {silent_seconds:g}")


@dataclass
class _Source(InMemory):
    connection: _Broken = field(default_factory=_Broken)


def test_what_nobody_expected_ends_the_watch(capsys: pytest.CaptureFixture[str]) -> None:
    asked = Asked(
        namespace="shop",
        everywhere=False,
        labels="",
        container=None,
        since=timedelta(0),
        for_seconds=60,
        interval_seconds=30,
        renew_seconds=None,
        program=(),
        wants=Wants(metrics=False),
    )
    output = Output(format="json", width=80, colour=False, ascii_only=True)
    watching = Watching(cast("LiveSource", _Source()), asked, output, NOW)

    with pytest.raises(RuntimeError, match="/api/v1/namespaces/shop/pods 7"):
        watching.run()

    assert capsys.readouterr().err == "Watching 0 pods in namespace shop. Ctrl-C ends it.\n"
