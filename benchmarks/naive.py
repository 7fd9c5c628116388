"""The rules of thumb that dashboards and alerts use for "it leaks", for comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.series import Series

AHEAD = 168.0  # hours that predict_linear looks ahead


class Line(NamedTuple):
    """The least-squares line through all samples of a series: bytes, hours since the first."""

    slope: float
    at_end: float
    explained: float  # R²


def line_of(series: Series) -> Line:
    samples = [sample for life in series.lives for sample in life.samples]
    if len(samples) < 2:
        return Line(0.0, 0.0, 0.0)
    first = min(sample.at for sample in samples)
    x = [(sample.at - first).total_seconds() / 3600 for sample in samples]
    mean_x, mean_y = sum(x) / len(x), sum(sample.value for sample in samples) / len(x)
    xx = sum((a - mean_x) ** 2 for a in x)
    xy = sum((a - mean_x) * (sample.value - mean_y) for a, sample in zip(x, samples, strict=True))
    yy = sum((sample.value - mean_y) ** 2 for sample in samples)
    slope = xy / xx if xx else 0.0
    return Line(slope, mean_y + slope * (max(x) - mean_x), xy * xy / (xx * yy) if xx and yy else 0.0)


def predicted_over_limit(series: Series) -> bool:
    line = line_of(series)
    return line.slope > 0 and line.at_end + line.slope * AHEAD > series.limit_bytes


def climbs_by_line(explained: float) -> Callable[[Series], bool]:
    def rule(series: Series) -> bool:
        line = line_of(series)
        return line.slope > 0 and line.explained > explained

    return rule


NAIVE: dict[str, Callable[[Series], bool]] = {
    "deriv() > 0": lambda series: line_of(series).slope > 0,
    "line with R² > 0.5": climbs_by_line(0.5),
    "line with R² > 0.8": climbs_by_line(0.8),
    "predict_linear() in 7 d": predicted_over_limit,
}
