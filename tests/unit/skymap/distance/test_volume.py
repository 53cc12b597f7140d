"""Credible volumes against shells, counted voxels and one another."""

from __future__ import annotations

import numpy as np
import pytest
from builders import (
    SPHERE_SR,
    all_cells,
    cell_area_sr,
    distance_columns,
    fits_map,
    same_distance_columns,
)
from distances import RATIOS, SIGMA, alike, beyond
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from tilings import Tiling, tilings

from sirenflow.skymap.distance.line_of_sight import lines_of_sight
from sirenflow.skymap.distance.marginal import marginal_distance
from sirenflow.skymap.distance.volume import credible_volumes
from sirenflow.skymap.skymap import read_skymap


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


def test_half_of_the_sky_at_a_distance_holds_half_of_its_volume() -> None:
    """40 % of the whole are 80 % of the half that has a distance."""
    whole = lines_of_sight(read_skymap(fits_map(same_distance_columns(40.0, 8.0, level=1))))
    columns = same_distance_columns(40.0, 8.0, level=1)
    columns["DISTNORM"][::2] = 0
    half = lines_of_sight(read_skymap(fits_map(columns)))
    (expected,) = credible_volumes(whole, [0.8])
    assert expected is not None
    assert credible_volumes(half, [0.4]) == pytest.approx([expected / 2], rel=1e-3)


@given(tilings(), st.lists(st.floats(0.01, 0.99), min_size=2, max_size=4))
def test_volumes_grow_with_level(tiling: Tiling, levels: list[float]) -> None:
    volumes = credible_volumes(lines_of_sight(tiling.skymap), sorted(levels))
    values = [volume for volume in volumes if volume is not None]
    assert len(values) == len(levels)
    assert min(values) > 0
    assert all(np.diff(values) >= -1e-3 * np.array(values[:-1]))
