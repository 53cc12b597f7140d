"""Which part of a sky map a site can see, and when.

In the intermediate system of date, whose pole is the Earth's axis, a direction of declination d is
above the altitude a at latitude p while its hour angle h keeps

    cos h > (sin a - sin p sin d) / (cos p cos d):

one interval of the Earth's rotation for each row of the map. So no direction is ever turned into
altitudes: the probability above the limit at all moments is a sum over where intervals begin and
end. Refraction is left out (2' at 30 deg of altitude), and so is what
`sirenflow.observing.ephemeris` names.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from sirenflow.observing.ephemeris import (
    celestial_to_intermediate,
    earth_rotation_angle,
    illumination,
    mjd_utc,
    moon_positions,
    site_positions,
    sun_positions,
)
from sirenflow.skymap.healpix import cell_directions
from sirenflow.skymap.skymap import MAX_LEVEL, Floats, Ints, Skymap
from sirenflow.skymap.vectors import separation_deg

STEP_MIN = 10
HOURS = 24
MOMENTS = HOURS * 60 // STEP_MIN + 1
LEAST_PROBABILITY = 0.01
"""Probability above the limit that makes a dark moment part of a window."""

# The least dense rows may hold this much together and be left out.
_NEGLIGIBLE = 1e-5
# Cells wider than those of this level (1.8 deg) are split: each counts as a point, its centre.
_COARSEST_LEVEL = 5
# The first window that comes so close to the most that is ever shown is preferred to later ones:
# the next night shows a little more of a map that sets, and costs a day.
_SOON_ENOUGH = 0.9
# Moments that show as much of the map, to this share, are as good: the highest is best.
_AS_GOOD = 0.99
_TURN = 2 * np.pi

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Site:
    """An observatory: geodetic coordinates (WGS84), longitude positive to the east."""

    name: str
    place: str
    latitude_deg: float
    longitude_deg: float
    elevation_m: float
    minimum_altitude_deg: float


@dataclass(frozen=True, eq=False)
class Day:
    """The moments of a day, and what every site shares.

    Attributes
    ----------
    times
        The moments, UTC, every `STEP_MIN` minutes.
    mjd, rotation : (MOMENTS,) float64
        Modified Julian dates, and Earth rotation angles, rad, ever rising.
    intermediate : (3, 3) float64
        Matrix from GCRS to CIRS.
    sun : (MOMENTS, 3) float64
        Unit vectors to the Sun, CIRS.
    """

    times: tuple[datetime, ...]
    mjd: Floats
    rotation: Floats
    intermediate: Floats
    sun: Floats


@dataclass(frozen=True, eq=False)
class SkyRows:
    """Rows of a map, most dense first.

    Attributes
    ----------
    probability : (n,) float64
        Share of the map's probability.
    directions : (3, n) float64
        Unit vectors to the cells' centres, CIRS.
    ra, sin_dec, cos_dec : (n,) float64
        The same as angles, rad.
    """

    probability: Floats
    directions: Floats
    ra: Floats
    sin_dec: Floats
    cos_dec: Floats


@dataclass(frozen=True, eq=False)
class Visibility:
    """What one site can see of a map within a day; indices are those of the day's moments.

    Attributes
    ----------
    probability_above : (MOMENTS,) float64
        Probability above the altitude limit, to 4 decimals.
    dark : (MOMENTS,) bool
        Whether the Sun is below its limit.
    windows
        First and last moment of each run that is dark with `LEAST_PROBABILITY` above the limit.
    reachable_probability
        Probability that is above the limit at one dark moment at least.
    best
        The moment that shows most of the map, in the first window in which that is at least 90 % of
        the most that any shows; of moments that show as much to 1 %, the one with the map's centre
        highest. None where there is no window.
    moon_separation_deg
        At the best moment, from the densest pixel that is then above the limit.
    moon_altitude_deg
        At the best moment.
    moon_illumination
        Lit share of the disc at the best moment, or else at the first.
    """

    probability_above: Floats
    dark: Flags
    windows: tuple[tuple[int, int], ...]
    reachable_probability: float
    best: int | None
    moon_separation_deg: float | None
    moon_altitude_deg: float | None
    moon_illumination: float


def day_from(start: datetime) -> Day:
    """Lay out the `HOURS` hours from a UTC time.

    Raise OverflowError if the day goes beyond the year 9999.
    """
    times = tuple(start + timedelta(minutes=STEP_MIN * i) for i in range(MOMENTS))
    mjd = np.array([mjd_utc(start) + i * STEP_MIN / 1440 for i in range(MOMENTS)])
    intermediate = celestial_to_intermediate(float(mjd[MOMENTS // 2]))
    sun = _sun_path(mjd) @ intermediate.T
    return Day(
        times,
        mjd,
        np.unwrap(earth_rotation_angle(mjd)),
        intermediate,
        sun / np.linalg.norm(sun, axis=1)[:, np.newaxis],
    )


def _sun_path(mjd: Floats) -> Floats:
    """Return the Sun's position at every moment, by a parabola; true to 1e-6 of a degree."""
    nodes = np.array([0, MOMENTS // 2, MOMENTS - 1])
    x = np.linspace(-1, 1, MOMENTS)[:, np.newaxis]
    first, middle, last = sun_positions(mjd[nodes])
    return np.asarray(middle + x * (last - first) / 2 + x * x * ((first + last) / 2 - middle))


def sky_rows(skymap: Skymap, day: Day) -> SkyRows:
    """Take the rows of a map that matter, large cells split, as directions of the day."""
    total = float(skymap.enclosed[-1])
    held = int(np.searchsorted(skymap.enclosed, (1 - _NEGLIGIBLE) * total)) + 1
    rows = skymap.rank[:held]
    level, first = skymap.level[rows], skymap.first_leaf[rows]
    probability = skymap.probability[rows] / total
    if level.min() < _COARSEST_LEVEL:
        parts = 4 ** np.maximum(_COARSEST_LEVEL - level, 0)
        part = np.arange(parts.sum()) - np.repeat(np.cumsum(parts) - parts, parts)
        level = np.repeat(np.maximum(level, _COARSEST_LEVEL), parts)
        first = np.repeat(first, parts) + (part << 2 * (MAX_LEVEL - level))
        probability = np.repeat(probability / parts, parts)
    x, y, z = directions = day.intermediate @ cell_directions(first, level)
    return SkyRows(probability, directions, np.arctan2(y, x), z, np.sqrt(x * x + y * y))


def visibility(rows: SkyRows, day: Day, site: Site, maximum_sun_altitude_deg: float) -> Visibility:
    """Find what a site can see of a map within a day.

    Parameters
    ----------
    rows, day
        From `sky_rows` and `day_from`.
    site
        Where, and down to which altitude.
    maximum_sun_altitude_deg
        It is dark while the Sun's centre is below.
    """
    zenith = _zenith(site, day)
    dark = np.einsum("ij,ij->i", zenith, day.sun) < np.sin(np.deg2rad(maximum_sun_altitude_deg))
    row, first, end = _intervals(rows, day, site)
    probability = rows.probability[row]
    begun, over = (np.bincount(turn, probability, MOMENTS + 1) for turn in (first, end))
    above: Floats = np.clip(np.cumsum(np.subtract(begun, over)[:MOMENTS]), 0.0, 1.0).round(4)
    dark_before = np.concatenate(([0], np.cumsum(dark)))
    reached = np.zeros(len(rows.probability), dtype=bool)
    reached[row[dark_before[end] > dark_before[first]]] = True
    windows = _runs(dark & (above >= LEAST_PROBABILITY))
    best = _best(windows, above, zenith @ (rows.directions @ rows.probability))
    target = None
    if best is not None:
        target = int(row[(first <= best) & (best < end)].min())
    moon, lit = _moon(day, site, best or 0)
    return Visibility(
        above,
        dark,
        windows,
        min(float(rows.probability[reached].sum()), 1.0),
        best,
        None if target is None else float(separation_deg(moon, rows.directions[:, target])),
        None if best is None else 90 - float(separation_deg(moon, zenith[best])),
        lit,
    )


def _zenith(site: Site, day: Day) -> Floats:
    """Return unit vectors (MOMENTS, 3) to the site's zenith, CIRS."""
    meridian = day.rotation + np.deg2rad(site.longitude_deg)
    lat = np.deg2rad(site.latitude_deg)
    east, north = np.cos(lat) * np.cos(meridian), np.cos(lat) * np.sin(meridian)
    return np.stack([east, north, np.full(MOMENTS, np.sin(lat))], axis=1)


def _intervals(rows: SkyRows, day: Day, site: Site) -> tuple[Ints, Ints, Ints]:
    """Find when each row is above the limit.

    Returns
    -------
    row, first, end : (m,)
        Of each interval the row, its first moment, and the first after it; the same if none.
    """
    lat = np.deg2rad(site.latitude_deg)
    lack = np.sin(np.deg2rad(site.minimum_altitude_deg)) - np.sin(lat) * rows.sin_dec
    reach = np.cos(lat) * rows.cos_dec
    always = np.flatnonzero(lack < -reach)
    row = np.flatnonzero((lack >= -reach) & (lack < reach))
    half = np.arccos(lack[row] / reach[row])
    turns = (rows.ra[row] - half - day.rotation[0] - np.deg2rad(site.longitude_deg)) / _TURN
    rise = (turns - np.floor(turns)) * _TURN
    fall = rise + 2 * half
    # A day has one turn and a little more: an interval that began the turn before may last, and one
    # that begins at once begins again.
    before = np.flatnonzero(fall > _TURN)
    after = np.flatnonzero(rise <= day.rotation[-1] - day.rotation[0] - _TURN)
    step = (day.rotation[-1] - day.rotation[0]) / (MOMENTS - 1)
    first, end = (
        np.clip(
            np.ceil(np.concatenate((angle, angle[before] - _TURN, angle[after] + _TURN)) / step),
            0,
            MOMENTS,
        ).astype(np.int64)
        for angle in (rise, fall)
    )
    return (
        np.concatenate((row, row[before], row[after], always)),
        np.append(first, np.zeros(len(always), dtype=np.int64)),
        np.append(end, np.full(len(always), MOMENTS)),
    )


def _best(windows: tuple[tuple[int, int], ...], above: Floats, height: Floats) -> int | None:
    if not windows:
        return None
    spans = [slice(first, last + 1) for first, last in windows]
    most = max(float(above[span].max()) for span in spans)
    span = next(span for span in spans if above[span].max() >= _SOON_ENOUGH * most)
    as_good = above[span] >= _AS_GOOD * above[span].max()
    return span.start + int(np.argmax(np.where(as_good, height[span], -np.inf)))


def _runs(flags: Flags) -> tuple[tuple[int, int], ...]:
    """Find the first and the last index of each run of true ones."""
    change = np.flatnonzero(np.diff(np.concatenate(([0], flags.view(np.int8), [0]))))
    return tuple((int(first), int(end) - 1) for first, end in change.reshape(-1, 2))


def _moon(day: Day, site: Site, moment: int) -> tuple[Floats, float]:
    """Return the Moon's position as seen from the site, CIRS, and its illuminated fraction."""
    mjd, rotation = day.mjd[[moment]], day.rotation[[moment]]
    moon, sun = moon_positions(mjd), sun_positions(mjd)
    place = site_positions(site.longitude_deg, site.latitude_deg, site.elevation_m, rotation)
    return (moon @ day.intermediate.T - place)[0], float(illumination(sun, moon)[0])
