"""Which galaxies of a catalogue a sky map makes probable hosts, ranked in three dimensions.

A galaxy is compatible if it lies in the 90 % credible volume: the smallest region of space that
holds 90 % of the probability. Its score is the probability per volume at its place, times its
weight, over the sum of that of all compatible galaxies. It is the probability to be the host only
if the catalogue is complete and the host as likely as the weights say.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sirenflow.crossmatch.positions import log_density
from sirenflow.skymap.credible_area import credible_levels
from sirenflow.skymap.distance.line_of_sight import LinesOfSight, lines_of_sight
from sirenflow.skymap.distance.volume import probability_denser, threshold_log_density
from sirenflow.skymap.skymap import MAX_LEVEL, Floats, Ints, Skymap

COMPATIBLE_LEVEL = 0.9
"""Credible level in space within which a galaxy is compatible."""
_BLOCK = 1_000_000
_FIELDS = ("leaf", "ra_deg", "dec_deg", "distance_mpc", "weight", "name")


def catalogue_dtype(name_bytes: int) -> np.dtype[Any]:
    """Return the type of a catalogue's rows: plain numbers, and the name in UTF-8."""
    floats = [(name, "<f8") for name in ("ra_deg", "dec_deg", "distance_mpc", "weight")]
    return np.dtype([("leaf", "<i8"), *floats, ("name", f"S{max(name_bytes, 1)}")])


def is_catalogue(rows: NDArray[Any]) -> bool:
    """Return whether an array is a catalogue: the fields of `catalogue_dtype`, in one dimension."""
    return rows.ndim == 1 and rows.dtype.names == _FIELDS


@dataclass(frozen=True, eq=False)
class RankedGalaxies:
    """The compatible galaxies with the highest scores, the highest first.

    Attributes
    ----------
    index : (k,) int64
        Row of each listed galaxy in the catalogue.
    score, cumulative_score : (k,) float64
        Share of all compatible galaxies, and sum of it down to this one.
    level, level_3d : (k,) float64
        Credible levels on the sky and in space.
    probability_per_mpc3 : (k,) float64
        Probability density in space, 1/Mpc3.
    """

    compatible: int
    index: Ints
    score: Floats
    cumulative_score: Floats
    level: Floats
    level_3d: Floats
    probability_per_mpc3: Floats


def rank_galaxies(
    skymap: Skymap, catalogue: NDArray[Any], max_listed: int
) -> RankedGalaxies | None:
    """Rank the galaxies of a catalogue by a map.

    Return None where no finite volume holds the probability, as too little of it has a distance.

    Parameters
    ----------
    catalogue : (n,)
        Rows of `catalogue_dtype` in the order of `leaf`; may be memory-mapped: only those on lines
        of sight that reach into the credible volume are looked at.
    """
    lines = lines_of_sight(skymap)
    threshold = threshold_log_density(lines, COMPATIBLE_LEVEL) if len(lines.mu) else None
    if threshold is None:
        return None
    found: list[tuple[Ints, Ints, Floats]] = []
    for index, rows in _galaxies_on(skymap, _rows_reaching(skymap, threshold), catalogue):
        density = log_density(skymap, rows, catalogue["distance_mpc"][index])
        dense = np.flatnonzero(density >= threshold)
        found.append((index[dense], rows[dense], density[dense]))
    if not found:
        found = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))]
    index, rows, density = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return _rank(skymap, lines, catalogue, max_listed, index, rows, density)


def _rank(
    skymap: Skymap,
    lines: LinesOfSight,
    catalogue: NDArray[Any],
    max_listed: int,
    index: Ints,
    rows: Ints,
    density: Floats,
) -> RankedGalaxies:
    """Order compatible galaxies by score; equal ones by density, then as in the catalogue."""
    scores = np.exp(density) * catalogue["weight"][index]
    total = float(scores.sum())
    order = np.lexsort((index, -density, -scores))[:max_listed]
    share = scores[order] / total if total > 0 else np.zeros(len(order))
    return RankedGalaxies(
        compatible=len(index),
        index=index[order],
        score=share,
        cumulative_score=np.cumsum(share),
        level=credible_levels(skymap)[rows[order]],
        level_3d=probability_denser(lines, density[order]),
        probability_per_mpc3=np.exp(density[order]),
    )


def _rows_reaching(skymap: Skymap, threshold: float) -> Ints:
    """Find the rows whose line of sight is somewhere as dense as the threshold: at mu, if at all.

    Where mu is negative the density falls from r = 0 on, so that mu only makes it too great.
    """
    rows = np.flatnonzero(skymap.probdensity > 0)
    if skymap.distmu is None:
        return rows[:0]
    return rows[log_density(skymap, rows, skymap.distmu[rows]) >= threshold]


def _galaxies_on(
    skymap: Skymap, rows: Ints, catalogue: NDArray[Any]
) -> Iterator[tuple[Ints, Ints]]:
    """Return the galaxies on some rows, about a million at a time, and the row of each."""
    for at in range(0, len(rows), _BLOCK):
        yield from _galaxies_on_few(skymap, rows[at : at + _BLOCK], catalogue)


def _galaxies_on_few(
    skymap: Skymap, rows: Ints, catalogue: NDArray[Any]
) -> Iterator[tuple[Ints, Ints]]:
    first = skymap.first_leaf[rows]
    width = np.int64(1) << (2 * (MAX_LEVEL - skymap.level[rows]))
    begin, end = find_leaves(catalogue, first), find_leaves(catalogue, first + width)
    counts = end - begin
    begin, counts, rows = begin[counts > 0], counts[counts > 0], rows[counts > 0]
    blocks = (np.cumsum(counts) - counts) // _BLOCK
    for block in np.unique(blocks):
        chosen = blocks == block
        starts, sizes = begin[chosen], counts[chosen]
        offsets = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        yield np.repeat(starts, sizes) + offsets, np.repeat(rows[chosen], sizes)


def find_leaves(catalogue: NDArray[Any], leaf: Ints) -> Ints:
    """Find the first galaxy at or after each leaf, in the order of the catalogue.

    As numpy.searchsorted, which would read the whole of a file that is mapped to memory.
    """
    leaves = catalogue["leaf"]
    low, high = np.zeros(len(leaf), np.int64), np.full(len(leaf), len(leaves), np.int64)
    while np.any(low < high):
        open_ = np.flatnonzero(low < high)
        middle = (low[open_] + high[open_]) // 2
        before = leaves[middle] < leaf[open_]
        low[open_[before]] = middle[before] + 1
        high[open_[~before]] = middle[~before]
    return low
