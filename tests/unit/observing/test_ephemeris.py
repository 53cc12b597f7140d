"""Sun, Moon and the turning Earth, against astropy and astroplan."""

from __future__ import annotations

import astropy.units as u
import numpy as np
import pytest
from astroplan import moon_illumination
from astropy.coordinates import CIRS, EarthLocation, SkyCoord, get_body
from astropy.time import Time
from astropy.utils import iers
from sky_at_site import offline

from sirenflow.observing.ephemeris import (
    SkyBodies,
    celestial_to_intermediate,
    earth_rotation_angle,
    illumination,
    moon_positions,
    site_positions,
    sun_and_moon,
    sun_positions,
)

TIMES = [
    "1990-03-01T12:00:00",
    "2015-09-14T09:50:45",
    "2017-08-17T12:41:04",
    "2019-08-14T21:10:39",
    "2023-05-18T12:59:08",
    "2024-02-29T23:59:59",
    "2025-06-21T00:00:00",
    "2026-01-03T17:15:00",
]


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    offline(monkeypatch)


@pytest.mark.parametrize("time", TIMES)
def test_sun_and_moon_stand_where_astropy_has_them(time: str) -> None:
    """As seen from the Earth's centre; what is left out is aberration, 20" for the Sun."""
    bodies = sun_and_moon(f"{time}Z")
    moment = Time(time)
    for name, ra, dec in (
        ("sun", bodies.sun_ra_deg, bodies.sun_dec_deg),
        ("moon", bodies.moon_ra_deg, bodies.moon_dec_deg),
    ):
        theirs = get_body(name, moment, ephemeris="builtin")
        ours = SkyCoord(ra * u.deg, dec * u.deg, frame=theirs.frame)
        assert ours.separation(theirs).deg < 0.01, name


@pytest.mark.parametrize("time", TIMES)
def test_moon_is_lit_as_astroplan_says(time: str) -> None:
    expected = moon_illumination(Time(time), ephemeris="builtin")
    assert sun_and_moon(time).moon_illumination == pytest.approx(expected, abs=1e-3)


def test_moon_is_dark_in_a_solar_eclipse_and_full_in_one_of_its_own() -> None:
    """Those of 2024-04-08 and 2022-11-08."""
    solar, lunar = (sun_and_moon(t) for t in ("2024-04-08T18:17:00Z", "2022-11-08T10:59:00Z"))
    assert solar.moon_illumination < 0.001
    assert solar.moon_ra_deg == pytest.approx(solar.sun_ra_deg, abs=0.5)
    assert lunar.moon_illumination > 0.999
    assert (lunar.moon_ra_deg - lunar.sun_ra_deg) % 360 == pytest.approx(180, abs=0.5)


def test_equinox_is_where_the_sun_crosses_the_equator() -> None:
    """At 2000-03-20 07:35 UTC, on the equator of date, which was then that of the ICRS."""
    bodies = sun_and_moon("2000-03-20T07:35:00Z")
    assert (bodies.sun_ra_deg + 180) % 360 == pytest.approx(180, abs=0.02)
    assert bodies.sun_dec_deg == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("year", ["0001", "1600", "2060", "2300", "9999"])
def test_far_years_neither_fail_nor_warn(year: str) -> None:
    bodies = sun_and_moon(f"{year}-01-01T00:00:00Z")
    assert np.all(np.isfinite(list(vars(bodies).values())))
    assert 0 <= bodies.moon_illumination <= 1


def test_zone_of_a_time_counts() -> None:
    assert sun_and_moon("2026-01-01T02:00:00+02:00") == sun_and_moon("2026-01-01T00:00:00")


@pytest.mark.parametrize("time", ["", "yesterday", "2026-13-01T00:00:00Z"])
def test_what_is_no_time_is_refused(time: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        sun_and_moon(time)


def test_earth_turns_as_in_astropy_but_for_ut1() -> None:
    times = Time(TIMES)
    with iers.earth_orientation_table.set(iers.IERS_B.open()):
        expected = times.earth_rotation_angle(longitude=0).rad
    difference = np.angle(np.exp(1j * (earth_rotation_angle(times.utc.mjd) - expected)))
    assert np.all(np.abs(np.rad2deg(difference)) * 3600 < 0.9 * 15.05)


@pytest.mark.parametrize("time", TIMES)
def test_intermediate_directions_are_those_of_astropy_but_for_aberration(time: str) -> None:
    rng = np.random.default_rng(1)
    stars = SkyCoord(rng.uniform(0, 360, 20), rng.uniform(-90, 90, 20), unit="deg")
    theirs = stars.transform_to(CIRS(obstime=Time(time)))
    matrix = celestial_to_intermediate(Time(time).utc.mjd)
    x, y, z = matrix @ stars.cartesian.xyz.value
    ours = SkyCoord(x, y, z, representation_type="cartesian", frame=theirs.frame)
    ours.representation_type = "unitspherical"
    assert np.all(ours.separation(theirs).arcsec < 21)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-14)


@pytest.mark.parametrize(
    ("longitude", "latitude", "elevation"),
    [(-17.88, 28.76, 2327), (149.06, -31.27, 1149), (0, 90, 0)],
)
def test_site_is_where_astropy_has_it(longitude: float, latitude: float, elevation: float) -> None:
    moment = Time("2024-11-03T20:04:00")
    location = EarthLocation.from_geodetic(longitude, latitude, elevation)
    theirs, _ = location.get_gcrs_posvel(moment)
    mjd = np.array([moment.utc.mjd])
    ours = site_positions(longitude, latitude, elevation, earth_rotation_angle(mjd))[0]
    turned = celestial_to_intermediate(float(mjd[0])) @ theirs.xyz.to_value(u.km)
    np.testing.assert_allclose(ours * u.au.to(u.km), turned, atol=0.5)


def test_half_moon_is_half_lit() -> None:
    sun, moon = np.array([[400.0, 1.0, 0.0]]), np.array([[0.0, 1.0, 0.0]])
    assert illumination(sun, moon)[0] == pytest.approx(0.5)


def test_places_are_given_a_row_a_time() -> None:
    mjd = np.array([60000.0, 60001.0])
    assert sun_positions(mjd).shape == moon_positions(mjd).shape == (2, 3)
    assert isinstance(sun_and_moon("2026-01-01T00:00:00Z"), SkyBodies)
