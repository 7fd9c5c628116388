"""The JVM's heap: what caps it, and what that means under a limit. Sources: docs/runtimes.md."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Citation, HeapAdvice
from kubectl_oom.judge.heap.arithmetic import (
    HEAP_SHARE,
    MI,
    best_percent,
    beyond_heap,
    least_for_fixed,
    least_for_percent,
    not_below,
    of_limits,
    percent_sum,
    rest_when_killed,
    shrinks,
    sized,
)
from kubectl_oom.judge.heap.jvm_versions import is_openj9, jdk_of
from kubectl_oom.judge.heap.program import (
    COMMAND,
    Flag,
    Program,
    beside,
    instead,
    last_flag,
    percent_of,
    unread_places,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.evidence import Setting

# Where options may stand, what counts less first: JAVA_TOOL_OPTIONS is overruled by the command line, which start
# scripts build of the others, and _JAVA_OPTIONS overrules that.
PLACES = (
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "JAVA_OPTS",
    "JAVA_OPTS_APPEND",
    "CATALINA_OPTS",
    "ES_JAVA_OPTS",
    "OPENSEARCH_JAVA_OPTS",
    "LS_JAVA_OPTS",
    "KAFKA_HEAP_OPTS",
    COMMAND,
    "_JAVA_OPTIONS",
)
_XMX = re.compile(r"-Xmx(\d{1,15}[kKmMgGtT]?)?(?![\w.])|-XX:MaxHeapSize(?:=(\d{1,15}[kKmMgGtT]?))?(?![\w.])")
_XMS = re.compile(r"-Xms(\d{1,15}[kKmMgGtT]?)(?![\w.])|-XX:InitialHeapSize=(\d{1,15}[kKmMgGtT]?)(?![\w.])")
_PERCENT = re.compile(r"-XX:MaxRAMPercentage(?:=(\d{1,3}(?:\.\d{1,9})?))?(?![\w.])")
_MIN_PERCENT = re.compile(r"-XX:MinRAMPercentage(?:=(\d{1,3}(?:\.\d{1,9})?))?(?![\w.])")
_FRACTION = re.compile(
    r"-XX:MaxRAMFraction(?:=(\d{1,9}))?(?![\w.])"
)  # deprecated, and obeyed where no percentage is set
_CGROUP_V1 = re.compile(r"-XX:\+UseCGroupMemoryLimitForHeap")  # how JDK 8u131 and 9 learn of a limit
_BLIND = re.compile(r"-XX:-UseContainerSupport")
_DUMP = re.compile(r"-XX:\+HeapDumpOnOutOfMemoryError")
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
MAX_PERCENT, MIN_PERCENT = 25.0, 50.0  # HotSpot's defaults
SMALLEST = 96 * MI * 13 // 10  # MaxHeapSize before ergonomics on 64 bits: where half the memory is less, half is taken
SMALL_LIMIT = 1024 * MI  # up to here what is not heap weighs more, and half is enough for the heap
SMALL_PERCENT, USUAL_PERCENT = 50, round(100 * HEAP_SHARE)
REST = "metaspace, compiled code, thread stacks, direct buffers"


@dataclass(frozen=True, slots=True)
class Cap:
    """What caps the heap: a size, a percentage, or neither; `unread` says why it cannot be told."""

    fixed: int | None = None
    percent: float = MAX_PERCENT
    min_percent: float = MIN_PERCENT
    flag: Flag | None = None  # None: no option sets it
    openj9: bool = False
    unread: str | None = None

    def at(self, memory: int) -> int:
        """The heap's ceiling in a container of so much memory."""
        if self.fixed is not None:
            return self.fixed
        if self.openj9 and self.flag is None:
            return openj9_default(memory)
        return self.hotspot(memory)

    def hotspot(self, memory: int) -> int:
        """HotSpot's ergonomics: a small memory is halved, whatever the percentage says."""
        small = round(memory * self.min_percent / 100)
        wanted = round(memory * self.percent / 100)
        if self.openj9:
            return wanted
        return small if small < SMALLEST else max(wanted, SMALLEST)


def openj9_default(memory: int) -> int:
    """OpenJ9's default heap in a container: half below 1 GB, all but 512 MB up to 2 GB, then 75 %, at most 25 GB."""
    if memory < 1024 * MI:
        return memory // 2
    if memory <= 2048 * MI:
        return memory - 512 * MI
    return min(round(memory * HEAP_SHARE), 25 * 1024 * MI)


