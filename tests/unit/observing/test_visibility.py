"""What a site can see of a map, against astropy's altitudes and astroplan's nights."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import astropy.units as u
import astropy_healpix
import numpy as np
import pytest
from astroplan import Observer
from astropy.coordinates import SkyCoord
from astropy.time import Time
from builders import flat_columns
from hypothesis import given
from hypothesis import strategies as st
from sky_at_site import altitudes_deg, location, moon_deg, offline
from tilings import Tiling, tilings

from sirenflow.observing.visibility import (
    LEAST_PROBABILITY,
    MOMENTS,
    Day,
    Site,
    Visibility,
    day_from,
    sky_rows,
    visibility,
)
from sirenflow.skymap.skymap import Skymap, peak

PALMA = Site("Roque de los Muchachos", "La Palma", 28.7583, -17.88, 2327, 30)
PACHON = Site("Cerro Pachón", "Chile", -30.2407, -70.7366, 2722, 30)
SPRING = Site("Siding Spring", "Australia", -31.2733, 149.0644, 1149, 20)
TROMSO = Site("Tromsø", "Norway", 69.65, 18.96, 100, 5)
SITES = (PALMA, PACHON, SPRING, TROMSO)
STARTS = (
    datetime(2019, 8, 14, 21, 10, 39, tzinfo=UTC),
    datetime(2023, 5, 18, 12, 59, 8, tzinfo=UTC),
    datetime(2025, 12, 30, 3, 0, 0, tzinfo=UTC),
)


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    offline(monkeypatch)


def skymap(uniq: object, probability: object) -> Skymap:
    """Give a map, whole or not, with a probability for each cell."""
    cells = np.asarray(uniq, dtype=np.int64)
    bare = Skymap(cells, np.ones(len(cells)), None, None, None, {})
    return replace(bare, probdensity=np.asarray(probability) / bare.area_sr)


def cell_at(ra_deg: float, dec_deg: float, level: int = 12) -> int:
    """Give the UNIQ of the cell at a position."""
    at = (ra_deg * u.deg, dec_deg * u.deg)
    ipix = astropy_healpix.lonlat_to_healpix(*at, 2**level, order="nested")
    return int(ipix) + 4 ** (level + 1)


def centres(cells: Skymap) -> SkyCoord:
    nside = astropy_healpix.level_to_nside(cells.level)
    lon, lat = astropy_healpix.healpix_to_lonlat(cells.ipix, nside, order="nested")
    return SkyCoord(lon, lat)


def arc_map() -> Skymap:
    """Give a map like those of two detectors: an arc with two ends, cells of two sizes."""
    level = 5
    uniq = np.arange(4 ** (level + 1), 4 ** (level + 2))
    sky = centres(skymap(uniq, np.ones(len(uniq))))
    off_ring = sky.separation(SkyCoord(140 * u.deg, 25 * u.deg)).deg - 70
    bright = 0.3 + np.cos(sky.ra.rad - 1.0) ** 2
    density = bright * np.exp(-0.5 * (off_ring / 4) ** 2) + 1e-4
    dense = density > np.quantile(density, 0.97)
    fine = (4 * uniq[dense][:, np.newaxis] + np.arange(4)).ravel()
    probability = np.concatenate([density[~dense], np.repeat(density[dense] / 4, 4)])
    return skymap(np.concatenate([uniq[~dense], fine]), probability / probability.sum())


ARC = arc_map()


def look(cells: Skymap, site: Site, start: datetime, sun: float = -12) -> tuple[Day, Visibility]:
    day = day_from(start)
    return day, visibility(sky_rows(cells, day), day, site, sun)


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.name)
@pytest.mark.parametrize("start", STARTS, ids=lambda start: f"{start:%Y}")
def test_probability_above_is_that_of_every_rows_altitude(site: Site, start: datetime) -> None:
    """All 13 000 rows turned by astropy, at the first moment, the last, and four between."""
    day, seen = look(ARC, site, start)
    sky = centres(ARC)
    for moment in (0, 13, 47, 80, 121, MOMENTS - 1):
        up = altitudes_deg(sky, site, day.times[moment]) > site.minimum_altitude_deg
        assert seen.probability_above[moment] == pytest.approx(ARC.probability[up].sum(), abs=1e-3)


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.name)
@pytest.mark.parametrize("start", STARTS, ids=lambda start: f"{start:%Y}")
def test_target_is_above_a_limit_just_below_it_and_not_just_above(
    site: Site, start: datetime
) -> None:
    """By astroplan's altitude of one small cell, to 0.03 deg: eight targets at eight moments."""
    rng = np.random.default_rng(7)
    for moment, ra, sine in zip(
        range(0, MOMENTS, 20), rng.uniform(0, 360, 8), rng.uniform(-1, 1, 8), strict=True
    ):
        target = skymap([cell_at(ra, math.degrees(math.asin(sine)))], [1.0])
        day = day_from(start)
        time = Time(day.times[moment].replace(tzinfo=None))
        altitude = Observer(location(site)).altaz(time, centres(target)[0]).alt.deg
        for limit, expected in ((altitude - 0.03, 1), (altitude + 0.03, 0)):
            there = replace(site, minimum_altitude_deg=limit)
            assert look(target, there, start)[1].probability_above[moment] == expected


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.name)
@pytest.mark.parametrize("start", STARTS, ids=lambda start: f"{start:%Y}")
@pytest.mark.parametrize("limit", [0, -12, -18])
def test_dark_is_as_astroplan_says(site: Site, start: datetime, limit: float) -> None:
    day, seen = look(ARC, site, start, limit)
    times = Time([time.replace(tzinfo=None) for time in day.times])
    altitude = Observer(location(site)).sun_altaz(times).alt.deg
    clear = np.abs(altitude - limit) > 0.03
    assert clear.sum() > MOMENTS - 5
    np.testing.assert_array_equal(seen.dark[clear], altitude[clear] < limit)


