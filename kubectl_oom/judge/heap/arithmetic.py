"""The sums that every heap shares: how much of a limit it may be, and the least limit under which it fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.quantity import exact_bytes, show_bytes, show_percent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kubectl_oom.judge.heap.program import Program

MI = 1 << 20
# Of a limit, for the heap of a managed runtime: what .NET takes by itself, what Node's documentation gives as example
# (1536 of 2048), and what the field uses for -XX:MaxRAMPercentage. The rest is for what is not heap.
HEAP_SHARE = 0.75
# How much more than the limit that killed it a program is taken to have wanted: the bet of the balanced profile
# (judge/sizing.py). With a heap in percent all of that must fit into the part that is not heap.
WANTED_MORE = 0.25
# No heap asks for more than this many times what is known to be needed: beyond, the heap is set too large.
MOST = 4
SMALLER = 0.60  # the alternative that the sum of a heap in percent is shown for
STEP = 5  # percent: nobody sets 43


def least_for_fixed(cap: int, program: Program, share: float = HEAP_SHARE) -> int | None:
    """The least limit for a heap of a fixed size: room for the rest as seen, else as the share leaves it.

    None where nothing is known of the container, or where the heap is far larger than anything it was seen to need:
    then the heap is too large, and not the limit too small.
    """
    if program.known is None:
        return None
    if program.highest is not None and program.highest > cap:
        return program.highest
    least = -int(-cap / share // 1)
    return least if least <= MOST * program.known else None


def rest_when_killed(share: float, killed: int) -> float:
    """What is not heap is taken to have wanted this much, when the limit of the kill had a heap of this share in it.

    Bytes, not rounded: what is divided by a small share of a limit would make the rounding many times as large.
    """
    return (1 - share) * killed + WANTED_MORE * killed


def least_for_percent(share: float, program: Program) -> int | None:
    """The least limit for a heap in percent, from the limit that killed: rest / (1 - share), at most four times that.

    None where nothing was killed. A limit above the one that killed is never asked to grow: it may be the answer to
    that very kill. So the same evidence asks for no more once the limit was set.
    """
    if program.killed is None or not 0 < share < 1:
        return None
    least = min(round(rest_when_killed(share, program.killed) / (1 - share)), MOST * program.killed)
    if program.limit is not None and program.limit > program.killed:
        least = min(least, program.limit)
    return least


def best_percent(limit: int, rest: int | None, most: int) -> int:
    """The largest percentage, in steps of five, that leaves room for the rest; at most `most`, never below a step."""
    room = 100 * (1 - (rest or 0) / limit)
    return max(STEP, min(most, int(room // STEP) * STEP))


# --- sentences -------------------------------------------------------------------------------------------------------


def sized(count: int) -> str:
    """The size as people set it where it is whole mebibytes (2000Mi), else in three digits."""
    return exact_bytes(count) if count and count % MI == 0 else show_bytes(count)


def of_limits(program: Program, cap: Callable[[int], int]) -> str:
    """`1Gi: 50% of today's limit of 2Gi`, or a size for each limit where it follows the limit; "" without a limit."""
    caps = [cap(size) for _, size in program.limits]
    shares = [f"{show_percent(cap(size), size)} of {name} of {sized(size)}" for name, size in program.limits]
    if len(set(caps)) == 1:
        return f"{sized(caps[0])}: {', '.join(shares)}"
    return "; ".join(f"{sized(size)}, {share}" for size, share in zip(caps, shares, strict=True))


def not_below(program: Program, cap: Callable[[int], int], what: str) -> Iterator[str]:
    """What happens where the cap is not below a limit."""
    reached = [(name, size) for name, size in program.limits if cap(size) >= size]
    if reached:
        caps = " or ".join(dict.fromkeys(sized(cap(size)) for _, size in reached))
        limits = " and ".join(f"{name} of {sized(size)}" for name, size in reached)
        yield (
            f"{what} of {caps} is not below {limits}: when it fills, the kernel kills, and the program's own error for that "
            "never comes."
        )


def shrinks(program: Program, cap: Callable[[int], int]) -> Iterator[str]:
    """A heap that follows the limit down may become smaller than what it holds today."""
    if program.limit is None or program.wanted is None or program.highest is None:
        return
    after = cap(program.wanted)
    if after < cap(program.limit) and after < program.highest:
        yield (
            f"The heap follows the limit down, from {sized(cap(program.limit))} to {sized(after)}, and "
            f"{sized(program.highest)} in all were sampled: set the heap together with the limit, or it may become too small."
        )


def beyond_heap(program: Program, cap: int | None, cap_at_kill: int | None, rest: str) -> Iterator[str]:
    """What the evidence shows of the memory that is not heap; a lower bound, since the heap may not have been full."""
    if (
        program.highest
        and cap
        and program.highest > cap
        and (program.limit is None or program.highest <= program.limit)
    ):
        yield (
            f"The highest sample, {sized(program.highest)}, is {sized(program.highest - cap)} more than the heap can be today: "
            f"so much at least is not heap ({rest})."
        )
    if program.killed and cap_at_kill and cap_at_kill < program.killed:
        yield (
            f"It was killed at {sized(program.killed)}, where its heap could be {sized(cap_at_kill)}: at least "
            f"{sized(program.killed - cap_at_kill)} was not heap, which a larger heap does not help."
        )


def percent_sum(share: float, program: Program, smaller: float = SMALLER) -> Iterator[str]:
    """The sum behind the least limit of a heap in percent, and what a smaller percentage would need."""
    if program.killed is None or not 0 < share < 1:
        return
    rest = rest_when_killed(share, program.killed)
    sums = [f"{sized(round(rest))} / (1 - {one:.2f}) = {sized(round(rest / (1 - one)))}" for one in (share, smaller)]
    yield (
        f"A heap in percent grows with the limit. If what is not heap wanted {WANTED_MORE:.0%} of that limit more, it wants "
        f"{sized(round(rest))}, and the limit must be at least {sums[0]}"
        + (f"; with {smaller:.0%} for the heap it would be {sums[1]}." if smaller < share else ".")
    )
