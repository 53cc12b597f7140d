"""Model of event.json: the state of one superevent after all its alerts.

Fields of the alerts and columns of the sky maps keep their own names; other names end in the unit.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from sirenflow.products.alerts import AlertValues, RejectedAlert
from sirenflow.products.base import Count, Number, Record, described
from sirenflow.products.regions import MapComparison, NamedLobe, RegionFiles
from sirenflow.products.skymap import SkymapNumbers

Category = Literal["real", "mock", "test"]
_STATES = ("no_readable_alert", "early_warning", "preliminary", "initial", "update", "retracted")
_MAP_CHOICE = "the current one or, where its map is absent or not usable, the newest usable before"


class SkymapSummary(SkymapNumbers, frozen=True, kw_only=True):
    """A sky map: the numbers of localization.json and regions.json."""

    lobes_90: Annotated[
        tuple[NamedLobe, ...],
        described("Parts of the 90 % region, most probable first", maxItems=20),
    ] = ()
    lobes_90_count: Annotated[
        Count | None, described("How many parts the 90 % region has; null where unknown")
    ] = None
    region_files: Annotated[RegionFiles | None, described("Files made from the map")] = None


class Change(Record, frozen=True):
    """A value that differs from the earlier alert's; null where one of them has none."""

    name: Annotated[
        str,
        described(
            "Key in values or skymap; classification.BNS, properties.HasNS; source_class for the "
            "most probable class, external_coinc for the observatory"
        ),
    ]
    before: Annotated[float | str | bool | None, described("Value in the earlier alert")]
    after: Annotated[float | str | bool | None, described("Value in this alert")]


class Comparison(Record, frozen=True):
    """An alert against an earlier one."""

    number: Annotated[Number, described("Number of the earlier alert")]
    changes: Annotated[
        tuple[Change, ...], described("Values that differ, exactly; empty where all are the same")
    ]
    skymap: Annotated[
        MapComparison | None,
        described("The GW map against the newest usable before it, in since_first the first"),
    ]


class AlertSummary(AlertValues, frozen=True, kw_only=True):
    """One readable alert, and its sky maps."""

    latency_s: Annotated[
        float | None,
        described(
            "time_created after its own trigger_time; in a retraction, after the one before it", "s"
        ),
    ] = None
    skymap: Annotated[SkymapSummary | None, described("The gravitational-wave sky map")] = None
    no_skymap_reason: Annotated[str | None, described("Why there is no such map")] = None
    combined_skymap: Annotated[
        SkymapSummary | None, described("The map combined with the external event's")
    ] = None
    combined_with_gw: Annotated[
        MapComparison | None,
        described(
            "The combined map against the GW map of the same alert, or the newest usable before; "
            "null where either is not usable"
        ),
    ] = None
    since_previous: Annotated[
        Comparison | None,
        described("Against the newest earlier alert with values; null in a retraction"),
    ] = None
    since_first: Annotated[
        Comparison | None,
        described("Against the first alert with values; null where that is the one before"),
    ] = None


class UnreadableMessage(Record, frozen=True, kw_only=True):
    """A message or file in quarantine, and what it claims to be; never verified."""

    name: Annotated[str, described("Name in quarantine: the start of its SHA-256")]
    size_bytes: Annotated[Count, described("Size", "byte")]
    kind: Annotated[str | None, described("Why it could not be read, in a word")] = None
    reason: Annotated[str | None, described("Why it could not be read")] = None
    superevent_id: Annotated[str | None, described("Superevent that it claims")] = None
    alert_type: Annotated[str | None, described("Alert type that it claims")] = None
    time_created: Annotated[str | None, described("Time that it claims, UTC")] = None

    @property
    def is_retraction(self) -> bool:
        """Whether it says that it is a retraction."""
        return (self.alert_type or "").upper().replace("_", "") == "RETRACTION"


class Thumbnail(Record, frozen=True):
    """SVG path data in a Mollweide view box of 200 x 100, ICRS, east left, 12 h in the middle."""

    path_90: Annotated[str, described("90 % region", pattern="^[Mlz0-9 -]*$")]
    path_50: Annotated[str, described("50 % region", pattern="^[Mlz0-9 -]*$")]
    peak_x: Annotated[int, described("Peak, to the right")]
    peak_y: Annotated[int, described("Peak, down")]


