"""The all-sky map as SVG paths: an equal-area Mollweide view, east left, ICRS, 12 h in the middle.

The credible level is sampled on a grid in the projected plane, by binary search of the multi-order
rows (never flattened), and contoured there. Beyond the sky's edge the grid repeats the edge, so
that a region runs on to where the figure's clip path cuts it, without a seam.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import astropy_healpix
import numpy as np
from astropy import units

from sirenflow.contours import LevelField, rings_of_field
from sirenflow.ephemeris import SkyBodies
from sirenflow.event import Lobe, Thumbnail
from sirenflow.localization import peak
from sirenflow.report.rings import Floats, Ints, Rings, join_rings, path_data, thin_rings
from sirenflow.skymap import MAX_LEVEL, Skymap
from sirenflow.wording import probability_text

WIDTH, HEIGHT = 1440, 720
"""Units of the paths: the sky is an ellipse of this size."""
DEG2_PER_UNIT2 = (180**2 / np.pi * 4) / (np.pi / 4 * WIDTH * HEIGHT)
"""Sky area of a square unit; the projection makes it the same everywhere."""
_STEP = 2
_PAD = 3
_PATH_LIMIT = 5000
_THUMBNAIL_SCALE = 200 / WIDTH
_THUMBNAIL_LIMIT = 250
_MOST_SHARES, _LEAST_SHARE, _FARTHEST_SHARE = 6, 0.01, 60
# J2000 coordinates of the galactic pole.
_GALACTIC_POLE_RA_DEG, _GALACTIC_POLE_DEC_DEG = 192.85948, 27.12825


@dataclass(frozen=True)
class SkyFigure:
    """One map, ready to be drawn: SVG path data in units of WIDTH x HEIGHT."""

    path_90: str
    path_50: str
    peak_x: int
    peak_y: int


@dataclass(frozen=True)
class Label:
    """A text on the map, at the middle of its base line."""

    x: int
    y: int
    text: str


@dataclass(frozen=True)
class Body:
    """Sun or Moon, and where its name is written: "start" is to its right, "end" to its left."""

    name: str
    x: int
    y: int
    anchor: str
    name_x: int
    name_y: int


@dataclass(frozen=True)
class Marks:
    """What is laid over a map: Sun and Moon, the zoom's edge, the shares of the region's parts."""

    bodies: tuple[Body, ...]
    zoom: str
    shares: tuple[Label, ...]


@dataclass(frozen=True)
class Frame:
    """What every all-sky figure shares: graticule and galactic plane, as SVG path data."""

    graticule: str
    galactic_plane: str
    dec_labels: tuple[tuple[str, int, int], ...]
    ra_labels: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class _Grid:
    """Nodes of the projected plane, sorted by their HEALPix index at level 29."""

    shape: tuple[int, int]
    order: Ints
    leaf: Ints


def project(ra_deg: Floats, dec_deg: Floats) -> tuple[Floats, Floats]:
    """Project ICRS positions to the units of the paths; the inverse of `unproject`.

    Parameters
    ----------
    ra_deg, dec_deg : (n,)
        Positions, deg.

    Returns
    -------
    x, y : (n,)
        To the right, and down.
    """
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
    """Give the ICRS position (deg) under each point, off the sky that of the edge."""
    sine = np.clip(1 - 2 * y / HEIGHT, -1 + 1e-9, 1 - 1e-9)
    half_width = np.sqrt(1 - sine**2)
    along = np.clip((2 * x / WIDTH - 1) / half_width, -1 + 1e-9, 1 - 1e-9)
    theta = np.arcsin(sine)
    dec = np.arcsin((2 * theta + np.sin(2 * theta)) / np.pi)
    return 180 - 180 * along, np.rad2deg(dec)


def sky_figure(skymap: Skymap, field: LevelField) -> tuple[SkyFigure, Thumbnail]:
    """Draw the 50 and 90 % credible regions and the peak, in full and as a thumbnail.

    Parameters
    ----------
    skymap, field
        The map, and what `level_field` makes of it.
    """
    sampled = _sample(field)
    rings_90, rings_50 = (
        thin_rings(credible_rings(sampled, level), _PATH_LIMIT) for level in (0.9, 0.5)
    )
    top = peak(skymap)
    (x,), (y,) = project(np.array([top.ra_deg]), np.array([top.dec_deg]))
    figure = SkyFigure(path_data(rings_90), path_data(rings_50), round(x), round(y))
    small_90, small_50 = (
        path_data(thin_rings(rings.scaled(_THUMBNAIL_SCALE), _THUMBNAIL_LIMIT))
        for rings in (rings_90, rings_50)
    )
    thumbnail = Thumbnail(
        small_90, small_50, round(x * _THUMBNAIL_SCALE), round(y * _THUMBNAIL_SCALE)
    )
    return figure, thumbnail


def sky_marks(
    bodies: SkyBodies | None, outline: tuple[Floats, Floats] | None, lobes: Sequence[Lobe]
) -> Marks:
    """Place what is laid over the map.

    Parameters
    ----------
    bodies
        Sun and Moon; None where their time is not known.
    outline : RA (n,), Dec (n,)
        Edge of the zoom, deg; None where there is no zoom.
    lobes
        Parts of the 90 % region; the share of each is written below it, where there is room.
    """
    placed = _bodies(bodies) if bodies else ()
    taken = [(body.x, body.y) for body in placed]
    taken += [(x, y - 10) for _, x, y in sky_frame().ra_labels]
    taken += [(x + 80, y - 8) for _, x, y in sky_frame().dec_labels]
    return Marks(placed, _open_line(outline) if outline else "", _shares(lobes, taken))


def _bodies(bodies: SkyBodies) -> tuple[Body, Body]:
    """Place Sun and Moon; near one another, the upper one's name moves up, the lower one's down."""
    x, y = project(
        np.array([bodies.sun_ra_deg, bodies.moon_ra_deg]),
        np.array([bodies.sun_dec_deg, bodies.moon_dec_deg]),
    )
    close = abs(x[0] - x[1]) < 320 and abs(y[0] - y[1]) < 60
    sun_is_upper = y[0] <= y[1]

    def body(name: str, own: int, is_upper: bool) -> Body:
        px, py = round(float(x[own])), round(float(y[own]))
        shift = (-28 if is_upper else 28) if close else 0
        anchor, name_x = ("end", px - 22) if px > WIDTH - 180 else ("start", px + 22)
        return Body(name, px, py, anchor, name_x, py + 10 + shift)

    return body("Sun", 0, bool(sun_is_upper)), body("Moon", 1, not sun_is_upper)


def _shares(lobes: Sequence[Lobe], taken: list[tuple[int, int]]) -> tuple[Label, ...]:
    """Write shares below the parts, the most probable first; those without room go unsaid."""
    labels: list[Label] = []
    for lobe in lobes[:_MOST_SHARES]:
        if lobe.probability < _LEAST_SHARE:
            continue
        (middle,), (y,) = project(np.array([lobe.ra_deg]), np.array([lobe.dec_deg]))
        # A long lobe bends away from its centre: its name stays there.
        reach = min(lobe.radius_deg / 180 * HEIGHT, _FARTHEST_SHARE) + 44
        below = float(y) + reach
        base = round(below if below < HEIGHT - 12 else max(float(y) - reach + 30, 34))
        # Near the edge a text has room only on its inner side.
        x = round(min(max(float(middle), 60), WIDTH - 60))
        if all(abs(x - a) > 110 or abs(base - b) > 46 for a, b in taken):
            taken.append((x, base))
            labels.append(Label(x, base, probability_text(lobe.probability)))
    return tuple(labels)


def _open_line(outline: tuple[Floats, Floats]) -> str:
    """Draw a line on the sky, interrupted where it leaves at one edge and returns at the other."""
    x, y = project(*outline)
    parts = np.split(np.rint(np.stack((x, y), axis=1)).astype(int), _jumps(x))
    return "".join(
        "M" + "L".join(f"{px} {py}" for px, py in part.tolist()) for part in parts if len(part) > 1
    )


def _jumps(x: Floats) -> Ints:
    return np.flatnonzero(np.abs(np.diff(x)) > WIDTH / 4) + 1


def credible_rings(field: Floats, level: float) -> Rings:
    """Contour the region where the sampled credible level is at most `level`.

    Parameters
    ----------
    field : (rows, columns)
        Credible levels at the nodes of the grid.
    level
        Probability, 0 to 1.

    Returns
    -------
    Rings
        Outer ones and holes, in the units of the paths.
    """
    inside = field <= level
    if not inside.any():
        return join_rings([])
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    top, left = max(rows[0] - 1, 0), max(columns[0] - 1, 0)
    window = field[top : rows[-1] + 2, left : columns[-1] + 2]
    y, x = (np.arange(size, dtype=np.float64) for size in window.shape)
    origin = np.array([left - _PAD, top - _PAD])
    return join_rings([(ring + origin) * _STEP for ring in rings_of_field(x, y, window, level)])


@cache
def sky_frame() -> Frame:
    """Draw what every map shares."""
    middle_x, middle_y = WIDTH // 2, HEIGHT // 2
    parallels = {
        dec: float(project(np.array([0.0]), np.array([float(dec)]))[1][0])
        for dec in (-60, -30, 30, 60)
    }
    lines = [f"M0 {middle_y}H{WIDTH}M{middle_x} 0V{HEIGHT}"]
    lines += [f"M{0} {round(y)}H{WIDTH}" for y in parallels.values()]
    for hours in (3, 6, 9):
        radius = round(middle_x * (12 - hours) / 12)
        lines.append(
            f"M{middle_x} 0A{radius} {middle_y} 0 0 1 {middle_x} {HEIGHT}"
            f"A{radius} {middle_y} 0 0 1 {middle_x} 0"
        )
    return Frame(
        graticule="".join(lines),
        galactic_plane=_galactic_plane(),
        dec_labels=tuple(
            (f"{'+' if dec > 0 else '−'}{abs(dec)}°", _edge(y), round(y))
            for dec, y in parallels.items()
        ),
        ra_labels=tuple((f"{h}h", round(WIDTH * (24 - h) / 24), middle_y) for h in (6, 12, 18)),
    )


def _edge(y: float) -> int:
    """Give the x of the sky's left edge at a height."""
    return round(WIDTH / 2 * (1 - math.sqrt(1 - (1 - 2 * y / HEIGHT) ** 2)))


