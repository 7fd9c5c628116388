"""Memory over time as text: peaks survive, gaps stay blank, the limit line tells the truth."""

from __future__ import annotations

import re
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from kubectl_oom.evidence import Sample
from kubectl_oom.show.chart import Mark, MarkKind, Picture, draw, sample_interval, sparkline
from kubectl_oom.show.colour import Paint
from kubectl_oom.show.signs import drawable
from tests.test_show_cases import MI, NOW, before, samples


def picture(
    drawn: tuple[Sample, ...], *limits: tuple[float, float], marks: tuple[Mark, ...] = (), until: float = 312
) -> Picture:
    """The samples until `until` seconds ago; `limits` as (seconds ago, Mi)."""
    return Picture(
        samples=drawn,
        since=drawn[0].at,
        until=before(until),
        now=NOW,
        limits=tuple(Sample(at=before(ago), value=int(size * MI)) for ago, size in limits),
        marks=marks,
    )


KILL = Mark(at=before(312), kind=MarkKind.KILL)


def chart(drawn: Picture, width: int = 40, height: int = 4, *, ascii_only: bool = False) -> str:
    return "\n" + "\n".join(draw(drawn, width=width, height=height, ascii_only=ascii_only)) + "\n"


def test_a_climb_to_the_limit_ends_in_a_kill() -> None:
    climb = samples(*range(1, 97))

    assert (
        chart(picture(climb, (9999, 100), marks=(KILL,)), 60, 6)
        == """
 100Mi ┤╌╌ limit ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌
       │                                           ▁▂▂▃▄▅▅▆▆
       │                                ▁▁▂▃▄▄▅▆▇▇██████████
  50Mi ┤                      ▁▂▃▃▄▅▆▆▇█████████████████████
       │           ▁▂▂▃▄▄▅▆▇████████████████████████████████
       │▁▁▂▃▄▄▅▆▆▇██████████████████████████████████████████
     0 ┼───────────────────────────────────────────────────X
       29m ago                17m ago       killed 5m12s ago
"""
    )


def test_a_gap_in_scraping_stays_blank() -> None:
    first, second = samples(*[30] * 20, last=900), samples(*[30] * 20)

    assert (
        chart(picture((*first, *second)))
        == """
  30Mi ┤███████████         ████████████
       │███████████         ████████████
11.2Mi ┤███████████         ████████████
       │███████████         ████████████
     0 ┼────────────────────────────────
       19m ago      12m ago    5m12s ago
"""
    )


def test_one_spike_among_thousands_of_samples_survives() -> None:
    flat = [30.0] * 5760
    flat[3000] = 95
    drawn = list(draw(picture(samples(*flat), (99999, 100)), width=80, height=8))

    assert sum(line.count("█") for line in drawn[2:4]) == 2
    assert [line.index("█") for line in drawn[1:4] if "█" in line] == [drawn[2].index("█")] * 2


def test_few_samples_are_columns_and_not_a_line_between_them() -> None:
    assert (
        chart(picture(samples(10, 20, 30, 40, 50, 97), (999, 100), marks=(KILL,)))
        == """
 100Mi ┤╌╌ limit ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌
       │                    ▇▇▇▇
  50Mi ┤            ▂▂▂▂▄▄▄▄████
       │▂▂▂▂▅▅▅▅▇▇▇▇████████████
     0 ┼───────────────────────────X
       6m39s ago    killed 5m12s ago
"""
    )


def test_what_is_below_the_limit_never_touches_its_line_and_what_is_above_does() -> None:
    below = list(draw(picture(samples(*[99.9] * 30), (9999, 100)), width=60, height=6))
    above = list(draw(picture(samples(*[99.9] * 29, 101), (9999, 100)), width=60, height=6))

    assert "limit" in below[0]
    assert not set(below[0]) & set("▁▂▃▄▅▆▇█")
    assert set(above[0]) & set("▁▂▃▄▅▆▇█")


def test_a_limit_that_was_raised_is_a_step() -> None:
    drawn = samples(*[40] * 30, *[60] * 30)
    first, *between, _, _ = draw(picture(drawn, (9999, 50), (324 + 15 * 29, 100)), width=60, height=6)

    assert re.fullmatch(r" 100Mi ┤ {20,}╌+ limit ╌+", first)
    assert sum(line.count("╌") for line in between) > 0


def test_a_limit_far_above_everything_is_left_out_of_the_picture() -> None:
    drawn = list(draw(picture(samples(*[10] * 30), (9999, 4096)), width=60, height=4))

    assert drawn[0].startswith("  10Mi ┤█")
    assert "limit" not in "".join(drawn)


