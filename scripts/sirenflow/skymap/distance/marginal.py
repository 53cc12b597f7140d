"""How far: the posterior of the luminosity distance, marginalised over the sky."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sirenflow.skymap.distance.line_of_sight import LinesOfSight
from sirenflow.skymap.distance.newton import Evaluation, solve


@dataclass(frozen=True)
class MarginalDistance:
    """Distance posterior, marginalised over the sky.

    Integrals run over the lines of sight that have a distance, and are not scaled up for those that
    have none: this is ligo.skymap's convention (`ligo.skymap.distance`). A percentile is the
    distance within which that share of the whole map's probability lies.

    Attributes
    ----------
    probability
        Share of the probability that lies on lines of sight with a distance.
    mean_mpc, std_mpc
        Moments.
    p05_mpc, p50_mpc, p95_mpc
        Percentiles; None where `probability` does not reach them.
    """

    probability: float
    mean_mpc: float
    std_mpc: float
    p05_mpc: float | None
    p50_mpc: float | None
    p95_mpc: float | None


def marginal_distance(rows: LinesOfSight) -> MarginalDistance | None:
    """Marginalise the distance over the sky; None if no line of sight has one.

    The sum over rows of probability times DISTMU is not the mean: DISTMU is a parameter.
    """
    if len(rows.mu) == 0:
        return None
    mean = float((rows.probability * rows.moments.mean).sum())
    mean_square = float((rows.probability * rows.moments.mean_square).sum())
    std = float(np.sqrt(max(mean_square - mean * mean, 0.0)))
    return MarginalDistance(
        probability=rows.total,
        mean_mpc=mean,
        std_mpc=std,
        p05_mpc=_percentile(rows, 0.05, guess=max(mean - 1.6 * std, 0.1 * mean)),
        p50_mpc=_percentile(rows, 0.50, guess=mean),
        p95_mpc=_percentile(rows, 0.95, guess=mean + 1.6 * std),
    )


def _percentile(rows: LinesOfSight, q: float, guess: float) -> float | None:
    if q >= rows.total:
        return None
    for sample in (rows.sample, rows):
        wanted = q * sample.total / rows.total

        def evaluate(r: float, sample: LinesOfSight = sample, wanted: float = wanted) -> Evaluation:
            below, density, derivative = sample.marginal(r)
            curvature = -derivative / (2 * density) if density > 0 else 0.0
            scale = min(sample.width, 0.5 / abs(curvature) if curvature else np.inf)
            return Evaluation(wanted - below, density, r, 1.0, curvature, scale)

        guess, percentile = solve(evaluate, guess, 0.0, np.inf)
    return percentile
