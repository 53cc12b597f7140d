"""Cells and directions: those of astropy_healpix, and there and back."""

from __future__ import annotations

import astropy_healpix
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sirenflow.skymap.healpix import cell_directions, leaves_at
from sirenflow.skymap.skymap import MAX_LEVEL

CORNERS = [(1, 0, 0), (0, 1, 0), (-1, 0, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1), (1, -0.0, 0)]


@pytest.mark.parametrize("level", [0, 1, 2, 3, 6, 13, 21, 29])
def test_centres_are_those_of_astropy_healpix(level: int) -> None:
    cells = 12 * 4**level
    ipix = np.unique(np.random.default_rng(1).integers(0, cells, 20_000, dtype=np.int64))
    first = ipix << 2 * (MAX_LEVEL - level)
    found = cell_directions(first, np.full(len(ipix), level))
    expected = np.stack(astropy_healpix.healpix_to_xyz(ipix, 2**level, order="nested"))
    assert np.abs(found - expected).max() < 1e-15
    assert np.array_equal(leaves_at(found) >> 2 * (MAX_LEVEL - level), ipix)


@given(st.lists(st.tuples(st.integers(0, 29), st.floats(0, 1, exclude_max=True)), min_size=1))
def test_cells_of_mixed_levels_are_found_at_their_centres(cells: list[tuple[int, float]]) -> None:
    level = np.array([level for level, _ in cells])
    ipix = np.array([int(share * 12 * 4**level) for level, share in cells])
    first = ipix << 2 * (MAX_LEVEL - level)
    directions = cell_directions(first, level)
    assert np.linalg.norm(directions, axis=0) == pytest.approx(np.ones(len(cells)), abs=1e-15)
    assert np.array_equal(leaves_at(directions) >> 2 * (MAX_LEVEL - level), ipix)


@pytest.mark.parametrize("flat", [1.0, 1e-3, 1e-8])
def test_leaves_are_those_of_astropy_healpix_also_next_to_the_poles(flat: float) -> None:
    vectors = np.random.default_rng(2).normal(size=(3, 100_000)) * [[flat], [flat], [1.0]]
    vectors /= np.linalg.norm(vectors, axis=0)
    expected = astropy_healpix.xyz_to_healpix(*vectors, nside=2**MAX_LEVEL, order="nested")
    # A direction on an edge, to the last digit, may be of either side.
    assert np.mean(leaves_at(vectors) != expected) < 1e-4


@pytest.mark.parametrize("direction", CORNERS)
def test_corners_of_the_base_cells_lie_in_one_of_them(direction: tuple[float, ...]) -> None:
    (leaf,) = leaves_at(np.array([direction], dtype=np.float64).T)
    centre = cell_directions(np.array([leaf]), np.array([MAX_LEVEL]))[:, 0]
    assert np.linalg.norm(centre - direction) < 1e-8


def test_no_cells_have_no_directions() -> None:
    none = np.zeros(0, dtype=np.int64)
    assert cell_directions(none, none).shape == (3, 0)
    assert len(leaves_at(np.zeros((3, 0)))) == 0
