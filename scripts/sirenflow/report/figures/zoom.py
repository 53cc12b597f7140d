"""The most probable part of the sky as SVG paths: equal area, north up, east left."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from contourpy import contour_generator

from sirenflow.products.regions import Lobe
from sirenflow.report.figures.labels import (
    Box,
    Label,
    LabelRequest,
    Place,
    nice_step,
    place_labels,
    text_width,
)
from sirenflow.report.figures.sky_labels import reticle_boxes
from sirenflow.report.figures.svg_path import Floats, join_rings, line_data, path_data, thin_rings
from sirenflow.skymap.regions.contours import LevelField, LocalView, local_contours
from sirenflow.skymap.skymap import Skymap, peak
from sirenflow.skymap.vectors import lonlat_deg, separation_deg, unit_vectors

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
_GRATICULE_NODES = 41
_WHOLE_SKY_RADIUS_DEG = 90.0
# A region is small in a frame that is so many times as wide.
_SMALL = 6.0


@dataclass(frozen=True)
class Window:
    """What the figure shows: half its side is `half_deg` on the plane."""

    view: LocalView
    radius_deg: float
    half_deg: float

    def place(self, ra_deg: Floats, dec_deg: Floats) -> tuple[Floats, Floats]:
        """Place ICRS positions, deg, in the units of the paths."""
        x, y = self.view.project(ra_deg, dec_deg)
        return self.scale(x), self.scale(y)

    def scale(self, plane_deg: Floats) -> Floats:
        """Convert coordinates of the plane to the units of the paths."""
        return (1 - plane_deg / self.half_deg) * SIZE / 2


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


@dataclass(frozen=True)
class Frames:
    """The window in which both maps are drawn, None for the whole sky; another where it is needed.

    `closeup` is around the combined region, where that is small in the common frame.
    """

    common: Window | None
    closeup: Window | None


def comparison_frames(gw: Sequence[Lobe], combined: Sequence[Lobe]) -> Frames:
    """Choose the frames from the most probable part of each region.

    1. If the window around the GW part holds the whole of the combined part, that window.
    2. Else the window around the smallest circle that holds both parts.
    3. If that needs more than 65 deg around its centre, or if a part is missing: the whole sky.

    Where the combined part is less than a sixth of the frame across, it gets a window of its own.
    """
    if not combined:
        return Frames(None, None)
    common = _common_window(gw[0], combined[0]) if gw else None
    width = common.radius_deg if common else _WHOLE_SKY_RADIUS_DEG
    is_small = combined[0].radius_deg * _SMALL < width
    return Frames(common, zoom_window(combined) if is_small else None)


def _common_window(gw: Lobe, combined: Lobe) -> Window | None:
    ra, dec = np.array([[lobe.ra_deg, lobe.dec_deg] for lobe in (gw, combined)]).T
    one, other = unit_vectors(ra, dec).T
    apart = float(separation_deg(one, other))
    own = zoom_window([gw])
    if own is not None and apart + combined.radius_deg <= own.radius_deg:
        return own
    radius = max(
        (apart + gw.radius_deg + combined.radius_deg) / 2, gw.radius_deg, combined.radius_deg
    )
    # The centre lies on the way from that of the GW part to that of the combined one.
    along = np.deg2rad(min(radius - gw.radius_deg, apart))
    aside = other - float(one @ other) * one
    length = float(np.linalg.norm(aside))
    centre = one if length < 1e-12 else np.cos(along) * one + np.sin(along) * aside / length
    (centre_ra,), (centre_dec,) = lonlat_deg(centre[:, np.newaxis])
    return circle_window(float(centre_ra), float(centre_dec), radius)


def window_outline(window: Window) -> tuple[Floats, Floats]:
    """Return the window's edge on the sky: RA and Dec, deg, of a closed line."""
    side = np.linspace(-window.half_deg, window.half_deg, 25)
    low, high = np.full_like(side, -window.half_deg), np.full_like(side, window.half_deg)
    x = np.concatenate((side, high, side[::-1], low))
    y = np.concatenate((low, side, high, side[::-1]))
    return window.view.unproject(x, y)


def zoom_figure(skymap: Skymap, field: LevelField, window: Window) -> ZoomFigure:
    """Draw the 50 and 90 % regions of a map in a window; `field` is `level_field` of the map."""
    # The grid is larger than the window, as its edge closes the regions.
    rings_50, rings_90 = (
        thin_rings(join_rings(list(map(window.scale, contours))), _PATH_LIMIT)
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
    view, axis = window.view, np.linspace(0, SIZE, _GRATICULE_NODES)
    plane = (1 - 2 * axis / SIZE) * window.half_deg
    x, y = np.meshgrid(plane, plane)
    ra, dec = (angle.reshape(x.shape) for angle in view.unproject(x.ravel(), y.ravel()))
    lines: list[Floats] = []
    requests = []
    decs, ras = _lines_through(window)
    parallels = contour_generator(axis, axis, dec)
    for level in decs:
        found = cast("list[Floats]", parallels.lines(level))
        ends = [y for line in found for x, y in line[[0, -1]] if x < 0.5]
        text = f"{level:+g}°".replace("-", "−")
        # Above and below a line that meets the left side.
        requests += [
            LabelRequest(text, (Place(10, y - 7, "start"), Place(10, y + 7, "start", 0.8)))
            for y in ends
        ]
        lines += found
    # From the pole: it vanishes smoothly there, where RA itself has a step.
    position = np.cos(np.deg2rad(dec)) * np.exp(1j * np.deg2rad(ra))
    for level in ras:
        turned = position * np.exp(-1j * np.deg2rad(level))
        # A node beyond the pole, so that the line reaches it; not the meridian opposite.
        beyond = turned.real < -np.deg2rad(plane[0] - plane[1])
        across = np.where(beyond, np.nan, turned.imag)
        found = cast("list[Floats]", contour_generator(axis, axis, across).lines(0))
        ends = [x for line in found for x, y in line[[0, -1]] if y > SIZE - 0.5]
        ends = [x for x in ends if np.interp(x, axis, turned.real[-1]) > 0]
        # Right and left of a line that meets the bottom.
        requests += [
            LabelRequest(
                f"{level:g}°", (Place(x + 5, SIZE - 12, "start"), Place(x - 5, SIZE - 12, "end"))
            )
            for x in ends
        ]
        lines += found
    return "".join(map(line_data, lines)), requests


def _lines_through(window: Window) -> tuple[list[float], list[float]]:
    """Choose declinations and right ascensions, deg, that cut the window into a few parts."""
    view, reach = window.view, window.radius_deg * 1.5
    step = _next_step(_PARALLELS_DEG, window.half_deg / 2.5)
    last = round(90 / step)
    decs = [dec for i in range(-last, last + 1) if abs(dec := i * step) < 90]
    widened = step * 0.8 / max(np.cos(np.deg2rad(view.dec_deg)), 0.02)
    step = _next_step(_MERIDIANS_DEG, widened)
    ras = [i * step for i in range(round(360 / step))]
    closest = np.cos(np.deg2rad(min(abs(view.dec_deg) + reach, 90)))
    across = reach / max(closest, 1e-3)
    return (
        [dec for dec in decs if abs(dec - view.dec_deg) < reach],
        [ra for ra in ras if abs((ra - view.ra_deg + 180) % 360 - 180) <= across],
    )


def _next_step(steps: Sequence[float], least: float) -> float:
    return next((step for step in steps if step >= least), steps[-1])
