"""The content of event.json: the state of one superevent after all its alerts.

`sirenflow.superevent.summarize` makes it. Fields of the alerts and columns of the sky maps keep
their own names; every other name ends in its unit. Unknown is None.
"""

from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from typing import Any

from sirenflow.skymap.results import Lobe, MapComparison

SCHEMA_VERSION = 3
# Where less of the probability has a distance, the percentiles of the rest mislead.
LEAST_PROBABILITY_WITH_DISTANCE = 0.99


@dataclass(frozen=True)
class ChirpMass:
    """Histogram of the chirp mass in the source's frame: n + 1 edges in solar masses, n shares."""

    bin_edges: tuple[float, ...]
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class Values:
    """What the event record of one alert says; None where it does not say."""

    trigger_time: str | None
    far: float | None
    significant: bool | None
    instruments: tuple[str, ...]
    group: str | None
    pipeline: str | None
    search: str | None
    classification: dict[str, float]
    properties: dict[str, float]
    mchirp_source: ChirpMass | None
    duration: float | None
    central_frequency: float | None
    is_burst: bool


@dataclass(frozen=True)
class NamedLobe(Lobe):
    """A part, and the constellation in which its place lies."""

    constellation: str


@dataclass(frozen=True)
class RegionFiles:
    """Files in the directory regions/: MOC of both regions, GeoJSON contours, DS9 regions."""

    moc_50: str
    moc_90: str
    contours: str
    ds9: str


@dataclass(frozen=True)
class SkymapSummary:
    """One sky map as delivered; its numbers are those of localization.json and regions.json."""

    kind: str
    file: str | None
    sha256: str | None
    size_bytes: int | None
    creator: str | None
    rejected_because: str | None
    numbers_withheld_because: str | None
    rows: int | None
    peak_ra_deg: float | None
    peak_dec_deg: float | None
    area_50_deg2: float | None
    area_90_deg2: float | None
    distance_absent_because: str | None
    probability_with_distance: float | None
    distance_mean_mpc: float | None
    distance_std_mpc: float | None
    distance_marginal_mean_mpc: float | None
    distance_marginal_std_mpc: float | None
    distance_p05_mpc: float | None
    distance_p50_mpc: float | None
    distance_p95_mpc: float | None
    lobes_90: tuple[NamedLobe, ...] = ()
    lobes_90_count: int | None = None
    region_files: RegionFiles | None = None

    @property
    def is_trusted(self) -> bool:
        """Tell whether the map may be drawn and its numbers shown."""
        return not (self.file is None or self.rejected_because or self.numbers_withheld_because)

    @property
    def is_distance_partial(self) -> bool:
        """Tell whether part of the probability has no distance, so that percentiles mislead."""
        part = self.probability_with_distance
        return part is not None and 0 < part < LEAST_PROBABILITY_WITH_DISTANCE

    @property
    def has_percentiles(self) -> bool:
        """Tell whether the percentiles are all known and may be shown."""
        percentiles = (self.distance_p05_mpc, self.distance_p50_mpc, self.distance_p95_mpc)
        return None not in percentiles and not self.is_distance_partial


@dataclass(frozen=True)
class Coincidence:
    """An external event that the alert names; times as sent."""

    observatory: str | None
    search: str | None
    gcn_notice_id: str | None
    ivorn: str | None
    time_difference: float | None
    time_coincidence_far: float | None
    time_sky_position_coincidence_far: float | None


@dataclass(frozen=True)
class Change:
    """A value that is not what another alert gave; None where one of them gave none."""

    name: str
    before: float | str | bool | None
    after: float | str | bool | None


@dataclass(frozen=True)
class Comparison:
    """An alert against an earlier one.

    `number` is that of the earlier alert with values; the sky map's is that of the newest alert
    before it whose map can be trusted.
    """

    number: int
    changes: tuple[Change, ...]
    skymap: MapComparison | None


@dataclass(frozen=True)
class ReceivedFile:
    """A file of the inbox that holds the same alert as another one, in other bytes."""

    file: str | None
    format: str | None
    sha256: str | None
    size_bytes: int | None


