"""Results of measurements on sky maps that pages and products show; nothing here needs numpy."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Lobe:
    """A connected part of a credible region.

    Attributes
    ----------
    probability
        Of the part, 0 to 1.
    area_deg2
        Its area, deg2.
    ra_deg, dec_deg
        A place in it (ICRS), deg: the mean of directions, weighted with probability; where that
        lies beside the part, as that of an arc does, the middle of its densest cell.
    radius_deg
        Angle from the centre within which all of the part lies, deg; close to the least such.
    """

    probability: float
    area_deg2: float
    ra_deg: float
    dec_deg: float
    radius_deg: float


@dataclass(frozen=True)
class MapComparison:
    """A map against an earlier one.

    Attributes
    ----------
    number
        Number of the alert of the earlier map.
    identical
        Whether both are the same bytes.
    peak_shift_deg
        Angle between the centres of the most probable cells, deg.
    area_50_ratio, area_90_ratio
        Credible areas, new to old.
    overlap_90_deg2
        Area that is in both 90 % regions, deg2.
    overlap_90_of_new, overlap_90_of_old
        That area's share of the new and of the old 90 % region.
    probability_in_old_50, probability_in_old_90
        What the new map says of the old regions: were the old map right, 0.5 and 0.9 on average.
    distance_shift_sigma
        New mean distance less old, in units of the old standard deviation.
    """

    number: int
    identical: bool
    peak_shift_deg: float
    area_50_ratio: float
    area_90_ratio: float
    overlap_90_deg2: float
    overlap_90_of_new: float
    overlap_90_of_old: float
    probability_in_old_50: float
    probability_in_old_90: float
    distance_shift_sigma: float | None
