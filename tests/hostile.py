"""Evidence as a hostile cluster would have it, and what no form of an answer may do with it."""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from kubectl_oom.evidence import (
    Citation,
    Confidence,
    ContainerType,
    Diagnosis,
    Finding,
    Gap,
    LastSample,
    NodeAnswer,
    Owner,
    Pattern,
    Report,
    RunUp,
    Sample,
    Severity,
    Sizes,
    Verdict,
)
from tests.test_show_cases import NOW, PROMETHEUS

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

STEERS = {"Cc", "Cf", "Cs", "Zl", "Zp"}

# Text as a hostile cluster would have it: controls, markup, wide characters, and words longer than any screen.
NASTY = st.text(max_size=40) | st.sampled_from(
    [
        "\x1b[2J\x1b]0;owned\x07",
        "50%\r100%",
        "\u202egnp.exe",
        "a|b`c`</details><script>alert(1)</script>",
        "```\n# heading\n```sh\nrm -rf /",
        "; rm -rf / #",
        "数据库-容器-🚀-日志",
        "x" * 300,
        "",
        "[click](http://example.com) ![x](y)",
        "- 1. > # =",
    ]
)
NAMES = st.sampled_from(["app", "api-7d4b9c6f5-x2k4q", "a" * 253]) | NASTY
TIMES = st.integers(-100, 9 * 365 * 86_400).map(lambda seconds: NOW - timedelta(seconds=seconds))
BYTES = st.integers(0, 1 << 45)
MAYBE_BYTES = st.none() | BYTES
MAYBE_TEXT = st.none() | NASTY
TEXTS = st.lists(NASTY, max_size=2).map(tuple)
COUNTS = st.integers(0, 100_000)
SIZES = st.builds(Sizes, request_bytes=MAYBE_BYTES, limit_bytes=MAYBE_BYTES)
SERIES = st.lists(st.tuples(st.integers(0, 90_000), BYTES), max_size=40, unique_by=lambda pair: pair[0]).map(
    lambda pairs: tuple(Sample(at=NOW - timedelta(seconds=ago), value=value) for ago, value in sorted(pairs)[::-1])
)
CITATIONS = st.builds(Citation, source=NASTY, field=NASTY, value=NASTY, at=st.none() | TIMES)
FINDINGS = st.builds(
    Finding,
    code=st.sampled_from(["crash-loop", "x"]),
    severity=st.sampled_from(Severity),
    message=NASTY,
    evidence=st.lists(CITATIONS, max_size=2).map(tuple),
    remedy=st.none() | NASTY,
)
NODES = st.builds(
    NodeAnswer,
    name=NAMES,
    ran_out=st.none() | st.booleans(),
    confidence=st.sampled_from(Confidence),
    because=NASTY,
    evidence=st.lists(CITATIONS, max_size=2).map(tuple),
)
GAPS = st.builds(Gap, source=NASTY, reason=NASTY, remedy=st.none() | NASTY)
RUN_UPS = st.builds(
    RunUp,
    pattern=st.sampled_from(Pattern),
    confidence=st.none() | st.sampled_from(Confidence),
    reason=NASTY,
    samples=SERIES,
    highest_working_set_bytes=MAYBE_BYTES,
    highest_usage_bytes=MAYBE_BYTES,
    growth_bytes_per_hour=st.none() | st.floats(-1e15, 1e15),
)
LAST_SAMPLES = st.builds(
    LastSample,
    source=NASTY | st.just(PROMETHEUS),
    at=TIMES,
    working_set_bytes=MAYBE_BYTES,
    usage_bytes=MAYBE_BYTES,
    interval_seconds=st.none() | st.floats(0, 1e5),
)


def reports(most: int) -> SearchStrategy[Report]:
    diagnoses = st.builds(
        Diagnosis,
        namespace=NAMES,
        pod=NAMES,
        node=st.none() | NAMES,
        container=NAMES,
        container_type=st.sampled_from(ContainerType),
        workload=st.none()
        | st.builds(Owner, api_version=st.just("v1"), kind=st.sampled_from(["Job", "Kafka"]) | NASTY, name=NAMES),
        verdict=st.sampled_from(Verdict),
        confidence=st.sampled_from(Confidence),
        because=NASTY,
        killed_at=st.none() | TIMES,
        started_at=st.none() | TIMES,
        restarted_at=st.none() | TIMES,
        ready_again_at=st.none() | TIMES,
        exit_code=st.none() | st.integers(0, 255),
        reason=st.none() | NASTY,
        restart_count=st.integers(0, 10_000),
        limit_bytes=MAYBE_BYTES,
        limit_known=st.booleans(),
        request_bytes=MAYBE_BYTES,
        last_sample=st.none() | LAST_SAMPLES,
        run_up=st.none() | RUN_UPS,
        serving=st.none() | st.tuples(st.integers(0, 99), st.integers(0, 99)),
        evidence=st.lists(CITATIONS, max_size=9).map(tuple),
        findings=st.lists(FINDINGS, max_size=2).map(tuple),
        candidates=st.lists(NASTY, max_size=2).map(tuple),
    )
    return st.builds(
        Report,
        items=st.lists(diagnoses, max_size=most).map(tuple),
        gaps=st.lists(GAPS, max_size=2).map(tuple),
        nodes=st.lists(NODES, max_size=1).map(tuple),
    )


patient = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)


def steering(line: str) -> set[str]:
    return {character for character in line if unicodedata.category(character) in STEERS}


def without_fences(lines: list[str]) -> list[str]:
    """The lines outside code blocks; every fence must be closed by an equal one."""
    kept, fence = [], None
    for line in lines:
        if fence is None and (opened := re.match(r"(`{3,})(text|sh|json)$", line)):
            fence = opened.group(1)
        elif fence is not None and line == fence:
            fence = None
        elif fence is None:
            kept.append(line)
    assert fence is None
    return kept


def without_surrogates(tree: Any) -> Any:
    """The tree without lone surrogates, which YAML cannot carry and PyYAML turns into other characters."""
    return json.loads(re.sub(r"\\ud[89a-f][0-9a-f]{2}", "", json.dumps(tree)))