@pytest.mark.parametrize("site", SITES[:3], ids=lambda site: site.name)
@pytest.mark.parametrize("start", STARTS, ids=lambda start: f"{start:%Y}")
def test_moon_stands_where_astropy_sees_it_from_the_site(site: Site, start: datetime) -> None:
    target = skymap([cell_at(200 + 40 * start.month, -5)], [1.0])
    day, seen = look(target, replace(site, minimum_altitude_deg=-90), start)
    assert seen.best is not None
    altitude, separation = moon_deg(site, day.times[seen.best], centres(target)[0])
    assert seen.moon_altitude_deg == pytest.approx(altitude, abs=0.02)
    assert seen.moon_separation_deg == pytest.approx(separation, abs=0.02)


def test_moon_is_kept_from_what_the_site_can_see_and_not_from_a_peak_below_its_horizon() -> None:
    north, south = cell_at(30, 80), cell_at(200, -80)
    cells = skymap([south, north], [0.7, 0.3])
    assert peak(cells).dec_deg < 0
    day, seen = look(cells, replace(PALMA, minimum_altitude_deg=10), STARTS[0])
    assert seen.best is not None
    target = SkyCoord(30 * u.deg, 80 * u.deg)
    assert seen.moon_separation_deg == pytest.approx(
        moon_deg(PALMA, day.times[seen.best], target)[1], abs=0.05
    )


def test_reachable_is_what_some_dark_moment_shows() -> None:
    """Thirty cells, each followed through the night by astroplan."""
    rng = np.random.default_rng(3)
    at = zip(rng.uniform(0, 360, 30).tolist(), rng.uniform(-90, 90, 30).tolist(), strict=True)
    cells = skymap([cell_at(*place) for place in at], np.full(30, 1 / 30))
    day, seen = look(cells, PACHON, STARTS[1])
    observer = Observer(location(PACHON))
    times = Time([time.replace(tzinfo=None) for time in day.times])
    dark = times[observer.sun_altaz(times).alt.deg < -12]
    up = observer.altaz(dark, centres(cells), grid_times_targets=True).alt.deg > 30
    expected = up.any(axis=1).mean()
    assert seen.reachable_probability == pytest.approx(expected, abs=1e-9)
    assert up.mean() < expected < 1


