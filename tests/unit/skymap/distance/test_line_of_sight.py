"""Moments of the distance on each line of sight, and which rows have one."""

from __future__ import annotations

import numpy as np
import pytest
from builders import fits_map, flat_map, same_distance_columns
from distances import RATIOS, SIGMA, alike, density
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial.chebyshev import cheb2poly, chebinterpolate
from numpy.typing import NDArray
from scipy.special import erfc, erfcx

from sirenflow.skymap.distance.line_of_sight import (
    TAIL_SERIES,
    conditional_moments,
    lines_of_sight,
    normal_tail,
)
from sirenflow.skymap.distance.marginal import marginal_distance
from sirenflow.skymap.distance.volume import credible_volumes
from sirenflow.skymap.skymap import read_skymap


@pytest.mark.parametrize("ratio", RATIOS)
def test_moments_on_a_line_of_sight_agree_with_quadrature(ratio: float) -> None:
    r, probability = density(ratio)
    moments = conditional_moments(np.array([ratio * SIGMA]), np.array([SIGMA]))
    assert moments.mean[0] == pytest.approx((probability * r).sum(), rel=1e-8)
    assert moments.mean_square[0] == pytest.approx((probability * r**2).sum(), rel=1e-8)


@given(st.floats(-20, 100), st.floats(1e-3, 1e5))
def test_distances_scale_with_their_unit(ratio: float, sigma: float) -> None:
    moments = conditional_moments(np.array([ratio, ratio * sigma]), np.array([1.0, sigma]))
    assert moments.mean[1] == pytest.approx(moments.mean[0] * sigma, rel=1e-9)
    assert moments.mean_square[1] == pytest.approx(moments.mean_square[0] * sigma**2, rel=1e-9)
    assert moments.norm[1] == pytest.approx(moments.norm[0] * sigma**2, rel=1e-9)


@given(st.floats(-30, 100))
def test_moments_are_those_of_a_distribution(ratio: float) -> None:
    moments = conditional_moments(np.array([ratio]), np.array([1.0]))
    assert moments.mean[0] > max(ratio, 0)
    assert moments.mean_square[0] > moments.mean[0] ** 2


def test_normal_tail_is_that_of_the_complementary_error_function() -> None:
    z = np.concatenate([np.linspace(0, 38, 100_001), np.geomspace(1e-12, 1, 1001), [1e3, 1e9]])
    tail = normal_tail(z, np.exp(-0.5 * z * z))
    expected = erfc(z / np.sqrt(2)) / 2
    # exp and erfc themselves lose digits as z^2 grows.
    tolerance = 1e-12 + 4e-16 * np.minimum(z * z, 1e4)
    assert np.all(np.abs(tail - expected) <= tolerance * expected + 1e-300)


def test_series_of_the_normal_tail_is_the_interpolation_at_chebyshev_points() -> None:
    def ratio(x: NDArray[np.float64]) -> NDArray[np.float64]:
        s = (1 - x) / 2
        z = 5 * (1 / s - 1)
        return np.asarray(erfcx(z / np.sqrt(2)) / (2 * s))

    expected = cheb2poly(chebinterpolate(ratio, len(TAIL_SERIES) - 1))
    assert pytest.approx(expected, abs=1e-14) == TAIL_SERIES


@pytest.mark.parametrize("without", ["infinite", "nan", "no norm", "no width"])
def test_lines_of_sight_without_a_distance_are_left_out(without: str) -> None:
    columns = same_distance_columns(40.0, 8.0, level=1)
    half = slice(None, None, 2)
    name, value = {
        "infinite": ("DISTMU", np.inf),
        "nan": ("DISTMU", np.nan),
        "no norm": ("DISTNORM", 0.0),
        "no width": ("DISTSIGMA", 0.0),
    }[without]
    columns[name][half] = value
    rows = lines_of_sight(read_skymap(fits_map(columns)))
    found, whole = marginal_distance(rows), marginal_distance(lines_of_sight(alike(5.0)))
    assert found is not None
    assert whole is not None
    assert found.probability == pytest.approx(0.5, abs=1e-9)
    assert found.p05_mpc is not None
    assert found.p50_mpc is None
    assert found.p95_mpc is None
    assert found.p05_mpc < whole.mean_mpc
    volumes = credible_volumes(rows, [0.2, 0.45, 0.5, 0.9])
    assert [volume is None for volume in volumes] == [False, False, True, True]


def test_map_without_distance_columns_has_no_lines_of_sight() -> None:
    with pytest.raises(ValueError, match="no distance columns"):
        lines_of_sight(read_skymap(flat_map()))
