"""Small figures of the pages as numbers for the templates: class bars, the distance line."""

from collections.abc import Mapping
from dataclasses import dataclass

from sirenflow.event import SkymapSummary
from sirenflow.wording import integer_text

_CLASS_STYLES = {"BNS": "bns", "NSBH": "nsbh", "BBH": "bbh", "Terrestrial": "terrestrial"}
_DISTANCE_WIDTH = 400


@dataclass(frozen=True)
class Segment:
    """Part of a bar 100 units long."""

    name: str
    style: str
    start: float
    width: float
    probability: float


@dataclass(frozen=True)
class Tick:
    """A labelled place on an axis."""

    x: float
    label: str


@dataclass(frozen=True)
class DistanceFigure:
    """The distance on an axis from 0, in units of the figure; None where not known."""

    low: float | None
    mean: float | None
    high: float | None
    p05: float | None
    p50: float | None
    p95: float | None
    ticks: tuple[Tick, ...]


def class_style(name: str) -> str:
    """Give the style class of a source class, "other" for one that is not of the field's four."""
    return _CLASS_STYLES.get(name, "other")


def bar_segments(classification: Mapping[str, float]) -> list[Segment]:
    """Lay the classes end to end, the most probable first; never beyond 100 units in all."""
    total = max(sum(classification.values()), 1.0)
    ordered = sorted(classification.items(), key=lambda item: (-item[1], item[0]))
    segments, start = [], 0.0
    for name, probability in ordered:
        width = 100 * probability / total
        segments.append(
            Segment(name, class_style(name), round(start, 2), round(width, 2), probability)
        )
        start += width
    return segments


def distance_figure(skymap: SkymapSummary) -> DistanceFigure | None:
    """Place mean, standard deviation and percentiles on one axis; None without a distance.

    The percentiles are left out where they may not be shown.
    """
    mean, std = skymap.distance_mean_mpc, skymap.distance_std_mpc
    low = None if mean is None or std is None else mean - std
    high = None if mean is None or std is None else mean + std
    p05, p50, p95 = (
        (skymap.distance_p05_mpc, skymap.distance_p50_mpc, skymap.distance_p95_mpc)
        if skymap.has_percentiles
        else (None, None, None)
    )
    known = [place for place in (low, mean, high, p05, p50, p95) if place is not None]
    if not known or max(known) <= 0:
        return None
    end = 1.08 * max(known)

    def place(distance: float | None) -> float | None:
        return None if distance is None else round(max(distance, 0) / end * _DISTANCE_WIDTH, 1)

    return DistanceFigure(
        place(low), place(mean), place(high), place(p05), place(p50), place(p95), _ticks(end)
    )


def nice_step(rough: float) -> float:
    """Round a step up to 1, 2 or 5 times a power of ten."""
    exponent = int(f"{rough:e}".split("e")[1])
    unit = float(f"1e{exponent}")
    return next(factor * unit for factor in (1, 2, 5, 10) if factor * unit >= rough * (1 - 1e-9))


def _ticks(end: float) -> tuple[Tick, ...]:
    step = nice_step(end / 4)
    distances = [i * step for i in range(int(end // step) + 1)]
    return tuple(
        Tick(round(distance / end * _DISTANCE_WIDTH, 1), _tick_label(distance))
        for distance in distances
    )


def _tick_label(distance_mpc: float) -> str:
    if distance_mpc == 0 or distance_mpc >= 1:
        return integer_text(distance_mpc)
    return f"{distance_mpc:.2g}"