@pytest.mark.parametrize("level", [0, 3, 6])
@pytest.mark.parametrize("limit", [-30, 0, 30, 60])
@pytest.mark.parametrize("latitude", [-90, -31.3, 0, 52, 90])
def test_of_an_even_sky_every_site_sees_its_cap(level: int, limit: float, latitude: float) -> None:
    """The share above altitude a is (1 - sin a) / 2, also where a map has but twelve cells."""
    columns = flat_columns(level)
    sky = Skymap(columns["UNIQ"], columns["PROBDENSITY"], None, None, None, {})
    site = Site("", "", latitude, 77, 0, limit)
    expected = (1 - math.sin(math.radians(limit))) / 2
    above = look(sky, site, STARTS[0])[1].probability_above
    np.testing.assert_allclose(above, expected, atol=4e-3)


@pytest.mark.parametrize(("limit", "expected"), [(-90, 1), (-89.99, 1), (90, 0)])
@pytest.mark.parametrize("latitude", [-90, -20, 0, 45, 90])
def test_limits_at_nadir_and_zenith(limit: float, expected: float, latitude: float) -> None:
    seen = look(ARC, Site("", "", latitude, 10, 0, limit), STARTS[0])[1]
    np.testing.assert_allclose(seen.probability_above, expected, atol=2e-4)


def test_at_the_pole_a_direction_neither_rises_nor_sets() -> None:
    cells = skymap([cell_at(10, 45), cell_at(200, 20), cell_at(80, -45)], [0.5, 0.3, 0.2])
    pole = Site("North Pole", "", 90, 0, 0, 30)
    seen = look(cells, pole, datetime(2025, 12, 21, tzinfo=UTC))[1]
    assert seen.dark.all()
    assert np.all(seen.probability_above == 0.5)
    assert seen.windows == ((0, MOMENTS - 1),)
    assert seen.reachable_probability == 0.5
    south = replace(pole, latitude_deg=-90)
    assert np.all(look(cells, south, STARTS[0])[1].probability_above == 0.2)


def test_where_it_never_gets_dark_nothing_can_be_reached() -> None:
    seen = look(ARC, TROMSO, datetime(2025, 6, 21, tzinfo=UTC))[1]
    assert not seen.dark.any()
    assert seen.windows == ()
    assert (seen.best, seen.reachable_probability) == (None, 0)
    assert (seen.moon_separation_deg, seen.moon_altitude_deg) == (None, None)
    assert 0 <= seen.moon_illumination <= 1
    assert seen.probability_above.max() > 0.1


def test_for_a_radio_telescope_it_is_always_dark() -> None:
    seen = look(ARC, replace(PALMA, minimum_altitude_deg=-90), STARTS[0], sun=90)[1]
    assert seen.dark.all()
    assert seen.windows == ((0, MOMENTS - 1),)
    assert seen.reachable_probability == pytest.approx(1, abs=1e-4)


def test_best_moment_of_a_target_seen_all_night_is_when_it_culminates() -> None:
    """At the meridian of La Palma, by astropy."""
    target = skymap([cell_at(0, 28)], [1.0])
    day, seen = look(
        target, replace(PALMA, minimum_altitude_deg=0), datetime(2025, 9, 28, 20, tzinfo=UTC)
    )
    altitude = [
        altitudes_deg(centres(target), PALMA, time)[0] if dark else -90
        for time, dark in zip(day.times, seen.dark, strict=True)
    ]
    assert seen.best == int(np.argmax(altitude))
    assert max(altitude) > 88


def test_windows_are_where_it_is_dark_and_a_hundredth_is_above() -> None:
    seen = look(ARC, PACHON, STARTS[0])[1]
    inside = np.zeros(MOMENTS, dtype=bool)
    for first, last in seen.windows:
        assert not inside[max(first - 1, 0) : last + 1].any()
        inside[first : last + 1] = True
    np.testing.assert_array_equal(inside, seen.dark & (seen.probability_above >= 0.01))
    assert seen.best is not None
    assert inside[seen.best]
    most = seen.probability_above[seen.dark].max()
    assert seen.probability_above[seen.best] >= 0.9 * 0.99 * most


