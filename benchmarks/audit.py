"""How many requests the reader makes, as the API server's own audit log has it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from tests.cluster.access import READER

if TYPE_CHECKING:
    from tests.cluster.cluster import Cluster

SECONDS = 60.0  # for the log to hold what was just asked: milliseconds on an idle machine


class Audit:
    """Reads the log on from where it was."""

    def __init__(self, cluster: Cluster) -> None:
        assert cluster.audit_log is not None
        self._cluster = cluster
        self._log = cluster.audit_log.open()

    def since_last_asked(self) -> int:
        """Requests of the reader since this was called before; a mark in the log tells that all of them are there."""
        mark, count, line = f"/version?mark={time.monotonic_ns()}", 0, ""
        self._cluster.kubectl("get", "--raw", mark, user=READER)
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            line += self._log.readline()
            if not line.endswith("\n"):  # not there yet, or half of it
                time.sleep(0.02)
                continue
            event, line = json.loads(line), ""
            if event["user"].get("username") == READER:
                if event["requestURI"] == mark:
                    return count
                count += 1
        raise TimeoutError("the API server does not write its audit log")
