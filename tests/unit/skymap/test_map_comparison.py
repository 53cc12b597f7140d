"""What changed between two maps, against disks moved by a known angle and against brute force."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from builders import SPHERE_DEG2
from caps import Cap, area_deg2, caps_map, cells_of, fisher_map
from hypothesis import given
from msgspec import structs
from tilings import Tiling, tilings

from sirenflow.products.regions import MapComparison
from sirenflow.skymap.map_comparison import MeasuredMap, compare_maps
from sirenflow.skymap.regions.credible_region import LEAVES, credible_region
from sirenflow.skymap.skymap import Skymap, peak


def measured(skymap: Skymap, number: int = 1, sha256: str = "a") -> MeasuredMap:
    region_50, region_90 = (credible_region(skymap, level) for level in (0.5, 0.9))
    return MeasuredMap(
        number=number,
        sha256=sha256,
        peak=peak(skymap),
        area_50_deg2=region_50.area_deg2,
        area_90_deg2=region_90.area_deg2,
        moc_50=region_50.moc,
        moc_90=region_90.moc,
        distance_mean_mpc=None,
        distance_std_mpc=None,
    )


def compared(new: Skymap, old: Skymap) -> MapComparison:
    return compare_maps(measured(new, 2, "b"), new, measured(old))


@given(tilings())
def test_map_agrees_with_itself(tiling: Tiling) -> None:
    skymap = tiling.skymap
    same = compare_maps(measured(skymap, 4), skymap, measured(skymap, 3))
    assert (same.number, same.identical, same.distance_shift_sigma) == (3, True, None)
    assert same.peak_shift_deg == 0
    assert (same.area_50_ratio, same.area_90_ratio) == (1, 1)
    assert (same.overlap_90_of_new, same.overlap_90_of_old) == (1, 1)
    assert same.overlap_90_deg2 == pytest.approx(measured(skymap).area_90_deg2, rel=1e-6)
    assert same.probability_in_old_50 == pytest.approx(0.5, abs=2e-6)
    assert same.probability_in_old_90 == pytest.approx(0.9, abs=2e-6)


def _leaves_in_both(one: list[list[int]], other: list[list[int]]) -> int:
    """Leaves in both, each pair of ranges looked at, in integers without bound."""
    return sum(max(0, min(b, d) - max(a, c)) for a, b in one for c, d in other)


@given(tilings(), tilings())
def test_overlap_and_probability_are_those_of_every_row(one: Tiling, other: Tiling) -> None:
    """Also where leaves are numbered above 2^53, as most are."""
    new, old = measured(one.skymap), measured(other.skymap)
    found = compare_maps(new, one.skymap, old)
    in_new, in_old = (tried.moc_90.to_depth29_ranges.tolist() for tried in (new, old))
    shared = _leaves_in_both(in_new, in_old)
    assert found.overlap_90_deg2 == pytest.approx(shared / LEAVES * SPHERE_DEG2, rel=1e-12)
    expected = Fraction(0)
    skymap = one.skymap
    for cell, depth, probability in zip(
        skymap.ipix.tolist(), skymap.level.tolist(), skymap.probability.tolist(), strict=True
    ):
        width = 4 ** (29 - depth)
        row = [[cell * width, (cell + 1) * width]]
        expected += Fraction(probability) * Fraction(_leaves_in_both(row, in_old), width)
    found_90 = found.probability_in_old_90
    assert found_90 == pytest.approx(min(float(expected), 1.0), rel=1e-9, abs=1e-13)


def test_overlap_of_two_disks_is_that_of_their_cells() -> None:
    """Each disk is a 90 % region: they share the cells that are in both."""
    old, new = Cap(355, 10, 15, 0.9), Cap(8, 10, 12, 0.9)
    both = cells_of(old, 6) & cells_of(new, 6)
    assert 0 < both.sum() < cells_of(new, 6).sum()
    found = compared(caps_map([new]), caps_map([old]))
    assert not found.identical
    assert found.area_90_ratio == pytest.approx(area_deg2(new) / area_deg2(old), rel=1e-5)
    shared = area_deg2(new) * both.sum() / cells_of(new, 6).sum()
    assert found.overlap_90_deg2 == pytest.approx(shared, rel=1e-5)
    assert found.overlap_90_of_new == pytest.approx(shared / area_deg2(new), rel=1e-5)
    assert found.overlap_90_of_old == pytest.approx(shared / area_deg2(old), rel=1e-5)


def test_probability_in_the_old_region_is_that_of_the_cells_in_it() -> None:
    old, new = Cap(355, 10, 15, 0.9), Cap(8, 10, 12, 0.9)
    in_old, in_new = cells_of(old, 6), cells_of(new, 6)
    share_of_new = (in_old & in_new).sum() / in_new.sum()
    share_of_rest = (in_old & ~in_new).sum() / (~in_new).sum()
    found = compared(caps_map([new]), caps_map([old]))
    expected = 0.9 * share_of_new + 0.1 * share_of_rest
    assert found.probability_in_old_90 == pytest.approx(expected, rel=1e-5)


def test_disjoint_regions_share_nothing() -> None:
    found = compared(caps_map([Cap(10, 0, 8, 1.0)]), caps_map([Cap(190, 0, 8, 1.0)]))
    assert (found.overlap_90_deg2, found.overlap_90_of_new, found.overlap_90_of_old) == (0, 0, 0)
    assert found.probability_in_old_50 == pytest.approx(0, abs=1e-15)
    assert found.probability_in_old_90 == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize(
    ("new", "old", "shift"),
    [((2.0, 0.0), (358.0, 0.0), 4.0), ((10.0, 89.0), (190.0, 89.0), 2.0), ((0, 0), (180, 0), 180)],
)
def test_peak_moves_by_the_angle_between(
    new: tuple[float, float], old: tuple[float, float], shift: float
) -> None:
    found = compared(fisher_map(*new), fisher_map(*old))
    assert found.peak_shift_deg == pytest.approx(shift, abs=1.4)  # cells are 0.9 deg wide


@given(tilings(), tilings())
def test_shares_are_shares(new: Tiling, old: Tiling) -> None:
    found = compared(new.skymap, old.skymap)
    values = structs.astuple(found)[-5:-1]
    assert all(0 <= value <= 1 for value in values)
    assert found.probability_in_old_50 <= found.probability_in_old_90 + 1e-12
    assert 0 <= found.peak_shift_deg <= 180
    assert found.area_50_ratio > 0
    assert found.area_90_ratio > 0


@pytest.mark.parametrize(
    ("new", "old", "shift"),
    [
        ((110.0, 20.0), (100.0, 40.0), 0.25),
        ((80.0, None), (100.0, 40.0), -0.5),
        ((110.0, 20.0), (None, 40.0), None),
        ((None, None), (100.0, 40.0), None),
        ((110.0, 20.0), (100.0, None), None),
        ((110.0, 20.0), (100.0, 1e-308), None),
        ((1e308, 20.0), (-1e308, 40.0), None),
    ],
)
def test_distance_shift_is_in_units_of_the_old_spread(
    new: tuple[float | None, float | None],
    old: tuple[float | None, float | None],
    shift: float | None,
) -> None:
    skymap = fisher_map(0.0, 0.0)
    one, other = (
        replace(measured(skymap), distance_mean_mpc=mean, distance_std_mpc=std)
        for mean, std in (new, old)
    )
    assert compare_maps(one, skymap, other).distance_shift_sigma == shift
