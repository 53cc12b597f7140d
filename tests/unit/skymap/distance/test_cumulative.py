"""Quantiles whose value is known, and interpolation within the tolerance from few evaluations."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import erf, ndtr

from sirenflow.skymap.distance.cumulative import (
    CumulativePoint,
    find_quantile,
    interpolate_monotone,
)

TOLERANCE = 1e-5  # of smooth ones; five times that at kinks
CURVES: list[Callable[[float], float]] = [
    lambda x: float(ndtr(x - 6)),
    lambda x: float(1 - np.exp(-x)),
    # As the probability of one line of sight: with the square root of the depth, from a kink on.
    lambda x: float(erf(np.sqrt(max(x - 2.3, 0.0)))),
    lambda x: 0.5 * float(x > 0) * min(x / 4, 1.0) + 0.5 * float(ndtr(20 * (x - 9.1))),
    lambda _: 0.0,
]


@pytest.mark.parametrize("wanted", [1e-3, 0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("start", [1e-3, 0.5, 5.0, 200.0])
def test_root_and_value_of_an_exponential_distribution(wanted: float, start: float) -> None:
    """P(x) = 1 - exp(-x); the value wanted is x squared."""

    def evaluate(x: float) -> CumulativePoint:
        slope = math.exp(-x)
        curvature = (1 + x) / (2 * x)
        scale = min(1.0, x)
        return CumulativePoint(wanted - (1 - slope), slope, x * x, 2 * x, curvature, scale)

    root, value = find_quantile(evaluate, start, 0.0, np.inf)
    assert root == pytest.approx(-math.log(1 - wanted), rel=1e-3)
    assert value == pytest.approx(math.log(1 - wanted) ** 2, rel=1e-5)


def test_flat_stretch_is_crossed_by_halving() -> None:
    """P rises from 0 to 0.4 below 1, stands still up to 1e6, and rises on: no step leads across."""

    def evaluate(x: float) -> CumulativePoint:
        if x < 1:
            return CumulativePoint(0.7 - 0.4 * x, 0.4, x, 1.0, 0.0, 1.0)
        if x < 1e6:
            return CumulativePoint(0.3, 0.0, x, 1.0, 0.0, 1.0)
        rise = 1 - math.exp(-(x - 1e6) / 1e6)
        slope = 0.6 * (1 - rise) / 1e6
        return CumulativePoint(0.3 - 0.6 * rise, slope, x, 1.0, 0.5e-6, 1e6)

    root, value = find_quantile(evaluate, 0.5, 0.0, np.inf)
    assert root == pytest.approx(1e6 * (1 + math.log(2)), rel=1e-4)
    assert value == pytest.approx(root, rel=1e-4)


def test_step_from_where_the_slope_is_next_to_nothing_leads_nowhere() -> None:
    """A narrow normal distribution about 1000: where it begins, Newton's step is 10^300."""

    def evaluate(x: float) -> CumulativePoint:
        z = (x - 1000) / 50
        slope = math.exp(-z * z / 2) / (50 * math.sqrt(2 * math.pi))
        curvature = z / 100
        return CumulativePoint(
            0.05 - math.erfc(-z / math.sqrt(2)) / 2, slope, x, 1.0, curvature, 25.0
        )

    root, value = find_quantile(evaluate, 1e-3, 0.0, np.inf)
    assert root == pytest.approx(1000 - 1.6448536 * 50, rel=1e-3)
    assert value == pytest.approx(1000 - 1.6448536 * 50, rel=1e-5)


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
