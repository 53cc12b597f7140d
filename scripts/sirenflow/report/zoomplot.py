"""The part of the sky most worth a look, as SVG paths: equal area, north up, east left."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sirenflow.contours import LevelField, LocalView, local_contours
from sirenflow.event import Lobe
from sirenflow.localization import peak
from sirenflow.report.figures import nice_step
from sirenflow.report.rings import Floats, Rings, join_rings, path_data, thin_rings
from sirenflow.report.skyplot import Label
from sirenflow.skymap import Skymap

SIZE = 600
"""Units of the paths: the figure is a square of this side."""
_NODES = 200
_PATH_LIMIT = 5000
_MARGIN = 1.25
_NARROWEST_DEG, _WIDEST_DEG = 0.5, 65.0
_BOTTOM = SIZE - 12
_PARALLELS_DEG = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30)
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
    scale_units: int
    scale_text: str


def zoom_window(lobes: Sequence[Lobe]) -> Window | None:
    """Choose what to show: the most probable part; None where that is as good as all the sky."""
    if not lobes or lobes[0].radius_deg * _MARGIN > _WIDEST_DEG:
        return None
    radius = max(lobes[0].radius_deg * _MARGIN, _NARROWEST_DEG)
    half = float(np.rad2deg(2 * np.sin(np.deg2rad(radius) / 2)))
    return Window(LocalView(lobes[0].ra_deg, lobes[0].dec_deg), radius, half)


def window_outline(window: Window) -> tuple[Floats, Floats]:
    """Give the window's edge on the sky: RA and Dec, deg, of a closed line."""
    side = np.linspace(-window.half_deg, window.half_deg, 25)
    low, high = np.full_like(side, -window.half_deg), np.full_like(side, window.half_deg)
    x = np.concatenate((side, high, side[::-1], low))
    y = np.concatenate((low, side, high, side[::-1]))
    return window.view.unproject(x, y)


def zoom_figure(skymap: Skymap, field: LevelField, window: Window) -> ZoomFigure:
    """Draw the 50 and 90 % regions of a map in a window.

    Parameters
    ----------
    skymap, field
        The map, and what `level_field` makes of it.
    window
        What to show.
    """
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
    seen = 0 <= x <= SIZE and 0 <= y <= SIZE
    graticule, labels = _graticule(window)
    scale = nice_step(window.half_deg / 4)
    return ZoomFigure(
        path_data(rings_90),
        path_data(rings_50),
        (round(float(x)), round(float(y))) if seen else None,
        graticule,
        labels,
        2 * window.half_deg,
        round(scale / window.half_deg * SIZE / 2),
        f"{scale:g}°",
    )


def _graticule(window: Window) -> tuple[str, tuple[Label, ...]]:
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
    labels = [
        Label(10, round(_unit(side[i], half)) - 7, f"{dec:+g}°".replace("-", "−"))
        for dec in decs
        for i in _crossings(left_dec - dec)
    ]
    labels += [
        Label(round(_unit(side[i], half)) + 5, _BOTTOM, f"{ra:g}°")
        for ra in ras
        for i in _crossings(_away(bottom_ra, ra))
    ]
    return paths, _with_room(labels)


def _lines_through(window: Window) -> tuple[list[float], list[float]]:
    """Choose declinations and right ascensions, deg, that cut the window into a few parts."""
    view, reach = window.view, window.radius_deg * 1.5
    step = _next_step(_PARALLELS_DEG, window.half_deg / 2.5)
    decs = [
        dec for i in range(round(-90 / step), round(90 / step) + 1) if abs(dec := i * step) < 90
    ]
    widened = step * 0.8 / max(np.cos(np.deg2rad(view.dec_deg)), 0.02)
    ras = np.arange(0, 360, _next_step(_MERIDIANS_DEG, widened)).tolist()
    return [dec for dec in decs if abs(dec - view.dec_deg) < reach], ras


def _spans(window: Window) -> tuple[Floats, Floats]:
    """Give the right ascensions, and the declinations, deg, that lines through the window take."""
    view, reach = window.view, window.radius_deg * 1.6
    closest = np.cos(np.deg2rad(min(abs(view.dec_deg) + reach, 90)))
    across = min(reach / max(closest, 1e-3), 180.0)
    return (
        view.ra_deg + np.linspace(-across, across, _LINE_POINTS),
        np.linspace(
            max(view.dec_deg - reach, -89.9), min(view.dec_deg + reach, 89.9), _LINE_POINTS
        ),
    )


def _next_step(steps: Sequence[float], least: float) -> float:
    return next((step for step in steps if step >= least), steps[-1])


def _away(ra_deg: Floats, from_deg: float) -> Floats:
    """Give differences of right ascension, deg; NaN beyond a quarter of the circle."""
    away = (ra_deg - from_deg + 180) % 360 - 180
    return np.where(np.abs(away) < 90, away, np.nan)


def _with_room(labels: Sequence[Label]) -> tuple[Label, ...]:
    """Leave out labels in the corners, where the other axis has its own, and on others."""
    kept: list[Label] = []
    for label in labels:
        at_bottom = label.y == _BOTTOM
        inside = 90 < label.x < SIZE - 80 if at_bottom else 40 < label.y < SIZE - 50
        if inside and all(abs(label.x - o.x) > 80 or abs(label.y - o.y) > 34 for o in kept):
            kept.append(label)
    return tuple(kept)


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
