"""Credible regions: as large as published, the same for the same map, exact where they overlap."""

from __future__ import annotations

from fractions import Fraction
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
from sirenflow.skymap.regions.credible_region import (
    LEAVES,
    Ranges,
    credible_region,
    merged,
    probability_curve,
)
from sirenflow.skymap.skymap import Skymap

LEVELS = [0.01, 0.1, 0.5, 0.9, 0.99]


def moc_of(ranges: Ranges) -> MOC:
    pairs = np.column_stack((ranges.starts, ranges.ends)).astype(np.uint64)
    return MOC.from_depth29_ranges(29, pairs)


def overlap_one_by_one(one: Ranges, other: Ranges) -> int:
    """Leaves in both, each pair of ranges looked at, in integers without bound."""
    return sum(
        max(0, min(int(b), int(d)) - max(int(a), int(c)))
        for a, b in zip(one.starts, one.ends, strict=True)
        for c, d in zip(other.starts, other.ends, strict=True)
    )


def assert_sound(ranges: Ranges) -> None:
    assert np.all(ranges.starts < ranges.ends)
    assert np.all(ranges.ends[:-1] < ranges.starts[1:])
    assert ranges.starts[0] >= 0
    assert ranges.ends[-1] <= LEAVES


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
    assert_sound(region.ranges)
    assert region.area_deg2 == area
    assert region.ranges.area_deg2 == pytest.approx(area, rel=1e-6)
    assert moc_of(region.ranges).sky_fraction * SPHERE_DEG2 == pytest.approx(area, rel=1e-6)


@given(tilings(), st.sampled_from(LEVELS))
def test_any_map_has_a_region_of_the_published_area(tiling: Tiling, level: float) -> None:
    region = credible_region(tiling.skymap, level)
    assert_sound(region.ranges)
    assert region.ranges.area_deg2 == pytest.approx(region.area_deg2, rel=1e-6)
    assert region.ranges.leaves == region.width.sum()
    held = probability_curve(tiling.skymap).probability_in(region.ranges)
    assert held == pytest.approx(level, abs=2e-6)
    assert region.probability(tiling.skymap).sum() == pytest.approx(held, abs=1e-12)


@given(tilings(), st.randoms(use_true_random=False), st.sampled_from(LEVELS))
def test_order_of_rows_changes_nothing(tiling: Tiling, random: Random, level: float) -> None:
    region = credible_region(tiling.skymap, level)
    shuffled = credible_region(tiling.shuffled(random).skymap, level)
    assert np.array_equal(region.ranges.starts, shuffled.ranges.starts)
    assert np.array_equal(region.ranges.ends, shuffled.ranges.ends)


@given(tilings(), st.randoms(use_true_random=False), st.sampled_from(LEVELS))
def test_splitting_a_cell_changes_nothing(tiling: Tiling, random: Random, level: float) -> None:
    """But for the sub-cells in which the crossing row is cut: a millionth of the area."""
    region = credible_region(tiling.skymap, level)
    split = credible_region(tiling.split(random).split(random).skymap, level)
    common = region.ranges.overlap_deg2(split.ranges)
    assert common == pytest.approx(region.area_deg2, rel=2e-6)
    assert common == pytest.approx(split.ranges.area_deg2, rel=2e-6)


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
    assert region.ranges.ends.tolist() == [LEAVES // 2]


@given(tilings())
def test_region_of_a_greater_level_holds_that_of_a_lesser(tiling: Tiling) -> None:
    regions = [credible_region(tiling.skymap, level) for level in LEVELS]
    for inner, outer in pairwise(regions):
        common = inner.ranges.overlap_deg2(outer.ranges)
        assert common == pytest.approx(inner.ranges.area_deg2, rel=2e-6)


@given(tilings(), tilings(), st.sampled_from(LEVELS))
def test_overlap_is_that_of_every_pair_of_ranges(one: Tiling, other: Tiling, level: float) -> None:
    a, b = (credible_region(tiling.skymap, level).ranges for tiling in (one, other))
    expected = overlap_one_by_one(a, b)
    assert a.overlap_deg2(b) == b.overlap_deg2(a)
    assert a.overlap_deg2(b) == pytest.approx(expected / LEAVES * SPHERE_DEG2, rel=1e-12)
    by_others = moc_of(a).intersection(moc_of(b)).sky_fraction * SPHERE_DEG2
    assert a.overlap_deg2(b) == pytest.approx(by_others, rel=1e-9)


@given(tilings(), tilings(), st.sampled_from(LEVELS))
def test_probability_in_a_region_is_that_of_every_row(
    one: Tiling, other: Tiling, level: float
) -> None:
    """Also where leaves are numbered above 2^53, as most are."""
    skymap, ranges = one.skymap, credible_region(other.skymap, level).ranges
    expected = Fraction(0)
    for cell, depth, probability in zip(
        skymap.ipix.tolist(), skymap.level.tolist(), skymap.probability.tolist(), strict=True
    ):
        width = 4 ** (29 - depth)
        row = Ranges(np.array([cell * width]), np.array([(cell + 1) * width]))
        expected += Fraction(probability) * Fraction(overlap_one_by_one(row, ranges), width)
    found = probability_curve(skymap).probability_in(ranges)
    assert found == pytest.approx(min(float(expected), 1.0), rel=1e-9, abs=1e-13)


def test_last_leaf_of_the_sky_has_its_probability() -> None:
    last = Ranges(np.array([LEAVES - 1]), np.array([LEAVES]))
    curve = probability_curve(plain_map(all_cells(0), np.arange(1.0, 13.0)))
    assert curve.probability_in(last) == pytest.approx(12 / 78 / 4**29, abs=1e-16)
    assert last.overlap_deg2(last) == pytest.approx(SPHERE_DEG2 / LEAVES)


def test_equally_probable_rows_are_taken_along_the_curve_whatever_their_size() -> None:
    """Half of a uniform sky: its first half, also where some cells are split and named later."""
    uniq = np.array([*range(5, 16), *range(16, 20)])
    region = credible_region(plain_map(uniq, np.ones(15)), 0.5)
    assert region.ranges.starts.tolist() == [0]
    assert region.ranges.ends.tolist() == [LEAVES // 2]


def test_all_probability_in_the_smallest_cell_is_a_region_of_that_cell() -> None:
    parts = [np.arange(5, 16)] + [4 ** (n + 1) + np.arange(1, 4) for n in range(1, 30)]
    uniq = np.concatenate([*parts, [4**30]])
    density = np.zeros(len(uniq))
    density[-1] = 1.0
    region = credible_region(plain_map(uniq, density), 0.5)
    assert (region.ranges.starts.tolist(), region.ranges.ends.tolist()) == ([0], [1])


def test_ranges_that_touch_become_one() -> None:
    joined = merged(np.array([8, 0, 4]), np.array([9, 4, 6]))
    assert joined.starts.tolist() == [0, 8]
    assert joined.ends.tolist() == [6, 9]


def test_nothing_overlaps_nothing() -> None:
    nothing = merged(np.array([], dtype=np.int64), np.array([], dtype=np.int64))
    everything = Ranges(np.array([0]), np.array([LEAVES]))
    assert nothing.overlap_deg2(everything) == everything.overlap_deg2(nothing) == 0
    assert probability_curve(plain_map(all_cells(0), np.ones(12))).probability_in(nothing) == 0
    assert everything.area_deg2 == pytest.approx(SPHERE_DEG2)
