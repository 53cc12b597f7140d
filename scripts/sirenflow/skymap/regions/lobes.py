"""The disjoint parts of a credible region: how probable, how large, and where.

Two cells are of one part if they share a side or a corner. The parts are found on the cells as they
are, of any levels, in a time that grows with their number: a map may fall into 100,000 specks.
"""

from dataclasses import dataclass

import astropy_healpix
import numpy as np

from sirenflow.products.regions import Lobe
from sirenflow.skymap.regions.credible_region import LEAVES, CredibleRegion
from sirenflow.skymap.skymap import (
    DEG2_PER_SR,
    MAX_LEVEL,
    SPHERE_SR,
    Floats,
    Ints,
    Skymap,
    leaves_of_level,
)
from sirenflow.skymap.vectors import lonlat_deg

LISTED = 20
"""Lobes that are described, at most."""
# Angle from the centre of a cell to its farthest corner, at most, in sides of a square of its area:
# 1.045 at deep levels, in the long cells where a polar cap begins.
_CORNER = 1.05
_RADIUS = _CORNER * np.sqrt(SPHERE_SR / 12) * np.ldexp(1.0, -np.arange(MAX_LEVEL + 1))
_CHUNK_CELLS = 65_536


@dataclass(frozen=True, eq=False)
class LobeLabels:
    """The number of connected parts of a region, and which part each cell belongs to.

    `label` (n,) is 0 for cells of the most probable part; `probability` (count,) is that of each
    part, descending.
    """

    count: int
    label: Ints
    probability: Floats


def label_lobes(skymap: Skymap, region: CredibleRegion) -> LobeLabels:
    """Find the connected parts of a map's credible region."""
    level, ipix = astropy_healpix.uniq_to_level_ipix(region.moc.uniq_hpx.astype(np.int64))
    level = level.astype(np.int64)
    first = ipix << (2 * (MAX_LEVEL - level))
    order = np.argsort(first)
    first, level = first[order], level[order]
    links = [_links(first, level, start) for start in range(0, len(first), _CHUNK_CELLS)]
    one, other = (np.concatenate(side) for side in zip(*links, strict=True))
    found, begins = connected_parts(one, other, len(first))
    count = len(begins)
    ends = np.searchsorted(region.first_leaf, np.append(first[1:], LEAVES))
    label = np.repeat(found, np.diff(ends, prepend=0))
    weights = region.probability(skymap)
    probability: Floats = np.bincount(label, weights=weights, minlength=count).astype(np.float64)
    ranking = np.lexsort((begins, -probability))
    place = np.empty(count, dtype=np.int64)
    place[ranking] = np.arange(count)
    return LobeLabels(count, place[label], probability[ranking])


def connected_parts(one: Ints, other: Ints, count: int) -> tuple[Ints, Ints]:
    """Find the connected components of a graph.

    Every node points to a node of its component that is not greater, at first to itself. Each round
    lowers the greater end of every link, follows the pointers to their ends, and drops the links
    whose ends have met. As fast as scipy's function, which would be all that needs scipy.

    `one` and `other` (links,) are the ends of each link, `count` is the number of nodes. Return the
    component of each node (count,), numbered by first node, and the first nodes (components,).
    """
    root = np.arange(count)
    while len(one):
        np.minimum.at(root, np.maximum(one, other), np.minimum(one, other))
        while not np.array_equal(above := root[root], root):
            root = above
        one, other = root[one], root[other]
        apart = one != other
        one, other = one[apart], other[apart]
    is_first = root == np.arange(count)
    return (np.cumsum(is_first) - 1)[root], np.flatnonzero(is_first)


def _links(first: Ints, level: Ints, start: int) -> tuple[Ints, Ints]:
    """Link a chunk of cells, those from `start`, to equal or larger neighbours in the region.

    Smaller neighbours find the cell in turn.
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
    # Of most maps all lobes are described: nothing is picked then.
    listed = slice(None) if count == labels.count else np.flatnonzero(labels.label < count)
    label = labels.label[listed]
    vectors = region.directions[:, listed]
    weight = region.probability(skymap)[listed]
    area = np.bincount(label, weights=region.area_sr[listed], minlength=count) * DEG2_PER_SR
    mean = np.stack(
        [np.bincount(label, weights=weight * axis, minlength=count) for axis in vectors]
    )
    length = np.linalg.norm(mean, axis=0)
    vanishes = length <= 1e-9 * labels.probability[:count]
    centre = mean / np.where(vanishes, 1.0, length)
    radius = cell_radius(region.cell_level[listed])
    chunks = [slice(at, at + _CHUNK_CELLS) for at in range(0, len(label), _CHUNK_CELLS)]
    away = np.concatenate([_angle(vectors[:, some], centre[:, label[some]]) for some in chunks])
    beside = np.full(count, np.inf)
    np.minimum.at(beside, label, away - radius)
    # The middle of an arc is outside of the region: its densest cell is the centre instead.
    for lobe in np.flatnonzero(vanishes | (beside > 0)):
        cells = np.flatnonzero(label == lobe)
        densest = cells[np.argmax(skymap.probdensity[region.rows[listed][cells]])]
        centre[:, lobe] = vectors[:, densest]
        away[cells] = _angle(vectors[:, cells], centre[:, [lobe]])
    reach = np.zeros(count)
    np.maximum.at(reach, label, away + radius)
    return tuple(
        Lobe(*map(float, values))
        for values in zip(
            labels.probability[:count],
            area,
            *lonlat_deg(centre),
            np.minimum(np.rad2deg(reach), 180.0),
            strict=True,
        )
    )


def cell_radius(level: Ints) -> Floats:
    """(n,) angle from the centre of a cell to its farthest corner, at most, rad."""
    radius: Floats = _RADIUS[level]
    return radius


def _angle(one: Floats, other: Floats) -> Floats:
    """(n,) angle between unit vectors (3, n), rad; right to 1e-8 where they are opposite."""
    apart = one - other
    apart *= apart
    angle: Floats = 2 * np.arcsin(np.minimum(np.sqrt(apart[0] + apart[1] + apart[2]) / 2, 1.0))
    return angle
