"""Contours of credible levels, drawn where the region is: in a plane that touches the sky there.

The plane is Lambert's azimuthal equal-area projection about a position (Snyder 1987, USGS
Professional Paper 1395, section 24). It has no seam but the point opposite to that position, so
that a region on a pole or on RA 0 is drawn like any other. The credible level is looked up under
each node of a grid in the plane, by binary search of the multi-order rows (never flattened).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import cast

import contourpy
import numpy as np
from numpy.typing import NDArray

from sirenflow.skymap.credible_area import credible_levels
from sirenflow.skymap.healpix import leaves_at
from sirenflow.skymap.skymap import Floats, Ints, Skymap
from sirenflow.skymap.vectors import lonlat_deg, unit_vectors

PLANE_RADIUS_DEG = float(np.rad2deg(2.0))
"""Distance in the plane of the point opposite to its centre; the disk of this radius is the sky."""
# The level is clipped this far around the contour, so that a step in it lands between two nodes.
_HALF_WINDOW = 0.1
# Of a ring that is no more than a point, in the units of the grid.
_NO_EXTENT = 1e-9


@dataclass(frozen=True)
class LocalView:
    """The plane that touches the sky at a position: x to the east, y to the north, in degrees.

    Angles and lengths are true in the middle, areas everywhere: a square degree of the plane is one
    of the sky. A position at the angle t from the centre lies 2 sin(t / 2) from the middle.

    Attributes
    ----------
    ra_deg, dec_deg
        Centre (ICRS), deg. On a pole, RA says where north is drawn.
    """

    ra_deg: float
    dec_deg: float

    @cached_property
    def _axes(self) -> Floats:
        """(3, 3) unit vectors to the east, to the north and to the centre."""
        ra, dec = np.deg2rad(self.ra_deg), np.deg2rad(self.dec_deg)
        east = [-np.sin(ra), np.cos(ra), 0.0]
        north = [-np.sin(dec) * np.cos(ra), -np.sin(dec) * np.sin(ra), np.cos(dec)]
        centre = [np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)]
        return np.array([east, north, centre])

    def project(self, ra_deg: Floats, dec_deg: Floats) -> tuple[Floats, Floats]:
        """Project ICRS positions (deg) to the plane; the inverse of `unproject`."""
        return self.project_vectors(unit_vectors(ra_deg, dec_deg))

    def project_vectors(self, vectors: Floats) -> tuple[Floats, Floats]:
        """Project directions (3, n) to the plane, deg."""
        x, y, z = self._axes @ vectors
        scale = np.rad2deg(np.sqrt(2 / np.maximum(1 + z, 1e-15)))
        return x * scale, y * scale

    def unproject(self, x_deg: Floats, y_deg: Floats) -> tuple[Floats, Floats]:
        """Return the ICRS position of points of the plane, RA 0 to 360 deg; inverse of `project`.

        Points outside of the sky's disk give that of its edge: the point opposite to the centre.
        """
        return lonlat_deg(self.unproject_vectors(x_deg, y_deg))

    def unproject_vectors(self, x_deg: Floats, y_deg: Floats) -> Floats:
        """(3, n) directions of points of the plane, as `unproject`."""
        x, y = np.deg2rad(x_deg), np.deg2rad(y_deg)
        square = x * x + y * y
        inwards = 2 / np.sqrt(np.maximum(square, 4.0))
        square = np.minimum(square, 4.0)
        sideways = np.sqrt(1 - square / 4) * inwards
        directions: Floats = self._axes.T @ np.stack((x * sideways, y * sideways, 1 - square / 2))
        return directions


@dataclass(frozen=True, eq=False)
class LevelField:
    """The credible level of every position on the sky.

    `first_leaf` (n,) is the first cell of level 29 of each row, ascending, `levels` (n,) the
    credible level of each row, 0 to 1.
    """

    first_leaf: Ints
    levels: Floats

    def rows_at(self, vectors: Floats) -> Ints:
        """(n,) row under each direction (3, n), counted along `first_leaf`."""
        rows: Ints = np.searchsorted(self.first_leaf, leaves_at(vectors), side="right") - 1
        return rows


@dataclass(frozen=True, eq=False)
class Grid:
    """Nodes of a local plane: x (columns,) and y (rows,), deg, ascending and equally spaced."""

    view: LocalView
    x_deg: Floats
    y_deg: Floats

    def sample(self, field: LevelField, near: NDArray[np.bool_]) -> Ints:
        """(n,) row of the map under each node (rows, columns) of `near`; see `rows_at`."""
        row, column = np.nonzero(near)
        return field.rows_at(self.view.unproject_vectors(self.x_deg[column], self.y_deg[row]))


def rings_of_field(x: Floats, y: Floats, levels: Floats, level: float) -> tuple[Floats, ...]:
    """Contour the region where credible levels (rows, columns) at nodes are at most `level`.

    x (columns,) and y (rows,) are the ascending coordinates of the nodes. The rings, (m, 2) points
    x, y each, are closed and repeat their first point: outer ones anticlockwise where y is up, each
    followed by its holes, clockwise. The region ends where the grid does.
    """
    inside = levels <= level
    if not inside.any():
        return ()
    # The region, and one node around it.
    rows, columns = (
        slice(max(int(used[0]) - 1, 0), int(used[-1]) + 2)
        for used in (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    )
    clipped = np.clip(levels[rows, columns], level - _HALF_WINDOW, level + _HALF_WINDOW)
    generator = contourpy.contour_generator(
        x[columns], y[rows], clipped, fill_type=contourpy.FillType.OuterOffset
    )
    polygons, offsets = cast("tuple[list[Floats], list[Ints]]", generator.filled(-1.0, level))
    return tuple(
        points[start:stop]
        for points, offset in zip(polygons, offsets, strict=True)
        for start, stop in pairwise(offset.tolist())
        if np.ptp(points[start:stop], axis=0).max() > _NO_EXTENT
    )


def level_field(skymap: Skymap) -> LevelField:
    """Prepare a map for contours.

    A row has the credible level at the middle of its own probability: a contour then takes in the
    row that crosses its level when more than half of it is needed, the nearest whole-row region to
    the interpolated area.
    """
    order = skymap.along_curve
    middle = credible_levels(skymap) - skymap.probability / 2
    return LevelField(skymap.first_leaf[order], middle[order])


def local_contours(
    field: LevelField, levels: Sequence[float], view: LocalView, radius_deg: float, nodes: int
) -> tuple[tuple[Floats, ...], ...]:
    """Contour a map in a square around the centre of a plane, at each of some levels.

    The angle from the centre to the middle of each side is `radius_deg`, at most 180 deg. Rings are
    as those of `rings_of_field`, x to the east and y to the north, deg. 256 nodes on each side take
    about 20 ms.
    """
    half = np.rad2deg(2 * np.sin(np.deg2rad(min(radius_deg, 180.0)) / 2))
    axis = np.linspace(-half, half, nodes)
    rows = Grid(view, axis, axis).sample(field, np.ones((nodes, nodes), dtype=bool))
    sampled = field.levels[rows].reshape(nodes, nodes)
    return tuple(rings_of_field(axis, axis, sampled, level) for level in levels)
