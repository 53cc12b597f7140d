"""Positions of Sun and Moon, and rotation of the Earth: all that astronomy at a site needs.

Directions are those of the GCRS, whose axes are the ICRS's and whose origin is the Earth's centre:
the two that a sky map may be compared with. (In a barycentric frame the Sun and the Moon would
stand elsewhere.) ERFA has the series; no table is read and nothing is fetched.

Approximations, each far below the width of a sky map's cell: UT1 is taken to be UTC (0.9 s, 13" on
the sky), TT - UTC to be what it has been since 2017 (since 1990 that is 12 s, in which the Moon
moves 7"), aberration is left out (20"), and so is the motion of the pole (0.6"). The series are
made for 1900 to 2100; outside they lose accuracy, and no more.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from erfa import ufunc  # which, unlike the functions of erfa itself, never warns

from sirenflow.formats.sanitize import time_or_none
from sirenflow.skymap.skymap import Floats
from sirenflow.skymap.vectors import lonlat_deg

_MJD_0 = 2400000.5
_MJD_EPOCH = datetime(1858, 11, 17, tzinfo=UTC)
_TT_MINUS_UTC_DAYS = (37 + 32.184) / 86400
_M_PER_AU = 149_597_870_700.0
_WGS84 = 1


@dataclass(frozen=True)
class SkyBodies:
    """Sun and Moon as seen from the Earth's centre, GCRS; the Moon's illuminated share, 0 to 1."""

    sun_ra_deg: float
    sun_dec_deg: float
    moon_ra_deg: float
    moon_dec_deg: float
    moon_illumination: float


def sun_and_moon(time_utc: str) -> SkyBodies:
    """Find Sun and Moon, to be drawn on an all-sky map.

    From a site the Moon stands up to 1 deg elsewhere. Raise ValueError if the text is no time.

    Parameters
    ----------
    time_utc
        ISO 8601; UTC where it names no zone.
    """
    time = time_or_none(time_utc)
    if time is None:
        raise ValueError(f"{time_utc!r} is no time; expected ISO 8601")
    mjd = np.array([mjd_utc(time)])
    sun, moon = sun_positions(mjd), moon_positions(mjd)
    (sun_ra,), (sun_dec,) = lonlat_deg(sun.T)
    (moon_ra,), (moon_dec,) = lonlat_deg(moon.T)
    return SkyBodies(
        float(sun_ra),
        float(sun_dec),
        float(moon_ra),
        float(moon_dec),
        float(illumination(sun, moon)[0]),
    )


def mjd_utc(time: datetime) -> float:
    """Return the modified Julian date of a time, UTC, d."""
    return (time - _MJD_EPOCH) / timedelta(days=1)


def sun_positions(mjd: Floats) -> Floats:
    """Return the Sun's place at (n,) MJD (UTC): (n, 3), au, GCRS."""
    heliocentric, _, _ = ufunc.epv00(_MJD_0, mjd + _TT_MINUS_UTC_DAYS)
    return -np.asarray(heliocentric["p"])


def moon_positions(mjd: Floats) -> Floats:
    """Return the Moon's place at (n,) MJD (UTC): (n, 3), au, GCRS."""
    return np.asarray(ufunc.moon98(_MJD_0, mjd + _TT_MINUS_UTC_DAYS)["p"])


def illumination(sun: Floats, moon: Floats) -> Floats:
    """(n,) share of the Moon's disc that is lit, from the (n, 3) places of both."""
    to_sun = sun - moon
    cosine = np.sum(-moon * to_sun, axis=1) / (
        np.linalg.norm(moon, axis=1) * np.linalg.norm(to_sun, axis=1)
    )
    return np.asarray((1 + cosine) / 2)


def celestial_to_intermediate(mjd: float) -> Floats:
    """(3, 3) matrix that turns GCRS vectors into the intermediate system of date, CIRS.

    Its pole is the Earth's axis. Precession and nutation are IAU 2006/2000A; within a day they
    turn it by 0.2".
    """
    return np.asarray(ufunc.c2i06a(_MJD_0, mjd + _TT_MINUS_UTC_DAYS))


def earth_rotation_angle(mjd: Floats) -> Floats:
    """(n,) angle, rad, 0 to 2 pi, from the origin of CIRS to the meridian of longitude 0."""
    return np.asarray(ufunc.era00(_MJD_0, mjd))


def site_positions(
    longitude_deg: float, latitude_deg: float, elevation_m: float, rotation: Floats
) -> Floats:
    """Return the place of a site, (n, 3), au, CIRS, at (n,) Earth rotation angles, rad."""
    (x, y, z), _ = ufunc.gd2gc(
        _WGS84, np.deg2rad(longitude_deg), np.deg2rad(latitude_deg), elevation_m
    )
    cos, sin = np.cos(rotation), np.sin(rotation)
    places = np.stack([x * cos - y * sin, x * sin + y * cos, np.full_like(cos, z)], axis=1)
    return np.asarray(places / _M_PER_AU)
