"""The posterior of the distance on an axis from 0, with that of the alert before."""

from dataclasses import dataclass

import numpy as np

from sirenflow.products.event import SkymapSummary
from sirenflow.report.figures.labels import LINE_FONT_SIZES, Box, Label, axis_labels, axis_ticks
from sirenflow.report.figures.svg_path import line_data
from sirenflow.skymap.distance.marginal import Posterior
from sirenflow.skymap.skymap import Floats

WIDTH, HEIGHT = 400, 120
"""Units of the paths: the axis, and the highest point of a curve over it."""
_FRAME = Box(-14, -4, 414, 180)
_POINTS = 72
_BEYOND = 1.12


@dataclass(frozen=True)
class DistanceFigure:
    """Distances on the axis, in its units; None where not known or not to be shown.

    `curve` and `previous` are SVG path data of the posteriors, `interval` closes the part of the
    curve between the 5 and 95 % percentiles.
    """

    low: float | None
    mean: float | None
    high: float | None
    p50: float | None
    curve: str | None
    interval: str | None
    previous: str | None
    ticks: tuple[float, ...]
    labels: tuple[Label, ...]


def distance_figure(
    skymap: SkymapSummary, posterior: Posterior | None, previous: Posterior | None
) -> DistanceFigure | None:
    """Draw the distance; None where nothing of it is known.

    `previous` is the posterior of the map of the alert before. Where the map's percentiles may not
    be shown, no posterior is drawn.
    """
    mean, std = skymap.distance_mean_mpc, skymap.distance_std_mpc
    low = None if mean is None or std is None else mean - std
    high = None if mean is None or std is None else mean + std
    p05, p50, p95 = (
        (skymap.distance_p05_mpc, skymap.distance_p50_mpc, skymap.distance_p95_mpc)
        if skymap.has_percentiles
        else (None, None, None)
    )
    known = [place for place in (mean, high, p95) if place is not None]
    if not known or max(known) <= 0:
        return None
    spread = 0.0 if p50 is None or p95 is None else p95 - p50
    end = _BEYOND * max(*known, (p95 or 0) + 0.6 * spread)

    def place(distance: float | None) -> float | None:
        return None if distance is None else round(max(distance, 0) / end * WIDTH, 1)

    curve = interval = dashed = None
    if posterior is not None and p05 is not None and p95 is not None:
        # Evenly, and where most of the probability is, however narrow that may be.
        wide = np.linspace(max(2 * p05 - p95, 0), min(2 * p95 - p05, end), _POINTS // 2)
        inside = np.linspace(p05, p95, _POINTS // 2)
        distances = np.unique(np.concatenate((np.linspace(0, end, _POINTS), wide, inside)))
        density = posterior.density(distances)
        before = previous.density(distances) if previous is not None else None
        top = max(float(d.max()) for d in (density, before) if d is not None)
        if top > 0:
            curve = _path(distances / end, density / top)
            within = np.interp(inside, distances, density)
            interval = f"M{place(p05)} {HEIGHT}L{_path(inside / end, within / top)[1:]}V{HEIGHT}z"
            dashed = None if before is None else _path(distances / end, before / top)
    ticks = axis_ticks(end, WIDTH)
    return DistanceFigure(
        *(place(low), place(mean), place(high), place(p50), curve, interval, dashed),
        ticks=tuple(round(x, 1) for x, _ in ticks),
        labels=axis_labels(ticks, 158, _FRAME, LINE_FONT_SIZES[0]),
    )


def _path(x: Floats, y: Floats) -> str:
    """Write a line through points of the unit square as SVG path data, without repeats."""
    points = np.rint(np.stack((x * WIDTH, (1 - y) * HEIGHT), axis=1))
    level = (points[1:-1, 1] == points[:-2, 1]) & (points[1:-1, 1] == points[2:, 1])
    return line_data(points[np.concatenate(([True], ~level, [True]))])
