"""Credible areas, and the credible level of each row of a sky map."""

from collections.abc import Sequence

import numpy as np

from sirenflow.skymap.skymap import DEG2_PER_SR, SPHERE_SR, Floats, Skymap


def credible_areas(skymap: Skymap, levels: Sequence[float]) -> Floats:
    """Area of the smallest region that holds each probability.

    Rows are taken in order of descending density until the level is reached; of the row that
    crosses it, the fraction that is needed counts. This is ligo.skymap's convention (Singer et al.
    2016, ApJS 226 10, `ligo.skymap.postprocess.crossmatch`); leaving the crossing row out, or
    taking it in, are the other two conventions of the field.

    Levels (k,) are probabilities, 0 to 1. Areas (k,) are in deg2, that of the whole sky for a level
    that the map's probabilities do not reach.
    """
    area_sr = [_area_sr(skymap, level) for level in levels]
    return np.array(area_sr, dtype=np.float64) * DEG2_PER_SR


def credible_levels(skymap: Skymap) -> Floats:
    """(n,) credible level of each row: the probability of all rows that rank as high or higher."""
    levels = np.empty(len(skymap))
    levels[skymap.rank] = np.minimum(skymap.enclosed, 1.0)
    return levels


def _area_sr(skymap: Skymap, level: float) -> float:
    crossing = int(np.searchsorted(skymap.enclosed, level, side="right"))
    if crossing == len(skymap):
        return SPHERE_SR
    before = skymap.enclosed[crossing - 1] if crossing else 0.0
    within = (level - before) / (skymap.enclosed[crossing] - before)
    above, row = skymap.rank[:crossing], skymap.rank[crossing]
    return float(skymap.area_sr[above].sum() + within * skymap.area_sr[row])
