"""The disjoint parts of a credible region: how probable, how large, and where.

Two cells are of one part if they share a side or a corner. The parts are found on the cells as they
are, of any levels, in a time that grows with their number: a map may fall into 100,000 specks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import astropy_healpix
import numpy as np
from astropy.coordinates import SkyCoord, get_constellation
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sirenflow.directions import separation_deg
from sirenflow.event import Lobe
from sirenflow.regions import CredibleRegion, leaves_of_level
from sirenflow.skymap import MAX_LEVEL, SPHERE_SR, Floats, Ints, Skymap

LISTED = 20
"""Lobes that are described, at most."""
# Angle from the centre of a cell to its farthest corner, at most, in sides of a square of its area:
# 1.045 at deep levels, in the long cells where a polar cap begins.
_CORNER = 1.05
_CHUNK_CELLS = 65_536


@dataclass(frozen=True, eq=False)
class LobeLabels:
    """Which connected part each cell of a region belongs to.

    Attributes
    ----------
    count
        How many parts there are.
    label : (n,) int64
        Of each cell of the region: 0 is the most probable part.
    probability : (count,) float64
        Of each part, descending.
    """

    count: int
    label: Ints
    probability: Floats


def label_lobes(skymap: Skymap, region: CredibleRegion) -> LobeLabels:
    """Find the connected parts of a map's credible region."""
    first, level = _coarsened(region)
    links = [_links(first, level, start) for start in range(0, len(first), _CHUNK_CELLS)]
    one, other = (np.concatenate(side) for side in zip(*links, strict=True))
    graph = coo_array((np.ones(len(one), dtype=bool), (one, other)), shape=(len(first),) * 2)
    count, found = connected_components(graph, directed=False)
    label = found[np.searchsorted(first, region.first_leaf, side="right") - 1]
    weights = region.probability(skymap)
    probability: Floats = np.bincount(label, weights=weights, minlength=count).astype(np.float64)
    begins = np.full(count, len(first))
    np.minimum.at(begins, found, np.arange(len(first)))
    ranking = np.lexsort((begins, -probability))
    place = np.empty(count, dtype=np.int64)
    place[ranking] = np.arange(count)
    return LobeLabels(int(count), place[label], probability[ranking])


def _coarsened(region: CredibleRegion) -> tuple[Ints, Ints]:
    """Join cells of which all four siblings are in the region, as often as there are any.

    Returns
    -------
    first, level : (n,) int64
        First leaf, ascending, and level of each cell: a few hundred where there were thousands.
    """
    order = np.argsort(region.first_leaf, kind="stable")
    first, level = region.first_leaf[order], region.cell_level[order]
    for deepest in range(region.max_level, 0, -1):
        bits = 2 * (MAX_LEVEL - deepest)
        at_level = level == deepest
        # Four cells of a level in a row, of which the first is an eldest and the last its third
        # sibling, are a family.
        family = at_level[:-3] & at_level[1:-2] & at_level[2:-1] & at_level[3:]
        eldest = np.flatnonzero(family & (first[:-3] >> bits & 3 == 0))
        eldest = eldest[first[eldest + 3] == first[eldest] + (3 << bits)]
        level[eldest] = deepest - 1
        kept = np.ones(len(first), dtype=bool)
        kept[(eldest[:, np.newaxis] + [1, 2, 3]).ravel()] = False
        first, level = first[kept], level[kept]
    return first, level


def _links(first: Ints, level: Ints, start: int) -> tuple[Ints, Ints]:
    """Link some cells, those from `start`, to their neighbours in the region.

    A neighbour is looked for as large as the cell, or larger; where the neighbours are smaller,
    they look for the cell.
    """
    cells = slice(start, start + _CHUNK_CELLS)
    bits = 2 * (MAX_LEVEL - level[cells])
    with np.errstate(invalid="ignore"):  # some cells have no neighbour at a corner: -1
        neighbours = np.asarray(
            astropy_healpix.neighbours(first[cells] >> bits, 2 ** level[cells], order="nested")
        )
    leaf = np.where(neighbours < 0, 0, neighbours) << bits
    index = np.searchsorted(first, leaf, side="right") - 1
    covers = (index >= 0) & (neighbours >= 0)
    covers &= leaf < first[index] + leaves_of_level(level[index])
    covers &= level[index] <= level[cells]
    _, cell = np.nonzero(covers)
    return cell + start, index[covers]


def describe_lobes(
    skymap: Skymap, region: CredibleRegion, labels: LobeLabels, most: int = LISTED
) -> tuple[Lobe, ...]:
    """Describe the most probable connected parts of a region, `most` of them at most.

    Equally probable ones come in the order of their first leaves.
    """
    count = min(labels.count, most)
    listed = np.flatnonzero(labels.label < count)
    label = labels.label[listed]
    vectors = cell_vectors(region.first_leaf[listed], region.cell_level[listed])
    weight = region.probability(skymap)[listed]
    area = np.bincount(label, weights=_area_deg2(region.cell_level[listed]), minlength=count)
    mean = np.stack(
        [np.bincount(label, weights=weight * axis, minlength=count) for axis in vectors]
    )
    length = np.linalg.norm(mean, axis=0)
    vanishes = length <= 1e-9 * labels.probability[:count]
    centre = mean / np.where(vanishes, 1.0, length)
    radius = np.rad2deg(cell_radius(region.cell_level[listed]))
    beside = np.full(count, np.inf)
    np.minimum.at(beside, label, separation_deg(vectors, centre[:, label]) - radius)
    # The middle of an arc is empty sky, where nobody shall be sent.
    for lobe in np.flatnonzero(vanishes | (beside > 0)):
        cells = np.flatnonzero(label == lobe)
        densest = cells[np.argmax(skymap.probdensity[region.rows[listed[cells]]])]
        centre[:, lobe] = vectors[:, densest]
    reach = np.zeros(count)
    np.maximum.at(reach, label, separation_deg(vectors, centre[:, label]) + radius)
    ra = np.mod(np.rad2deg(np.arctan2(centre[1], centre[0])), 360.0)
    dec = np.rad2deg(np.arctan2(centre[2], np.hypot(centre[0], centre[1])))
    return tuple(
        Lobe(*map(float, values))
        for values in zip(
            labels.probability[:count],
            area,
            ra,
            dec,
            np.minimum(reach, 180.0),
            strict=True,
        )
    )


def cell_vectors(first_leaf: Ints, level: Ints) -> Floats:
    """(3, n) directions of the centres of cells."""
    ipix = first_leaf >> (2 * (MAX_LEVEL - level))
    return np.stack(astropy_healpix.healpix_to_xyz(ipix, 2**level, order="nested"))


def cell_radius(level: Ints) -> Floats:
    """(n,) angle from the centre of a cell that reaches its farthest corner, rad."""
    return _CORNER * np.sqrt(np.ldexp(SPHERE_SR / 12, -2 * level))


def _area_deg2(level: Ints) -> Floats:
    return np.rad2deg(np.rad2deg(np.ldexp(SPHERE_SR / 12, -2 * level)))


def constellations(lobes: Sequence[Lobe]) -> list[str]:
    """Name the constellation (IAU) that the centre of each lobe lies in.

    The boundaries are those of Roman 1987, PASP 99, 695, in astropy. All are looked up at once: one
    look-up costs as much as a thousand.
    """
    if not lobes:
        return []
    ra = np.array([lobe.ra_deg for lobe in lobes])
    dec = np.array([lobe.dec_deg for lobe in lobes])
    return [str(name).strip() for name in get_constellation(SkyCoord(ra, dec, unit="deg"))]
