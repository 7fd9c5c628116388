"""Servers on the JVM that bring rules of their own: Elasticsearch and its kin, Kafka. Sources: docs/runtimes.md."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_oom.judge.heap import jvm
from kubectl_oom.judge.heap.arithmetic import MI, sized
from kubectl_oom.judge.heap.program import Program, instead
from kubectl_oom.quantity import show_percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.evidence import HeapAdvice, Setting
    from kubectl_oom.judge.heap.jvm import Cap

ELASTIC_SHARE = 0.5  # Elastic: "no more than 50 % of your total memory"; the rest is file cache and network buffers
COMPRESSED = 31 * 1024 * MI  # below some 32 GB the JVM packs its pointers; the exact threshold varies
DEFAULT_HEAP = 1024 * MI  # -Xmx1g in the start script of Kafka and the jvm.options of OpenSearch and Logstash
AUTO_SINCE = (7, 11)  # Elasticsearch sizes its own heap
_FAMILIES = {
    "elasticsearch": ("elasticsearch", "ES_JAVA_OPTS"),
    "opensearch": ("opensearch", "OPENSEARCH_JAVA_OPTS"),
    "logstash": ("logstash", "LS_JAVA_OPTS"),
    "kafka": ("kafka", "KAFKA_HEAP_OPTS"),
}


def family_of(program: Program) -> str | None:
    """Which of these servers it is, by its own setting or its image's name; None for every other JVM."""
    words = set(re.split(r"[^a-z0-9]+", program.image[0]))
    for family, (word, setting) in _FAMILIES.items():
        if word in words or program.env(setting):
            return family
    return None


def advise(program: Program, family: str) -> HeapAdvice:
    """The JVM's advice with the server's own defaults and rules."""
    advice = jvm.advise(program)
    cap = jvm.cap_of(program)
    own = cap.flag is not None or cap.unread is not None
    sentences = advice.sentences if own else (_default(program, family),)
    named = "elasticsearch" if family in ("elasticsearch", "opensearch") else "kafka" if family == "kafka" else "jvm"
    advice = replace(advice, runtime=named, sentences=(*sentences, *_rules(program, cap, family)))
    if not own:
        return replace(advice, heap_cap_bytes=None, settings=())
    if family in ("elasticsearch", "opensearch") and cap.fixed is not None:
        return replace(advice, settings=tuple(_half(program, cap)))
    return advice


def _default(program: Program, family: str) -> str:
    """What the server does where no option sets its heap."""
    if family == "elasticsearch":
        return (
            "No option sets its heap: Elasticsearch 7.11 and later size it themselves, by the node's roles and the memory of "
            "the container; earlier ones take 1Gi."
        )
    name = {
        "kafka": "Kafka's start script",
        "opensearch": "OpenSearch's jvm.options",
        "logstash": "Logstash's jvm.options",
    }
    share = [f", {show_percent(DEFAULT_HEAP, size)} of {limit} of {sized(size)}" for limit, size in program.limits]
    return f"No option sets its heap, unless the image does: {name[family]} takes -Xmx1g{share[0] if share else ''}."


def _rules(program: Program, cap: Cap, family: str) -> Iterator[str]:
    if family == "kafka":
        yield (
            "Kafka lives on file cache, which is charged to the container and can be taken back: a working set near the limit "
            "is normal, and a larger heap leaves less for it."
        )
    elif family in ("elasticsearch", "opensearch"):
        sizes = [f"{sized(size // 2)} of {name}" for name, size in program.limits]
        half = f" ({', '.join(sizes)})" if sizes else ""
        yield f"Its heap should be at most half of the limit{half}: the rest is file cache and network buffers."
        if cap.fixed is not None and cap.fixed > COMPRESSED:
            yield (
                f"A heap of {sized(cap.fixed)} is past some 32 GB, where the JVM can no longer pack its pointers: it holds "
                "less than one of 31Gi."
            )


def _half(program: Program, cap: Cap) -> Iterator[Setting]:
    """-Xmx at half of the recommended limit where it is more; -Xms should be the same."""
    if program.wanted is None or cap.fixed is None or cap.flag is None:
        return
    best = min(round(program.wanted * ELASTIC_SHARE), COMPRESSED)
    if cap.fixed <= best:
        return
    setting = instead(program, cap.flag, "-Xmx", f"{best // MI}m", "")
    if setting.is_env:  # both ends of the heap, or it does not start: an -Xms above -Xmx is refused
        value = re.sub(r"-Xms\d{1,15}[kKmMgGtT]?(?![\w.])", f"-Xms{best // MI}m", setting.value)
        setting = replace(setting, value=value)
    yield setting