def _galactic_plane() -> str:
    """Draw b = 0 as one open line that runs on beyond both edges of the sky."""
    ra = np.arange(378.0, -19.0, -3.0)
    pole_ra, pole_dec = np.deg2rad(_GALACTIC_POLE_RA_DEG), np.deg2rad(_GALACTIC_POLE_DEC_DEG)
    dec = np.arctan(-np.cos(np.deg2rad(ra) - pole_ra) / np.tan(pole_dec))
    _, y = project(ra, np.rad2deg(dec))
    half_width = np.sqrt(1 - (1 - 2 * y / HEIGHT) ** 2)
    x = (1 + (180 - ra) / 180 * half_width) * WIDTH / 2
    return "M" + "L".join(
        f"{round(float(px))} {round(float(py))}" for px, py in zip(x, y, strict=True)
    )


@cache
def _grid() -> _Grid:
    columns = WIDTH // _STEP + 1 + 2 * _PAD
    rows = HEIGHT // _STEP + 1 + 2 * _PAD
    x, y = np.meshgrid(
        (np.arange(columns) - _PAD) * float(_STEP), (np.arange(rows) - _PAD) * float(_STEP)
    )
    ra, dec = unproject(x.ravel(), y.ravel())
    leaf = np.asarray(
        astropy_healpix.lonlat_to_healpix(
            ra * units.deg, dec * units.deg, 2**MAX_LEVEL, order="nested"
        )
    )
    order = np.argsort(leaf, kind="stable")
    return _Grid(shape=x.shape, order=order, leaf=leaf[order])


def _sample(field: LevelField) -> Floats:
    """Give the level of the row under each node, (rows, columns)."""
    grid = _grid()
    bounds = np.searchsorted(grid.leaf, field.first_leaf)
    bounds[0] = 0
    counts = np.diff(bounds, append=len(grid.leaf))
    sampled = np.empty(len(grid.leaf))
    sampled[grid.order] = np.repeat(field.levels, counts)
    return sampled.reshape(grid.shape)
