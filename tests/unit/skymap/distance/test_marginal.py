"""Distances and volumes against quadrature, brute force and lines of sight that are all alike."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from builders import (
    SPHERE_SR,
    all_cells,
    cell_area_sr,
    distance_columns,
    fits_map,
    flat_columns,
    flat_map,
    quadrature,
    same_distance_columns,
)
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial.chebyshev import cheb2poly, chebinterpolate
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import erfc, erfcx
from tilings import Tiling, tilings

from sirenflow.skymap.distance.line_of_sight import (
    TAIL_SERIES,
    LinesOfSight,
    conditional_moments,
    lines_of_sight,
    normal_tail,
)
from sirenflow.skymap.distance.marginal import MarginalDistance, marginal_distance
from sirenflow.skymap.distance.volume import credible_volumes
from sirenflow.skymap.skymap import Skymap, read_skymap

SIGMA = 10.0
RATIOS = [-18, -10, -5, -4.001, -4, -3.999, -2, -1, -0.1, 0, 0.1, 1, 2, 3, 5, 10, 30, 100]


@cache
def alike(ratio: float) -> Skymap:
    """Read a map of lines of sight that all have the same distance, mu / sigma = ratio."""
    return read_skymap(fits_map(same_distance_columns(ratio * SIGMA, SIGMA)))


def marginal(skymap: Skymap) -> MarginalDistance:
    """Marginalise a map that has distances."""
    found = marginal_distance(lines_of_sight(skymap))
    assert found is not None
    return found


def density(ratio: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and probabilities of the distance ansatz."""
    r, weights = quadrature(ratio * SIGMA, SIGMA)
    probability = weights * r**2
    return r, probability / probability.sum()


def beyond(ratio: float, r_mpc: float) -> float:
    """Probability of a distance beyond r, by quadrature of its own."""
    mu = ratio * SIGMA
    top = max(mu, 0.0)
    end = max(mu + np.sqrt((top - mu) ** 2 + 140 * SIGMA**2), r_mpc)
    x, w = np.polynomial.legendre.leggauss(20)

    def integral(low: float, high: float) -> float:
        edges = np.linspace(low, high, 101)
        half = np.diff(edges)[:, np.newaxis] / 2
        r = (edges[:-1] + edges[1:])[:, np.newaxis] / 2 + half * x
        exponent = -((r - mu) ** 2 - (top - mu) ** 2) / (2 * SIGMA**2)
        return float((half * w * r**2 * np.exp(exponent)).sum())

    return integral(r_mpc, end) / integral(max(0.0, 2 * mu - end), end)


@pytest.mark.parametrize("ratio", RATIOS)
def test_moments_on_a_line_of_sight_agree_with_quadrature(ratio: float) -> None:
    r, probability = density(ratio)
    moments = conditional_moments(np.array([ratio * SIGMA]), np.array([SIGMA]))
    assert moments.mean[0] == pytest.approx((probability * r).sum(), rel=1e-8)
    assert moments.mean_square[0] == pytest.approx((probability * r**2).sum(), rel=1e-8)


@pytest.mark.parametrize("ratio", RATIOS)
def test_marginal_of_equal_lines_of_sight_is_that_of_one(ratio: float) -> None:
    r, probability = density(ratio)
    found = marginal(alike(ratio))
    mean = (probability * r).sum()
    assert found.probability == pytest.approx(1, abs=1e-9)
    assert found.mean_mpc == pytest.approx(mean, rel=1e-6)
    assert found.std_mpc == pytest.approx(np.sqrt((probability * (r - mean) ** 2).sum()), rel=1e-6)


@pytest.mark.parametrize("ratio", RATIOS)
def test_percentiles_of_equal_lines_of_sight_have_their_share_below(ratio: float) -> None:
    found = marginal(alike(ratio))
    mean = found.mean_mpc
    for percentile, share in ((found.p05_mpc, 0.05), (found.p50_mpc, 0.5), (found.p95_mpc, 0.95)):
        assert percentile is not None
        expected = brentq(lambda r: 1 - beyond(ratio, r) - share, 0, mean + 20 * SIGMA, rtol=1e-10)  # noqa: B023
        assert percentile == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("level", [0.1, 0.5, 0.9, 0.99])
