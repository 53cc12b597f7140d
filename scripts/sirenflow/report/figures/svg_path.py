"""Closed rings of points to short SVG path data: crumbs dropped, lines simplified, integers.

All rings of a figure are worked on at once, as one array of points; a figure may have hundreds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Line tolerance (units), smallest ring (square units) and number of rings, tried in turn until
# the path is short enough.
_COARSENESS = ((0.8, 2.0, 80), (1.0, 8.0, 60), (1.2, 20.0, 40), (2.0, 60.0, 25), (4.0, 200.0, 15))


@dataclass(frozen=True)
class Rings:
    """Closed rings, outer ones and holes alike; no ring repeats its first point.

    `points` (n,) are x + iy, ring after ring: most rings are short, so that the number of
    operations counts, which complex numbers halve. `starts` (k,) are the indices of first points.
    """

    points: NDArray[np.complex128]
    starts: Ints

    def areas(self) -> Floats:
        """(k,) signed area of each ring, square units (the shoelace formula)."""
        if not len(self.starts):
            return np.zeros(0)
        cross = (self.points.conj() * self.neighbours()[1]).imag
        areas: Floats = np.add.reduceat(cross, self.starts) / 2
        return areas

    def scaled(self, factor: float) -> "Rings":
        """Multiply every coordinate."""
        return Rings(self.points * factor, self.starts)

    def split(self) -> list[Floats]:
        """Return each ring as an array (m, 2)."""
        points = self.points.view(np.float64).reshape(-1, 2)
        return np.split(points, self.starts[1:]) if len(self.starts) else []

    def neighbours(self) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
        """(n,) points before, and (n,) points after each point, around its ring."""
        last = np.append(self.starts[1:], len(self.points)) - 1
        before, after = np.empty((2, len(self.points)), self.points.dtype)
        before[1:], after[:-1] = self.points[:-1], self.points[1:]
        before[self.starts], after[last] = self.points[last], self.points[self.starts]
        return before, after

    def only(self, keep: NDArray[np.bool_]) -> "Rings":
        """Keep some points (n,); a ring of fewer than three goes altogether."""
        counts = np.add.reduceat(keep, self.starts, dtype=np.int64)
        if counts.min() < 3:
            keep = keep & np.repeat(counts >= 3, np.diff(self.starts, append=len(self.points)))
            counts = counts[counts >= 3]
        return Rings(self.points[keep], np.cumsum(counts) - counts)


def join_rings(rings: Sequence[Floats]) -> Rings:
    """Join rings that repeat their first point at the end, each (m, 2) with m > 3."""
    lengths = np.array([len(ring) - 1 for ring in rings], dtype=np.int64)
    points = np.concatenate([ring[:-1] for ring in rings]) if rings else np.zeros((0, 2))
    return Rings(points.view(np.complex128).ravel(), np.cumsum(lengths) - lengths)


def thin_rings(rings: Rings, limit: int) -> Rings:
    """Drop crumbs and simplify lines until the path data has at most `limit` characters.

    Only the coarsest drawing may still be longer.
    """
    for tolerance, crumb, count in _COARSENESS:
        rings = simplify_rings(largest_rings(rings, crumb, count), tolerance)
        if len(path_data(rings)) <= limit:
            break
    return rings


def largest_rings(rings: Rings, crumb: float, count: int) -> Rings:
    """Keep the largest ring, and up to `count` in all of those larger than `crumb`."""
    size = np.abs(rings.areas())
    if not len(size):
        return rings
    order = np.argsort(-size, kind="stable")
    chosen = np.zeros(len(size), dtype=bool)
    chosen[order[:count]] = size[order[:count]] > crumb
    chosen[order[0]] = True
    return rings.only(np.repeat(chosen, np.diff(rings.starts, append=len(rings.points))))


def simplify_rings(rings: Rings, tolerance: float) -> Rings:
    """Drop points that lie within `tolerance` of the line through their two neighbours.

    Points go every second one at a time, until none lies so near; on a smooth line the offsets
    grow fourfold from round to round, so the errors do not add up.
    """
    parity = idle = 0
    while idle < 2 and len(rings.points):
        near = _offsets(rings) < tolerance
        near[1 - parity :: 2] = False
        parity = 1 - parity
        idle = 0 if near.any() else idle + 1
        if not idle:
            rings = rings.only(~near)
    return rings


def path_data(rings: Rings) -> str:
    """Write rings as SVG path data: an absolute start, then relative integer steps."""
    return "".join(_ring_path(ring) for ring in rings.split())


def _offsets(rings: Rings) -> Floats:
    """(n,) distance of each point from the line through the points before and after it."""
    before, after = rings.neighbours()
    along, away = after - before, rings.points - before
    length = np.abs(along)
    cross = np.abs((along.conj() * away).imag)
    offsets: Floats = np.divide(cross, length, out=np.abs(away), where=length > 0)
    return offsets


def _ring_path(points: Floats) -> str:
    """Write one ring; nothing where all its points round to one."""
    whole = np.rint(points).astype(np.int64)
    steps = np.diff(whole, axis=0)
    numbers = steps[np.any(steps != 0, axis=1)].ravel().tolist()
    if not numbers:
        return ""
    joined = "".join(f"{number}" if number < 0 else f" {number}" for number in numbers)
    return f"M{whole[0, 0]} {whole[0, 1]}l{joined.lstrip()}z"


def line_data(points: Floats) -> str:
    """Write an open line through points (n, 2) as SVG path data, in integers."""
    return "M" + "L".join(f"{x} {y}" for x, y in np.rint(points).astype(np.int64).tolist())
