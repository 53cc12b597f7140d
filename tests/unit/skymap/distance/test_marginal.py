"""The distance whatever its direction, against quadrature and lines of sight that are all alike."""

from __future__ import annotations

import numpy as np
import pytest
from builders import SPHERE_SR, distance_columns, fits_map, flat_columns, same_distance_columns
from distances import RATIOS, SIGMA, alike, beyond, density
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import erfc
from tilings import Tiling, tilings

from sirenflow.skymap.distance.line_of_sight import (
    LinesOfSight,
    conditional_moments,
    lines_of_sight,
)
from sirenflow.skymap.distance.marginal import MarginalDistance, marginal_distance
from sirenflow.skymap.distance.volume import credible_volumes
from sirenflow.skymap.skymap import Skymap, read_skymap


def marginal(skymap: Skymap) -> MarginalDistance:
    """Marginalise a map that has distances."""
    found = marginal_distance(lines_of_sight(skymap))
    assert found is not None
    return found


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


def test_map_whose_distances_are_all_unknown_has_no_marginal() -> None:
    columns = {**flat_columns(), **distance_columns([np.inf] * 12, [1.0] * 12)}
    rows = lines_of_sight(read_skymap(fits_map(columns)))
    assert marginal_distance(rows) is None
    assert credible_volumes(rows, [0.5]) == [None]


def test_row_of_negligible_probability_does_no_harm() -> None:
    """Real maps hold such rows, with mu / sigma down to -18 and DISTNORM up to 1e70."""
    columns = same_distance_columns(50.0, 10.0)
    other = distance_columns([-180.0], [10.0])
    columns["PROBDENSITY"] = np.array([1e-14, *[12 / 11 / SPHERE_SR] * 11])
    for name, value in other.items():
        columns[name][0] = value[0]
    found, alone = marginal(read_skymap(fits_map(columns))), marginal(alike(5.0))
    assert found.mean_mpc == pytest.approx(alone.mean_mpc, rel=1e-9)


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


def test_percentiles_of_few_narrow_lines_of_sight_have_their_share_below() -> None:
    """Between such, the density is next to nothing, and Newton's step leads anywhere."""
    rng = np.random.default_rng(1)
    for _ in range(100):
        number = rng.integers(1, 5)
        probability = rng.dirichlet(np.ones(number)) * rng.choice([0.06, 0.6, 1.0])
        mu = 10 ** rng.uniform(0, 4, number)
        sigma = mu / rng.uniform(15, 300, number)
        rows = LinesOfSight(
            conditional_moments(mu, sigma), probability, probability, np.ones(number), mu, sigma
        )
        found = marginal_distance(rows)
        assert found is not None
        for q, r in ((0.05, found.p05_mpc), (0.5, found.p50_mpc), (0.95, found.p95_mpc)):
            if r is not None:
                # The factor r^2 moves a distance by 2 / 15^2 of it.
                assert probability @ erfc((mu - 0.98 * r) / sigma / np.sqrt(2)) / 2 <= q
                assert probability @ erfc((mu - 1.02 * r) / sigma / np.sqrt(2)) / 2 >= q
