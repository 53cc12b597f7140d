"""Compare two sky maps: areas, peaks, distances, and overlap."""

import math
from dataclasses import dataclass

import numpy as np
from mocpy import MOC

from sirenflow.products.regions import MapComparison
from sirenflow.skymap.skymap import DEG2_PER_SR, SPHERE_SR, Floats, Peak, Skymap, leaves_of_level
from sirenflow.skymap.vectors import separation_deg, unit_vectors


@dataclass(frozen=True, eq=False)
class MeasuredMap:
    """What is kept of a map to compare others with it; a hundredth of its size.

    `number` is that of its alert, `sha256` that of its file; the distances are DISTMEAN and DISTSTD
    of its header, None where it has none.
    """

    number: int
    sha256: str
    peak: Peak
    area_50_deg2: float
    area_90_deg2: float
    moc_50: MOC
    moc_90: MOC
    distance_mean_mpc: float | None
    distance_std_mpc: float | None


def compare_maps(new: MeasuredMap, skymap: Skymap, old: MeasuredMap) -> MapComparison:
    """Compare a map with an earlier one; `skymap` is the new one."""
    overlap = _area_deg2(new.moc_90.intersection(old.moc_90))
    return MapComparison(
        number=old.number,
        identical=new.sha256 == old.sha256,
        peak_shift_deg=float(separation_deg(_direction(new.peak), _direction(old.peak))),
        area_50_ratio=new.area_50_deg2 / old.area_50_deg2,
        area_90_ratio=new.area_90_deg2 / old.area_90_deg2,
        overlap_90_deg2=overlap,
        overlap_90_of_new=overlap / _area_deg2(new.moc_90),
        overlap_90_of_old=overlap / _area_deg2(old.moc_90),
        probability_in_old_50=probability_in(old.moc_50, skymap),
        probability_in_old_90=probability_in(old.moc_90, skymap),
        distance_shift_sigma=_shift_sigma(new, old),
    )


def _area_deg2(moc: MOC) -> float:
    return float(moc.sky_fraction) * SPHERE_SR * DEG2_PER_SR


def probability_in(moc: MOC, skymap: Skymap) -> float:
    """Sum the probability of a part of the sky; within a row it is spread evenly.

    `MOC.sum_in_multiordermap` gives the same in 2.4 times the time (`benchmarks/libraries.py`).
    """
    rows = skymap.along_curve
    first, probability = skymap.first_leaf[rows], skymap.probability[rows]
    leaves = moc.to_depth29_ranges.astype(np.int64)
    at = np.searchsorted(first, leaves, side="right") - 1
    # Leaves are counted from the first of their row: their numbers do not fit a float.
    beyond = 1 - (leaves - first[at]) / leaves_of_level(skymap.level[rows[at]])
    before = np.cumsum(probability)[at] - beyond * probability[at]
    return min(float(np.diff(before).sum()), 1.0)


def _direction(found: Peak) -> Floats:
    return unit_vectors(np.array(found.ra_deg), np.array(found.dec_deg))


def _shift_sigma(new: MeasuredMap, old: MeasuredMap) -> float | None:
    """Compare mean distances; None where one is missing, or the old spread is next to nothing."""
    mean, std = old.distance_mean_mpc, old.distance_std_mpc
    if new.distance_mean_mpc is None or mean is None or not std:
        return None
    shift = (new.distance_mean_mpc - mean) / std
    return shift if math.isfinite(shift) else None
