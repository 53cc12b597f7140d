"""How far: the marginal distance posterior, and credible volumes.

Along each line of sight the distance r has the density (Singer et al. 2016, ApJL 829 L15, eq. 1)

    p(r) = N / (sqrt(2 pi) sigma) exp(-(r - mu)^2 / (2 sigma^2)) r^2,    r > 0,

with mu, sigma and N in the columns DISTMU, DISTSIGMA and DISTNORM. Every integral needed here is
closed: with z = (r - mu) / sigma, the antiderivative of p(r) / N is

    (mu^2 + sigma^2) Phi(z) - sigma phi(z) (r + mu),

where Phi and phi are the normal distribution and density. Real maps hold rows down to
mu / sigma = -18, on which Phi(z) is 1 to all digits and nothing would remain of a difference of two
such values. Where mu is negative, -Phi(-z) stands in place of Phi(z): it differs by a constant, and
keeps its digits.

Distances are luminosity distances, and volumes Euclidean in them, as is ligo.skymap's default; the
comoving volume is smaller.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.polynomial.laguerre import laggauss
from scipy.special import ndtr

from sirenflow.skymap import Floats, Ints, Skymap

NEGLIGIBLE = 1e-10
"""Probability that may be left out of integrals over distance, in the least dense rows."""

_SQRT_2PI = float(np.sqrt(2 * np.pi))
# Below this mu / sigma the moments' recurrence loses its digits and quadrature takes over.
_STEEP = -4.0
_LAGUERRE_NODES, _LAGUERRE_WEIGHTS = laggauss(24)
# Residual probability at which a last Newton step leaves a relative error of about 1e-5.
_CLOSE = 5e-4
_MOST_STEPS = 100


@dataclass(frozen=True, eq=False)
class LinesOfSight:
    """Rows of a map that have a distance, most dense first.

    Attributes
    ----------
    probability, area_sr, probdensity : (n,) float64
        Of each row; 1, sr, 1/sr.
    mu, sigma, norm : (n,) float64
        Parameters of the distance ansatz; Mpc, Mpc, 1/Mpc2.
    """

    probability: Floats
    area_sr: Floats
    probdensity: Floats
    mu: Floats
    sigma: Floats
    norm: Floats

    def take(self, rows: slice | Ints) -> LinesOfSight:
        """Take some of the rows."""
        return LinesOfSight(
            self.probability[rows],
            self.area_sr[rows],
            self.probdensity[rows],
            self.mu[rows],
            self.sigma[rows],
            self.norm[rows],
        )

    def antiderivative(self, r: Floats | float) -> Floats:
        """(n,) antiderivative of the distance's density at r; differences are probabilities."""
        mu, sigma = self.mu, self.sigma
        z = (r - mu) / sigma
        gauss = np.exp(-0.5 * z * z) * (sigma / _SQRT_2PI)
        sign = np.copysign(1.0, mu)
        # sign * Phi(sign * z): the antiderivative that keeps its digits, see above.
        return self.norm * ((mu * mu + sigma * sigma) * sign * ndtr(sign * z) - gauss * (r + mu))

    @cached_property
    def antiderivative_at_zero(self) -> Floats:
        """(n,) the same at r = 0: one less than at infinity, as DISTNORM normalises the density."""
        at_infinity = np.where(self.mu < 0, 0.0, self.mu * self.mu + self.sigma * self.sigma)
        return self.norm * at_infinity - 1.0

    def cumulative(self, r: float) -> float:
        """Probability, summed over all rows, that the distance is below r."""
        inside = self.antiderivative(r) - self.antiderivative_at_zero
        return float((self.probability * inside).sum())

    def density(self, r: float) -> float:
        """Probability density, summed over all rows, of the distance at r, 1/Mpc."""
        z = (r - self.mu) / self.sigma
        gauss = np.exp(-0.5 * z * z) * self.norm / self.sigma
        return float((self.probability * gauss).sum()) * r * r / _SQRT_2PI

    @cached_property
    def total(self) -> float:
        """Probability of all rows."""
        return float(self.probability.sum())

    @cached_property
    def samples(self) -> tuple[LinesOfSight, ...]:
        """Every 16th row, every 4th, and all: solutions on fewer rows start those on more."""
        return self.take(slice(None, None, 16)), self.take(slice(None, None, 4)), self

    @cached_property
    def log_peak_density(self) -> Floats:
        """(n,) log of the probability per volume at r = mu, log 1/Mpc3."""
        return np.log(self.probdensity) + np.log(self.norm / (_SQRT_2PI * self.sigma))


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


def lines_of_sight(skymap: Skymap) -> LinesOfSight:
    """Take the rows that have a distance, without the least dense that hold `NEGLIGIBLE` together.

    Raises
    ------
    ValueError
        If the map has no distance columns.
    """
    if skymap.distmu is None or skymap.distsigma is None or skymap.distnorm is None:
        raise ValueError("the sky map has no distance columns")
    order = skymap.rank
    remaining = np.cumsum(skymap.probability[order][::-1])[::-1]
    order = order[remaining > NEGLIGIBLE]
    mu, sigma, norm = (c[order] for c in (skymap.distmu, skymap.distsigma, skymap.distnorm))
    # DISTMU is infinite, or DISTNORM 0, where the analysis found no distance: normal in the field.
    with np.errstate(invalid="ignore"):
        known = np.isfinite(mu) & np.isfinite(sigma) & np.isfinite(norm) & (sigma > 0) & (norm > 0)
    rows = order[known]
    return LinesOfSight(
        skymap.probability[rows],
        skymap.area_sr[rows],
        skymap.probdensity[rows],
        mu[known],
        sigma[known],
        norm[known],
    )


