"""Credible volumes, their density thresholds, and the probability of denser space.

Distances are luminosity distances and volumes Euclidean in them, as is ligo.skymap's default; the
comoving volume is smaller.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np

from sirenflow.skymap.distance.cumulative import (
    CumulativePoint,
    find_quantile,
    interpolate_monotone,
)
from sirenflow.skymap.distance.line_of_sight import LinesOfSight, normal_tail
from sirenflow.skymap.skymap import Floats

_LEVEL_TOLERANCE = 1e-6
_MOST_STEPS = 60
_CURVE_TOLERANCE = 1e-5
_MOST_DIRECT = 20_000_000
"""Rows times thresholds, about 2 s of work, up to which each threshold is evaluated by itself."""


def credible_volumes(rows: LinesOfSight, levels: Sequence[float]) -> list[float | None]:
    """Volume of the smallest region of space that holds each probability.

    On each line of sight the probability per volume is K exp(-(r - mu)^2 / (2 sigma^2)), so the
    region where it exceeds a threshold t is an interval of r, whose volume and probability are
    closed forms. The threshold is found by Newton's method in log t, as dP = t dV.

    Levels (k,) are probabilities of the whole map, not of the rows. The volumes are in Mpc3,
    Euclidean in luminosity distance; None for a level that the probability of the rows does not
    reach: no finite volume holds it.
    """
    return [_depth_and_volume(rows, q)[1] if q < rows.total else None for q in levels]


def threshold_log_density(rows: LinesOfSight, level: float) -> float | None:
    """Find the log density (log 1/Mpc3) above which space holds a probability of the whole map.

    None where the probability of the rows does not reach the level.
    """
    if level >= rows.total:
        return None
    # The depth at which the volume is known to 1e-5 may itself be known less well.
    depth, _ = _depth_and_volume(rows, level)
    low, high = -rows.log_densest, np.inf
    for _ in range(_MOST_STEPS):
        evaluation = _down_to_depth(rows, level, depth)
        if abs(evaluation.deficit) < _LEVEL_TOLERANCE:
            break
        low, high = (depth, high) if evaluation.deficit > 0 else (low, depth)
        following = depth + evaluation.step
        middle = (low + high) / 2 if high < np.inf else depth + 1.0
        depth = following if low < following < high else middle
    return -depth


def probability_denser(rows: LinesOfSight, log_density: Floats) -> Floats:
    """(k,) credible levels in space: the probability denser than thresholds (k,), log 1/Mpc3.

    Of many thresholds on many rows, few are evaluated, and those between interpolated: right to
    about 1e-5, as the probability of many rows rises smoothly with the depth.
    """

    def evaluate(at: float) -> float:
        return -_down_to_depth(rows, 0.0, at).deficit

    depth, places = np.unique(-log_density, return_inverse=True)
    found = np.full(len(depth), rows.total)
    if len(rows.mu):
        densest = rows.log_densest
        found[depth <= -densest] = 0.0
        within = np.flatnonzero((depth > -densest) & (depth < np.inf))
        if len(within) * len(rows.mu) <= _MOST_DIRECT:
            found[within] = [evaluate(at) for at in depth[within].tolist()]
        else:
            found[within] = interpolate_monotone(
                evaluate, depth[within], -densest, _CURVE_TOLERANCE
            )
    return np.asarray(np.clip(found, 0.0, 1.0)[places], dtype=np.float64)


def _depth_and_volume(rows: LinesOfSight, q: float) -> tuple[float, float]:
    """Find the depth down to which space holds a probability, and the volume of that space."""
    depth = _depth_of_peaks(rows.sample, q * rows.sample.total / rows.total) + 1.0
    volume = 0.0
    for sample in (rows.sample, rows):
        evaluate = partial(_down_to_depth, sample, q * sample.total / rows.total)
        shallowest = -sample.log_densest
        start = max(depth, shallowest + 1e-6)
        depth, volume = find_quantile(evaluate, start, shallowest, np.inf)
    return depth, volume


def _depth_of_peaks(rows: LinesOfSight, wanted: float) -> float:
    """Find the depth at which the lines of sight with the densest peaks hold a probability."""
    order = np.argsort(-rows.log_peak_density)
    row = np.searchsorted(np.cumsum(rows.probability[order]), wanted)
    return -float(rows.log_peak_density[order[min(int(row), len(order) - 1)]])


def _down_to_depth(rows: LinesOfSight, wanted: float, depth: float) -> CumulativePoint:
    """Find probability and volume where the density exceeds exp(-depth) per Mpc3."""
    probability, volume, growth = np.sum(
        [_chunk_down_to_depth(chunk, depth) for chunk in rows.chunks], axis=0
    ).tolist()
    # dP = exp(-depth) dV: so the derivative of V with respect to P grows as exp(depth).
    slope = float(np.exp(-depth)) * growth
    # Near the densest point, volume and probability both grow as the power 3/2 of the way from it.
    scale = min(1.0, depth + rows.log_densest)
    return CumulativePoint(wanted - probability, slope, volume, growth, 0.5, scale)


def _chunk_down_to_depth(rows: LinesOfSight, depth: float) -> tuple[float, float, float]:
    """Return probability and volume down to a depth, and the derivative of the volume."""
    dense = np.flatnonzero(rows.log_peak_density > -depth)
    probability, area_sr = rows.probability[dense], rows.area_sr[dense]
    mu, sigma = rows.mu[dense], rows.sigma[dense]
    # Half of the interval of r, in sigma; an end of the interval may be below r = 0.
    height = rows.log_peak_density[dense] + depth
    reach = np.sqrt(2 * height)
    far = mu + sigma * reach
    near = mu - sigma * reach
    # For an end below r = 0 the formula exceeds the probability of the row.
    gauss = np.exp(-height)
    tail = rows.tail_weight[dense]
    beyond_reach = tail * normal_tail(reach, gauss)
    gauss *= rows.gauss_weight[dense]
    beyond_far = np.minimum(beyond_reach + gauss * (far + mu), probability)
    beyond_near = np.minimum(tail - beyond_reach + gauss * (near + mu), probability)
    within = float((beyond_near - beyond_far).sum())
    far, near = np.maximum(far, 0.0), np.maximum(near, 0.0)
    far_square, near_square = far * far, near * near
    volume = float(area_sr @ (far_square * far - near_square * near)) / 3
    growth = float((area_sr * sigma / reach) @ (far_square + near_square))
    return within, volume, growth
