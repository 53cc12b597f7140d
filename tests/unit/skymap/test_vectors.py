"""Angles between vectors: what geometry says, at every size."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.coordinates import angular_separation
from hypothesis import given
from hypothesis import strategies as st

from sirenflow.skymap.vectors import lonlat_deg, separation_deg, unit_vectors

RA, DEC = st.floats(0, 360), st.floats(-90, 90)


@pytest.mark.parametrize("angle", [0, 1e-14, 1e-9, 1e-3, 1, 90, 135, 179.999, 180 - 1e-9, 180])
@pytest.mark.parametrize("length", [1.0, 7e-9, 60.3])
def test_angle_keeps_its_digits_at_any_size(angle: float, length: float) -> None:
    one = np.array([1.0, 0.0, 0.0])
    other = length * np.array([np.cos(np.deg2rad(angle)), 0.0, np.sin(np.deg2rad(angle))])
    assert separation_deg(one, other) == pytest.approx(angle, rel=1e-12, abs=1e-20)


@given(RA, DEC, RA, DEC)
def test_angle_is_that_of_astropy(ra: float, dec: float, ra_2: float, dec_2: float) -> None:
    ours = separation_deg(unit_vectors(np.array(ra), np.array(dec)), unit_vectors(ra_2, dec_2))
    theirs = np.rad2deg(angular_separation(*np.deg2rad([ra, dec, ra_2, dec_2])))
    assert ours == pytest.approx(theirs, abs=1e-13)
    assert 0 <= ours <= 180


def test_many_vectors_have_an_angle_each() -> None:
    ra = np.array([0.0, 90.0, 180.0, 359.0])
    vectors = unit_vectors(ra, np.zeros(4))
    assert separation_deg(vectors, vectors) == pytest.approx(np.zeros(4))
    apart = separation_deg(vectors, np.broadcast_to(vectors[:, :1], vectors.shape))
    assert apart == pytest.approx(np.array([0, 90, 180, 1]), abs=1e-12)


@given(st.floats(0, 359.9), st.floats(-89.9, 89.9))
def test_position_of_a_vector_is_the_one_it_was_made_of(ra: float, dec: float) -> None:
    found = lonlat_deg(3 * unit_vectors(np.array([ra]), np.array([dec])))
    assert np.ravel(found) == pytest.approx([ra, dec], abs=1e-12)
