"""Cumulative probabilities that are costly to evaluate: their quantiles, and values at many places.

Each evaluation is a sum over all rows of a map, so few are made. `benchmarks/libraries.py` counts
them: three percentiles take 6 by Newton's method and 88 by halving; 100,000 densities take 416 by
`interpolate_monotone`, off by 1e-4 at most, and 3,000 by `numpy.interp` for the same error.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import Polynomial

from sirenflow.skymap.skymap import Floats

# Estimated from the third order, which is itself an overestimate: what is reached is about 1e-6.
_RELATIVE_ERROR = 1e-5
_MOST_STEPS = 100
# Error of a parabola at the quarters of an interval up to which it is interpolated, in tolerances.
_PARABOLA_TOLERANCE = 4.0
# Over wider intervals a parabola may be right at the quarters by chance.
_WIDEST = 1.0
_FEW = 2


@dataclass(frozen=True)
class CumulativePoint:
    """A cumulative probability P at some x, and a value that is needed at a quantile of P.

    Attributes
    ----------
    deficit
        The probability of the quantile, less P.
    slope
        dP/dx.
    value, gradient
        The value, and its derivative with respect to x.
    curvature
        Of the value as a function of P: the second-order term, over the first and over the step.
    scale
        Distance in x over which the slope changes by its own size.
    """

    deficit: float
    slope: float
    value: float
    gradient: float
    curvature: float
    scale: float

    @property
    def step(self) -> float:
        """Newton's step in x."""
        return self.deficit / self.slope if self.slope > 0 else np.copysign(np.inf, self.deficit)

    @property
    def value_at_root(self) -> float:
        """The value at the quantile, to second order."""
        return self.value + self.gradient * self.step * (1 + self.curvature * self.step)

    @property
    def is_close(self) -> bool:
        """Whether `value_at_root` is accurate enough, by an estimate of the third order."""
        if self.slope <= 0 or abs(self.step) >= self.scale:
            return False
        error = abs(self.gradient * self.step) * (self.step / self.scale) ** 2
        return error <= _RELATIVE_ERROR * abs(self.value_at_root)


def find_quantile(
    evaluate: Callable[[float], CumulativePoint], x: float, low: float, high: float
) -> tuple[float, float]:
    """Find a quantile, and the value there, by Newton's method from x in a bracket that shrinks."""
    for _ in range(_MOST_STEPS):
        point = evaluate(x)
        if point.is_close:
            return x + point.step, point.value_at_root
        if point.deficit > 0:
            low = max(low, x)
        else:
            high = min(high, x)
        # Where the slope is near 0 Newton's step is far too large: it is limited.
        farthest = min(high, low + max(1.0, abs(low)))
        following = x + point.step
        if not low < following < farthest:
            following = (low + high) / 2 if np.isfinite(high) else farthest
        x = following
    return x, point.value


def interpolate_monotone(
    evaluate: Callable[[float], float], x: Floats, start: float, tolerance: float
) -> Floats:
    """Find the values of a rising function at places x (n,), none before `start`, in any order.

    The first interval begins at `start`, each other is twice as wide as the one before. An interval
    is halved until the function rises by less than the tolerance over it, or the parabola through
    its ends and middle agrees with the values at its quarters: the quartic through all five is then
    within the tolerance, but for kinks, near which it may be off by five times that. Slopes are not
    used: those of a sum over rows of a map are singular where a row begins to count.
    """
    found = np.empty(len(x))
    doubling = np.floor(np.log2(x - start + 1))
    intervals = []
    for k in np.unique(doubling).tolist():
        low, high = start + 2.0**k - 1, start + 2.0 ** (k + 1) - 1
        knots = [(at, evaluate(at)) for at in (low, (low + high) / 2, high)]
        intervals.append((knots, np.flatnonzero(doubling == k)))
    while intervals:
        knots, chosen = intervals.pop()
        (low, at_low), (middle, at_middle), (high, at_high) = knots
        if len(chosen) <= _FEW:
            found[chosen] = [evaluate(at) for at in x[chosen].tolist()]
            continue
        if at_high - at_low < tolerance:
            found[chosen] = np.interp(x[chosen], (low, high), (at_low, at_high))
            continue
        first, third = ((at, evaluate(at)) for at in ((low + middle) / 2, (middle + high) / 2))
        # A parabola's values at the quarters, from those at the ends and in the middle.
        misfit = max(
            abs((3 * at_low + 6 * at_middle - at_high) / 8 - first[1]),
            abs((3 * at_high + 6 * at_middle - at_low) / 8 - third[1]),
        )
        five = [knots[0], first, knots[1], third, knots[2]]
        if high - low <= _WIDEST and misfit < _PARABOLA_TOLERANCE * tolerance:
            places, values = np.array(five).T
            quartic = Polynomial.fit(places, values, deg=4)
            found[chosen] = np.clip(quartic(x[chosen]), at_low, at_high)
            continue
        in_low = x[chosen] < middle
        intervals += [(five[:3], chosen[in_low]), (five[2:], chosen[~in_low])]
    return found
