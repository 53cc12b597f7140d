"""The outlines of a map's credible regions on the sky, each lobe drawn in its own plane.

No line breaks at RA 0 or on a pole, and a small lobe is drawn as finely as a large one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sirenflow.products.regions import Lobe
from sirenflow.skymap.regions.contours import (
    PLANE_RADIUS_DEG,
    Grid,
    LocalView,
    level_field,
    rings_of_field,
)
from sirenflow.skymap.regions.credible_region import CredibleRegion
from sirenflow.skymap.regions.lobes import LobeLabels, cell_radius
from sirenflow.skymap.skymap import SPHERE_SR, Floats, Ints, Skymap

Booleans = NDArray[np.bool_]

DRAWN = 200
"""Lobes that are drawn one by one; where there are more, the sky is drawn as one."""

# Nodes of all grids of a map together are of the order of this number; 10,000 take 3 ms.
_NODES = 40_000
_NODES_OF_SKY = 160_000
_LEAST_NODES = 16
# A region of more cells is all over the sky, and grids over its lobes would take half a gigabyte.
_MOST_CELLS = 1_000_000


@dataclass(frozen=True, eq=False)
class SkyRing:
    """A closed line on the sky.

    Attributes
    ----------
    ra_deg, dec_deg : (m,) float64
        Its points (ICRS), RA 0 to 360 deg; the last is the first.
    is_hole
        Whether the region is outside of the line.
    spacing_deg
        Distance between nodes of the grid that it was drawn on, its greatest error, deg.
    """

    ra_deg: Floats
    dec_deg: Floats
    is_hole: bool
    spacing_deg: float


def draw_outlines(
    skymap: Skymap,
    levels: Sequence[float],
    region: CredibleRegion,
    labels: LobeLabels,
    lobes: Sequence[Lobe],
) -> tuple[tuple[SkyRing, ...], ...]:
    """Draw the outlines of the regions of some credible levels: rings of each level, by lobe.

    `region` is the map's largest, at the greatest of `levels` or above; `labels` and `lobes` are
    its connected parts. Where `lobes` are not all of them, and where the region has very many
    cells, the sky is drawn in one plane.
    """
    field = level_field(skymap)
    by_lobe = labels.count <= len(lobes) and len(labels.label) <= _MOST_CELLS
    places = _places(region, labels, lobes) if by_lobe else [_whole_sky(lobes[0])]
    lobe_of_row = np.full(len(field.levels), -1)
    if by_lobe and labels.count > 1:
        row = np.searchsorted(field.first_leaf, region.first_leaf, side="right") - 1
        lobe_of_row[row] = labels.label
    found: list[list[SkyRing]] = [[] for _ in levels]
    for number, (grid, near) in enumerate(places):
        rows = grid.sample(field, near)
        # What belongs to another lobe is drawn with that one.
        lobe = lobe_of_row[rows]
        sampled = np.ones(near.shape)
        sampled[near] = np.where((lobe >= 0) & (lobe != number), 1.0, field.levels[rows])
        for rings, level in zip(found, levels, strict=True):
            contours = rings_of_field(grid.x_deg, grid.y_deg, sampled, level)
            rings += [_on_sky(ring, grid) for ring in contours]
    return tuple(map(tuple, found))


def _on_sky(ring: Floats, grid: Grid) -> SkyRing:
    ra, dec = grid.view.unproject(*ring.T)
    x, y = ring.T
    area = float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))
    return SkyRing(ra, dec, is_hole=area < 0, spacing_deg=float(grid.x_deg[1] - grid.x_deg[0]))


# A grid, and which of its nodes (rows, columns) may be in the region.
_Place = tuple[Grid, Booleans]


def _whole_sky(lobe: Lobe) -> _Place:
    axis = np.linspace(-PLANE_RADIUS_DEG, PLANE_RADIUS_DEG, round(np.sqrt(_NODES_OF_SKY)))
    everywhere = np.ones((len(axis), len(axis)), dtype=bool)
    return Grid(LocalView(lobe.ra_deg, lobe.dec_deg), axis, axis), everywhere


def _places(region: CredibleRegion, labels: LobeLabels, lobes: Sequence[Lobe]) -> list[_Place]:
    order = np.argsort(labels.label, kind="stable")
    bounds = np.searchsorted(labels.label[order], np.arange(len(lobes) + 1))
    limit = _NODES / np.sqrt(len(lobes))
    places = []
    for lobe, start, stop in zip(lobes, bounds[:-1], bounds[1:], strict=True):
        cells = order[start:stop]
        view = LocalView(lobe.ra_deg, lobe.dec_deg)
        places.append(_fit(view, region.directions[:, cells], region.cell_level[cells], limit))
    return places


def _fit(view: LocalView, vectors: Floats, level: Ints, limit: float) -> _Place:
    """Lay a grid over cells and their surroundings, of two nodes per cell but at most `limit`."""
    plane = np.stack(view.project_vectors(vectors))
    # Off the centre the plane stretches what lies across the direction to it.
    square = np.einsum("ij,ij->j", plane, plane)
    shrink = np.sqrt(np.maximum(1 - square / PLANE_RADIUS_DEG**2, 0.01))
    margin = np.rad2deg(cell_radius(level)) / shrink
    low, high = plane - margin, plane + margin
    least = np.maximum(low.min(axis=1), -PLANE_RADIUS_DEG)
    width, height = np.minimum(high.max(axis=1), PLANE_RADIUS_DEG) - least
    side = np.rad2deg(np.sqrt(np.ldexp(SPHERE_SR / 12, -2 * int(np.median(level)))))
    step = max(side / 2, np.sqrt(width * height / limit))
    step = min(step, min(width, height) / _LEAST_NODES)
    shape = [int(np.ceil(extent / step)) + 5 for extent in (height, width)]
    x, y = (start + step * (np.arange(n) - 2) for start, n in zip(least, shape[::-1], strict=True))
    near = _covered(
        (low - least[:, np.newaxis]) / step, (high - least[:, np.newaxis]) / step, shape
    )
    return Grid(view, x, y), near


def _covered(low: Floats, high: Floats, shape: Sequence[int]) -> Booleans:
    """(rows, columns) nodes that lie in one of some rectangles, or next to it.

    `low` and `high` (2, n) are the corners of the rectangles, x and y in steps from the third node.
    """
    rows, columns = shape
    left, top = np.clip(np.floor(low).astype(np.int64) + 1, 0, [[columns], [rows]])
    right, bottom = np.clip(np.ceil(high).astype(np.int64) + 4, 0, [[columns], [rows]])
    size = (rows + 1) * (columns + 1)
    edges = np.zeros(size, dtype=np.int64)
    corners = ((1, top, left), (-1, top, right), (-1, bottom, left), (1, bottom, right))
    for sign, row, column in corners:
        edges += sign * np.bincount(row * (columns + 1) + column, minlength=size)
    table = edges.reshape(rows + 1, columns + 1)
    covered: Booleans = table.cumsum(axis=0).cumsum(axis=1)[:-1, :-1] > 0
    return covered
