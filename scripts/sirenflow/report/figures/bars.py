"""Small figures of the pages as numbers for the templates: bars of classes, and a histogram."""

from collections.abc import Mapping
from dataclasses import dataclass

from sirenflow.products.alerts import ChirpMass
from sirenflow.report.figures.labels import (
    LINE_FONT_SIZES,
    Box,
    Label,
    LabelRequest,
    Place,
    axis_labels,
    axis_number_text,
    place_labels,
)
from sirenflow.superevent.number_text import probability_text

_CLASS_STYLES = {"BNS": "bns", "NSBH": "nsbh", "BBH": "bbh", "Terrestrial": "terrestrial"}
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
    """Return the style class of a source class, "other" for one that is not of the field's four."""
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
    names = list(map(axis_number_text, edges))
    ticks = [(i * width, name) for i, name in enumerate(names)]
    summary = ", ".join(
        f"{names[i]} to {names[i + 1]}: {probability_text(shares[i])}" for i in likely[:3]
    )
    labels = (
        *place_labels(on_bars, _HISTOGRAM, bars, LINE_FONT_SIZES),
        *axis_labels(ticks, 98, _HISTOGRAM, LINE_FONT_SIZES[0]),
    )
    return Histogram(bins, labels, summary)
