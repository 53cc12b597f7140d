"""The numbers of a map: each key, null where unknown, with the reason."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from builders import (
    SPHERE_DEG2,
    distance_columns,
    fits_map,
    flat_columns,
    flat_map,
    quadrature,
    same_distance_columns,
)
from hypothesis import given
from hypothesis import strategies as st

from sirenflow.errors import SkymapError
from sirenflow.formats.json_file import rounded, write_json
from sirenflow.skymap.localization import measure_skymap, unmeasured_map
from sirenflow.skymap.skymap import read_skymap

LEVELS = [50, 90]
CONTRACT = (
    *("rejection_reason", "not_measured_reason", "rows", "level_min", "level_max", "creator"),
    *("peak_ra_deg", "peak_dec_deg", "peak_probdensity_per_sr", "area_50_deg2", "area_90_deg2"),
    *("distance_absent_because", "probability_with_distance"),
    *("distance_mean_mpc", "distance_std_mpc"),
    *("distance_marginal_mean_mpc", "distance_marginal_std_mpc"),
    *("distance_p05_mpc", "distance_p50_mpc", "distance_p95_mpc"),
    *("volume_50_mpc3", "volume_90_mpc3", "volume_absent_because"),
)


def measured(data: bytes) -> dict[str, Any]:
    return measure_skymap(read_skymap(data), LEVELS)


def distances(numbers: dict[str, Any]) -> set[str]:
    """Names of the distances and volumes that are known."""
    return {
        key
        for key, value in numbers.items()
        if key.endswith(("_mpc", "_mpc3")) and value is not None
    }


def test_every_map_has_every_key() -> None:
    for numbers in (unmeasured_map(LEVELS), measured(flat_map())):
        assert set(CONTRACT) <= set(numbers)
        assert set(numbers) == set(unmeasured_map(LEVELS))
    assert set(unmeasured_map(LEVELS).values()) == {None}


def test_levels_name_the_keys() -> None:
    numbers = measure_skymap(read_skymap(flat_map()), [10, 99])
    assert numbers["area_10_deg2"] == pytest.approx(0.1 * SPHERE_DEG2)
    assert numbers["area_99_deg2"] == pytest.approx(0.99 * SPHERE_DEG2)
    assert numbers["area_50_deg2"] is None


def test_map_without_distance_says_so() -> None:
    numbers = measured(flat_map(CREATOR="cWB", INSTRUME="H1,L1", DISTMEAN=40.0))
    assert numbers["area_90_deg2"] == pytest.approx(0.9 * SPHERE_DEG2)
    assert (numbers["rows"], numbers["level_min"], numbers["level_max"]) == (12, 0, 0)
    assert (numbers["creator"], numbers["instruments"]) == ("cWB", "H1,L1")
    assert distances(numbers) == set()
    assert numbers["probability_with_distance"] is None
    assert "no distance columns" in numbers["distance_absent_because"]
    assert "no distance columns" in numbers["volume_absent_because"]


def test_headline_is_the_header_and_the_marginal_is_beside_it() -> None:
    cards = {"DISTMEAN": 39.76999609489013, "DISTSTD": 8.308435058808886}
    numbers = measured(fits_map(same_distance_columns(40.0, 8.0), cards))
    assert numbers["distance_mean_mpc"] == cards["DISTMEAN"]
    assert numbers["distance_std_mpc"] == cards["DISTSTD"]
    assert numbers["distance_marginal_mean_mpc"] != cards["DISTMEAN"]
    assert numbers["probability_with_distance"] == pytest.approx(1)
    assert numbers["distance_absent_because"] is None
    assert numbers["volume_absent_because"] is None


@pytest.mark.parametrize("value", ["40", True, None, "NaN"])
def test_headline_that_is_no_number_is_unknown(value: object) -> None:
    numbers = measured(fits_map(same_distance_columns(40.0, 8.0), {"DISTMEAN": value}))
    assert numbers["distance_mean_mpc"] is None
    assert numbers["distance_marginal_mean_mpc"] is not None


def test_volume_beyond_the_probability_that_has_a_distance_is_unknown() -> None:
    columns = same_distance_columns(40.0, 8.0)
    columns["DISTNORM"][:3] = 0
    numbers = measured(fits_map(columns))
    assert numbers["probability_with_distance"] == pytest.approx(0.75)
    assert numbers["volume_50_mpc3"] is not None
    assert numbers["volume_90_mpc3"] is None
    assert numbers["volume_absent_because"] == "only 0.75 of the probability has a distance"
    assert numbers["distance_p50_mpc"] is not None
    assert numbers["distance_p95_mpc"] is None


def test_map_whose_distances_are_all_unknown_says_so() -> None:
    columns = same_distance_columns(40.0, 8.0)
    columns["DISTMU"][:] = np.inf
    numbers = measured(fits_map(columns, {"DISTMEAN": 40.0}))
    assert distances(numbers) == {"distance_mean_mpc"}
    assert numbers["probability_with_distance"] == 0
    assert "no row" in numbers["distance_absent_because"]
    assert "no row" in numbers["volume_absent_because"]


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.1, 2.0, 1e30])
def test_distance_that_does_not_integrate_to_one_gives_no_wrong_number(factor: float) -> None:
    """A volume of 1e142 Mpc3 is worse than none: expect None, or what the shape alone says."""
    columns = same_distance_columns(40.0, 8.0)
    right = measured(fits_map(columns))
    columns["DISTNORM"] *= factor
    try:
        numbers = measured(fits_map(columns))
    except SkymapError:
        return
    for key in distances(right):
        assert numbers[key] is None or numbers[key] == pytest.approx(right[key], rel=1e-3), key


hostile = st.one_of(
    st.floats(), st.sampled_from([0.0, 1e-300, 1e300, -1e300, 1e155, -1e155, 40.0, 8.0, 6e-4])
)


@given(st.lists(st.tuples(hostile, hostile, hostile), min_size=12, max_size=12))
def test_any_distance_parameters_give_finite_numbers_or_a_reason(
    rows: list[tuple[float, float, float]],
) -> None:
    """NaN can be written to no product: the whole superevent would be lost."""
    mu, sigma, norm = np.array(rows).T
    columns = {**flat_columns(), "DISTMU": mu, "DISTSIGMA": sigma, "DISTNORM": norm}
    try:
        numbers = measured(fits_map(columns))
    except SkymapError:
        return
    assert all(math.isfinite(value) for value in numbers.values() if isinstance(value, float))


def test_json_is_the_same_bytes_whatever_the_order_of_keys(tmp_path: Any) -> None:
    for name, content in (("a", {"x": 1.5, "é": None}), ("b", {"é": None, "x": 1.5})):
        write_json(tmp_path / name, content)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert json.loads((tmp_path / "a").read_bytes()) == {"x": 1.5, "é": None}


def test_json_never_holds_nan(tmp_path: Any) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "a", {"x": math.nan})
    assert not (tmp_path / "a").exists()


def test_rounding_keeps_ten_digits() -> None:
    assert rounded(1.23456789012345) == 1.23456789
    assert rounded(1.23456789012345e-300) == 1.23456789e-300
    assert rounded(None) is None


@given(mu=st.floats(-200, 400), sigma=st.floats(5, 100))
def test_distance_at_the_peak_is_that_of_its_line_of_sight(mu: float, sigma: float) -> None:
    """The moments are integrals of r^3 and r^4 over the line of sight, by quadrature."""
    columns = same_distance_columns(90.0, 20.0)
    columns |= distance_columns([mu, *[90.0] * 11], [sigma, *[20.0] * 11])
    columns["PROBDENSITY"] = columns["PROBDENSITY"] * np.array([6.5, *[0.5] * 11])
    numbers = measured(fits_map(columns))
    r, weights = quadrature(mu, sigma)
    density = weights * r**2
    mean = float((density * r).sum() / density.sum())
    std = float(np.sqrt((density * (r - mean) ** 2).sum() / density.sum()))
    assert numbers["peak_distance_mean_mpc"] == pytest.approx(mean, rel=1e-5)
    assert numbers["peak_distance_std_mpc"] == pytest.approx(std, rel=1e-4)


def test_peak_without_a_distance_has_none() -> None:
    columns = same_distance_columns(40.0, 8.0)
    columns["DISTMU"][0] = np.inf
    columns["PROBDENSITY"] = columns["PROBDENSITY"] * np.array([6.5, *[0.5] * 11])
    numbers = measured(fits_map(columns))
    assert numbers["peak_distance_mean_mpc"] is None
    assert numbers["distance_marginal_mean_mpc"] is not None
