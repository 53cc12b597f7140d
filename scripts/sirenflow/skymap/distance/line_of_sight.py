"""The distance along each line of sight of a sky map.

Along each line of sight the distance r has the density (Singer et al. 2016, ApJL 829 L15, eq. 1)

    p(r) = N / (sqrt(2 pi) sigma) exp(-(r - mu)^2 / (2 sigma^2)) r^2,    r > 0,

with mu, sigma and N in the columns DISTMU, DISTSIGMA and DISTNORM. Every integral needed here is
closed: with z = (r - mu) / sigma, the probability beyond r is

    N ((mu^2 + sigma^2) Q(z) + sigma phi(z) (r + mu)),

where phi is the normal density and Q(z) = Phi(-z) the normal probability beyond z. Real maps have
rows down to mu / sigma = -18, on which Phi(z) is 1 to all digits, while Q keeps its digits. At
r = 0 the probability beyond is 1; for r < 0 the formula exceeds 1.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.polynomial.laguerre import laggauss
from numpy.typing import NDArray

from sirenflow.skymap.skymap import Floats, Ints, Skymap

NEGLIGIBLE = 1e-10
"""Probability that may be left out of integrals over distance, in the least dense rows."""
SQRT_2PI = float(np.sqrt(2 * np.pi))

# Bounds of what can be a distance, and of what its density may integrate to.
_NEAREST_MPC, _FARTHEST_MPC = 1e-9, 1e9
_INTEGRAL_TOLERANCE = 1e-2
# Below this mu / sigma the moments' recurrence loses its digits and quadrature takes over.
_STEEP = -4.0
# Rows in one computation: they fit a processor's cache. The intermediate results of all rows of a
# map of millions would take a gigabyte.
_CHUNK_ROWS = 32_768
_FEW_ROWS = 1024
_LAGUERRE_NODES, _LAGUERRE_WEIGHTS = laggauss(24)


# Coefficients of Q(z) / (s exp(-z^2 / 2)) as a polynomial in 1 - 2 s, s = 1 / (1 + z / 5):
# interpolated at Chebyshev points. A test computes them with scipy.
TAIL_SERIES = (
    *(0.15383860995001225, -0.1330765005790461, 0.09906112319593492, -0.06270663128445929),
    *(0.03300407314199354, -0.01382372844345081, 0.004159014653447377, -0.0005986708831963152),
    *(-0.00015958210596312127, 0.00010896458372325388, -1.1847132013341763e-05),
    *(-9.922675314448802e-06, 3.2813226738632267e-06, 7.616787586891048e-07),
    *(-4.908488137659911e-07, -4.435692304467443e-08, 4.5862963591414884e-08),
)
_erfc = np.frompyfunc(math.erfc, 1, 1)


def normal_tail(z: Floats, gauss: Floats) -> Floats:
    """Find the normal probability beyond each z (n,) >= 0, to a relative 1e-12.

    `gauss` is exp(-z^2 / 2). scipy's functions take three times as long, as they choose between
    formulas for each number.
    """
    s = 1 / (1 + 0.2 * z)
    x = 1 - 2 * s
    tail = TAIL_SERIES[-1] * x
    for coefficient in TAIL_SERIES[-2:0:-1]:
        tail += coefficient
        tail *= x
    tail += TAIL_SERIES[0]
    tail *= s
    tail *= gauss
    return tail


class Moments(NamedTuple):
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

    def take(self, rows: slice | Ints | NDArray[np.bool_]) -> "Moments":
        """Select some of the lines of sight."""
        return Moments(*(column[rows] for column in self))


def conditional_moments(mu: Floats, sigma: Floats) -> Moments:
    """Find the moments of the distance on each line of sight; mu and sigma (n,) are in Mpc.

    With M_k the integral of r^k times the normal density over r > 0, the moments are M_3 / M_2 and
    M_4 / M_2, and M_k = mu M_(k-1) + (k-1) sigma^2 M_(k-2). Far below zero the recurrence cancels;
    the density is then close to r^2 exp(mu r / sigma^2), which Gauss-Laguerre quadrature fits.
    """
    moments = np.empty((3, len(mu)))
    for start in range(0, len(mu), _CHUNK_ROWS):
        rows = slice(start, start + _CHUNK_ROWS)
        moments[:, rows] = _conditional_moments(mu[rows], sigma[rows])
    return Moments(*moments)


def _conditional_moments(mu: Floats, sigma: Floats) -> Moments:
    x = mu / sigma
    gauss = np.exp(-0.5 * x * x)
    zeroth = 1 - normal_tail(np.abs(x), gauss)  # with sigma = 1
    negative = np.flatnonzero((x < 0) & (x >= _STEEP))  # a tenth of the rows of public maps
    # To all digits, as the recurrence cancels some.
    zeroth[negative] = 0.5 * np.asarray(_erfc(-math.sqrt(0.5) * x[negative]), np.float64)
    gauss /= SQRT_2PI
    first = x * zeroth + gauss
    second = x * first + zeroth
    third = x * second + 2 * first
    fourth = x * third + 3 * second
    steep = np.flatnonzero(x < _STEEP)
    if len(steep):
        r = _LAGUERRE_NODES / -x[steep, np.newaxis]
        factor = gauss[steep] / -x[steep]
        weights = _LAGUERRE_WEIGHTS * np.exp(-0.5 * r * r) * factor[:, np.newaxis]
        second[steep] = (weights * r**2).sum(axis=1)
        third[steep] = (weights * r**3).sum(axis=1)
        fourth[steep] = (weights * r**4).sum(axis=1)
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
    """

    moments: Moments
    probability: Floats
    area_sr: Floats
    probdensity: Floats
    mu: Floats
    sigma: Floats

    def take(self, rows: slice | Ints) -> "LinesOfSight":
        """Select some of the rows."""
        columns = (self.probability, self.area_sr, self.probdensity, self.mu, self.sigma)
        return LinesOfSight(self.moments.take(rows), *(column[rows] for column in columns))

    @cached_property
    def sample(self) -> "LinesOfSight":
        """Every 8th row, on which an equation is solved to start its solution on all rows.

        Started so, all rows take one step of Newton's method, not six; started on fewer rows, often
        two. A map of few rows is not smooth, as each row begins to count with a kink: there the
        sample is all rows.
        """
        step = 8 if len(self.mu) > _FEW_ROWS else 1
        return self.take(np.arange(0, len(self.mu), step))

    @property
    def chunks(self) -> "tuple[LinesOfSight, ...]":
        """All rows, in parts to compute with one at a time."""
        # An object that caches itself is not freed by reference counting before the next map.
        return self._chunks if len(self.mu) > _CHUNK_ROWS else (self,)

    @cached_property
    def _chunks(self) -> "tuple[LinesOfSight, ...]":
        starts = range(0, len(self.mu), _CHUNK_ROWS)
        return tuple(self.take(slice(start, start + _CHUNK_ROWS)) for start in starts)

    @cached_property
    def total(self) -> float:
        """Probability of all rows."""
        return float(self.probability.sum())

    @cached_property
    def width(self) -> float:
        """Distance over which the marginal density may change, Mpc: half the mean of sigma."""
        return float((self.probability * self.sigma).sum()) / self.total / 2

    @cached_property
    def log_peak_density(self) -> Floats:
        """(n,) log of the probability per volume at r = mu, log 1/Mpc3."""
        return np.log(self.probdensity * (1 / (SQRT_2PI * self.sigma * self.moments.norm)))

    @cached_property
    def log_densest(self) -> float:
        """Greatest log of the probability per volume, log 1/Mpc3."""
        return max(float(chunk.log_peak_density.max()) for chunk in self.chunks)

    @cached_property
    def tail_weight(self) -> Floats:
        """(n,) factor of Q(z) in the probability beyond r."""
        square = self.mu * self.mu + self.sigma * self.sigma
        return self.probability * square / self.moments.norm

    @cached_property
    def gauss_weight(self) -> Floats:
        """(n,) factor of exp(-z^2 / 2) (r + mu) in the probability beyond r, 1/Mpc."""
        return self.probability * self.sigma / (SQRT_2PI * self.moments.norm)

    @cached_property
    def _marginal_weights(self) -> tuple[Floats, Floats, Floats]:
        """(n,) each: `gauss_weight` times mu, over sigma^2, and over sigma^3."""
        density = self.gauss_weight / (self.sigma * self.sigma)
        return self.gauss_weight * self.mu, density, density / self.sigma

    def marginal(self, r: float) -> tuple[float, float, float]:
        """Marginalise p(r) over the rows.

        Return the probability that the distance is below r, the density at r (1/Mpc), and the
        density's derivative (1/Mpc2).
        """
        below, density, derivative = zip(*(c._marginal(r) for c in self.chunks), strict=True)
        return sum(below), sum(density), sum(derivative)

    def _marginal(self, r: float) -> tuple[float, float, float]:
        z = (r - self.mu) / self.sigma
        gauss = np.exp(-0.5 * z * z)
        tail = np.copysign(normal_tail(np.abs(z), gauss), z)
        tail += z < 0
        at_mu, at_density, at_slope = self._marginal_weights
        beyond = self.tail_weight @ tail + r * (self.gauss_weight @ gauss) + at_mu @ gauss
        density = float(at_density @ gauss) * r * r
        z *= gauss
        derivative = 2 * density / r - float(at_slope @ z) * r * r
        return self.total - float(beyond), density, derivative


