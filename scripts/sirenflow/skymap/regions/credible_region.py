"""Credible regions as the cells that they consist of, and as MOCs.

`MOC.from_valued_healpix_cells` gives a region of the same area, in five times the time (1.1 ms, not
0.24: `benchmarks/libraries.py`). It does not say which rows of the map the cells are of, and of
rows of equal density the order in the file decides which are in the region.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from mocpy import MOC

from sirenflow.skymap.credible_area import credible_areas
from sirenflow.skymap.healpix import cell_directions
from sirenflow.skymap.skymap import (
    DEG2_PER_SR,
    MAX_LEVEL,
    SPHERE_SR,
    Floats,
    Ints,
    Skymap,
    cell_area_sr,
    leaves_of_level,
)

LEAVES = 12 << (2 * MAX_LEVEL)
"""Cells of level 29 on the sphere."""
AREA_TOLERANCE = 1e-6
"""Largest relative difference of a region's area from the interpolated credible area."""


@dataclass(frozen=True, eq=False)
class CredibleRegion:
    """The smallest region that holds a probability, as the cells that it consists of.

    Attributes
    ----------
    level
        The probability, 0 to 1.
    area_deg2
        The interpolated credible area, deg2; that of the cells is the same within 1e-6 of it.
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
    def moc(self) -> MOC:
        """What the region covers, as an IVOA MOC of the order of its own cells."""
        ranges = np.column_stack((self.first_leaf, self.first_leaf + self.width))
        return MOC.from_depth29_ranges(int(self.cell_level.max()), ranges.astype(np.uint64))

    @cached_property
    def area_sr(self) -> Floats:
        """(n,) solid angle of each cell, sr."""
        return cell_area_sr(self.cell_level)

    @cached_property
    def directions(self) -> Floats:
        """(3, n) unit vectors to the centres of the cells."""
        return cell_directions(self.first_leaf, self.cell_level)

    def probability(self, skymap: Skymap) -> Floats:
        """(n,) probability of each cell, of the map that the region was made of."""
        return skymap.probdensity[self.rows] * self.area_sr


def credible_region(skymap: Skymap, level: float) -> CredibleRegion:
    """Find the smallest region that holds a probability.

    Rows are taken as `Skymap.rank` has them. Of the row that crosses the level, as many sub-cells
    are taken, the first in nested order, as bring the area to that of `credible_areas`: the region
    that is delivered then has the area that is published, whatever the size of that row. Which
    part of the row is taken has no meaning: its density is the same everywhere. As rows of equal
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
    wanted = min(round(float(area) * LEAVES / (SPHERE_SR * DEG2_PER_SR)), LEAVES)
    order = skymap.rank
    reached = np.cumsum(leaves_of_level(skymap.level[order]))
    whole = int(np.searchsorted(reached, wanted, side="right"))
    inside = np.zeros(len(skymap), dtype=bool)
    inside[order[:whole]] = True
    rows = skymap.along_curve[inside[skymap.along_curve]]
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

    Return the first leaf of each cell, counted from that of the row, and its level.
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
    """Return the least level at which a cell has no more than so many leaves."""
    if leaves <= 1:
        return MAX_LEVEL
    return max(MAX_LEVEL - int(math.log2(leaves) / 2), 0)
