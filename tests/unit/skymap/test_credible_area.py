"""Peak, credible areas and levels, against maps whose answer is known on paper."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from builders import SPHERE_DEG2, all_cells, cell_area_sr, fits_map, flat_map
from hypothesis import given
from hypothesis import strategies as st
from tilings import Tiling, tilings

from sirenflow.skymap.credible_area import credible_areas, credible_levels
from sirenflow.skymap.skymap import Skymap, peak, read_skymap

LEVELS = [0.01, 0.1, 0.5, 0.9, 0.99]


def sky(probability: list[float]) -> Skymap:
    """Read a map of the twelve cells of level 0 with these probabilities."""
    uniq = all_cells(0)
    density = np.array(probability) / cell_area_sr(uniq)
    return read_skymap(fits_map({"UNIQ": uniq, "PROBDENSITY": density}))


@pytest.mark.parametrize("level", [0, 1, 4])
def test_share_of_a_flat_sky_is_the_share_of_the_sphere(level: int) -> None:
    areas = credible_areas(read_skymap(flat_map(level)), LEVELS)
    assert areas == pytest.approx(np.array(LEVELS) * SPHERE_DEG2, rel=1e-12)


def test_all_probability_in_one_cell_is_a_twelfth_of_the_sphere() -> None:
    skymap = sky([0, 0, 1, *[0] * 9])
    areas = credible_areas(skymap, LEVELS)
    assert areas == pytest.approx(np.array(LEVELS) * SPHERE_DEG2 / 12, rel=1e-12)


def test_crossing_row_counts_with_the_fraction_that_is_needed() -> None:
    """0.9 = 0.6 + 0.2 + half of 0.2: two and a half cells."""
    areas = credible_areas(sky([0.2, 0.6, 0.2, *[0] * 9]), [0.6, 0.8, 0.9])
    assert areas == pytest.approx(np.array([1, 2, 2.5]) * SPHERE_DEG2 / 12, rel=1e-12)


def test_level_that_is_not_reached_takes_the_whole_sky() -> None:
    areas = credible_areas(sky([0.9995, *[0] * 11]), [0.9996])
    assert areas == pytest.approx(SPHERE_DEG2)


def test_cells_of_two_levels_are_ranked_by_density_and_not_by_probability() -> None:
    """The big cell holds 0.6 but its density is lower than that of the small one with 0.4."""
    uniq = np.array([16, 17, 18, 19, *range(5, 16)])
    probability = np.zeros(len(uniq))
    probability[[0, 4]] = 0.4, 0.6
    skymap = read_skymap(fits_map({"UNIQ": uniq, "PROBDENSITY": probability / cell_area_sr(uniq)}))
    assert credible_areas(skymap, [0.4, 0.7]) == pytest.approx(
        np.array([1 / 4, 1 / 4 + 1 / 2]) * SPHERE_DEG2 / 12
    )
    assert peak(skymap).ra_deg == pytest.approx(45)
    assert credible_levels(skymap)[[0, 4]] == pytest.approx([0.4, 1.0])


@pytest.mark.parametrize(
    ("cell", "ra", "dec"),
    [(0, 45, np.degrees(np.arcsin(2 / 3))), (4, 0, 0), (6, 180, 0), (9, 135, -41.8103148957786)],
)
def test_peak_is_the_centre_of_the_cell(cell: int, ra: float, dec: float) -> None:
    """Centres of the base cells: Gorski et al. 2005, ApJ 622, 759, section 5.1."""
    probability = np.full(12, 0.05)
    probability[cell] = 0.45
    found = peak(sky(probability.tolist()))
    assert found.ra_deg % 360 == pytest.approx(ra, abs=1e-12)
    assert found.dec_deg == pytest.approx(dec, abs=1e-12)
    assert found.probdensity_per_sr == pytest.approx(0.45 * 12 / (4 * np.pi))


def test_first_of_equal_peaks_is_the_peak() -> None:
    assert peak(read_skymap(flat_map())).ra_deg == pytest.approx(45)


def test_credible_level_is_the_probability_ranked_as_high_or_higher() -> None:
    levels = credible_levels(sky([0.2, 0.5, 0.3, *[0] * 9]))
    assert levels[:3] == pytest.approx([1.0, 0.5, 0.8])
    assert levels.max() <= 1


def test_equally_probable_rows_rank_along_the_curve_whatever_their_size() -> None:
    """Cell 3 of level 0 is split in four, which UNIQ numbers after the other eleven."""
    uniq = np.array([*range(4, 7), *range(8, 16), *range(28, 32)])
    density = np.full(len(uniq), 1 / (4 * np.pi))
    levels = credible_levels(read_skymap(fits_map({"UNIQ": uniq, "PROBDENSITY": density})))
    expected = [1, 2, 3, *range(5, 13), 3.25, 3.5, 3.75, 4]
    assert levels == pytest.approx(np.array(expected) / 12)


@given(st.one_of(tilings(), tilings().map(Tiling.level_out)), st.randoms(use_true_random=False))
def test_splitting_a_cell_moves_no_other(tiling: Tiling, random: Any) -> None:
    """Its children take its place, also among cells as dense: regions stay what they are."""
    split = tiling.split(random)
    before, after = (
        dict(zip(t.skymap.uniq.tolist(), credible_levels(t.skymap).tolist(), strict=True))
        for t in (tiling, split)
    )
    (parent,) = before.keys() - after.keys()
    assert after[4 * parent + 3] == pytest.approx(before[parent], abs=1e-12)
    for uniq in before.keys() & after.keys():
        assert after[uniq] == pytest.approx(before[uniq], abs=1e-12)


@given(tilings(), st.lists(st.floats(0, 1), min_size=2, max_size=6))
def test_areas_grow_with_level(tiling: Tiling, levels: list[float]) -> None:
    areas = credible_areas(tiling.skymap, sorted(levels))
    assert np.all(np.diff(areas) >= 0)
    assert np.all((areas >= 0) & (areas <= SPHERE_DEG2 * (1 + 1e-12)))


@given(tilings(), st.randoms(use_true_random=False))
def test_neither_order_nor_splitting_of_rows_changes_an_area(
    tiling: Tiling, random: object
) -> None:
    before = credible_areas(tiling.skymap, LEVELS)
    assert credible_areas(tiling.shuffled(random).skymap, LEVELS) == pytest.approx(before, rel=1e-9)
    assert credible_areas(tiling.split(random).skymap, LEVELS) == pytest.approx(before, rel=1e-9)


@given(tilings(), st.randoms(use_true_random=False))
def test_order_of_rows_does_not_change_the_peak(tiling: Tiling, random: object) -> None:
    before, after = peak(tiling.skymap), peak(tiling.shuffled(random).skymap)
    assert before.probdensity_per_sr == after.probdensity_per_sr
