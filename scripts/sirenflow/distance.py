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

# Bounds of what can be a distance, and of what its density may integrate to.
_NEAREST_MPC, _FARTHEST_MPC = 1e-9, 1e9
_INTEGRAL_TOLERANCE = 1e-2
_SQRT_2PI = float(np.sqrt(2 * np.pi))
# Below this mu / sigma the moments' recurrence loses its digits and quadrature takes over.
_STEEP = -4.0
_CHUNK_ROWS = 16_384
_LAGUERRE_NODES, _LAGUERRE_WEIGHTS = laggauss(24)
# Estimated from the third order, which is itself an overestimate: what is reached is about 1e-6.
_RELATIVE_ERROR = 1e-5
_MOST_STEPS = 100


@dataclass(frozen=True, eq=False)
class Moments:
    """Moments of the distance on each line of sight.

    Attributes
    ----------
    norm : (n,) float64
        Integral of r^2 times the normal density over r > 0, Mpc2: the reciprocal of DISTNORM.
    mean, mean_square : (n,) float64
        Of the distance; Mpc, Mpc2.
    """

    norm: Floats
    mean: Floats
    mean_square: Floats

    def take(self, rows: slice | Ints) -> Moments:
        """Take those of some of the lines of sight."""
        return Moments(self.norm[rows], self.mean[rows], self.mean_square[rows])


def conditional_moments(mu: Floats, sigma: Floats) -> Moments:
    """Find the moments of the distance on each line of sight.

    With M_k the integral of r^k times the normal density over r > 0, the moments are M_3 / M_2 and
    M_4 / M_2, and M_k = mu M_(k-1) + (k-1) sigma^2 M_(k-2). Far below zero the recurrence cancels;
    the density is then close to r^2 exp(mu r / sigma^2), which Gauss-Laguerre quadrature fits.

    Parameters
    ----------
    mu, sigma : (n,)
        Mpc.
    """
    x = mu / sigma
    gauss = np.exp(-0.5 * x * x) / _SQRT_2PI
    zeroth = ndtr(x)  # with sigma = 1
    first = x * zeroth + gauss
    second = x * first + zeroth
    third = x * second + 2 * first
    fourth = x * third + 3 * second
    steep = np.flatnonzero(x < _STEEP)
    for start in range(0, len(steep), _CHUNK_ROWS):
        rows = steep[start : start + _CHUNK_ROWS]
        r = _LAGUERRE_NODES / -x[rows, np.newaxis]
        weights = _LAGUERRE_WEIGHTS * np.exp(-0.5 * r * r) * (gauss / -x)[rows, np.newaxis]
        second[rows] = (weights * r**2).sum(axis=1)
        third[rows] = (weights * r**3).sum(axis=1)
        fourth[rows] = (weights * r**4).sum(axis=1)
    return Moments(
        norm=sigma * sigma * second,
        mean=sigma * third / second,
        mean_square=sigma * sigma * fourth / second,
    )


@dataclass(frozen=True, eq=False)
class LinesOfSight:
    """Rows of a map that have a distance, most dense first.

    Attributes
    ----------
    probability, area_sr, probdensity : (n,) float64
        Of each row; 1, sr, 1/sr.
    mu, sigma : (n,) float64
        Parameters of the distance ansatz, Mpc.
    moments
        What follows from them.
    """

    probability: Floats
    area_sr: Floats
    probdensity: Floats
    mu: Floats
    sigma: Floats
    moments: Moments

    def take(self, rows: slice | Ints) -> LinesOfSight:
        """Take some of the rows."""
        return LinesOfSight(
            self.probability[rows],
            self.area_sr[rows],
            self.probdensity[rows],
            self.mu[rows],
            self.sigma[rows],
            self.moments.take(rows),
        )

    @cached_property
    def samples(self) -> tuple[LinesOfSight, ...]:
        """Every 16th row, every 4th, and all: solutions on fewer rows start those on more.

        Where a solution on all rows is tried seven times, started so it is tried once.
        """
        return self.take(slice(None, None, 16)), self.take(slice(None, None, 4)), self

    @cached_property
    def total(self) -> float:
        """Probability of all rows."""
        return float(self.probability.sum())

    @cached_property
    def width(self) -> float:
        """Distance over which the marginal density may change, Mpc: half the mean of sigma."""
        return float((self.probability * self.sigma).sum()) / self.total / 2

    @cached_property
    def variance(self) -> Floats:
        """(n,) sigma^2, Mpc2."""
        return self.sigma * self.sigma

    @cached_property
    def square(self) -> Floats:
        """(n,) mu^2 + sigma^2, Mpc2."""
        return self.mu * self.mu + self.variance

    @cached_property
    def height(self) -> Floats:
        """(n,) N / (sqrt(2 pi) sigma), 1/Mpc3."""
        return 1 / (_SQRT_2PI * self.sigma * self.moments.norm)

    @cached_property
    def log_peak_density(self) -> Floats:
        """(n,) log of the probability per volume at r = mu, log 1/Mpc3."""
        return np.log(self.probdensity * self.height)

    @cached_property
    def at_zero(self) -> Floats:
        """(n,) antiderivative of p(r) at r = 0: one less than at infinity."""
        return np.where(self.mu < 0, 0.0, self.square) / self.moments.norm - 1.0

    @cached_property
    def _weights(self) -> tuple[Floats, Floats, float]:
        """Probability times `square` / norm and times `height`; and times `at_zero`, summed."""
        return (
            self.probability * self.square / self.moments.norm,
            self.probability * self.height,
            float((self.probability * self.at_zero).sum()),
        )

    def marginal(self, r: float) -> tuple[float, float, float]:
        """Marginalise p(r) over the rows.

        Returns
        -------
        cumulative
            Probability that the distance is below r.
        density, derivative
            The distance's density at r, 1/Mpc, and the derivative of that, 1/Mpc2.
        """
        masses, heights, at_zero = self._weights
        z = (r - self.mu) / self.sigma
        gauss = heights * np.exp(-0.5 * z * z)
        below = masses * _phi(z, self.mu) - gauss * self.variance * (r + self.mu)
        density = float(gauss.sum()) * r * r
        derivative = 2 * density / r - float((gauss * z / self.sigma).sum()) * r * r
        return float(below.sum()) - at_zero, density, derivative


