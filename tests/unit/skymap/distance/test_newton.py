"""The solver, on probabilities whose inverse is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sirenflow.skymap.distance.newton import Evaluation, solve


@pytest.mark.parametrize("wanted", [1e-3, 0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("start", [1e-3, 0.5, 5.0, 200.0])
def test_root_and_value_of_an_exponential_distribution(wanted: float, start: float) -> None:
    """P(x) = 1 - exp(-x); the value wanted is x squared."""

    def evaluate(x: float) -> Evaluation:
        slope = math.exp(-x)
        curvature = (1 + x) / (2 * x)
        scale = min(1.0, x)
        return Evaluation(wanted - (1 - slope), slope, x * x, 2 * x, curvature, scale)

    root, value = solve(evaluate, start, 0.0, np.inf)
    assert root == pytest.approx(-math.log(1 - wanted), rel=1e-3)
    assert value == pytest.approx(math.log(1 - wanted) ** 2, rel=1e-5)


def test_flat_stretch_is_crossed_by_halving() -> None:
    """P rises from 0 to 0.4 below 1, stands still up to 1e6, and rises on: no step leads across."""

    def evaluate(x: float) -> Evaluation:
        if x < 1:
            return Evaluation(0.7 - 0.4 * x, 0.4, x, 1.0, 0.0, 1.0)
        if x < 1e6:
            return Evaluation(0.3, 0.0, x, 1.0, 0.0, 1.0)
        rise = 1 - math.exp(-(x - 1e6) / 1e6)
        slope = 0.6 * (1 - rise) / 1e6
        return Evaluation(0.3 - 0.6 * rise, slope, x, 1.0, 0.5e-6, 1e6)

    root, value = solve(evaluate, 0.5, 0.0, np.inf)
    assert root == pytest.approx(1e6 * (1 + math.log(2)), rel=1e-4)
    assert value == pytest.approx(root, rel=1e-4)


def test_step_from_where_the_slope_is_next_to_nothing_leads_nowhere() -> None:
    """A narrow normal distribution about 1000: where it begins, Newton's step is 10^300."""

    def evaluate(x: float) -> Evaluation:
        z = (x - 1000) / 50
        slope = math.exp(-z * z / 2) / (50 * math.sqrt(2 * math.pi))
        curvature = z / 100
        return Evaluation(0.05 - math.erfc(-z / math.sqrt(2)) / 2, slope, x, 1.0, curvature, 25.0)

    root, value = solve(evaluate, 1e-3, 0.0, np.inf)
    assert root == pytest.approx(1000 - 1.6448536 * 50, rel=1e-3)
    assert value == pytest.approx(1000 - 1.6448536 * 50, rel=1e-5)
