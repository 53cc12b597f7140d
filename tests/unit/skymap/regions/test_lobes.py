"""Connected parts of a region: how many, how probable, how large and where."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from builders import SPHERE_DEG2, all_cells
from caps import Cap, area_deg2, caps_map, plain_map
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from tilings import Tiling, tilings

from sirenflow.products.regions import Lobe
from sirenflow.skymap.regions.credible_region import CredibleRegion, credible_region
from sirenflow.skymap.regions.lobes import (
    LobeLabels,
    connected_parts,
    describe_lobes,
    label_lobes,
)
from sirenflow.skymap.skymap import Skymap

CELL_DEG = 0.92  # of level 6


def lobes_of(skymap: Skymap, level: float = 0.9) -> tuple[LobeLabels, tuple[Lobe, ...]]:
    region = credible_region(skymap, level)
    labels = label_lobes(skymap, region)
    return labels, describe_lobes(skymap, region, labels)


def count_by_others(region: CredibleRegion) -> int:
    return int(region.moc.split_count(include_indirect_neighbours=True))


def test_lobes_are_the_disks_that_the_map_is_made_of() -> None:
    """One across RA 0, one over the pole, one across RA 180: none has a seam."""
    caps = [Cap(1, 5, 12, 0.5), Cap(0, 90, 9, 0.3), Cap(179, -40, 6, 0.2)]
    skymap = caps_map(caps)
    labels, lobes = lobes_of(skymap, 0.999999)
    assert labels.count == len(lobes) == 3
    for lobe, cap in zip(lobes, caps, strict=True):
        assert lobe.probability == pytest.approx(cap.probability, abs=1e-4)
        assert lobe.area_deg2 == pytest.approx(area_deg2(cap), rel=1e-3)
        assert lobe.dec_deg == pytest.approx(cap.dec_deg, abs=0.1)
        if cap.dec_deg < 90:
            assert (lobe.ra_deg - cap.ra_deg + 180) % 360 == pytest.approx(180, abs=0.1)
        assert abs(lobe.radius_deg - cap.radius_deg) < 1.2 * CELL_DEG


def test_two_equal_lobes_are_the_two_halves() -> None:
    labels, lobes = lobes_of(caps_map([Cap(80, 30, 10, 0.48), Cap(260, -30, 10, 0.48)]), 0.96)
    assert labels.count == 2
    assert [lobe.probability for lobe in lobes] == pytest.approx([0.48, 0.48], abs=1e-3)


def test_cells_that_share_a_corner_are_one_lobe() -> None:
    """Cells 0 and 3 of a family touch in a corner, 0 and 15 of a square of 16 do not."""
    for cells, count in (([0, 3], 1), ([0, 1], 1), ([0, 15], 2), ([0, 5], 2)):
        density = np.zeros(12 * 64)
        density[cells] = 1.0
        assert lobes_of(plain_map(all_cells(3), density), 1 - 1e-9)[0].count == count


@given(
    st.integers(1, 200).flatmap(
        lambda count: st.tuples(
            st.just(count),
            st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=300),
        )
    )
)
def test_connected_parts_are_those_that_scipy_finds(
    graph: tuple[int, list[tuple[int, int]]],
) -> None:
    count, links = graph
    one, other = np.array(links, dtype=np.int64).reshape(-1, 2).T
    label, first = connected_parts(one, other, count)
    matrix = coo_array((np.ones(len(links)), (one, other)), shape=(count, count))
    expected_count, expected = connected_components(matrix, directed=False)
    assert len(first) == expected_count
    assert len(set(zip(label.tolist(), expected.tolist(), strict=True))) == expected_count
    assert [label.tolist().index(part) for part in range(len(first))] == first.tolist()


def test_a_long_chain_in_random_order_is_one_part() -> None:
    order = np.random.default_rng(1).permutation(100_000)
    label, first = connected_parts(order[:-1], order[1:], len(order))
    assert not label.any()
    assert first.tolist() == [0]


@given(tilings())
def test_lobes_are_as_many_as_others_count(tiling: Tiling) -> None:
    skymap = tiling.skymap
    for level in (0.5, 0.9):
        region = credible_region(skymap, level)
        labels = label_lobes(skymap, region)
        assert labels.count == count_by_others(region)
        assert labels.probability.sum() == pytest.approx(level, abs=2e-6)
        assert all(a >= b for a, b in pairwise(labels.probability.tolist()))
        lobes = describe_lobes(skymap, region, labels)
        assert sum(lobe.area_deg2 for lobe in lobes) == pytest.approx(
            float(region.moc.sky_fraction) * SPHERE_DEG2
        )


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
def test_specks_are_as_many_as_others_count_and_only_few_are_described(share: float) -> None:
    rng = np.random.default_rng(1)
    density = np.where(rng.random(12 * 4**5) < share, rng.exponential(size=12 * 4**5), 1e-9)
    skymap = plain_map(all_cells(5), density)
    labels, lobes = lobes_of(skymap)
    assert labels.count == count_by_others(credible_region(skymap, 0.9))
    assert len(lobes) == min(labels.count, 20)


def test_whole_sky_is_one_lobe_about_its_densest_cell() -> None:
    """Its mean direction is none; the centre is that of a cell."""
    labels, (lobe,) = lobes_of(plain_map(all_cells(2), np.ones(192)), 1.0)
    assert labels.count == 1
    assert lobe.probability == pytest.approx(1)
    assert lobe.radius_deg > 170
    assert -90 <= lobe.dec_deg <= 90


def test_order_of_rows_changes_no_lobe() -> None:
    rng = np.random.default_rng(2)
    skymap = plain_map(all_cells(4), rng.integers(1, 4, 12 * 4**4) ** 6.0)
    order = rng.permutation(len(skymap))
    columns = skymap.uniq[order], skymap.probdensity[order]
    shuffled = Skymap(*columns, None, None, None, header={})
    assert lobes_of(shuffled)[1] == lobes_of(skymap)[1]