def size_of(text: str | None) -> int | None:
    """Bytes of an -Xmx value; None where it is none, or 0."""
    match = re.fullmatch(r"([0-9]{1,15})([kKmMgGtT]?)", text or "")
    return (int(match[1]) * _UNITS[match[2].lower()] or None) if match else None


def cap_of(program: Program) -> Cap:
    """What caps the heap, as far as command and settings tell. An -Xmx wins over every percentage."""
    openj9 = is_openj9(program)
    for pattern in (_XMX, _PERCENT, _FRACTION):
        flag = last_flag(program, PLACES, pattern)
        if flag is None or (openj9 and pattern is _FRACTION):
            continue
        fixed, percent = (size_of(flag.value), None) if pattern is _XMX else (None, _percent(flag, pattern))
        if fixed is None and percent is None:
            return Cap(flag=flag, unread=f"{flag.text} stands in {flag.place}, and its value is not recorded")
        return Cap(
            fixed=fixed,
            percent=percent or MAX_PERCENT,
            min_percent=_min_percent(program),
            flag=flag,
            openj9=openj9,
        )
    if elsewhere := unread_places(program, PLACES):
        return Cap(unread=f"{' and '.join(elsewhere)} comes from an object that is not read")
    return Cap(min_percent=_min_percent(program), openj9=openj9)


def _percent(flag: Flag, pattern: re.Pattern[str]) -> float | None:
    """The percentage that the option sets; of a fraction the whole memory over it."""
    if pattern is _PERCENT:
        return percent_of(flag.value)
    return 100 / int(flag.value) if flag.value and int(flag.value) else None


def _min_percent(program: Program) -> float:
    flag = last_flag(program, PLACES, _MIN_PERCENT)
    return (percent_of(flag.value) if flag else None) or MIN_PERCENT


def advise(program: Program) -> HeapAdvice:
    """What the JVM is told, and what the limit must leave for the rest."""
    cap = cap_of(program)
    blind = tuple(_blind(program))
    unsure = bool(cap.unread) or (bool(blind) and cap.fixed is None)
    today = cap.at(program.limit) if program.limit and not unsure else cap.fixed
    told = cap.flag is not None or program.runtime.evidence.field == "command"  # else the image may set what it likes
    return HeapAdvice(
        runtime="jvm",
        evidence=_evidence(program, cap),
        heap_cap_bytes=(today or None) if told else None,
        least_limit_bytes=None if unsure else _least(program, cap),
        sentences=(*blind, *(_unread(cap) if unsure else _sentences(program, cap))),
        settings=tuple(_settings(program, cap) if not unsure else _explicit(program, cap)),
    )


def _evidence(program: Program, cap: Cap) -> tuple[Citation, ...]:
    if cap.flag is None:
        return (program.runtime.evidence,)
    field = "command" if cap.flag.place == COMMAND else "env"
    return (program.runtime.evidence, Citation(source="pod", field=field, value=cap.flag.text))


def _blind(program: Program) -> Iterator[str]:
    """Why this JVM may not see the container's limit."""
    jdk = jdk_of(program)
    off = last_flag(program, PLACES, _BLIND)
    if off:
        yield f"{off.text} in {off.place}: the JVM sizes its heap by the node's memory, not by the limit."
    elif jdk and jdk.knows_containers is False and not last_flag(program, PLACES, _CGROUP_V1):
        yield f"JDK {jdk} does not know containers (8u191 and 10 do): without -Xmx its heap is 25 % of the node's memory."
    elif jdk and jdk.knows_cgroup_v2 is False:
        yield (
            f"JDK {jdk} does not know cgroup v2 (8u372, 11.0.16 and 15 do): on a node that has it, which the API does not "
            "tell, its heap without -Xmx is 25 % of the node's memory."
        )


def _unread(cap: Cap) -> Iterator[str]:
    if cap.unread:
        yield f"How large its heap may grow is not known: {cap.unread}."


def _share(cap: Cap) -> float | None:
    """The heap's part of the limit where an option sets it as a percentage."""
    return cap.percent / 100 if cap.flag and cap.fixed is None else None


def _least(program: Program, cap: Cap) -> int | None:
    share = _share(cap)
    if cap.fixed is not None:
        return least_for_fixed(cap.fixed, program)
    if share is None or (program.killed or 0) * cap.min_percent / 100 < SMALLEST:
        return None  # no option, or so small that the percentage does not count
    return least_for_percent(share, program)