def usable_moments(mu: Floats, sigma: Floats, norm: Floats) -> tuple[NDArray[np.bool_], Moments]:
    """Find which lines of sight have a distance, and the moments of those.

    A line of sight has none where DISTMU (Mpc) or DISTSIGMA (Mpc) cannot be a distance's (DISTMU is
    infinite where the analysis found no distance), or where the ansatz with DISTNORM (1/Mpc2) does
    not integrate to 1.
    """
    usable = (np.abs(mu) < _FARTHEST_MPC) & (sigma > _NEAREST_MPC) & (sigma < _FARTHEST_MPC)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        moments = conditional_moments(mu[usable], sigma[usable])
        whole = np.abs(norm[usable] * moments.norm - 1) < _INTEGRAL_TOLERANCE
    usable[usable] = whole
    return usable, moments if whole.all() else moments.take(whole)


def distance_at_row(skymap: Skymap, row: int) -> tuple[float, float] | None:
    """Find mean and standard deviation (Mpc) of the distance along one row's line of sight.

    None where the row has no distance. Moments of the ansatz, as in
    `ligo.skymap.distance.parameters_to_moments`; DISTMU and DISTSIGMA are only its parameters.
    """
    if skymap.distmu is None or skymap.distsigma is None or skymap.distnorm is None:
        return None
    columns = (skymap.distmu, skymap.distsigma, skymap.distnorm)
    usable, moments = usable_moments(*(column[[row]] for column in columns))
    if not usable[0]:
        return None
    mean, square = float(moments.mean[0]), float(moments.mean_square[0])
    return mean, float(np.sqrt(max(square - mean * mean, 0.0)))


def lines_of_sight(skymap: Skymap) -> LinesOfSight:
    """Select the rows that have a distance, without the least dense, which hold `NEGLIGIBLE`.

    Raise ValueError if the map has no distance columns.
    """
    if skymap.distmu is None or skymap.distsigma is None or skymap.distnorm is None:
        raise ValueError("the sky map has no distance columns")
    held = np.searchsorted(skymap.enclosed, skymap.enclosed[-1] - NEGLIGIBLE) + 1
    rows = skymap.rank[:held]
    parameters = (skymap.distmu, skymap.distsigma, skymap.distnorm)
    usable, moments = usable_moments(*(column[rows] for column in parameters))
    rows = rows if usable.all() else rows[usable]
    columns = (skymap.probability, skymap.area_sr, skymap.probdensity, *parameters[:2])
    return LinesOfSight(moments, *(column[rows] for column in columns))