class Superevent(Record, frozen=True, kw_only=True):
    """State of a superevent after all its alerts."""

    superevent_id: Annotated[str, described("Identifier of the superevent (GCN event_name)")]
    category: Annotated[
        Category, described("By the first character of the identifier: M mock, T test, else real")
    ]
    state: Annotated[
        str,
        described(
            "State after the last readable alert; in upper case, the type of that alert, where it "
            "is unknown",
            anyOf=[{"enum": list(_STATES)}, {"pattern": "^[A-Z][A-Z0-9-]*$"}],
        ),
    ]
    retracted: Annotated[
        bool, described("Whether the last readable alert of a known type is a retraction")
    ]
    retracted_by: Annotated[
        Number | None, described("Number of the first alert of the last run of retractions")
    ] = None
    reinstated_by: Annotated[
        Number | None, described("Number of the first alert with values after that run")
    ] = None
    current: Annotated[
        AlertSummary | None,
        described(
            "The last alert with an event record; after a retraction, the last one before it"
        ),
    ] = None
    skymap_alert_number: Annotated[
        Number | None,
        described(f"Number of the alert whose GW map is used: {_MAP_CHOICE}"),
    ] = None
    combined_skymap_alert_number: Annotated[
        Number | None,
        described(
            "Number of the alert whose combined map is used, chosen in the same way among the "
            "alerts that name a coincidence with the same observatory"
        ),
    ] = None
    history: Annotated[
        tuple[AlertSummary, ...], described("All readable alerts in their order")
    ] = ()

    @property
    def skymap_alert(self) -> AlertSummary | None:
        """The alert whose GW map is used."""
        return self.alert(self.skymap_alert_number)

    @property
    def combined_alert(self) -> AlertSummary | None:
        """The alert whose combined map is used."""
        return self.alert(self.combined_skymap_alert_number)

    def alert(self, number: int | None) -> AlertSummary | None:
        """Return the alert of a number; None where there is none."""
        numbered = (alert for alert in self.history if alert.number == number)
        return None if number is None else next(numbered, None)


class EventSummary(Superevent, frozen=True, kw_only=True):
    """Content of event.json: the state of one superevent after all its alerts."""

    schema_version: Annotated[Literal[4], described("Version of this schema")] = 4
    sirenflow_version: Annotated[str, described("Version that wrote the file")]
    config_sha256: Annotated[
        str | None,
        described("SHA-256 of the settings that products depend on; null if made without"),
    ] = None
    unusual_identifier: Annotated[
        bool,
        described(
            "Whether the identifier does not follow the usual grammar: S, MS or TS, YYMMDD, letters"
        ),
    ]
    summary_line: Annotated[
        str,
        described(
            "One line for a message to a phone: source, distance, 90 % area, false-alarm rate",
            maxLength=140,
            pattern="^[ -~]+$",
        ),
    ]
    summary_text: Annotated[str, described("What the alert means for an observer, in plain words")]
    gracedb: Annotated[str | None, described("Address of the superevent's page, http(s)")] = None
    rejected_alerts: Annotated[
        tuple[RejectedAlert, ...], described("Files that are not a readable alert")
    ] = ()
    thumbnail: Annotated[
        Thumbnail | None, described("Credible regions of the GW map, for the catalogue")
    ] = None
    unreadable_message_count: Annotated[
        Count | None,
        described(
            "Messages in quarantine that claim to be about this superevent; null if the quarantine "
            "cannot be read"
        ),
    ] = 0
    unreadable_retraction_count: Annotated[
        Count | None,
        described(
            "How many of them claim to be retractions; null if the quarantine cannot be read"
        ),
    ] = 0
    unreadable_messages: Annotated[
        tuple[UnreadableMessage, ...],
        described(
            "The first 20: claimed retractions first, then by claimed time, newest first. Nothing "
            "else in this file depends on them",
            maxItems=20,
        ),
    ] = ()
    quarantine_error: Annotated[
        str | None, described("Why the quarantine cannot be read; null if it can be read")
    ] = None


def top_class(classification: Mapping[str, float]) -> tuple[str | None, float | None]:
    """Find the most probable class; of equal ones, the first sent; None where all are 0."""
    if not any(classification.values()):
        return None, None
    name = max(classification, key=lambda key: classification[key])
    return name, classification[name]
