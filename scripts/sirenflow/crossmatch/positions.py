"""Where positions lie in a sky map: credible level and density, on the sky and in space.

The credible level of a position is the probability of all rows that rank as high as the row under
it or higher, that row included: ligo.skymap's `searched_prob`. In space it is the probability of
all points that are denser, and the density is the probability per Euclidean volume in luminosity
distance (`searched_prob_vol` and `probdensity_vol`, on a grid there, in closed form here).
"""

from dataclasses import dataclass

import numpy as np

from sirenflow.skymap.credible_area import credible_levels
from sirenflow.skymap.distance.line_of_sight import SQRT_2PI, lines_of_sight, usable_moments
from sirenflow.skymap.distance.volume import probability_denser
from sirenflow.skymap.healpix import leaves_at
from sirenflow.skymap.skymap import DEG2_PER_SR, Floats, Ints, Skymap
from sirenflow.skymap.vectors import unit_vectors

NEARBY_LEVEL = 0.999
"""Credible level on the sky up to which the one in space, which costs more, is computed."""
_CHUNK_ROWS = 65_536


@dataclass(frozen=True, eq=False)
class CrossmatchResult:
    """Where each position lies in a map.

    Attributes
    ----------
    level : (n,) float64
        Credible level on the sky, 0 to 1.
    probability_per_deg2 : (n,) float64
        Probability density on the sky, 1/deg2.
    level_3d : (n,) float64
        Credible level in space, 0 to 1; NaN where position or line of sight has no distance, and
        for positions beyond `NEARBY_LEVEL` on the sky.
    probability_per_mpc3 : (n,) float64
        Probability density in space, 1/Mpc3; NaN where position or line of sight has no distance.
    """

    level: Floats
    probability_per_deg2: Floats
    level_3d: Floats
    probability_per_mpc3: Floats


def leaves(ra_deg: Floats, dec_deg: Floats) -> Ints:
    """Return the number of the cell of level 29 under each position: (n,) int64, nested.

    Parameters
    ----------
    ra_deg, dec_deg : (n,)
        ICRS, deg; any right ascension, declinations of -90 to 90.
    """
    return leaves_at(unit_vectors(np.mod(ra_deg, 360.0), np.asarray(dec_deg)))


def rows_under(skymap: Skymap, leaf: Ints) -> Ints:
    """Find the row that each cell of level 29 lies in: (n,) int64."""
    order = np.argsort(skymap.first_leaf, kind="stable")  # as sent, rows are in a few runs already
    return order[np.searchsorted(skymap.first_leaf[order], leaf, side="right") - 1]


def log_density(skymap: Skymap, rows: Ints, distance_mpc: Floats) -> Floats:
    """Find the probability per volume at a distance on each of some rows.

    Parameters
    ----------
    distance_mpc : (n,)
        Luminosity distances; NaN where unknown.

    Returns
    -------
    (n,) float64
        Log 1/Mpc3; NaN where the map has no distance, or none on that row, or none is given; minus
        infinity where the probability is 0.
    """
    density = np.full(len(rows), np.nan)
    if skymap.distmu is None or skymap.distsigma is None or skymap.distnorm is None:
        return density
    for start in range(0, len(rows), _CHUNK_ROWS):
        chunk = slice(start, start + _CHUNK_ROWS)
        density[chunk] = _log_density(
            skymap.probdensity[rows[chunk]],
            skymap.distmu[rows[chunk]],
            skymap.distsigma[rows[chunk]],
            skymap.distnorm[rows[chunk]],
            distance_mpc[chunk],
        )
    return density


def _log_density(
    probdensity: Floats, mu: Floats, sigma: Floats, norm: Floats, distance_mpc: Floats
) -> Floats:
    """As `log_density`, of rows by their columns; all (n,)."""
    density = np.full(len(mu), np.nan)
    usable, moments = usable_moments(mu, sigma, norm)
    mu, sigma = mu[usable], sigma[usable]
    with np.errstate(all="ignore"):  # a row may have no probability
        z = (distance_mpc[usable] - mu) / sigma
        peak = np.log(probdensity[usable] / (SQRT_2PI * sigma * moments.norm))
        density[usable] = np.where(np.isfinite(z), peak - 0.5 * z * z, np.nan)
    return density


def crossmatch(
    skymap: Skymap, ra_deg: Floats, dec_deg: Floats, distance_mpc: Floats
) -> CrossmatchResult:
    """Find where positions lie in a map.

    Parameters
    ----------
    ra_deg, dec_deg : (n,)
        ICRS, deg; any right ascension, declinations of -90 to 90.
    distance_mpc : (n,)
        Luminosity distances; NaN where unknown.
    """
    rows = rows_under(skymap, leaves(ra_deg, dec_deg))
    density = log_density(skymap, rows, distance_mpc)
    level = credible_levels(skymap)[rows]
    level_3d = np.full(len(rows), np.nan)
    known = np.flatnonzero(~np.isnan(density) & (level <= NEARBY_LEVEL))
    if len(known):
        level_3d[known] = probability_denser(lines_of_sight(skymap), density[known])
    return CrossmatchResult(
        level=level,
        probability_per_deg2=skymap.probdensity[rows] / DEG2_PER_SR,
        level_3d=level_3d,
        probability_per_mpc3=np.exp(density),
    )
