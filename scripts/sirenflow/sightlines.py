"""The distance along each line of sight of a sky map.

Along each line of sight the distance r has the density (Singer et al. 2016, ApJL 829 L15, eq. 1)

    p(r) = N / (sqrt(2 pi) sigma) exp(-(r - mu)^2 / (2 sigma^2)) r^2,    r > 0,

with mu, sigma and N in the columns DISTMU, DISTSIGMA and DISTNORM. Every integral needed here is
closed: with z = (r - mu) / sigma, the antiderivative of p(r) / N is

    (mu^2 + sigma^2) Phi(z) - sigma phi(z) (r + mu),

where Phi and phi are the normal distribution and density. Real maps hold rows down to
mu / sigma = -18, on which Phi(z) is 1 to all digits and nothing would remain of a difference of two
such values. Where mu is negative, -Phi(-z) stands in place of Phi(z): it differs by a constant, and
keeps its digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.polynomial.laguerre import laggauss
from numpy.typing import NDArray
from scipy.special import ndtr

from sirenflow.skymap import Floats, Ints, Skymap

NEGLIGIBLE = 1e-10
"""Probability that may be left out of integrals over distance, in the least dense rows."""
SQRT_2PI = float(np.sqrt(2 * np.pi))

# Bounds of what can be a distance, and of what its density may integrate to.
_NEAREST_MPC, _FARTHEST_MPC = 1e-9, 1e9
_INTEGRAL_TOLERANCE = 1e-2
# Below this mu / sigma the moments' recurrence loses its digits and quadrature takes over.
_STEEP = -4.0
_CHUNK_ROWS = 16_384
_LAGUERRE_NODES, _LAGUERRE_WEIGHTS = laggauss(24)


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
    gauss = np.exp(-0.5 * x * x) / SQRT_2PI
    zeroth = ndtr(x)  # with sigma = 1
    first = x * zeroth + gauss
    second = x * first + zeroth
    third = x * second + 2 * first
    fourth = x * third + 3 * second
    steep = np.flatnonzero(x < _STEEP)
    for start in range(0, len(steep), _CHUNK_ROWS):
        rows = steep[start : start + _CHUNK_ROWS]
        r = _LAGUERRE_NODES / -x[rows, np.newaxis]
        weights = _LAGUERRE_WEIGHTS * np.exp(-0.5 * r * r) * (gauss[rows] / -x[rows])[:, np.newaxis]
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
        return 1 / (SQRT_2PI * self.sigma * self.moments.norm)

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
        below = masses * signed_phi(z, self.mu) - gauss * self.variance * (r + self.mu)
        density = float(gauss.sum()) * r * r
        derivative = 2 * density / r - float((gauss * z / self.sigma).sum()) * r * r
        return float(below.sum()) - at_zero, density, derivative


def signed_phi(z: Floats, mu: Floats) -> Floats:
    """Phi(z), less 1 where mu is negative: the constant drops out, and the digits stay."""
    phi = ndtr(z)
    negative = np.flatnonzero(mu < 0)
    phi[negative] = -ndtr(-z[negative])
    return phi


def is_in_bounds(mu: Floats, sigma: Floats) -> NDArray[np.bool_]:
    """Tell which parameters (Mpc) can be those of a distance: (n,) bool."""
    return (np.abs(mu) < _FARTHEST_MPC) & (sigma > _NEAREST_MPC) & (sigma < _FARTHEST_MPC)


def is_whole(distnorm: Floats, moments: Moments) -> NDArray[np.bool_]:
    """Tell for which DISTNORM (1/Mpc2) the ansatz integrates to 1: (n,) bool."""
    return np.abs(distnorm * moments.norm - 1) < _INTEGRAL_TOLERANCE


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
    rows = rows[is_in_bounds(skymap.distmu[rows], skymap.distsigma[rows])]
    mu, sigma = skymap.distmu[rows], skymap.distsigma[rows]
    with np.errstate(over="ignore", invalid="ignore"):
        moments = conditional_moments(mu, sigma)
        whole = is_whole(skymap.distnorm[rows], moments)
    lines = LinesOfSight(
        skymap.probability[rows],
        skymap.area_sr[rows],
        skymap.probdensity[rows],
        mu,
        sigma,
        moments,
    )
    return lines if whole.all() else lines.take(np.flatnonzero(whole))
