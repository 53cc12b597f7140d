"""What changed from one sky map to another: how large, where, how far, and how much they agree."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sirenflow.products.regions import MapComparison
from sirenflow.skymap.regions.credible_region import ProbabilityCurve, Ranges
from sirenflow.skymap.skymap import Floats, Peak
from sirenflow.skymap.vectors import separation_deg, unit_vectors


@dataclass(frozen=True, eq=False)
class MeasuredMap:
    """What is kept of a map to compare others with it; a hundredth of its size.

    Attributes
    ----------
    number
        Number of the alert that it came with.
    sha256
        Of its bytes.
    peak
        Its peak.
    area_50_deg2, area_90_deg2
        Its credible areas, deg2.
    ranges_50, ranges_90
        Its credible regions.
    distance_mean_mpc, distance_std_mpc
        DISTMEAN and DISTSTD of its header, Mpc; None where it has none.
    """

    number: int
    sha256: str
    peak: Peak
    area_50_deg2: float
    area_90_deg2: float
    ranges_50: Ranges
    ranges_90: Ranges
    distance_mean_mpc: float | None
    distance_std_mpc: float | None


def compare_maps(new: MeasuredMap, curve: ProbabilityCurve, old: MeasuredMap) -> MapComparison:
    """Compare a map with an earlier one.

    Parameters
    ----------
    new, old
        The maps.
    curve
        Probability of the new one.
    """
    overlap = new.ranges_90.overlap_deg2(old.ranges_90)
    return MapComparison(
        number=old.number,
        identical=new.sha256 == old.sha256,
        peak_shift_deg=float(separation_deg(_direction(new.peak), _direction(old.peak))),
        area_50_ratio=new.area_50_deg2 / old.area_50_deg2,
        area_90_ratio=new.area_90_deg2 / old.area_90_deg2,
        overlap_90_deg2=overlap,
        overlap_90_of_new=overlap / new.ranges_90.area_deg2,
        overlap_90_of_old=overlap / old.ranges_90.area_deg2,
        probability_in_old_50=curve.probability_in(old.ranges_50),
        probability_in_old_90=curve.probability_in(old.ranges_90),
        distance_shift_sigma=_shift_sigma(new, old),
    )


def _direction(found: Peak) -> Floats:
    return unit_vectors(np.array(found.ra_deg), np.array(found.dec_deg))


def _shift_sigma(new: MeasuredMap, old: MeasuredMap) -> float | None:
    """Compare mean distances; None where one is missing, or the old spread is next to nothing."""
    mean, std = old.distance_mean_mpc, old.distance_std_mpc
    if new.distance_mean_mpc is None or mean is None or not std:
        return None
    shift = (new.distance_mean_mpc - mean) / std
    return shift if math.isfinite(shift) else None