def test_without_a_limit_the_scale_ends_at_the_highest_sample() -> None:
    drawn = list(draw(picture(samples(*range(1, 31))), width=60, height=4))

    assert drawn[0].startswith("  30Mi ┤")
    assert "╌" not in "".join(drawn)


def test_restarts_and_kills_stand_on_the_axis_and_a_kill_hides_a_restart() -> None:
    marks = (
        KILL,
        Mark(at=before(312), kind=MarkKind.RESTART),
        Mark(at=before(324 + 15 * 20), kind=MarkKind.RESTART),
    )
    *_, axis, _ = draw(picture(samples(*[40] * 30), marks=marks), width=60, height=4)

    assert axis == "     0 ┼─────────┴────────────────────X"


def test_a_picture_that_reaches_the_present_says_now() -> None:
    *_, ages = draw(picture(samples(*[40] * 60, last=0), until=0), width=60, height=4)

    assert re.fullmatch(r" {7}14m ago +7m22s ago +now", ages)


def test_the_picture_can_be_drawn_in_ascii_alone() -> None:
    lines = list(draw(picture(samples(*range(1, 97)), (9999, 100), marks=(KILL,)), width=60, height=6, ascii_only=True))

    assert all(line.isascii() for line in lines)
    assert lines[0] == " 100Mi |-- limit " + "-" * 43
    assert lines[-2] == "     0 +" + "-" * 51 + "X"


def test_colour_marks_the_limit_and_the_kill_and_changes_nothing_else() -> None:
    drawn = picture(samples(*range(1, 97)), (9999, 100), marks=(KILL,))
    plain, coloured = list(draw(drawn)), list(draw(drawn, paint=Paint(on=True)))

    assert [re.sub(r"\x1b\[\d+m", "", line) for line in coloured] == plain
    assert coloured[-2].endswith("\x1b[31mX\x1b[0m")
    assert "\x1b[31m╌╌ limit " in coloured[0]


def test_nothing_is_drawn_of_nothing() -> None:
    assert list(draw(Picture(samples=(), since=NOW, until=NOW, now=NOW))) == []
    assert sparkline((), 10) == ""


def test_a_sparkline_keeps_peaks_and_gaps() -> None:
    spiky = samples(*[10] * 40, 80, *[10] * 39)
    gappy = (*samples(10, 20, last=900), *samples(40, 80))

    assert sparkline(spiky, 8) == "▁▁▁▁█▁▁▁"
    assert sparkline(spiky, 8, ceiling=160 * MI) == "▁▁▁▁▄▁▁▁"
    assert re.fullmatch(r"▂ +█", sparkline(gappy, 10))
    assert sparkline(spiky, 8, ascii_only=True).isascii()


def test_the_interval_is_the_usual_one_although_scrapes_are_missing() -> None:
    assert sample_interval(()) is None
    assert sample_interval(samples(1)) is None
    assert sample_interval((*samples(1, 2, 3, last=900), *samples(1, 2, 3))) == 15


def test_a_stream_that_cannot_take_blocks_is_known() -> None:
    assert drawable("utf-8")
    assert not drawable("latin-1")
    assert not drawable(None)
    assert not drawable("no such encoding")


SERIES = st.lists(
    st.tuples(st.integers(0, 7 * 86_400), st.integers(0, 1 << 40)), min_size=1, max_size=200, unique_by=lambda p: p[0]
).map(lambda pairs: tuple(Sample(at=NOW - timedelta(seconds=ago), value=value) for ago, value in sorted(pairs)[::-1]))


@given(
    series=SERIES,
    width=st.integers(40, 200),
    height=st.integers(3, 20),
    limit=st.none() | st.integers(1, 1 << 41),
    ascii_only=st.booleans(),
)
def test_any_series_fits_any_screen(
    *, series: tuple[Sample, ...], width: int, height: int, limit: int | None, ascii_only: bool
) -> None:
    limits = () if limit is None else (Sample(at=series[0].at, value=limit),)
    drawn = Picture(samples=series, since=series[0].at, until=NOW, now=NOW, limits=limits, marks=(KILL,))
    lines = list(draw(drawn, width=width, height=height, ascii_only=ascii_only))

    assert len(lines) == height + 2
    assert max(map(len, lines)) <= width


@given(SERIES, st.integers(1, 100))
def test_the_highest_sample_is_always_the_highest_column(series: tuple[Sample, ...], width: int) -> None:
    line = sparkline(series, width)

    assert len(line) <= width
    assert "█" in line or max(sample.value for sample in series) == 0