@dataclass(frozen=True)
class AlertSummary:
    """One readable alert; its delay is against its own T0, in a retraction the one before it.

    `alert_type` is a known type in our spelling, or an unknown one as sent. `utc_assumed` names the
    times among `time_created` and `trigger_time` that were sent without a zone. `since_first` is
    None where the first alert with values is the one before.
    """

    number: int
    alert_type: str
    time_created: str | None
    utc_assumed: tuple[str, ...]
    sha256: str | None
    also_received_as: tuple[ReceivedFile, ...]
    delay_s: float | None
    values: Values | None
    skymap: SkymapSummary | None
    skymap_absent_because: str | None
    combined_skymap: SkymapSummary | None
    external_coinc: Coincidence | None
    combined_with_gw: MapComparison | None = None
    since_previous: Comparison | None = None
    since_first: Comparison | None = None


@dataclass(frozen=True)
class RejectedAlert:
    """A file of the inbox that is not a readable alert."""

    file: str | None
    sha256: str | None
    reason: str | None

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory that could not be listed, in place of its alerts."""
        return self.file is not None and "." not in self.file


@dataclass(frozen=True)
class UnreadableMessage:
    """A message or file in the inbox's quarantine, and what it claims to be.

    Attributes
    ----------
    name
        Its name in quarantine: the start of its SHA-256.
    size_bytes, kind, reason
        Its size, and why it could not be read: in a word and in a line.
    superevent_id, alert_type, time_created
        What it says of itself, never verified; the time in UTC. None where it cannot be made out.
    """

    name: str
    size_bytes: int
    kind: str | None
    reason: str | None
    superevent_id: str | None
    alert_type: str | None
    time_created: str | None

    @property
    def is_retraction(self) -> bool:
        """Tell whether it says that it is a retraction."""
        return (self.alert_type or "").upper().replace("_", "") == "RETRACTION"


@dataclass(frozen=True)
class Thumbnail:
    """Paths of the 90 and 50 % regions in a view box of 200 x 100, for the catalogue."""

    path_90: str
    path_50: str
    peak_x: int
    peak_y: int


@dataclass(frozen=True)
class EventSummary:
    """Everything event.json holds; `current` is the alert whose values stand.

    That is the last alert with an event record; after a retraction, the last one before it.
    A superevent is `retracted` while the last alert of a known type is a retraction. `state` is
    then "retracted", else that of the last alert: a word of ours, or the canonical form, in upper
    case, of an alert type that is unknown. Of the alerts of known types, `retracted_by` is the
    first retraction of the last run of retractions, and `reinstated_by` the first alert with an
    event record after that run.
    `unusual_identifier` says that the identifier does not follow the usual grammar.
    `skymap_alert_number` and `combined_skymap_alert_number` are those of the alerts whose GW and
    combined maps are used (`sirenflow.superevent.map_choice`): the current one or, where its map is
    absent or cannot be used, the newest before it with a usable map.
    """

    schema_version: int
    sirenflow_version: str
    config_sha256: str | None
    superevent_id: str
    unusual_identifier: bool
    kind: str
    state: str
    retracted: bool
    retracted_by: int | None
    reinstated_by: int | None
    headline: str
    sentence: str
    gracedb: str | None
    current: AlertSummary | None
    skymap_alert_number: int | None
    combined_skymap_alert_number: int | None
    history: tuple[AlertSummary, ...]
    rejected_alerts: tuple[RejectedAlert, ...]
    thumbnail: Thumbnail | None = None
    unreadable_message_count: int | None = 0
    unreadable_retraction_count: int | None = 0
    unreadable_messages: tuple[UnreadableMessage, ...] = ()
    quarantine_error: str | None = None

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

    def to_json(self) -> dict[str, Any]:
        """Give the content of event.json."""
        return {name: _plain(value) for name, value in vars(self).items()}


def _plain(value: Any) -> Any:
    """Make dictionaries of dataclasses; `dataclasses.asdict` also copies every number and text."""
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    if is_dataclass(value):
        return {name: _plain(part) for name, part in vars(value).items()}
    return dict(value) if isinstance(value, dict) else value


def top_class(classification: Mapping[str, float]) -> tuple[str | None, float | None]:
    """Find the most probable class; of equal ones, the first sent; None where all are 0."""
    if not any(classification.values()):
        return None, None
    name = max(classification, key=lambda key: classification[key])
    return name, classification[name]
