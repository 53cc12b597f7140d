"""Model of visibility.json."""

from typing import Annotated, Literal

from sirenflow.products.base import (
    Latitude,
    Number,
    Probability,
    Record,
    Separation,
    SupereventProduct,
    UtcTime,
    described,
)


class VisibilityWindow(Record, frozen=True):
    """A run of dark moments with at least 1 % of the probability above the altitude."""

    start_utc: Annotated[UtcTime, described("First moment, UTC")]
    end_utc: Annotated[UtcTime, described("Last moment, UTC")]


class SiteVisibility(Record, frozen=True, kw_only=True):
    """What one site can see; altitudes are geometric, without refraction."""

    name: Annotated[str, described("Name as configured")]
    place: Annotated[str, described("Place as configured")]
    latitude_deg: Annotated[Latitude, described("Geodetic latitude, north positive", "deg")]
    longitude_deg: Annotated[
        float, described("Longitude, east positive", "deg", minimum=-180, maximum=360)
    ]
    elevation_m: Annotated[float, described("Height above the WGS84 ellipsoid", "m")]
    minimum_altitude_deg: Annotated[
        Latitude, described("Altitude above which the site observes", "deg")
    ]
    probability_above: Annotated[
        tuple[Probability, ...],
        described("Share of the map's probability above that altitude at each moment"),
    ]
    dark: Annotated[
        tuple[bool, ...],
        described("Whether the Sun is below maximum_sun_altitude_deg at each moment"),
    ]
    windows: Annotated[
        tuple[VisibilityWindow, ...],
        described("Runs of dark moments with at least 1 % of the probability above"),
    ]
    reachable_probability: Annotated[
        Probability, described("Probability that is above at one dark moment or another")
    ]
    best_time_utc: Annotated[
        UtcTime | None,
        described(
            "Moment that shows most of the map, in the first window with at least 90 % of the most "
            "that any shows; of moments equal to 1 %, the one with the map's centre highest; null "
            "without a window"
        ),
    ]
    best_probability: Annotated[Probability | None, described("probability_above at best_time_utc")]
    moon_separation_deg: Annotated[
        Separation | None,
        described(
            "At best_time_utc, from the Moon as seen from the site to the densest pixel above the "
            "altitude",
            "deg",
        ),
    ]
    moon_altitude_deg: Annotated[
        Latitude | None, described("Altitude of the Moon's centre at best_time_utc", "deg")
    ]
    moon_illumination: Annotated[
        Probability,
        described("Illuminated fraction of the Moon at best_time_utc, or else at start_utc"),
    ]


class Visibility(SupereventProduct, frozen=True, kw_only=True):
    """Content of visibility.json: what each site can see within 24 hours of the alert."""

    schema_version: Annotated[Literal[2], described("Version of this schema")] = 2
    alert_number: Annotated[
        Number | None, described("Number of the current alert: its time_created is start_utc")
    ]
    skymap_alert_number: Annotated[
        Number | None, described("Number of the alert whose sky map is used")
    ]
    absence_reason: Annotated[str | None, described("Why there are no sites")]
    start_utc: Annotated[UtcTime | None, described("First moment, UTC")]
    step_min: Annotated[int, described("Time between two moments", "min", const=10)]
    hours: Annotated[int, described("Time from the first moment to the last", "h", const=24)]
    maximum_sun_altitude_deg: Annotated[
        Latitude, described("It is dark while the Sun's centre is below", "deg")
    ]
    sites: Annotated[tuple[SiteVisibility, ...], described("Configured sites")] = ()