def test_volume_of_equal_lines_of_sight_is_a_shell(ratio: float, level: float) -> None:
    """The density depends on r alone, so the region is near < r < far about mu."""
    mu = ratio * SIGMA

    def excess(half_width: float) -> float:
        inner = beyond(ratio, max(mu - half_width, 0.0))
        return inner - beyond(ratio, max(mu + half_width, 0.0)) - level

    half = brentq(excess, max(-mu, 0.0), max(-mu, 0.0) + 12 * SIGMA, rtol=1e-10)
    near, far = max(mu - half, 0.0), mu + half
    (volume,) = credible_volumes(lines_of_sight(alike(ratio)), [level])
    assert volume == pytest.approx(SPHERE_SR / 3 * (far**3 - near**3), rel=1e-3)


def test_volume_agrees_with_counting_voxels() -> None:
    """48 different lines of sight, 20,000 voxels each, the densest taken first."""
    random = np.random.default_rng(42)
    uniq = all_cells(1)
    probability = random.dirichlet(np.full(48, 0.5))
    mu, sigma = random.uniform(-60, 150, 48), random.uniform(10, 40, 48)
    distance = distance_columns(mu.tolist(), sigma.tolist())
    columns = {"UNIQ": uniq, "PROBDENSITY": probability / cell_area_sr(uniq)}
    rows = lines_of_sight(read_skymap(fits_map({**columns, **distance})))

    edges = np.linspace(0, 400, 20_001)
    r, step = (edges[1:] + edges[:-1]) / 2, edges[1]
    shape = np.exp(-0.5 * ((r - mu[:, np.newaxis]) / sigma[:, np.newaxis]) ** 2)
    per_volume = shape / (shape * r**2 * step).sum(axis=1, keepdims=True)
    per_volume *= (probability / cell_area_sr(uniq))[:, np.newaxis]
    voxel = cell_area_sr(uniq)[:, np.newaxis] * r**2 * step
    order = np.argsort(-per_volume, axis=None)
    enclosed = np.cumsum((per_volume * voxel).ravel()[order])
    volume = np.cumsum(voxel.ravel()[order])
    levels = [0.2, 0.5, 0.9]
    expected = np.interp(levels, enclosed, volume)
    assert credible_volumes(rows, levels) == pytest.approx(expected, rel=1e-3)

    below = np.cumsum((per_volume * voxel).sum(axis=0))
    found = marginal_distance(rows)
    assert found is not None
    assert [found.p05_mpc, found.p50_mpc, found.p95_mpc] == pytest.approx(
        np.interp([0.05, 0.5, 0.95], below, edges[1:]), rel=1e-4
    )
    mean = ((per_volume * voxel).sum(axis=0) * r).sum()
    assert found.mean_mpc == pytest.approx(mean, rel=1e-6)


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
    found, whole = marginal_distance(rows), marginal(alike(5.0))
    assert found is not None
    assert found.probability == pytest.approx(0.5, abs=1e-9)
    assert found.p05_mpc is not None
    assert found.p50_mpc is None
    assert found.p95_mpc is None
    assert found.p05_mpc < whole.mean_mpc
    volumes = credible_volumes(rows, [0.2, 0.45, 0.5, 0.9])
    assert [volume is None for volume in volumes] == [False, False, True, True]


def test_half_of_the_sky_at_a_distance_holds_half_of_its_volume() -> None:
    """40 % of the whole are 80 % of the half that has a distance."""
    whole = lines_of_sight(read_skymap(fits_map(same_distance_columns(40.0, 8.0, level=1))))
    columns = same_distance_columns(40.0, 8.0, level=1)
    columns["DISTNORM"][::2] = 0
    half = lines_of_sight(read_skymap(fits_map(columns)))
    (expected,) = credible_volumes(whole, [0.8])
    assert expected is not None
    assert credible_volumes(half, [0.4]) == pytest.approx([expected / 2], rel=1e-3)


