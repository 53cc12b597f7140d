"""Model of catalogue.json, and columns of every table of the catalogue."""

from typing import Annotated, Literal

from msgspec import Meta

from sirenflow.products.base import Count, Record, described
from sirenflow.products.event import UnreadableMessage


def column(description: str, unit: str | None = None, ucd: str | None = None) -> Meta:
    """Describe a column; the UCD is the IVOA's term for its content, where there is one."""
    return described(description, unit, **({"ucd": ucd} if ucd else {}))


class CatalogueColumns(Record, frozen=True, kw_only=True):
    """One superevent; the columns of the tables, in order."""

    superevent_id: Annotated[str, column("Identifier of the superevent", ucd="meta.id;meta.main")]
    category: Annotated[str, column("real, mock or test; by the identifier")]
    unusual_identifier: Annotated[
        bool, column("Whether the identifier does not follow the usual grammar")
    ]
    state: Annotated[str, column("State after the last readable alert")]
    retracted: Annotated[
        bool, column("Whether the last readable alert of a known type is a retraction")
    ]
    significant: Annotated[bool | None, column("As the last alert with values says")] = None
    alert_number: Annotated[int | None, column("Number of the last readable alert")] = None
    alert_type: Annotated[str | None, column("Type of the last readable alert")] = None
    time_created: Annotated[
        str | None, column("When the last readable alert was created, UTC", ucd="time.creation")
    ] = None
    trigger_time: Annotated[
        str | None, column("Time of the signal (T0), UTC", ucd="time.epoch;meta.main")
    ] = None
    far: Annotated[float | None, column("False-alarm rate", "Hz")] = None
    group: Annotated[str | None, column("Group of searches: CBC or Burst")] = None
    search: Annotated[str | None, column("Search")] = None
    pipeline: Annotated[str | None, column("Pipeline")] = None
    instruments: Annotated[str | None, column("Detectors, separated by spaces")] = None
    source_class: Annotated[str | None, column("Most probable source class")] = None
    prob_bns: Annotated[float | None, column("Probability of a binary neutron star")] = None
    prob_nsbh: Annotated[float | None, column("Probability of neutron star and black hole")] = None
    prob_bbh: Annotated[float | None, column("Probability of a binary black hole")] = None
    prob_terrestrial: Annotated[float | None, column("Probability of terrestrial noise")] = None
    has_ns: Annotated[float | None, column("HasNS, given an astrophysical source")] = None
    has_remnant: Annotated[float | None, column("HasRemnant, given an astrophysical source")] = None
    has_mass_gap: Annotated[float | None, column("HasMassGap, given an astrophysical source")] = (
        None
    )
    has_ssm: Annotated[float | None, column("HasSSM, given an astrophysical source")] = None
    duration: Annotated[float | None, column("Duration of a burst", "s", "time.duration")] = None
    central_frequency: Annotated[float | None, column("Central frequency of a burst", "Hz")] = None
    coincidence: Annotated[
        str | None,
        column("Observatory of the external coincidence that the last alert with values names"),
    ] = None
    skymap_alert_number: Annotated[
        int | None, column("Number of the alert whose sky map is used")
    ] = None
    peak_ra_deg: Annotated[
        float | None,
        column("Right ascension (ICRS) of the peak", "deg", "pos.eq.ra;meta.main"),
    ] = None
    peak_dec_deg: Annotated[
        float | None,
        column("Declination (ICRS) of the peak", "deg", "pos.eq.dec;meta.main"),
    ] = None
    area_50_deg2: Annotated[
        float | None, column("Area of the 50 % credible region", "deg2", "phys.angArea")
    ] = None
    area_90_deg2: Annotated[
        float | None, column("Area of the 90 % credible region", "deg2", "phys.angArea")
    ] = None
    distance_mean_mpc: Annotated[
        float | None,
        column("Luminosity distance, mean (DISTMEAN)", "Mpc", "pos.distance;stat.mean"),
    ] = None
    distance_std_mpc: Annotated[
        float | None, column("Luminosity distance, std (DISTSTD)", "Mpc", "stat.stdev;pos.distance")
    ] = None
    alerts: Annotated[int, column("Number of readable alerts")] = 0
    rejected_alerts: Annotated[int, column("Number of rejected alert files")] = 0


class ColumnDescription(Record, frozen=True):
    """Unit and meaning of a column."""

    unit: Annotated[str | None, described("Unit, as astropy writes it")]
    description: Annotated[str, described("Meaning")]


class Catalogue(Record, frozen=True, kw_only=True):
    """Content of catalogue.json: all superevents, one per line, and unreadable messages."""

    schema_version: Annotated[Literal[2], described("Version of this schema")] = 2
    columns: Annotated[
        dict[str, ColumnDescription], described("Unit and meaning of each key of events")
    ]
    events: Annotated[
        tuple[CatalogueColumns, ...],
        described("Superevents, by the time of the signal, newest first"),
    ]
    unreadable_message_count: Annotated[
        Count | None, described("Messages in quarantine; null if the quarantine cannot be read")
    ]
    unreadable_retraction_count: Annotated[
        Count | None,
        described(
            "How many of them claim to be retractions; null if the quarantine cannot be read"
        ),
    ]
    unreadable_messages: Annotated[
        tuple[UnreadableMessage, ...],
        described(
            "The first 20: claimed retractions first, then by claimed time, newest first",
            maxItems=20,
        ),
    ]
    quarantine_error: Annotated[
        str | None, described("Why the quarantine cannot be read; null if it can be read")
    ]
