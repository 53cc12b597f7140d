"""A rising function at many places: within the tolerance, from few evaluations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import erf, ndtr

from sirenflow.skymap.distance.interpolation import interpolate_monotone

TOLERANCE = 1e-5  # of smooth ones; five times that at kinks
CURVES: list[Callable[[float], float]] = [
    lambda x: float(ndtr(x - 6)),
    lambda x: float(1 - np.exp(-x)),
    # As the probability of one line of sight: with the square root of the depth, from a kink on.
    lambda x: float(erf(np.sqrt(max(x - 2.3, 0.0)))),
    lambda x: 0.5 * float(x > 0) * min(x / 4, 1.0) + 0.5 * float(ndtr(20 * (x - 9.1))),
    lambda _: 0.0,
]


@pytest.mark.parametrize("number", range(len(CURVES)))
@given(
    offsets=st.lists(st.floats(0, 20) | st.floats(0, 1e30), max_size=60),
    start=st.sampled_from([-17.3, 0.0, 5.0]),
)
def test_values_are_those_of_the_function(number: int, offsets: list[float], start: float) -> None:
    x = start + np.array(offsets, dtype=np.float64)
    curve = CURVES[number]
    found = interpolate_monotone(lambda at: curve(at - start), x, start, TOLERANCE)
    assert found == pytest.approx(np.array([curve(at - start) for at in x]), abs=5 * TOLERANCE)


def test_few_evaluations_do_for_many_places() -> None:
    asked: list[float] = []

    def evaluate(at: float) -> float:
        asked.append(at)
        return float(ndtr(at - 6))

    x = np.random.default_rng(1).uniform(0, 1000, 100_000)
    found = interpolate_monotone(evaluate, x, 0.0, TOLERANCE)
    assert np.abs(found - ndtr(x - 6)).max() < TOLERANCE
    assert len(asked) < 200