def test_map_whose_distances_are_all_unknown_has_no_marginal() -> None:
    columns = {**flat_columns(), **distance_columns([np.inf] * 12, [1.0] * 12)}
    rows = lines_of_sight(read_skymap(fits_map(columns)))
    assert marginal_distance(rows) is None
    assert credible_volumes(rows, [0.5]) == [None]


def test_map_without_distance_columns_has_no_lines_of_sight() -> None:
    with pytest.raises(ValueError, match="no distance columns"):
        lines_of_sight(read_skymap(flat_map()))


def test_row_of_negligible_probability_does_no_harm() -> None:
    """Real maps hold such rows, with mu / sigma down to -18 and DISTNORM up to 1e70."""
    columns = same_distance_columns(50.0, 10.0)
    other = distance_columns([-180.0], [10.0])
    columns["PROBDENSITY"] = np.array([1e-14, *[12 / 11 / SPHERE_SR] * 11])
    for name, value in other.items():
        columns[name][0] = value[0]
    found, alone = marginal(read_skymap(fits_map(columns))), marginal(alike(5.0))
    assert found.mean_mpc == pytest.approx(alone.mean_mpc, rel=1e-9)


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


@given(tilings(), st.lists(st.floats(0.01, 0.99), min_size=2, max_size=4))
def test_volumes_grow_with_level(tiling: Tiling, levels: list[float]) -> None:
    volumes = credible_volumes(lines_of_sight(tiling.skymap), sorted(levels))
    values = [volume for volume in volumes if volume is not None]
    assert len(values) == len(levels)
    assert min(values) > 0
    assert all(np.diff(values) >= -1e-3 * np.array(values[:-1]))


@given(tilings(), st.randoms(use_true_random=False))
def test_neither_order_nor_splitting_of_rows_changes_a_moment(
    tiling: Tiling, random: object
) -> None:
    def moments(skymap: Skymap) -> tuple[float, float, float]:
        found = marginal(skymap)
        return found.probability, found.mean_mpc, found.std_mpc

    before = moments(tiling.skymap)
    assert moments(tiling.shuffled(random).skymap) == pytest.approx(before, rel=1e-9)
    assert moments(tiling.split(random).skymap) == pytest.approx(before, rel=1e-9)


@given(tilings(), st.randoms(use_true_random=False))
def test_neither_order_nor_splitting_of_rows_changes_a_percentile_or_volume(
    tiling: Tiling, random: object
) -> None:
    """Equal densities come in any order: what depends on it differs between processors.

    Where a solution starts depends on the rows, so split ones find it to the solver's tolerance.
    """

    def numbers(skymap: Skymap) -> list[float | None]:
        found = marginal(skymap)
        volumes = credible_volumes(lines_of_sight(skymap), [0.5, 0.9])
        return [found.p05_mpc, found.p50_mpc, found.p95_mpc, *volumes]

    before = numbers(tiling.skymap)
    assert numbers(tiling.shuffled(random).skymap) == pytest.approx(before, rel=1e-9)
    assert numbers(tiling.split(random).skymap) == pytest.approx(before, rel=1e-4)


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


def test_percentiles_of_few_narrow_lines_of_sight_have_their_share_below() -> None:
    """Between such, the density is next to nothing, and Newton's step leads anywhere."""
    rng = np.random.default_rng(1)
    for _ in range(100):
        number = rng.integers(1, 5)
        probability = rng.dirichlet(np.ones(number)) * rng.choice([0.06, 0.6, 1.0])
        mu = 10 ** rng.uniform(0, 4, number)
        sigma = mu / rng.uniform(15, 300, number)
        rows = LinesOfSight(
            probability, probability, np.ones(number), mu, sigma, conditional_moments(mu, sigma)
        )
        found = marginal_distance(rows)
        assert found is not None
        for q, r in ((0.05, found.p05_mpc), (0.5, found.p50_mpc), (0.95, found.p95_mpc)):
            if r is not None:
                # The factor r^2 moves a distance by 2 / 15^2 of it.
                assert probability @ erfc((mu - 0.98 * r) / sigma / np.sqrt(2)) / 2 <= q
                assert probability @ erfc((mu - 1.02 * r) / sigma / np.sqrt(2)) / 2 >= q
