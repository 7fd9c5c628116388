"""Numbers of a fit in words."""

from __future__ import annotations

from kubectl_oom.quantity import exact_bytes, show_bytes

LONGEST = 7  # characters of an exact quantity that people still read: 131072Ki, 1536Mi


def amount(count: int) -> str:
    """The size, exact where that can be read: numbers that are compared must not be rounded to the same one."""
    exact = exact_bytes(count)
    return exact if len(exact) <= LONGEST else show_bytes(count)


def pods_words(count: int) -> str:
    """`1 pod`, `3 pods`."""
    return f"{count} pod{'s' if count != 1 else ''}"
