"""Quantities: text to bytes as the API server reads them, and bytes to text as people and patches need them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes.utils import parse_quantity

from kubectl_oom.quantity import LARGEST, exact_bytes, parse_bytes, show_bytes, show_percent

if TYPE_CHECKING:
    from decimal import Decimal

SUFFIXES = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
NUMBERS = st.one_of(
    st.integers(0, 10**12).map(str),
    st.decimals(0, 10**6, allow_nan=False, places=4).map(lambda d: format(d, "f")),
    st.tuples(st.integers(0, 10**6), st.integers(-9, 9)).map(lambda parts: f"{parts[0]}e{parts[1]}"),
)


@given(NUMBERS, st.sampled_from(SUFFIXES))
def test_every_quantity_means_what_the_official_client_says_rounded_up(number: str, suffix: str) -> None:
    official: Decimal = parse_quantity(number + suffix)

    whole = int(official) + (official > int(official))
    assert parse_bytes(number + suffix) == min(whole, LARGEST)


@given(st.text(max_size=12))
def test_what_the_official_client_rejects_is_no_number_here_either(text: str) -> None:
    try:
        official = parse_quantity(text.strip())
    except ValueError:
        assert parse_bytes(text) is None
    else:
        assert parse_bytes(text) is None or official.is_finite()


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [
        ("512Mi", 512 << 20),
        ("1.5Gi", 1536 << 20),
        ("128974848000m", 128974848),
        ("1m", 1),
        ("1e3", 1000),
        ("1E", 10**18),
        ("123", 123),
        (" 64Mi ", 64 << 20),
        ("9Ei", LARGEST),
        ("1e999", LARGEST),
        ("-1e999", -LARGEST),
        (1024, 1024),
        (1.5, 2),
        ("", None),
        ("Mi", None),
        ("64mi", None),
        ("64MB", None),
        ("1e9999", None),
        ("0x10", None),
        ("nan", None),
        ("٣Mi", None),
    ],
)
def test_single_quantities(text: str | float, bytes_: int | None) -> None:
    assert parse_bytes(text) == bytes_


@given(st.integers(0, LARGEST))
def test_exact_text_comes_back_as_the_same_bytes(count: int) -> None:
    assert parse_bytes(exact_bytes(count)) == count


@given(st.integers(0, 1 << 60))
def test_shown_text_is_short_and_within_half_a_percent(count: int) -> None:
    shown = show_bytes(count)

    digits = shown.rstrip("KMGTi")
    assert len(digits.replace(".", "")) <= 4 or count >= 1 << 50
    # Of the text itself: `parse_bytes` rounds up to a whole byte, and of 1193 bytes (1.17Ki) that is more.
    assert abs(parse_quantity(shown) - count) <= count * parse_quantity("0.005")


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0"),
        (1023, "1023"),
        (1024, "1Ki"),
        (1193, "1.17Ki"),
        (103_178_240, "98.4Mi"),
        (1 << 30, "1Gi"),
        (-(3 << 20), "-3Mi"),
        (10 << 40, "10Ti"),
    ],
)
def test_sizes_as_people_read_them(count: int, shown: str) -> None:
    assert show_bytes(count) == shown


@given(st.integers(0, 1 << 60), st.integers(1, 1 << 60))
def test_a_hundred_percent_is_said_of_the_whole_only(part: int, whole: int) -> None:
    shown = show_percent(part, whole)

    assert shown.endswith("%")
    assert (float(shown[:-1]) >= 100) == (part >= whole)


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [
        (1, 1, "100%"),
        (999_999, 1_000_000, "99%"),
        (995, 1000, "99%"),
        (55, 1000, "5.5%"),
        (3, 2, "150%"),
        (0, 5, "0.0%"),
    ],
)
def test_shares_as_people_read_them(part: int, whole: int, shown: str) -> None:
    assert show_percent(part, whole) == shown
