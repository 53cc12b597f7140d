"""How much space: credible volumes.

Distances are luminosity distances and volumes Euclidean in them, as is ligo.skymap's default; the
comoving volume is smaller.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sirenflow.root import Trial, solve
from sirenflow.sightlines import SQRT_2PI, LinesOfSight, signed_phi


def credible_volumes(rows: LinesOfSight, levels: Sequence[float]) -> list[float | None]:
    """Volume of the smallest region of space that holds each probability.

    On each line of sight the probability per volume is K exp(-(r - mu)^2 / (2 sigma^2)), so the
    region where it exceeds a threshold t is an interval of r, whose volume and probability are
    closed forms. The threshold is found by Newton's method in log t, as dP = t dV.

    Parameters
    ----------
    rows
        The lines of sight that have a distance.
    levels : (k,)
        Probabilities, 0 to 1; of the whole map, not of the rows that have a distance.

    Returns
    -------
    (k,) list
        Mpc3, Euclidean in luminosity distance; None for a level that the rows' probability does not
        reach: no finite volume holds it.
    """
    return [_credible_volume(rows, q) if q < rows.total else None for q in levels]


def _credible_volume(rows: LinesOfSight, q: float) -> float:
    guess = None
    for sample in rows.samples:
        wanted = q * sample.total / rows.total
        shallowest = -float(sample.log_peak_density.max())
        if guess is None:
            guess = _depth_reached(sample, wanted) + 1.0

        def evaluate(depth: float, sample: LinesOfSight = sample, wanted: float = wanted) -> Trial:
            return _down_to_depth(sample, depth, wanted)

        guess, volume = solve(evaluate, max(guess, shallowest + 1e-6), shallowest, np.inf)
    return volume


def _depth_reached(rows: LinesOfSight, wanted: float) -> float:
    """Depth at which the lines of sight with the densest peaks hold a probability."""
    order = np.argsort(-rows.log_peak_density)
    row = np.searchsorted(np.cumsum(rows.probability[order]), wanted)
    return -float(rows.log_peak_density[order[min(int(row), len(order) - 1)]])


def _down_to_depth(rows: LinesOfSight, depth: float, wanted: float) -> Trial:
    """Volume and probability where the density exceeds exp(-depth) per Mpc3."""
    dense = np.flatnonzero(rows.log_peak_density > -depth)
    mu, sigma, area_sr = rows.mu[dense], rows.sigma[dense], rows.area_sr[dense]
    # Of the interval of r, in sigma to either side of mu; it may begin, or end, before r = 0.
    reach = np.sqrt(2 * (rows.log_peak_density[dense] + depth))
    far = mu + sigma * reach
    near = np.maximum(mu - sigma * reach, 0.0)
    exists = far > 0
    # The antiderivative of p(r) / N at both ends; where the nearer one is not 0, mu is positive.
    norm, square = rows.moments.norm[dense], rows.square[dense]
    phi = signed_phi(reach, mu)
    gauss = np.exp(-0.5 * reach * reach) * sigma / SQRT_2PI
    at_far = square * phi - gauss * (far + mu)
    at_near = np.where(
        near > 0, square * (1 - phi) - gauss * (near + mu), rows.at_zero[dense] * norm
    )
    within = rows.probability[dense] * exists * (at_far - at_near) / norm
    volumes = area_sr * exists * (far * far * far - near * near * near)
    surfaces = area_sr * exists * sigma / reach * (far * far + near * near)
    probability, volume, growth = (
        float(within.sum()),
        float(volumes.sum()) / 3,
        float(surfaces.sum()),
    )
    # dP = exp(-depth) dV: so the derivative of V with respect to P grows as exp(depth).
    slope = float(np.exp(-depth)) * growth
    # Near the densest point, volume and probability both grow as the power 3/2 of the way from it.
    scale = min(1.0, depth + float(rows.log_peak_density.max()))
    return Trial(wanted - probability, slope, volume, growth, 0.5, scale)