def _rest(program: Program, cap: Cap) -> int:
    """What is known to be needed besides the heap."""
    seen = program.highest - cap.at(program.limit) if program.highest and program.limit else 0
    share = _share(cap)
    killed = round(rest_when_killed(share, program.killed)) if share is not None and program.killed else 0
    return max(0, seen, killed)


def _sentences(program: Program, cap: Cap) -> Iterator[str]:
    yield _cap_sentence(program, cap)
    yield from not_below(program, cap.at, "A heap")
    yield from shrinks(program, cap.at)
    today = cap.at(program.limit) if program.limit else cap.fixed
    yield from beyond_heap(program, today, cap.at(program.killed) if program.killed else None, REST)
    share = _share(cap)
    if share is not None and _least(program, cap) is not None:
        yield from percent_sum(share, program)
    if program.killed and last_flag(program, PLACES, _DUMP):
        yield "A kill by the kernel leaves no heap dump: -XX:+HeapDumpOnOutOfMemoryError acts on the JVM's own error only."


def _cap_sentence(program: Program, cap: Cap) -> str:
    if cap.flag is not None:
        where = f"{cap.flag.text} in {cap.flag.place}"
        return f"{where} caps the heap at {_sizes(program, cap)}."
    rule = (
        "half of a limit below 1Gi, all but 512Mi up to 2Gi, 75 % above"
        if cap.openj9
        else "25 % of its limit, half of it below some 250Mi, some 125Mi up to 500Mi"
    )
    return f"No option sets its heap, unless the image does: a JVM then takes {rule}; that is {_sizes(program, cap)}."


def _sizes(program: Program, cap: Cap) -> str:
    return of_limits(program, cap.at) or (sized(cap.fixed) if cap.fixed else "nothing that is known without a limit")


def _explicit(program: Program, cap: Cap) -> Iterator[Setting]:
    """A JVM that does not see the limit must be told its heap in bytes."""
    if program.wanted is not None and cap.unread is None:
        most = max(1, round(program.wanted * HEAP_SHARE) // MI)
        yield from _with_initial(program, beside(program, PLACES, "-Xmx", f"{most}m", ""), most)


def _settings(program: Program, cap: Cap) -> Iterator[Setting]:
    """The heap that belongs to the recommended limit, where today's would not fit in it."""
    if program.wanted is None:
        return
    if cap.fixed is not None and cap.flag:
        if cap.fixed > HEAP_SHARE * program.wanted:
            option, sign = ("-Xmx", "") if cap.flag.text.startswith("-Xmx") else ("-XX:MaxHeapSize", "=")
            most = max(1, round(program.wanted * HEAP_SHARE) // MI)
            yield from _with_initial(program, instead(program, cap.flag, option, f"{most}m", sign), most)
        return
    usual = SMALL_PERCENT if program.wanted <= SMALL_LIMIT else USUAL_PERCENT
    best = best_percent(program.wanted, _rest(program, cap), usual)
    if cap.flag is not None and cap.percent > max(best, usual) and _FRACTION.match(cap.flag.text):
        # Whoever sets a fraction may run a JDK that knows no percentage, and would not start with one.
        most = max(1, program.wanted * best // 100 // MI)
        yield from _with_initial(program, instead(program, cap.flag, "-Xmx", f"{most}m", ""), most)
    elif cap.flag is not None and cap.percent > max(best, usual):
        yield instead(program, cap.flag, "-XX:MaxRAMPercentage", str(best))
    elif cap.flag is None and not cap.openj9 and program.killed is None and best > cap.percent:
        yield beside(program, PLACES, "-XX:MaxRAMPercentage", str(best))


def _with_initial(program: Program, setting: Setting, most: int) -> Iterator[Setting]:
    """The setting of a largest heap, in MiB, and with it the initial one where that is larger: no JVM starts with that."""

    def lowered(match: re.Match[str]) -> str:
        size = size_of(match[1] or match[2])
        option = match[0].removesuffix(match[1] or match[2])
        return f"{option}{most}m" if size is not None and size > most * MI else match[0]

    yield replace(setting, value=_XMS.sub(lowered, setting.value)) if setting.is_env else setting
    initial = last_flag(program, PLACES, _XMS)
    if initial is None or (setting.is_env and initial.place == setting.name):
        return
    if (size_of(initial.value) or 0) > most * MI:
        option, sign = ("-Xms", "") if initial.text.startswith("-Xms") else ("-XX:InitialHeapSize", "=")
        yield instead(program, initial, option, f"{most}m", sign)
