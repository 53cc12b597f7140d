"""What each site can observe of the superevent's sky map within a day."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sirenflow.formats.sanitize import text_or_none, time_or_none, time_to_text
from sirenflow.observing.visibility import HOURS, STEP_MIN, Day, Site, SkyRows, day_from, sky_rows
from sirenflow.observing.visibility import visibility as site_visibility
from sirenflow.products.base import write_product
from sirenflow.products.visibility import SiteVisibility, Visibility, VisibilityWindow
from sirenflow.skymap.skymap import Skymap
from sirenflow.superevent.load import SupereventReader
from sirenflow.superevent.map_choice import map_problem

# Years that the series for Sun, Moon and precession are made for.
_YEARS = range(1900, 2100)


def write_visibility(
    superevent: SupereventReader,
    visibility: Path,
    sites: Sequence[Mapping[str, Any]],
    minimum_altitude_deg: float,
    maximum_sun_altitude_deg: float,
) -> Visibility:
    """Find what each site can see in the 24 h from the alert whose values stand.

    Parameters
    ----------
    sites
        The configured ones, each with name, place, latitude_deg, longitude_deg, elevation_m and
        perhaps its own minimum_altitude_deg.
    """
    summary = superevent.summary
    current, located = summary.current, summary.skymap_alert
    start = time_or_none(current.time_created) if current else None
    skymap, problem = _standing_map(superevent)
    problem = problem or _time_problem(start)
    described: tuple[SiteVisibility, ...] = ()
    if problem is None and skymap is not None and start is not None:
        day = day_from(start)
        rows = sky_rows(skymap, day)
        described = tuple(
            _describe(rows, day, _site(sent, minimum_altitude_deg), maximum_sun_altitude_deg)
            for sent in sites
        )
    product = Visibility(
        superevent_id=summary.superevent_id,
        retracted=summary.retracted,
        alert_number=current.number if current else None,
        skymap_alert_number=located.number if located else None,
        absence_reason=problem,
        start_utc=time_to_text(start),
        step_min=STEP_MIN,
        hours=HOURS,
        maximum_sun_altitude_deg=maximum_sun_altitude_deg,
        sites=described,
    )
    write_product(visibility, product)
    return product


def _standing_map(superevent: SupereventReader) -> tuple[Skymap | None, str | None]:
    """Read the GW map that is used; explain why there is none."""
    summary = superevent.summary
    located = summary.skymap_alert
    named = located.skymap if located else None
    skymap = superevent.read_skymap(named) if named else None
    if skymap is not None:
        return skymap, None
    return None, map_problem(located or summary.current) or "the sky map cannot be read"


def _time_problem(start: datetime | None) -> str | None:
    if start is None:
        return "the time of the alert is not provided"
    if start.year not in _YEARS:
        return f"the alert is of the year {start.year}; Sun and Moon are known from 1900 to 2099"
    return None


def _site(sent: Mapping[str, Any], minimum_altitude_deg: float) -> Site:
    return Site(
        name=text_or_none(sent["name"]) or "unnamed",
        place=text_or_none(sent["place"]) or "",
        latitude_deg=sent["latitude_deg"],
        longitude_deg=sent["longitude_deg"],
        elevation_m=sent["elevation_m"],
        minimum_altitude_deg=sent.get("minimum_altitude_deg", minimum_altitude_deg),
    )


def _describe(
    rows: SkyRows, day: Day, site: Site, maximum_sun_altitude_deg: float
) -> SiteVisibility:
    seen = site_visibility(rows, day, site, maximum_sun_altitude_deg)
    best = seen.best

    def time(moment: int) -> str:
        return time_to_text(day.times[moment]) or ""

    return SiteVisibility(
        name=site.name,
        place=site.place,
        latitude_deg=site.latitude_deg,
        longitude_deg=site.longitude_deg,
        elevation_m=site.elevation_m,
        minimum_altitude_deg=site.minimum_altitude_deg,
        probability_above=tuple(seen.probability_above.tolist()),
        dark=tuple(seen.dark.tolist()),
        windows=tuple(VisibilityWindow(time(first), time(last)) for first, last in seen.windows),
        reachable_probability=round(seen.reachable_probability, 4),
        best_time_utc=None if best is None else time(best),
        best_probability=None if best is None else float(seen.probability_above[best]),
        moon_separation_deg=_hundredths(seen.moon_separation_deg),
        moon_altitude_deg=_hundredths(seen.moon_altitude_deg),
        moon_illumination=round(seen.moon_illumination, 4),
    )


def _hundredths(degrees: float | None) -> float | None:
    return None if degrees is None else round(degrees, 2)
