"""Sizes that people can read and compare: whole binary steps, always upwards."""

from __future__ import annotations

MI = 1 << 20
# Sizes keep three binary digits after the first, so a step is 6 to 12 % of the size: 72Mi, 320Mi, 576Mi, 1152Mi, 5Gi.
# Measured, the rounding adds 4.7 % of memory on average; four digits would add 2.3 %.
DIGITS = 3
SMALLEST_STEP = 4 * MI  # nobody compares single mebibytes, and a container needs a few of them whatever it runs


def clean_size(count: float) -> int:
    """The smallest clean size that is not below `count` bytes; it is its own clean size."""
    whole = -int(-count // 1)
    if whole <= 0:
        return SMALLEST_STEP
    step = max(SMALLEST_STEP, 1 << max(0, (whole.bit_length() - 1) - DIGITS))
    return -(-whole // step) * step


def clean_size_within(count: int) -> int:
    """The largest clean size that is not above `count` bytes; 0 where there is none."""
    if count < SMALLEST_STEP:
        return 0
    step = max(SMALLEST_STEP, 1 << (count.bit_length() - 1 - DIGITS))
    return count // step * step
