"""Small figures of the pages as numbers for the templates: bars, axes, histograms."""

from collections.abc import Mapping
from dataclasses import dataclass

from sirenflow.event import ChirpMass
from sirenflow.wording import integer_text, probability_text

_CLASS_STYLES = {"BNS": "bns", "NSBH": "nsbh", "BBH": "bbh", "Terrestrial": "terrestrial"}
_HISTOGRAM_WIDTH, _HISTOGRAM_HEIGHT = 400.0, 80.0
_MOST_LABELS = 10
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
class Tick:
    """A labelled place on an axis."""

    x: float
    label: str


@dataclass(frozen=True)
class Bin:
    """A bar of a histogram, with its share of the probability where it is worth the room."""

    x: float
    y: float
    width: float
    height: float
    label: str


@dataclass(frozen=True)
class Histogram:
    """Bars as wide as one another, whatever the width of their bins, with the edges' labels."""

    bins: tuple[Bin, ...]
    edges: tuple[Tick, ...]
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


def chirp_mass_histogram(mchirp: ChirpMass) -> Histogram:
    """Draw the chirp mass's histogram; bars of equal width, since the bins grow as a power law."""
    count = len(mchirp.probabilities)
    width, top = _HISTOGRAM_WIDTH / count, max(mchirp.probabilities) or 1.0
    every = -(-count // _MOST_LABELS)
    bins = tuple(
        Bin(
            x=round(i * width + 1, 1),
            y=round(_HISTOGRAM_HEIGHT * (1 - share / top), 1),
            width=round(width - 2, 1),
            height=round(_HISTOGRAM_HEIGHT * share / top, 1),
            label=probability_text(share) if every == 1 and share >= _LEAST_SHOWN else "",
        )
        for i, share in enumerate(mchirp.probabilities)
    )
    edges = tuple(
        Tick(round(i * width, 1), f"{edge:.3g}")
        for i, edge in enumerate(mchirp.bin_edges)
        if i % every == 0
    )
    likely = sorted(range(count), key=lambda i: -mchirp.probabilities[i])[:3]
    summary = ", ".join(
        f"{mchirp.bin_edges[i]:.3g} to {mchirp.bin_edges[i + 1]:.3g}: "
        f"{probability_text(mchirp.probabilities[i])}"
        for i in likely
        if mchirp.probabilities[i] >= _LEAST_SHOWN
    )
    return Histogram(bins, edges, summary)


def nice_step(rough: float) -> float:
    """Round a step up to 1, 2 or 5 times a power of ten."""
    exponent = int(f"{rough:e}".split("e")[1])
    unit = float(f"1e{exponent}")
    return next(factor * unit for factor in (1, 2, 5, 10) if factor * unit >= rough * (1 - 1e-9))


def axis_ticks(end: float, width: float) -> tuple[Tick, ...]:
    """Label an axis from 0 to `end`, drawn `width` long, at some four round distances."""
    step = nice_step(end / 4)
    distances = [i * step for i in range(int(end // step) + 1)]
    return tuple(
        Tick(round(distance / end * width, 1), _tick_label(distance)) for distance in distances
    )


def _tick_label(distance_mpc: float) -> str:
    if distance_mpc == 0 or distance_mpc >= 1:
        return integer_text(distance_mpc)
    return f"{distance_mpc:.2g}"
