"""The part of the sky most worth a look, as SVG paths: equal area, north up, east left."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sirenflow.products.regions import Lobe
from sirenflow.report.figures.bars import nice_step
from sirenflow.report.figures.labels import (
    Box,
    Label,
    LabelRequest,
    Place,
    place_labels,
    text_width,
)
from sirenflow.report.figures.sky_labels import reticle_boxes
from sirenflow.report.figures.svg_path import Floats, Rings, join_rings, path_data, thin_rings
from sirenflow.skymap.regions.contours import LevelField, LocalView, local_contours
from sirenflow.skymap.skymap import Skymap, peak

SIZE = 600
"""Units of the paths: the figure is a square of this side."""
_NODES = 200
_PATH_LIMIT = 5000
_MARGIN = 1.25
_NARROWEST_DEG, _WIDEST_DEG = 0.1, 65.0
FONT_SIZE = 25.0
"""The largest, units (figures.css)."""
_FRAME = Box(4, 4, SIZE - 4, SIZE - 4)
_PARALLELS_DEG = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30)
_MERIDIANS_DEG = (*_PARALLELS_DEG, 45, 90)
_LINE_POINTS = 33


@dataclass(frozen=True)
class Window:
    """What the figure shows: half its side is `half_deg` on the plane."""

    view: LocalView
    radius_deg: float
    half_deg: float

    def place(self, ra_deg: Floats, dec_deg: Floats) -> tuple[Floats, Floats]:
        """Place ICRS positions, deg, in the units of the paths."""
        x, y = self.view.project(ra_deg, dec_deg)
        return self._units(x, -1), self._units(y, -1)

    def _units(self, plane_deg: Floats, sign: int) -> Floats:
        return (1 + sign * plane_deg / self.half_deg) * SIZE / 2

    def rings(self, contours: Sequence[Floats]) -> Rings:
        """Join contours of the plane, deg, in the units of the paths."""
        return join_rings([self._units(ring, -1) for ring in contours])


@dataclass(frozen=True)
class ZoomFigure:
    """One map, ready to be drawn: SVG path data in a square of SIZE."""

    path_90: str
    path_50: str
    peak: tuple[int, int] | None
    graticule: str
    labels: tuple[Label, ...]
    width_deg: float
    scale: str

    @property
    def width_text(self) -> str:
        """Return the width in degrees: an integer, two significant digits below 2."""
        return f"{self.width_deg:.0f}" if self.width_deg >= 2 else f"{self.width_deg:.2g}"


def zoom_window(lobes: Sequence[Lobe]) -> Window | None:
    """Return the window around the most probable part; None where it needs most of the sky."""
    return circle_window(lobes[0].ra_deg, lobes[0].dec_deg, lobes[0].radius_deg) if lobes else None


def circle_window(ra_deg: float, dec_deg: float, radius_deg: float) -> Window | None:
    """Return the window around a circle on the sky, deg; None where it needs most of the sky."""
    radius = max(radius_deg * _MARGIN, _NARROWEST_DEG)
    if radius > _WIDEST_DEG:
        return None
    half = float(np.rad2deg(2 * np.sin(np.deg2rad(radius) / 2)))
    return Window(LocalView(ra_deg, dec_deg), radius, half)


def window_outline(window: Window) -> tuple[Floats, Floats]:
    """Give the window's edge on the sky: RA and Dec, deg, of a closed line."""
    side = np.linspace(-window.half_deg, window.half_deg, 25)
    low, high = np.full_like(side, -window.half_deg), np.full_like(side, window.half_deg)
    x = np.concatenate((side, high, side[::-1], low))
    y = np.concatenate((low, side, high, side[::-1]))
    return window.view.unproject(x, y)


def zoom_figure(skymap: Skymap, field: LevelField, window: Window) -> ZoomFigure:
    """Draw the 50 and 90 % regions of a map in a window; `field` is `level_field` of the map."""
    # A little more than what is seen: at its edge the grid closes the regions.
    rings_50, rings_90 = (
        thin_rings(window.rings(contours), _PATH_LIMIT)
        for contours in local_contours(
            field,
            (0.5, 0.9),
            window.view,
            radius_deg=window.radius_deg * 1.03,
            nodes=_NODES,
        )
    )
    top = peak(skymap)
    (x,), (y,) = window.place(np.array([top.ra_deg]), np.array([top.dec_deg]))
    place = (round(float(x)), round(float(y)))
    reticle = place if all(0 <= at <= SIZE for at in place) else None
    covered = reticle_boxes(*reticle) if reticle else ()
    graticule, names = _graticule(window)
    scale, scale_name, scale_box = _scale(window, covered)
    return ZoomFigure(
        path_data(rings_90),
        path_data(rings_50),
        reticle,
        graticule,
        (scale_name, *place_labels(names, _FRAME, (*covered, scale_box), (FONT_SIZE,))),
        2 * window.half_deg,
        scale,
    )


def _scale(window: Window, covered: Sequence[Box]) -> tuple[str, Label, Box]:
    """Draw the scale at the top right, or at the top left where that is covered.

    Returns SVG path data, the length as a label, and the box of both.
    """
    length_deg = nice_step(window.half_deg / 4)
    length, text = round(length_deg / window.half_deg * SIZE / 2), f"{length_deg:g}°"
    width = max(length, text_width(text, FONT_SIZE))
    right, left = Box(SIZE - 30 - width, 14, SIZE, 70), Box(0, 14, 30 + width, 70)
    if any(box.overlaps(right) for box in covered):
        return f"M20 24H{20 + length}", Label(text, 20, 58, "start", "length"), left
    x = SIZE - 20
    return f"M{x - length} 24H{x}", Label(text, x, 58, "end", "length"), right


