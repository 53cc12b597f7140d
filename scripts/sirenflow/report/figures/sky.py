"""The all-sky map as SVG paths: an equal-area Mollweide view, east left, ICRS, 12 h in the middle.

The credible level is sampled on a grid in the projected plane, by binary search of the multi-order
rows (never flattened), and contoured there. Beyond the sky's edge the grid repeats the edge, so
that a region continues to where the figure's clip path cuts it, without a seam.
"""

import math
from dataclasses import dataclass
from functools import cache

import astropy_healpix
import numpy as np
from astropy import units

from sirenflow.products.event import Thumbnail
from sirenflow.report.figures.svg_path import (
    Floats,
    Ints,
    Rings,
    join_rings,
    line_data,
    path_data,
    thin_rings,
)
from sirenflow.skymap.regions.contours import LevelField, rings_of_field
from sirenflow.skymap.skymap import MAX_LEVEL, Skymap, peak

WIDTH, HEIGHT = 1440, 720
"""Units of the paths: the sky is an ellipse of this size."""
_STEP = 2
_PAD = 3
# Nodes: rows and columns.
_SHAPE = (HEIGHT // _STEP + 1 + 2 * _PAD, WIDTH // _STEP + 1 + 2 * _PAD)
_PATH_LIMIT = 5000
_THUMBNAIL_SCALE = 200 / WIDTH
_THUMBNAIL_LIMIT = 250
# J2000 coordinates of the galactic pole.
_GALACTIC_POLE_RA_DEG, _GALACTIC_POLE_DEC_DEG = 192.85948, 27.12825


@dataclass(frozen=True)
class SkyFigure:
    """One map, ready to be drawn: SVG path data in units of WIDTH x HEIGHT."""

    path_90: str
    path_50: str
    peak: tuple[int, int]


@dataclass(frozen=True)
class Frame:
    """What every all-sky figure shares: graticule and galactic plane, as SVG path data."""

    graticule: str
    galactic_plane: str


def project(ra_deg: Floats, dec_deg: Floats) -> tuple[Floats, Floats]:
    """Project ICRS positions (n,), deg, to x (right) and y (down); the inverse of `unproject`."""
    lat = np.deg2rad(np.clip(dec_deg, -90, 90))
    theta = lat.copy()
    for _ in range(60):  # Newton on 2t + sin 2t = pi sin(lat), damped by itself at the poles
        slope = np.maximum(2 + 2 * np.cos(2 * theta), 1e-9)
        step = (2 * theta + np.sin(2 * theta) - np.pi * np.sin(lat)) / slope
        theta = np.clip(theta - step, -np.pi / 2, np.pi / 2)
        if np.all(np.abs(step) < 1e-12):
            break
    x = (180 - np.mod(ra_deg, 360)) / 180 * np.cos(theta)
    return (1 + x) * WIDTH / 2, (1 - np.sin(theta)) * HEIGHT / 2


def unproject(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the ICRS position (deg) under each point, off the sky that of the edge."""
    sine = np.clip(1 - 2 * y / HEIGHT, -1 + 1e-9, 1 - 1e-9)
    half_width = np.sqrt(1 - sine**2)
    along = np.clip((2 * x / WIDTH - 1) / half_width, -1 + 1e-9, 1 - 1e-9)
    theta = np.arcsin(sine)
    dec = np.arcsin((2 * theta + np.sin(2 * theta)) / np.pi)
    return 180 - 180 * along, np.rad2deg(dec)


def sky_figure(skymap: Skymap, field: LevelField) -> tuple[SkyFigure, Thumbnail]:
    """Draw the 50 and 90 % credible regions and the peak, in full and as a thumbnail."""
    sampled = _sample(field)
    rings_90, rings_50 = (
        thin_rings(credible_rings(sampled, level), _PATH_LIMIT) for level in (0.9, 0.5)
    )
    top = peak(skymap)
    (x,), (y,) = project(np.array([top.ra_deg]), np.array([top.dec_deg]))
    figure = SkyFigure(path_data(rings_90), path_data(rings_50), (round(x), round(y)))
    small_90, small_50 = (
        path_data(thin_rings(rings.scaled(_THUMBNAIL_SCALE), _THUMBNAIL_LIMIT))
        for rings in (rings_90, rings_50)
    )
    thumbnail = Thumbnail(
        small_90, small_50, round(x * _THUMBNAIL_SCALE), round(y * _THUMBNAIL_SCALE)
    )
    return figure, thumbnail


def credible_rings(field: Floats, level: float) -> Rings:
    """Contour the region where the credible level is at most `level`, in the units of the paths.

    `field` (rows, columns) has the credible levels, 0 to 1, at the nodes of the grid.
    """
    y, x = (_axis(size) for size in field.shape)
    return join_rings(rings_of_field(x, y, field, level))


def _axis(nodes: int) -> Floats:
    return _STEP * np.arange(-_PAD, nodes - _PAD, dtype=np.float64)


@cache
def sky_frame() -> Frame:
    """Draw the background of every map."""
    middle_x, middle_y = WIDTH // 2, HEIGHT // 2
    _, parallels = project(np.zeros(4), np.array([-60.0, -30.0, 30.0, 60.0]))
    lines = [f"M0 {middle_y}H{WIDTH}M{middle_x} 0V{HEIGHT}"]
    lines += [f"M{0} {round(y)}H{WIDTH}" for y in parallels.tolist()]
    for hours in (3, 6, 9):
        radius = round(middle_x * (12 - hours) / 12)
        lines.append(
            f"M{middle_x} 0A{radius} {middle_y} 0 0 1 {middle_x} {HEIGHT}"
            f"A{radius} {middle_y} 0 0 1 {middle_x} 0"
        )
    return Frame("".join(lines), _galactic_plane())


def sky_edge(y: float) -> float:
    """Return the x of the sky's left edge at a height."""
    return WIDTH / 2 * (1 - math.sqrt(1 - (1 - 2 * y / HEIGHT) ** 2))


def _galactic_plane() -> str:
    """Draw b = 0 as one open line that continues beyond both edges of the sky."""
    ra = np.arange(378.0, -19.0, -3.0)
    pole_ra, pole_dec = np.deg2rad(_GALACTIC_POLE_RA_DEG), np.deg2rad(_GALACTIC_POLE_DEC_DEG)
    dec = np.arctan(-np.cos(np.deg2rad(ra) - pole_ra) / np.tan(pole_dec))
    _, y = project(ra, np.rad2deg(dec))
    half_width = np.sqrt(1 - (1 - 2 * y / HEIGHT) ** 2)
    x = (1 + (180 - ra) / 180 * half_width) * WIDTH / 2
    return line_data(np.stack((x, y), axis=1))


@cache
def _sorted_nodes() -> tuple[Ints, Ints]:
    """Return the numbers of the nodes by the leaf under them, and those leaves, ascending."""
    x, y = np.meshgrid(_axis(_SHAPE[1]), _axis(_SHAPE[0]))
    ra, dec = (angle * units.deg for angle in unproject(x.ravel(), y.ravel()))
    leaf = np.asarray(astropy_healpix.lonlat_to_healpix(ra, dec, 2**MAX_LEVEL, order="nested"))
    order = np.argsort(leaf, kind="stable")
    return order, leaf[order]


def _sample(field: LevelField) -> Floats:
    """Return the level of the row under each node, (rows, columns)."""
    order, leaf = _sorted_nodes()
    bounds = np.searchsorted(leaf, field.first_leaf)
    bounds[0] = 0
    sampled = np.empty(len(leaf))
    sampled[order] = np.repeat(field.levels, np.diff(bounds, append=len(leaf)))
    return sampled.reshape(_SHAPE)