def conditional_moments(mu: Floats, sigma: Floats) -> tuple[Floats, Floats]:
    """Mean and mean square of the distance on each line of sight.

    With M_k the integral of r^k times the normal density over r > 0, the moments are M_3 / M_2 and
    M_4 / M_2, and M_k = mu M_(k-1) + (k-1) sigma^2 M_(k-2). Far below zero the recurrence cancels;
    the density is then close to r^2 exp(mu r / sigma^2), which Gauss-Laguerre quadrature fits.

    Parameters
    ----------
    mu, sigma : (n,)
        Mpc.

    Returns
    -------
    mean : (n,)
        Mpc.
    mean_square : (n,)
        Mpc2.
    """
    x = mu / sigma
    even = ndtr(x)  # M_0, with sigma = 1
    odd = x * even + np.exp(-0.5 * x * x) / _SQRT_2PI  # M_1
    moments = [even, odd]
    for k in (2, 3, 4):
        moments.append(x * moments[-1] + (k - 1) * moments[-2])
    _, _, second, third, fourth = moments
    steep = x < _STEEP
    if steep.any():
        slope = -x[steep, np.newaxis]
        weights = _LAGUERRE_WEIGHTS * np.exp(-0.5 * (_LAGUERRE_NODES / slope) ** 2)
        r = _LAGUERRE_NODES / slope
        second[steep] = (weights * r**2).sum(axis=1)
        third[steep] = (weights * r**3).sum(axis=1)
        fourth[steep] = (weights * r**4).sum(axis=1)
    return sigma * third / second, sigma * sigma * fourth / second


def marginal_distance(rows: LinesOfSight) -> MarginalDistance | None:
    """Marginalise the distance over the sky; None if no line of sight has one.

    The sum over rows of probability times DISTMU is not the mean: DISTMU is a parameter.
    """
    if len(rows.mu) == 0:
        return None
    mean_on_line, square_on_line = conditional_moments(rows.mu, rows.sigma)
    mean = float((rows.probability * mean_on_line).sum())
    square = float((rows.probability * square_on_line).sum())
    std = float(np.sqrt(max(square - mean * mean, 0.0)))
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
    for sample in rows.samples:
        wanted = q * sample.total / rows.total

        def evaluate(r: float, sample: LinesOfSight = sample, wanted: float = wanted) -> _Point:
            return _Point(sample.cumulative(r) - wanted, sample.density(r), value=r, gradient=1.0)

        guess, percentile = _solve(evaluate, guess, 0.0, np.inf)
    return percentile


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
        highest = float(sample.log_peak_density.max())
        if guess is None:
            guess = _density_reached(sample, wanted) - 1.0

        def evaluate(log_t: float, sample: LinesOfSight = sample, wanted: float = wanted) -> _Point:
            return _beyond_density(sample, log_t, wanted)

        guess, volume = _solve(evaluate, min(guess, highest - 1e-6), -np.inf, highest)
    return volume


def _density_reached(rows: LinesOfSight, wanted: float) -> float:
    """Log of the peak density of the row at which the densest rows hold a probability."""
    order = np.argsort(-rows.log_peak_density)
    row = np.searchsorted(np.cumsum(rows.probability[order]), wanted)
    return float(rows.log_peak_density[order[min(int(row), len(order) - 1)]])


def _beyond_density(rows: LinesOfSight, log_t: float, wanted: float) -> _Point:
    """Volume where the density exceeds a threshold, and the probability lacking there."""
    dense = np.flatnonzero(rows.log_peak_density > log_t)
    inside = rows.take(dense)
    # Of the interval of r, in sigma to either side of mu.
    reach = np.sqrt(2 * (rows.log_peak_density[dense] - log_t))
    far = np.maximum(inside.mu + inside.sigma * reach, 0.0)
    near = np.maximum(inside.mu - inside.sigma * reach, 0.0)
    between = inside.antiderivative(far) - inside.antiderivative(near)
    probability = (inside.probability * between).sum()
    volume = (inside.area_sr * (far * far * far - near * near * near)).sum() / 3
    shrinking = -(inside.area_sr * (inside.sigma / reach * (far**2 + near**2))).sum()
    return _Point(
        residual=wanted - float(probability),
        slope=-float(np.exp(log_t)) * float(shrinking),
        value=float(volume),
        gradient=float(shrinking),
    )


@dataclass(frozen=True)
class _Point:
    """A residual that rises with x, its slope, and a value wanted at the root with its own."""

    residual: float
    slope: float
    value: float
    gradient: float


def _solve(
    evaluate: Callable[[float], _Point], x: float, low: float, high: float
) -> tuple[float, float]:
    """Find the root of a rising function by Newton's method, kept inside a shrinking bracket.

    Returns
    -------
    x, value
        The root, and the value there; both with the last step's correction.
    """
    for _ in range(_MOST_STEPS):
        point = evaluate(x)
        if point.residual > 0:
            high = min(high, x)
        else:
            low = max(low, x)
        step = -point.residual / point.slope if point.slope > 0 else np.inf
        if abs(point.residual) < _CLOSE and np.isfinite(step):
            return x + step, point.value + point.gradient * step
        x = x + step if low < x + step < high else _between(low, high)
    return x, point.value


def _between(low: float, high: float) -> float:
    if np.isinf(low):
        return high - max(1.0, abs(high))
    if np.isinf(high):
        return low + max(1.0, abs(low))
    return (low + high) / 2
