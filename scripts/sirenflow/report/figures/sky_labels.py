"""What is laid over an all-sky map: Sun and Moon, the edge of the zoom, and all labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sirenflow.observing.ephemeris import SkyBodies
from sirenflow.products.regions import Lobe
from sirenflow.report.figures.labels import (
    Box,
    Label,
    LabelRequest,
    Place,
    marker_box,
    place_labels,
)
from sirenflow.report.figures.sky import HEIGHT, WIDTH, project, sky_edge
from sirenflow.report.figures.svg_path import Floats, line_data
from sirenflow.superevent.number_text import probability_text

FONT_SIZES = (46.0, 38.0)
"""The largest on a phone, and elsewhere, units (figures.css)."""
FRAME = Box(-16, -16, 1456, 736)
_BODY_RADIUS, _RETICLE_LENGTH, _RETICLE_WIDTH, _RETICLE_GAP = 15, 58, 7, 28
_MOST_SHARES, _LEAST_SHARE, _FARTHEST_SHARE, _LOBE_CORE = 6, 0.01, 60.0, 20.0
_PARALLELS_DEG, _MERIDIANS_H = (-60, -30, 30, 60), (6, 12, 18)


@dataclass(frozen=True)
class Body:
    """Sun or Moon on the map."""

    name: str
    x: int
    y: int


@dataclass(frozen=True)
class Marks:
    """What is laid over a map; `zoom` is SVG path data."""

    bodies: tuple[Body, ...]
    zoom: str
    labels: tuple[Label, ...]


def sky_marks(
    peak: tuple[int, int],
    bodies: SkyBodies | None = None,
    outline: tuple[Floats, Floats] | None = None,
    lobes: Sequence[Lobe] = (),
) -> Marks:
    """Place what is laid over a map.

    The names of Sun and Moon are placed first, then shares, then coordinates. What has no room is
    left out: the shares are in a table below the figure, the symbols in its legend.

    `peak` is the position of the reticle, in the units of the figure; `outline` the edge of the
    zoom, RA (n,) and Dec (n,), deg; `lobes` the parts of the 90 % region.
    """
    placed = _bodies(bodies) if bodies else ()
    shares = [lobe for lobe in lobes[:_MOST_SHARES] if lobe.probability >= _LEAST_SHARE]
    centres = [_project(lobe.ra_deg, lobe.dec_deg) for lobe in shares]
    markers = [marker_box(body.x, body.y, _BODY_RADIUS) for body in placed]
    markers += reticle_boxes(*peak)
    cores = [
        marker_box(x, y, min(_reach(lobe), _LOBE_CORE))
        for lobe, (x, y) in zip(shares, centres, strict=True)
    ]
    requests = [LabelRequest(body.name, _around(body.x, body.y, 22)) for body in placed]
    requests += [
        LabelRequest(
            probability_text(lobe.probability),
            (*_around_lobe(x, y, _reach(lobe)), *_around_lobe(x, y, _reach(lobe) + 56)),
            style="share",
            bold=True,
        )
        for lobe, (x, y) in zip(shares, centres, strict=True)
    ]
    labels = place_labels([*requests, *_coordinates()], FRAME, [*markers, *cores], FONT_SIZES)
    return Marks(placed, _open_line(outline) if outline else "", labels)


def reticle_boxes(x: float, y: float) -> tuple[Box, Box, Box]:
    """Return what the reticle at a point covers: its arms, and the middle that it points to."""
    long, thin, middle = _RETICLE_LENGTH, _RETICLE_WIDTH, _RETICLE_GAP
    return (
        Box(x - long, y - thin, x + long, y + thin),
        Box(x - thin, y - long, x + thin, y + long),
        marker_box(x, y, middle),
    )


def _project(ra_deg: float, dec_deg: float) -> tuple[float, float]:
    (x,), (y,) = project(np.array([ra_deg]), np.array([dec_deg]))
    return float(x), float(y)


def _bodies(bodies: SkyBodies) -> tuple[Body, Body]:
    sun = _project(bodies.sun_ra_deg, bodies.sun_dec_deg)
    moon = _project(bodies.moon_ra_deg, bodies.moon_dec_deg)
    return Body("Sun", *map(round, sun)), Body("Moon", *map(round, moon))


def _reach(lobe: Lobe) -> float:
    """Return the distance of a share from its lobe's centre, limited as long lobes are bent."""
    return min(lobe.radius_deg / 180 * HEIGHT, _FARTHEST_SHARE)


def _around(x: float, y: float, away: float) -> tuple[Place, ...]:
    """Return the places beside, above and below a round marker."""
    aside = 0.7 * away
    return (
        Place(x + away, y, "start", 0.3),
        Place(x - away, y, "end", 0.3),
        Place(x, y - away, drop_em=-0.25, moves=True),
        Place(x, y + away, drop_em=0.8, moves=True),
        Place(x + aside, y - aside, "start", -0.1),
        Place(x - aside, y - aside, "end", -0.1),
        Place(x + aside, y + aside, "start", 0.8),
        Place(x - aside, y + aside, "end", 0.8),
    )


def _around_lobe(x: float, y: float, reach: float) -> tuple[Place, ...]:
    """Return the places around a lobe; below it first."""
    right, left, above, below, *corners = _around(x, y, reach + 10)
    return below, above, right, left, *corners


def _coordinates() -> list[LabelRequest]:
    """Name right ascensions on the equator, and declinations at one edge of the sky."""
    requests = []
    for hours in _MERIDIANS_H:
        x, y = WIDTH * (24 - hours) / 24, HEIGHT / 2
        requests.append(
            LabelRequest(f"{hours}h", (Place(x, y - 10), Place(x, y + 10, drop_em=0.8)))
        )
    for dec in _PARALLELS_DEG:
        _, y = _project(0.0, dec)
        text = f"{'+' if dec > 0 else '−'}{abs(dec)}°"
        # Where the label's lower or upper end meets the edge of the sky.
        above = max(sky_edge(y - 40), sky_edge(y)) + 12
        below = max(sky_edge(y + 50), sky_edge(y)) + 12
        places = (
            Place(sky_edge(y) + 26, y - 8, "start"),
            Place(below, y + 8, "start", 0.8),
            Place(WIDTH - above, y - 8, "end"),
            Place(WIDTH - below, y + 8, "end", 0.8),
        )
        requests.append(LabelRequest(text, places))
    return requests


def _open_line(outline: tuple[Floats, Floats]) -> str:
    """Draw a line on the sky, interrupted where it leaves at one edge and returns at the other."""
    x, y = project(*outline)
    jumps = np.flatnonzero(np.abs(np.diff(x)) > WIDTH / 4) + 1
    parts = np.split(np.stack((x, y), axis=1), jumps)
    return "".join(line_data(part) for part in parts if len(part) > 1)
