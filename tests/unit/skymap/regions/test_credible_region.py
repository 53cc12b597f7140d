"""Credible regions: as large as published, the same for the same map, exact where they overlap."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import numpy as np
import pytest
from builders import SPHERE_DEG2, all_cells
from caps import Cap, caps_map, fisher_map, plain_map
from hypothesis import given
from hypothesis import strategies as st
from mocpy import MOC
from tilings import Tiling, tilings

from sirenflow.skymap.credible_area import credible_areas, credible_levels
from sirenflow.skymap.regions.credible_region import LEAVES, credible_region
from sirenflow.skymap.skymap import Skymap

LEVELS = [0.01, 0.1, 0.5, 0.9, 0.99]


def area_deg2(moc: MOC) -> float:
    return float(moc.sky_fraction) * SPHERE_DEG2


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    "skymap",
    [
        fisher_map(120.0, -40.0),
        plain_map(all_cells(0), np.ones(12)),
        caps_map([Cap(10, 20, 15, 0.7), Cap(200, -30, 9, 0.3)]),
    ],
    ids=["fisher", "coarsest", "caps"],
)
def test_region_has_the_published_area(skymap: Skymap, level: float) -> None:
    region = credible_region(skymap, level)
    (area,) = credible_areas(skymap, [level])
    assert region.area_deg2 == area
    assert area_deg2(region.moc) == pytest.approx(area, rel=1e-6)


@given(tilings(), st.sampled_from(LEVELS))
def test_any_map_has_a_region_of_the_published_area(tiling: Tiling, level: float) -> None:
    region = credible_region(tiling.skymap, level)
    assert area_deg2(region.moc) == pytest.approx(region.area_deg2, rel=1e-6)
    assert np.diff(region.moc.to_depth29_ranges.astype(np.int64)).sum() == region.width.sum()
    assert region.probability(tiling.skymap).sum() == pytest.approx(level, abs=2e-6)


@given(tilings(), st.randoms(use_true_random=False), st.sampled_from(LEVELS))
def test_order_of_rows_changes_nothing(tiling: Tiling, random: Random, level: float) -> None:
    region = credible_region(tiling.skymap, level)
    shuffled = credible_region(tiling.shuffled(random).skymap, level)
    assert region.moc == shuffled.moc


@given(tilings(), st.randoms(use_true_random=False), st.sampled_from(LEVELS))
def test_splitting_a_cell_changes_nothing(tiling: Tiling, random: Random, level: float) -> None:
    """But for the sub-cells in which the crossing row is cut: a millionth of the area."""
    region = credible_region(tiling.skymap, level)
    split = credible_region(tiling.split(random).split(random).skymap, level)
    common = area_deg2(region.moc.intersection(split.moc))
    assert common == pytest.approx(region.area_deg2, rel=2e-6)
    assert common == pytest.approx(area_deg2(split.moc), rel=2e-6)


@given(st.one_of(tilings(), tilings().map(Tiling.level_out)), st.sampled_from(LEVELS))
def test_region_is_of_the_rows_whose_credible_level_it_is(tiling: Tiling, level: float) -> None:
    """What is delivered as a region is what positions are compared with, ties or not."""
    skymap = tiling.skymap
    credible = credible_levels(skymap)
    inside = np.zeros(len(skymap), dtype=bool)
    inside[credible_region(skymap, level).rows] = True
    assert np.all(inside[credible < level - 1e-9])
    assert not np.any(inside[credible - skymap.probability > level + 1e-9])


def test_half_of_an_even_sky_of_mixed_levels_is_the_same_half_to_region_and_levels() -> None:
    """Cells 0 to 5 are split twice: UNIQ numbers them last, the curve first."""
    skymap = plain_map(np.concatenate((np.arange(10, 16), np.arange(64, 160))), np.ones(102))
    region, levels = credible_region(skymap, 0.5), credible_levels(skymap)
    assert sorted(region.rows.tolist()) == np.flatnonzero(levels < 0.5 + 1e-9).tolist()
    assert region.moc.to_depth29_ranges.tolist() == [[0, LEAVES // 2]]


@given(tilings())
def test_region_of_a_greater_level_holds_that_of_a_lesser(tiling: Tiling) -> None:
    regions = [credible_region(tiling.skymap, level) for level in LEVELS]
    for inner, outer in pairwise(regions):
        common = area_deg2(inner.moc.intersection(outer.moc))
        assert common == pytest.approx(area_deg2(inner.moc), rel=2e-6)


def test_equally_probable_rows_are_taken_along_the_curve_whatever_their_size() -> None:
    """Half of a uniform sky: its first half, also where some cells are split and named later."""
    uniq = np.array([*range(5, 16), *range(16, 20)])
    region = credible_region(plain_map(uniq, np.ones(15)), 0.5)
    assert region.moc.to_depth29_ranges.tolist() == [[0, LEAVES // 2]]


def test_all_probability_in_the_smallest_cell_is_a_region_of_that_cell() -> None:
    parts = [np.arange(5, 16)] + [4 ** (n + 1) + np.arange(1, 4) for n in range(1, 30)]
    uniq = np.concatenate([*parts, [4**30]])
    density = np.zeros(len(uniq))
    density[-1] = 1.0
    region = credible_region(plain_map(uniq, density), 0.5)
    assert region.moc.to_depth29_ranges.tolist() == [[0, 1]]
