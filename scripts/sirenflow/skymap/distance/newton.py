"""Where a probability that rises with x reaches the one wanted, and what a value is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# Estimated from the third order, which is itself an overestimate: what is reached is about 1e-6.
_RELATIVE_ERROR = 1e-5
_MOST_STEPS = 100


@dataclass(frozen=True)
class Evaluation:
    """A rising probability P(x) at some x, and a quantity that is wanted at its root.

    Attributes
    ----------
    deficit
        What P lacks of the probability wanted.
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
        """The value at the root, to second order."""
        return self.value + self.gradient * self.step * (1 + self.curvature * self.step)

    @property
    def is_close(self) -> bool:
        """Whether that is good enough, judged by what the third order may be."""
        if self.slope <= 0 or abs(self.step) >= self.scale:
            return False
        error = abs(self.gradient * self.step) * (self.step / self.scale) ** 2
        return error <= _RELATIVE_ERROR * abs(self.value_at_root)


def solve(
    evaluate: Callable[[float], Evaluation], x: float, low: float, high: float
) -> tuple[float, float]:
    """Find where a probability is the one wanted, by Newton's method in a bracket that shrinks.

    Returns
    -------
    x, value
        The root, and the value there.
    """
    for _ in range(_MOST_STEPS):
        evaluation = evaluate(x)
        if evaluation.is_close:
            return x + evaluation.step, evaluation.value_at_root
        if evaluation.deficit > 0:
            low = max(low, x)
        else:
            high = min(high, x)
        # Where the slope is next to nothing Newton's step leads past all: twice as far at most.
        farthest = min(high, low + max(1.0, abs(low)))
        following = x + evaluation.step
        if not low < following < farthest:
            following = (low + high) / 2 if np.isfinite(high) else farthest
        x = following
    return x, evaluation.value