def _graticule(window: Window) -> tuple[str, list[LabelRequest]]:
    """Draw lines of equal RA and Dec, named where they meet the left side and the bottom."""
    half = window.half_deg
    side = np.linspace(-half, half, 61)
    _, left_dec = window.view.unproject(np.full_like(side, half), side)
    bottom_ra, _ = window.view.unproject(side, np.full_like(side, -half))
    decs, ras = _lines_through(window)
    around, along = _spans(window)
    ra = np.concatenate((np.tile(around, len(decs)), np.repeat(ras, _LINE_POINTS)))
    dec = np.concatenate((np.repeat(decs, _LINE_POINTS), np.tile(along, len(ras))))
    paths = _visible(window, ra, dec)
    requests = [
        LabelRequest(f"{dec:+g}°".replace("-", "−"), _beside_left(_unit(side[i], half)))
        for dec in decs
        for i in _crossings(left_dec - dec)
    ]
    requests += [
        LabelRequest(f"{ra:g}°", _above_bottom(_unit(side[i], half)))
        for ra in ras
        for i in _crossings(_away(bottom_ra, ra))
    ]
    return paths, requests


def _beside_left(y: float) -> tuple[Place, ...]:
    """Return the places above and below a line that meets the left side."""
    return Place(10, y - 7, "start"), Place(10, y + 7, "start", 0.8)


def _above_bottom(x: float) -> tuple[Place, ...]:
    """Return the places right and left of a line that meets the bottom."""
    return Place(x + 5, SIZE - 12, "start"), Place(x - 5, SIZE - 12, "end")


def _lines_through(window: Window) -> tuple[list[float], list[float]]:
    """Choose declinations and right ascensions, deg, that cut the window into a few parts."""
    view, reach = window.view, window.radius_deg * 1.5
    step = _next_step(_PARALLELS_DEG, window.half_deg / 2.5)
    decs = [
        dec for i in range(round(-90 / step), round(90 / step) + 1) if abs(dec := i * step) < 90
    ]
    widened = step * 0.8 / max(np.cos(np.deg2rad(view.dec_deg)), 0.02)
    step = _next_step(_MERIDIANS_DEG, widened)
    ras = [i * step for i in range(round(360 / step))]
    across = _spread(window)
    return (
        [dec for dec in decs if abs(dec - view.dec_deg) < reach],
        [ra for ra in ras if abs((ra - view.ra_deg + 180) % 360 - 180) <= across],
    )


def _spans(window: Window) -> tuple[Floats, Floats]:
    """Give the right ascensions, and the declinations, deg, that lines through the window take."""
    view, reach, across = window.view, window.radius_deg * 1.6, _spread(window)
    return (
        view.ra_deg + np.linspace(-across, across, _LINE_POINTS),
        np.linspace(
            max(view.dec_deg - reach, -89.9), min(view.dec_deg + reach, 89.9), _LINE_POINTS
        ),
    )


def _spread(window: Window) -> float:
    """Return how far from its middle, deg of right ascension, a window reaches, or more."""
    reach = window.radius_deg * 1.6
    closest = np.cos(np.deg2rad(min(abs(window.view.dec_deg) + reach, 90)))
    return min(reach / max(float(closest), 1e-3), 180.0)


def _next_step(steps: Sequence[float], least: float) -> float:
    return next((step for step in steps if step >= least), steps[-1])


def _away(ra_deg: Floats, from_deg: float) -> Floats:
    """Give differences of right ascension, deg; NaN beyond a quarter of the circle."""
    away = (ra_deg - from_deg + 180) % 360 - 180
    return np.where(np.abs(away) < 90, away, np.nan)


def _unit(plane_deg: float, half_deg: float) -> float:
    return (1 - plane_deg / half_deg) * SIZE / 2


def _crossings(values: Floats) -> list[int]:
    """Find where values change their sign."""
    return np.flatnonzero(values[:-1] * values[1:] < 0).tolist()


def _visible(window: Window, ra_deg: Floats, dec_deg: Floats) -> str:
    """Draw lines of `_LINE_POINTS` each, where they are inside of the figure and a point beyond."""
    x, y = (axis.reshape(-1, _LINE_POINTS) for axis in window.place(ra_deg, dec_deg))
    inside = (np.abs(x - SIZE / 2) < SIZE * 0.6) & (np.abs(y - SIZE / 2) < SIZE * 0.6)
    near = inside.copy()
    near[:, :-1] |= inside[:, 1:]
    near[:, 1:] |= inside[:, :-1]
    # Far from the middle the projection runs around the point opposite: no line there.
    near &= np.hypot(x - SIZE / 2, y - SIZE / 2) < SIZE * 1.6
    points = np.rint(np.stack((x, y), axis=2)).astype(int)
    # A run of points ends with its line, or before a point that is not drawn.
    line, place = np.nonzero(near)
    ends = np.flatnonzero((np.diff(line) > 0) | (np.diff(place) != 1)) + 1
    return "".join(
        "M" + "L".join(f"{px} {py}" for px, py in part.tolist())
        for part in np.split(points[near], ends)
        if len(part) > 1
    )
