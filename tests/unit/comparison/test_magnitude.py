"""By how much values differ: to old, on the sky, in time."""

from __future__ import annotations

import astropy.units as u
import pytest
from astropy.coordinates import SkyCoord
from hypothesis import given
from hypothesis import strategies as st

from sirenflow.comparison.magnitude import ANOTHER, Magnitude, are_same, measure_change
from sirenflow.comparison.values import Value

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def of(name: str, old: Value, new: Value) -> Magnitude:
    return measure_change(name, {name: old}, {name: new})


def test_difference_is_new_less_old_to_old() -> None:
    found = of("area_90_deg2", 200.0, 150.0)
    assert (found.absolute, found.relative, found.unit) == (-50.0, -0.25, "deg2")
    assert of("distance_shift_sigma", -2.0, -1.0).relative == 0.5
    assert not found.is_rounding


@pytest.mark.parametrize("old", [0.0, -0.0])
def test_difference_from_zero_has_no_relative_one(old: float) -> None:
    found = of("far", old, 1e-9)
    assert (found.absolute, found.relative, found.unit) == (1e-9, None, "Hz")
    assert not found.is_rounding


@pytest.mark.parametrize(
    ("name", "old", "new", "rounding"),
    [
        ("area_90_deg2", 1.0, 1.0 + 9e-10, True),
        ("area_90_deg2", 1.0, 1.0 + 2e-9, False),
        ("values.far", 1e-17, 1.01e-17, False),
        ("peak_shift_deg", 0.0, 1e-10, True),
        ("peak_shift_deg", 0.0, 1e-6, False),
        ("distance_shift_sigma", 1e-12, -1e-12, True),
        ("probabilities", (0.5, 0.5), (0.5, 0.5 + 1e-12), True),
    ],
)
def test_rounding_is_told_from_what_is_real(
    name: str, old: Value, new: Value, rounding: bool
) -> None:
    assert of(name, old, new).is_rounding == rounding


@given(
    *(st.floats(0, 360), st.floats(-90, 90)),
    *(st.floats(0, 360), st.floats(-90, 90)),
)
def test_positions_are_as_far_apart_as_astropy_says(
    ra: float, dec: float, new_ra: float, new_dec: float
) -> None:
    before: dict[str, Value] = {"peak_ra_deg": ra, "peak_dec_deg": dec}
    after: dict[str, Value] = {"peak_ra_deg": new_ra, "peak_dec_deg": new_dec}
    expected = SkyCoord(ra * u.deg, dec * u.deg).separation(
        SkyCoord(new_ra * u.deg, new_dec * u.deg)
    )
    for name in before:
        found = measure_change(name, before, after)
        assert found.separation_deg == pytest.approx(expected.deg, abs=1e-7)
        assert found.relative is None


def test_right_ascension_takes_the_short_way_around() -> None:
    before: dict[str, Value] = {"ra_deg": 359.75, "dec_deg": 0.0}
    after: dict[str, Value] = {"ra_deg": 0.25, "dec_deg": 0.0}
    assert measure_change("ra_deg", before, after).absolute == 0.5
    assert measure_change("ra_deg", after, before).absolute == -0.5
    full_turn: dict[str, Value] = {"ra_deg": 360.0, "dec_deg": 0.0}
    assert measure_change("ra_deg", {"ra_deg": 0.0, "dec_deg": 0.0}, full_turn).is_rounding


def test_coordinate_without_its_other_is_a_number() -> None:
    found = of("maximum_dec_deg", 1.0, 2.0)
    assert (found.absolute, found.separation_deg) == (1.0, None)


def test_times_differ_by_seconds() -> None:
    found = of("best_time_utc", "2026-01-01T00:00:00Z", "2026-01-01T00:10:00Z")
    assert (found.absolute, found.unit, found.relative) == (600.0, "s", None)


def test_lists_of_numbers_tell_where_they_differ_most() -> None:
    found = of("probability_above", (0.1, 0.5, 0.9), (0.1, 0.2, 1.0))
    assert (found.old, found.new, found.absolute) == (0.5, 0.2, pytest.approx(-0.3))
    assert of("probability_above", (0.1, 0.5), (0.1,)).absolute is None
    assert of("instruments", ("H1",), ("L1",)).absolute is None


@pytest.mark.parametrize(
    ("old", "new"), [(None, 1.0), (1.0, None), ("a", "b"), (True, 1), (1, "1")]
)
def test_what_is_no_number_on_one_side_weighs_more_than_any_number(old: Value, new: Value) -> None:
    found = of("area_90_deg2", old, new)
    assert (found.absolute, found.weight) == (None, ANOTHER)


def test_one_is_one_and_not_true() -> None:
    assert are_same(1, 1.0)
    assert not are_same(1, True)
    assert not are_same(0.0, False)


@given(NUMBERS | st.integers(), NUMBERS | st.integers())
def test_any_two_numbers_can_be_compared(old: float, new: float) -> None:
    found = of("x", old, new)
    assert 0 <= found.weight <= 2 or found.weight == ANOTHER
    assert are_same(old, new) or found.weight > 0
