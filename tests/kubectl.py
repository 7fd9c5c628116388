"""The real kubectl, for what it does without a cluster."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from tests.cluster import binaries

SECONDS = 30.0


def kubectl_program() -> str:
    """Where it is; the test is skipped where there is none."""
    program = shutil.which("kubectl") or binaries.path("kubectl")
    if not os.access(program, os.X_OK):
        pytest.skip(f"no kubectl on PATH and none at {program}: install it, or {binaries.BUILD}")
    return program


def kubectl(*args: str) -> str:
    """What one run of it prints; as above without one."""
    done = subprocess.run([kubectl_program(), *args], capture_output=True, text=True, check=True, timeout=SECONDS)
    return done.stdout
