"""Small figures of the pages as numbers for the templates: bars, axes, histograms."""

from collections.abc import Mapping
from dataclasses import dataclass

from sirenflow.products.alerts import ChirpMass
from sirenflow.report.figures.labels import (
    Box,
    Label,
    LabelRequest,
    Place,
    axis_labels,
    place_labels,
)
from sirenflow.superevent.number_text import integer_text, probability_text, scientific_text

_CLASS_STYLES = {"BNS": "bns", "NSBH": "nsbh", "BBH": "bbh", "Terrestrial": "terrestrial"}
LINE_FONT_SIZES = (15.0, 12.0)
"""Of the texts in figures with an axis, units: on a phone, and elsewhere (figures.css)."""
_HISTOGRAM_WIDTH, _HISTOGRAM_HEIGHT = 400.0, 80.0
_HISTOGRAM = Box(-22, -18, 422, 106)
_LEAST_SHOWN = 0.005


@dataclass(frozen=True)
class Segment:
    """Part of a bar 100 units long."""

    name: str
    style: str
    start: float
    width: float
    probability: float


@dataclass(frozen=True)
class Bin:
    """A bar of a histogram."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Histogram:
    """Bars as wide as one another, whatever the width of their bins, with the edges' labels."""

    bins: tuple[Bin, ...]
    labels: tuple[Label, ...]
    summary: str


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


def class_segments(classification: Mapping[str, float]) -> list[Segment]:
    """Lay source classes end to end as `bar_segments`; none where all probabilities are 0."""
    return bar_segments(classification) if any(classification.values()) else []


def chirp_mass_histogram(mchirp: ChirpMass) -> Histogram:
    """Draw the chirp mass's histogram; bars of equal width, since the bins grow as a power law."""
    shares, edges = mchirp.probabilities, mchirp.bin_edges
    width, top = _HISTOGRAM_WIDTH / len(shares), max(shares) or 1.0
    bins = tuple(
        Bin(
            x=round(i * width + 1, 1),
            y=round(_HISTOGRAM_HEIGHT * (1 - share / top), 1),
            width=round(width - 2, 1),
            height=round(_HISTOGRAM_HEIGHT * share / top, 1),
        )
        for i, share in enumerate(shares)
    )
    likely = sorted(range(len(shares)), key=lambda i: -shares[i])
    likely = [i for i in likely if shares[i] >= _LEAST_SHOWN]
    on_bars = [
        LabelRequest(
            probability_text(shares[i]), (Place(bins[i].x + bins[i].width / 2, bins[i].y - 5),)
        )
        for i in likely
    ]
    bars = [Box(bar.x, bar.y, bar.x + bar.width, bar.y + bar.height) for bar in bins if bar.height]
    ticks = [(i * width, number_text(edge)) for i, edge in enumerate(edges)]
    summary = ", ".join(
        f"{number_text(edges[i])} to {number_text(edges[i + 1])}: {probability_text(shares[i])}"
        for i in likely[:3]
    )
    labels = (
        *place_labels(on_bars, _HISTOGRAM, bars, LINE_FONT_SIZES),
        *axis_labels(ticks, 98, _HISTOGRAM, LINE_FONT_SIZES[0]),
    )
    return Histogram(bins, labels, summary)


def number_text(value: float) -> str:
    """Write a number on an axis: three significant digits, integers in full below 100,000.

    A power of ten from there, and below 0.0001.
    """
    size = abs(value)
    if size >= 1e5 - 0.5 or 0 < size < 1e-4:
        return scientific_text(value)
    return integer_text(value) if size >= 99.95 else f"{value:.3g}"


def nice_step(rough: float) -> float:
    """Round a step up to 1, 2 or 5 times a power of ten."""
    exponent = int(f"{rough:e}".split("e")[1])
    unit = float(f"1e{exponent}")
    return next(factor * unit for factor in (1, 2, 5, 10) if factor * unit >= rough * (1 - 1e-9))


def axis_ticks(end: float, width: float) -> list[tuple[float, str]]:
    """Return places and texts on an axis from 0 to `end`, `width` long: four round values or so."""
    step = nice_step(end / 4)
    return [(i * step / end * width, number_text(i * step)) for i in range(int(end // step) + 1)]
