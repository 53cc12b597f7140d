"""A rising function at many places, from few evaluations where each is costly.

The places are looked up in intervals that begin at a given one and double in width. An interval is
halved until the function rises by less than the tolerance over it, or until the parabola through
its ends and middle foretells the values at its quarters to a few times the tolerance: the quartic
through all five is then well within it, but for kinks, near which it may be off by twice that.
Slopes are not used: those of a sum over rows of a map are singular where a row begins to count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sirenflow.skymap.skymap import Floats, Ints

_PARABOLA_TOLERANCE = 4.0
# Over wider intervals a parabola may be right at the quarters by chance.
_WIDEST = 1.0
_FEW = 2


def interpolate_monotone(
    evaluate: Callable[[float], float], x: Floats, start: float, tolerance: float
) -> Floats:
    """Find the values of a rising function at many places.

    Parameters
    ----------
    evaluate
        The function.
    x : (n,)
        Places, finite, none before `start`; in any order.
    start
        Where the first interval begins.
    tolerance
        How far a value may be off; more only at kinks of the function.

    Returns
    -------
    (n,) float64
        Values.
    """
    curve = _Curve(evaluate, x, tolerance, np.empty(len(x)))
    # Interval k is from start + 2^k - 1 to start + 2^(k+1) - 1.
    doubling = np.floor(np.log2(x - start + 1)).astype(np.int64)
    for k in np.unique(doubling).tolist():
        chosen = np.flatnonzero(doubling == k)
        if len(chosen) <= _FEW:
            curve.evaluate_each(chosen)
        else:
            ends = [start + 2.0**power - 1 for power in (k, k + 1)]
            middle = (ends[0] + ends[1]) / 2
            curve.fill([(at, evaluate(at)) for at in (ends[0], middle, ends[1])], chosen)
    return curve.found


@dataclass(frozen=True, eq=False)
class _Curve:
    """A function, the places where it is wanted, and its values there so far."""

    evaluate: Callable[[float], float]
    x: Floats
    tolerance: float
    found: Floats

    def evaluate_each(self, chosen: Ints) -> None:
        self.found[chosen] = [self.evaluate(at) for at in self.x[chosen].tolist()]

    def fill(self, knots: Sequence[tuple[float, float]], chosen: Ints) -> None:
        """Find the values at `chosen`, between the ends and the middle of an interval."""
        (low, at_low), (middle, at_middle), (high, at_high) = knots
        if len(chosen) <= _FEW:
            self.evaluate_each(chosen)
            return
        if at_high - at_low < self.tolerance:
            self.found[chosen] = np.interp(self.x[chosen], (low, high), (at_low, at_high))
            return
        quarters = ((low + middle) / 2, (middle + high) / 2)
        first, third = ((at, self.evaluate(at)) for at in quarters)
        # A parabola's values at the quarters, from those at the ends and in the middle.
        misfit = max(
            abs((3 * at_low + 6 * at_middle - at_high) / 8 - first[1]),
            abs((3 * at_high + 6 * at_middle - at_low) / 8 - third[1]),
        )
        if high - low <= _WIDEST and misfit < _PARABOLA_TOLERANCE * self.tolerance:
            five = (knots[0], first, knots[1], third, knots[2])
            between = _through(five, self.x[chosen])
            self.found[chosen] = np.clip(between, at_low, at_high)
            return
        in_low = self.x[chosen] < middle
        self.fill((knots[0], first, knots[1]), chosen[in_low])
        self.fill((knots[1], third, knots[2]), chosen[~in_low])


def _through(knots: Sequence[tuple[float, float]], x: Floats) -> Floats:
    """Give the polynomial through some points (Lagrange's)."""
    found = np.zeros(len(x))
    for at, value in knots:
        term = np.full(len(x), value)
        for other, _ in knots:
            if other != at:
                term *= (x - other) / (at - other)
        found += term
    return found