def _phi(z: Floats, mu: Floats) -> Floats:
    """Phi(z), less 1 where mu is negative: the constant drops out, and the digits stay."""
    phi = ndtr(z)
    negative = np.flatnonzero(mu < 0)
    phi[negative] = -ndtr(-z[negative])
    return phi


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

    A row has none where the analysis found none (DISTMU infinite, DISTNORM 0: normal in the field),
    or where the ansatz with its parameters does not integrate to 1.

    Raises
    ------
    ValueError
        If the map has no distance columns.
    """
    if skymap.distmu is None or skymap.distsigma is None or skymap.distnorm is None:
        raise ValueError("the sky map has no distance columns")
    remaining = np.cumsum(skymap.probability[skymap.rank][::-1])[::-1]
    rows = skymap.rank[remaining > NEGLIGIBLE]
    mu, sigma = skymap.distmu[rows], skymap.distsigma[rows]
    rows = rows[(np.abs(mu) < _FARTHEST_MPC) & (sigma > _NEAREST_MPC) & (sigma < _FARTHEST_MPC)]
    mu, sigma = skymap.distmu[rows], skymap.distsigma[rows]
    with np.errstate(over="ignore", invalid="ignore"):
        moments = conditional_moments(mu, sigma)
        whole = np.abs(skymap.distnorm[rows] * moments.norm - 1) < _INTEGRAL_TOLERANCE
    lines = LinesOfSight(
        skymap.probability[rows],
        skymap.area_sr[rows],
        skymap.probdensity[rows],
        mu,
        sigma,
        moments,
    )
    return lines if whole.all() else lines.take(np.flatnonzero(whole))


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
    for sample in rows.samples:
        wanted = q * sample.total / rows.total

        def evaluate(r: float, sample: LinesOfSight = sample, wanted: float = wanted) -> _Trial:
            below, density, derivative = sample.marginal(r)
            bend = -derivative / (2 * density) if density > 0 else 0.0
            scale = min(sample.width, 0.5 / abs(bend) if bend else np.inf)
            return _Trial(wanted - below, density, r, 1.0, bend, scale)

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
        shallowest = -float(sample.log_peak_density.max())
        if guess is None:
            guess = _depth_reached(sample, wanted) + 1.0

        def evaluate(depth: float, sample: LinesOfSight = sample, wanted: float = wanted) -> _Trial:
            return _down_to_depth(sample, depth, wanted)

        guess, volume = _solve(evaluate, max(guess, shallowest + 1e-6), shallowest, np.inf)
    return volume


def _depth_reached(rows: LinesOfSight, wanted: float) -> float:
    """Depth at which the lines of sight with the densest peaks hold a probability."""
    order = np.argsort(-rows.log_peak_density)
    row = np.searchsorted(np.cumsum(rows.probability[order]), wanted)
    return -float(rows.log_peak_density[order[min(int(row), len(order) - 1)]])


def _down_to_depth(rows: LinesOfSight, depth: float, wanted: float) -> _Trial:
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
    phi = _phi(reach, mu)
    gauss = np.exp(-0.5 * reach * reach) * sigma / _SQRT_2PI
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
    return _Trial(wanted - probability, slope, volume, growth, 0.5, scale)


@dataclass(frozen=True)
class _Trial:
    """What is known at a trial x of a rising probability P(x), and of a value wanted at its root.

    Attributes
    ----------
    lacking
        What P lacks of the probability wanted.
    slope
        dP/dx.
    value, gradient
        The value, and its derivative with respect to x.
    bend
        Of the value as a function of P: the second-order term, over the first and over the step.
    scale
        Distance in x over which the slope changes by its own size.
    """

    lacking: float
    slope: float
    value: float
    gradient: float
    bend: float
    scale: float

    @property
    def step(self) -> float:
        """Newton's step in x."""
        return self.lacking / self.slope if self.slope > 0 else np.copysign(np.inf, self.lacking)

    @property
    def value_at_root(self) -> float:
        """The value at the root, to second order."""
        return self.value + self.gradient * self.step * (1 + self.bend * self.step)

    @property
    def is_close(self) -> bool:
        """Whether that is good enough, judged by what the third order may be."""
        if self.slope <= 0 or abs(self.step) >= self.scale:
            return False
        error = abs(self.gradient * self.step) * (self.step / self.scale) ** 2
        return error <= _RELATIVE_ERROR * abs(self.value_at_root)


def _solve(
    evaluate: Callable[[float], _Trial], x: float, low: float, high: float
) -> tuple[float, float]:
    """Find where a probability is the one wanted, by Newton's method in a bracket that shrinks.

    Returns
    -------
    x, value
        The root, and the value there.
    """
    for _ in range(_MOST_STEPS):
        trial = evaluate(x)
        if trial.is_close:
            return x + trial.step, trial.value_at_root
        if trial.lacking > 0:
            low = max(low, x)
        else:
            high = min(high, x)
        following = x + trial.step
        x = following if low < following < high else _between(low, high)
    return x, trial.value


def _between(low: float, high: float) -> float:
    return (low + high) / 2 if np.isfinite(high) else low + max(1.0, abs(low))
