"""Credible regions as what they cover: ranges along the curve that numbers HEALPix cells.

A cell of level l covers 4^(29 - l) leaves, the cells of level 29, which lie in a row along the
nested numbering. A region is a sorted list of ranges of leaves, as the IVOA's MOC has it: union,
intersection and area of two regions of any levels are arithmetic on integers, exact, and no map is
ever flattened.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from mocpy import MOC

from sirenflow.skymap.credible_area import credible_areas
from sirenflow.skymap.healpix import cell_directions
from sirenflow.skymap.skymap import DEG2_PER_SR, MAX_LEVEL, SPHERE_SR, Floats, Ints, Skymap

LEAVES = 12 << (2 * MAX_LEVEL)
"""Cells of level 29 on the sphere."""
LEAF_DEG2 = SPHERE_SR * DEG2_PER_SR / LEAVES
"""Area of each."""
AREA_TOLERANCE = 1e-6
"""Largest relative difference of a region's area from the interpolated credible area."""
_CELL_AREA_SR = np.ldexp(SPHERE_SR / 12, -2 * np.arange(MAX_LEVEL + 1))


@dataclass(frozen=True, eq=False)
class Ranges:
    """A part of the sky: ranges of leaves, ascending, none touching another.

    Attributes
    ----------
    starts, ends : (k,) int64
        First leaf of each range, and the one after its last.
    """

    starts: Ints
    ends: Ints

    @property
    def leaves(self) -> int:
        """How many leaves are covered."""
        return int((self.ends - self.starts).sum())

    @property
    def area_deg2(self) -> float:
        """Area, deg2."""
        return self.leaves * LEAF_DEG2

    @cached_property
    def _leaves_before(self) -> Ints:
        """(k + 1,) leaves in all ranges before each range."""
        return np.concatenate(([0], np.cumsum(self.ends - self.starts)))

    def count_below(self, leaf: Ints) -> Ints:
        """(n,) leaves of the region before each of some leaves."""
        index = np.searchsorted(self.starts, leaf, side="right")
        before = self._leaves_before[index]
        last = np.maximum(index - 1, 0)
        # Of the range that the leaf lies in, what comes after it does not count.
        beyond = np.where(index > 0, np.maximum(self.ends[last] - leaf, 0), 0)
        counts: Ints = before - beyond
        return counts

    def overlap_deg2(self, other: Ranges) -> float:
        """Area that is in both, deg2."""
        if not len(self.starts) or not len(other.starts):
            return 0.0
        common = other.count_below(self.ends) - other.count_below(self.starts)
        return int(common.sum()) * LEAF_DEG2


@dataclass(frozen=True, eq=False)
class CredibleRegion:
    """The smallest region that holds a probability, as the cells that it consists of.

    Attributes
    ----------
    level
        The probability, 0 to 1.
    area_deg2
        The interpolated credible area, deg2; that of `ranges` is the same within 1e-6 of it.
    rows : (n,) int64
        Row of the map that each cell is, or is part of.
    first_leaf : (n,) int64
        First leaf of each cell, ascending; no two cells overlap.
    cell_level : (n,) int64
        HEALPix level of each cell.
    """

    level: float
    area_deg2: float
    rows: Ints
    first_leaf: Ints
    cell_level: Ints

    @cached_property
    def width(self) -> Ints:
        """(n,) leaves in each cell."""
        return leaves_of_level(self.cell_level)

    @cached_property
    def ranges(self) -> Ranges:
        """What the region covers."""
        return merged(self.first_leaf, self.first_leaf + self.width)

    @property
    def max_level(self) -> int:
        """Deepest HEALPix level of its cells."""
        return int(self.cell_level.max())

    @cached_property
    def area_sr(self) -> Floats:
        """(n,) solid angle of each cell, sr."""
        return _CELL_AREA_SR[self.cell_level]

    @cached_property
    def directions(self) -> Floats:
        """(3, n) unit vectors to the centres of the cells."""
        return cell_directions(self.first_leaf, self.cell_level)

    @cached_property
    def largest_cells(self) -> Ints:
        """(m,) UNIQ, ascending, of the fewest cells that are the region: hundreds for thousands.

        Cells of which all four siblings are in the region are joined, as often as there are any.
        """
        pairs = np.column_stack((self.ranges.starts, self.ranges.ends)).astype(np.uint64)
        return np.sort(MOC.from_depth29_ranges(self.max_level, pairs).uniq_hpx.astype(np.int64))

    def probability(self, skymap: Skymap) -> Floats:
        """(n,) probability of each cell, of the map that the region was made of."""
        return skymap.probdensity[self.rows] * self.area_sr


