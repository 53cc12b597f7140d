"""Model of alerts.json."""

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from sirenflow.products.base import (
    Count,
    NonNegative,
    Number,
    Probability,
    Record,
    SupereventProduct,
    UtcTime,
    described,
)


class AlertFile(Record, frozen=True, kw_only=True):
    """A file of the inbox."""

    file: Annotated[str | None, described("Name below the superevent's inbox")] = None
    format: Annotated[str | None, described("avro or json")] = None
    sha256: Annotated[str | None, described("SHA-256 of its bytes")] = None
    size_bytes: Annotated[int | None, described("Size", "byte")] = None


class ChirpMass(Record, frozen=True):
    """Histogram of the chirp mass in the source frame, as sent."""

    bin_edges: Annotated[
        tuple[float, ...], described("Rising edges of the n bins: n + 1", "solMass", minItems=2)
    ]
    probabilities: Annotated[
        tuple[Probability, ...], described("Probability of each bin: n", minItems=1)
    ]


class EventValues(Record, frozen=True, kw_only=True):
    """The event record of one alert; null where the alert does not say."""

    trigger_time: Annotated[
        UtcTime | None, described("Time of the signal (event.time, T0), UTC")
    ] = None
    far: Annotated[NonNegative | None, described("False-alarm rate", "Hz")] = None
    significant: Annotated[
        bool | None, described("As sent; never derived from the false-alarm rate")
    ] = None
    instruments: Annotated[tuple[str, ...], described("Detectors")] = ()
    group: Annotated[str | None, described("CBC or Burst")] = None
    pipeline: Annotated[str | None, described("Pipeline")] = None
    search: Annotated[str | None, described("Search")] = None
    classification: Annotated[
        dict[str, Probability], described("Mutually exclusive source classes, as sent")
    ] = field(default_factory=dict)
    properties: Annotated[
        dict[str, Probability], described("Properties, given an astrophysical source, as sent")
    ] = field(default_factory=dict)
    mchirp_source: Annotated[
        ChirpMass | None, described("Chirp mass in the source frame; null where not a histogram")
    ] = None
    duration: Annotated[float | None, described("Duration of a burst", "s")] = None
    central_frequency: Annotated[float | None, described("Central frequency, bursts", "Hz")] = None
    is_burst: Annotated[bool, described("Whether the group is Burst")] = False


class Coincidence(Record, frozen=True, kw_only=True):
    """An external event that the alert names; as sent."""

    observatory: Annotated[str | None, described("Observatory")] = None
    search: Annotated[str | None, described("Its search")] = None
    gcn_notice_id: Annotated[str | None, described("Number of its GCN notice")] = None
    ivorn: Annotated[str | None, described("Its IVORN")] = None
    time_difference: Annotated[
        float | None, described("Time difference, with the sign as sent", "s")
    ] = None
    time_coincidence_far: Annotated[
        float | None, described("Joint false-alarm rate from the times", "Hz")
    ] = None
    time_sky_position_coincidence_far: Annotated[
        float | None, described("Joint false-alarm rate from times and positions", "Hz")
    ] = None


class AlertValues(Record, frozen=True, kw_only=True):
    """What a readable alert says, cleaned."""

    number: Annotated[Number, described("Position in the sequence of alerts, from 1")]
    alert_type: Annotated[
        Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$")],
        described(
            "EARLYWARNING, PRELIMINARY, INITIAL, UPDATE or RETRACTION, or an unknown type as sent"
        ),
    ]
    time_created: Annotated[
        UtcTime | None,
        described("When the alert was created, UTC; with milliseconds where it has a fraction"),
    ] = None
    utc_assumed: Annotated[
        tuple[str, ...],
        described("Which of time_created and trigger_time were sent without a time zone"),
    ] = ()
    sha256: Annotated[str | None, described("SHA-256 of the alert's bytes")] = None
    also_received_as: Annotated[
        tuple[AlertFile, ...],
        described("Other files with the same alert, as when it arrives in Avro and in JSON"),
    ] = ()
    values: Annotated[EventValues | None, described("Event record; null in a retraction")] = None
    external_coinc: Annotated[Coincidence | None, described("The external coincidence")] = None


class AlertRecord(AlertValues, frozen=True, kw_only=True):
    """A readable alert, and the file it was decoded from."""

    file: Annotated[str | None, described("Name below the superevent's inbox")] = None
    format: Annotated[str | None, described("avro or json")] = None
    size_bytes: Annotated[int | None, described("Size of the file", "byte")] = None
    gracedb: Annotated[str | None, described("Address of the superevent's page, http(s)")] = None
    record: Annotated[
        dict[str, Any],
        described("Every field as sent; each sky map as the SHA-256 and size of its bytes"),
    ] = field(default_factory=dict)


class RejectedAlert(Record, frozen=True, kw_only=True):
    """A file of the inbox that is not a readable alert."""

    file: Annotated[str | None, described("Name below the superevent's inbox")] = None
    sha256: Annotated[str | None, described("SHA-256 of its bytes")] = None
    reason: Annotated[str | None, described("Why it was rejected")] = None

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory that could not be listed, in place of its alerts."""
        return self.file is not None and "." not in self.file


class RejectedFile(RejectedAlert, frozen=True, kw_only=True):
    """A file of the inbox that is not a readable alert, and its size."""

    size_bytes: Annotated[Count | None, described("Size", "byte")] = None


class Alerts(SupereventProduct, frozen=True, kw_only=True):
    """Content of alerts.json: every field of every alert of a superevent, and rejected files."""

    schema_version: Annotated[Literal[2], described("Version of this schema")] = 2
    alerts: Annotated[tuple[AlertRecord, ...], described("Readable alerts in their order")] = ()
    rejected: Annotated[
        tuple[RejectedFile, ...], described("Files that are not a readable alert")
    ] = ()
