"""What a site sees, computed by astropy: the truth that visibility is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import astropy.units as u
import numpy as np
from astropy.coordinates import AltAz, EarthLocation, SkyCoord, get_body
from astropy.time import Time
from astropy.utils import iers

if TYPE_CHECKING:
    from datetime import datetime

    import pytest
    from numpy.typing import NDArray

    from sirenflow.observing.visibility import Site


def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep astropy from fetching the Earth's orientation, and from missing it."""
    monkeypatch.setattr(iers.conf, "auto_download", False)
    monkeypatch.setattr(iers.conf, "auto_max_age", None)


def location(site: Site) -> EarthLocation:
    """Give a site as astropy has it."""
    return EarthLocation.from_geodetic(site.longitude_deg, site.latitude_deg, site.elevation_m)


def _frame(site: Site, time: datetime) -> AltAz:
    return AltAz(obstime=Time(time.replace(tzinfo=None)), location=location(site))


def altitudes_deg(sky: SkyCoord, site: Site, time: datetime) -> NDArray[np.float64]:
    """Give altitudes without refraction, deg."""
    return np.asarray(sky.transform_to(_frame(site, time)).alt.deg)


def moon_deg(site: Site, time: datetime, target: SkyCoord) -> tuple[float, float]:
    """Give the Moon's altitude and its separation from a target, as seen from a site, deg."""
    frame = _frame(site, time)
    moon = get_body("moon", frame.obstime, frame.location).transform_to(frame)
    seen = target.transform_to(frame)
    separation = SkyCoord(moon.az, moon.alt).separation(SkyCoord(seen.az, seen.alt))
    return float(moon.alt.deg), float(separation.to_value(u.deg))