def test_this_night_is_better_than_a_little_more_of_the_next() -> None:
    """One cell is up at dusk; another has just set, and is caught at the dusk of the next day."""
    start = datetime(2025, 9, 28, 20, 20, tzinfo=UTC)
    for share, in_first_night in ((0.05, True), (0.3, False)):
        cells = skymap([cell_at(262, 28), cell_at(222, 28)], [1 - share, share])
        seen = look(cells, PALMA, start)[1]
        (_, dawn), (dusk, _) = seen.windows
        assert seen.probability_above[: dawn + 1].max() == pytest.approx(1 - share, abs=1e-4)
        assert seen.probability_above[dusk] == pytest.approx(1, abs=1e-4)
        assert seen.best is not None
        assert (seen.best <= dawn) == in_first_night


@pytest.mark.parametrize("year", [1990, 2060, 2098])
def test_far_years_neither_fail_nor_warn(year: int) -> None:
    seen = look(ARC, PALMA, datetime(year, 7, 1, tzinfo=UTC))[1]
    assert 30 < seen.dark.sum() < 100
    assert seen.best is not None


def test_day_has_every_moment_of_24_hours() -> None:
    day = day_from(STARTS[0])
    assert (len(day.times), day.times[0]) == (145, STARTS[0])
    assert day.times[-1] == STARTS[0].replace(day=15)
    assert np.all(np.diff(day.rotation) > 0)
    np.testing.assert_allclose(np.linalg.norm(day.sun, axis=1), 1)


places = st.builds(
    Site,
    st.just("site"),
    st.just(""),
    st.sampled_from([-90.0, -66.5, -30.2, 0.0, 19.8, 45.0, 78.2, 90.0]),
    st.floats(-180, 360),
    st.sampled_from([0.0, 4200.0]),
    st.sampled_from([-90.0, -10.0, 0.0, 20.0, 30.0, 60.0, 90.0]),
)
starts = st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(tilings(), places, starts)
def test_shares_are_shares(tiling: Tiling, site: Site, start: datetime) -> None:
    seen = look(tiling.skymap, site, start)[1]
    above, dark = seen.probability_above, seen.dark
    assert np.all((above >= 0) & (above <= 1))
    assert 0 <= seen.reachable_probability <= 1
    assert seen.reachable_probability >= above[dark].max(initial=0) - 1e-4
    assert (seen.best is None) == (not seen.windows)
    assert (seen.best is None) == (above[dark].max(initial=0) < LEAST_PROBABILITY)
    assert 0 <= seen.moon_illumination <= 1
    if seen.moon_separation_deg is not None and seen.moon_altitude_deg is not None:
        assert 0 <= seen.moon_separation_deg <= 180
        assert -90 <= seen.moon_altitude_deg <= 90


@given(tilings(), places, starts, st.floats(0, 50))
def test_a_lower_limit_shows_more(tiling: Tiling, site: Site, start: datetime, less: float) -> None:
    low = replace(site, minimum_altitude_deg=max(site.minimum_altitude_deg - less, -90))
    strict, lax = (look(tiling.skymap, where, start)[1] for where in (site, low))
    assert np.all(lax.probability_above >= strict.probability_above - 1e-4)
    assert lax.reachable_probability >= strict.reachable_probability - 1e-9


@given(tilings(), places, starts, st.integers())
def test_order_of_rows_and_size_of_large_cells_do_not_matter(
    tiling: Tiling, site: Site, start: datetime, seed: int
) -> None:
    whole = look(tiling.skymap, site, start)[1]
    for other in (tiling.shuffled(Random(seed)), tiling.split(Random(seed))):  # noqa: S311
        again = look(other.skymap, site, start)[1]
        np.testing.assert_allclose(again.probability_above, whole.probability_above, atol=1.5e-4)
        assert again.reachable_probability == pytest.approx(whole.reachable_probability, abs=1e-4)


@given(places, starts)
def test_a_turn_in_longitude_changes_nothing(site: Site, start: datetime) -> None:
    turned = replace(site, longitude_deg=site.longitude_deg - 360)
    here, there = (look(ARC, where, start)[1] for where in (site, turned))
    np.testing.assert_allclose(here.probability_above, there.probability_above, atol=1e-3)
    np.testing.assert_array_equal(here.dark, there.dark)