@dataclass(frozen=True, eq=False)
class ProbabilityCurve:
    """Probability of a map, summed along the curve of leaves.

    Attributes
    ----------
    first_leaf, width : (n,) int64
        First leaf of each row, ascending, and leaves in it.
    cumulative : (n + 1,) float64
        Probability of all rows before each.
    """

    first_leaf: Ints
    width: Ints
    cumulative: Floats

    def probability_in(self, ranges: Ranges) -> float:
        """Probability of a part of the sky; within a row it is spread evenly."""
        if not len(ranges.starts):
            return 0.0
        total = float((self._below(ranges.ends) - self._below(ranges.starts)).sum())
        return min(max(total, 0.0), 1.0)

    def _below(self, leaf: Ints) -> Floats:
        """(n,) probability before each leaf.

        A leaf's number has up to 62 bits, more than a float holds: only its distance from the
        start of its row is divided.
        """
        row = np.searchsorted(self.first_leaf, leaf, side="right") - 1
        share = (leaf - self.first_leaf[row]) / self.width[row]
        before = self.cumulative[row]
        return before + share * (self.cumulative[row + 1] - before)


def leaves_of_level(level: Ints) -> Ints:
    """(n,) leaves in a cell of each level."""
    return np.int64(1) << (2 * (MAX_LEVEL - level))


def probability_curve(skymap: Skymap) -> ProbabilityCurve:
    """Sum a map's probability along the curve of leaves."""
    first = skymap.first_leaf
    order = np.argsort(first, kind="stable")
    cumulative = np.concatenate(([0.0], np.cumsum(skymap.probability[order])))
    return ProbabilityCurve(first[order], leaves_of_level(skymap.level[order]), cumulative)


def merged(starts: Ints, ends: Ints) -> Ranges:
    """Join ranges, in any order, of which none overlaps another."""
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], ends[order]
    gap = starts[1:] != ends[:-1]
    first = np.concatenate((np.ones(min(len(starts), 1), dtype=bool), gap))
    last = np.concatenate((gap, np.ones(min(len(starts), 1), dtype=bool)))
    return Ranges(starts[first], ends[last])


def credible_region(skymap: Skymap, level: float) -> CredibleRegion:
    """Find the smallest region that holds a probability.

    Rows are taken as `Skymap.rank` has them. Of the row that crosses the level, as many sub-cells
    are taken, the first in nested order, as bring the area to that of `credible_areas`: the region
    that is delivered then has the area that is published, whatever the size of that row. Which
    part of the row it is says nothing: within it all places are as probable. As rows of equal
    density rank along the same curve, the region is the same however cells are ordered, or split.

    Sub-cells are as small as an area within `AREA_TOLERANCE` needs, which may be deeper than any
    row; where rows are smaller than that, whole rows are taken.

    Parameters
    ----------
    skymap
        The map.
    level
        Probability, 0 to 1.
    """
    (area,) = credible_areas(skymap, [level])
    wanted = min(round(float(area) / LEAF_DEG2), LEAVES)
    order = skymap.rank
    reached = np.cumsum(leaves_of_level(skymap.level[order]))
    whole = int(np.searchsorted(reached, wanted, side="right"))
    inside = np.zeros(len(skymap), dtype=bool)
    inside[order[:whole]] = True
    along = np.argsort(skymap.first_leaf, kind="stable")  # as sent, rows are in a few runs already
    rows = along[inside[along]]
    first, levels = skymap.first_leaf[rows], skymap.level[rows]
    if whole < len(order):
        crossing = order[whole]
        missing = wanted - (int(reached[whole - 1]) if whole else 0)
        depth = max(int(skymap.level[crossing]), _level_of_cells(wanted * AREA_TOLERANCE))
        part_first, part_levels = _split(missing, depth, empty_is_one=not whole)
        place = int(np.searchsorted(first, skymap.first_leaf[crossing]))
        rows = np.insert(rows, place, np.full(len(part_first), crossing))
        first = np.insert(first, place, skymap.first_leaf[crossing] + part_first)
        levels = np.insert(levels, place, part_levels)
    return CredibleRegion(level, float(area), rows, first, levels)


def _split(leaves: int, depth: int, empty_is_one: bool) -> tuple[Ints, Ints]:
    """Cover the first leaves of a row, rounded to cells of level `depth`, by few cells.

    Returns
    -------
    first, level : (n,) int64
        First leaf of each cell, counted from that of the row, and its level.
    """
    cell_bits = 2 * (MAX_LEVEL - depth)
    count = (leaves + (1 << cell_bits) // 2) >> cell_bits
    if empty_is_one:
        count = max(count, 1)
    first, levels = [], []
    done = 0
    # A number to the base of 4: its digits say how many cells of each size there are.
    for bits in range(2 * MAX_LEVEL, cell_bits - 1, -2):
        for _ in range((count << cell_bits) - done >> bits):
            first.append(done)
            levels.append(MAX_LEVEL - bits // 2)
            done += 1 << bits
    return np.array(first, dtype=np.int64), np.array(levels, dtype=np.int64)


def _level_of_cells(leaves: float) -> int:
    """Give the least level at which a cell has no more than so many leaves."""
    if leaves <= 1:
        return MAX_LEVEL
    return max(MAX_LEVEL - int(math.log2(leaves) / 2), 0)
