"""Model of alerts.json."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import field

from sirenflow.products.base import Count, Number, Product, Record, UtcTime, described


class AlertFile(Record, frozen=True, kw_only=True):
    """A file of the inbox."""

    file: Annotated[str | None, described("Name below the superevent's inbox")] = None
    format: Annotated[str | None, described("avro or json")] = None
    sha256: Annotated[str | None, described("SHA-256 of its bytes")] = None
    size_bytes: Annotated[int | None, described("Size", "byte")] = None


class AlertRecord(AlertFile, frozen=True, kw_only=True):
    """A readable alert, and the file it was decoded from."""

    number: Annotated[Number, described("Position in the sequence of alerts, from 1")]
    alert_type: Annotated[
        str,
        described(
            "EARLYWARNING, PRELIMINARY, INITIAL, UPDATE or RETRACTION, or an unknown type as sent"
        ),
    ]
    time_created: Annotated[
        UtcTime | None,
        described("When the alert was created, UTC; with milliseconds where it has a fraction"),
    ] = None
    also_received_as: Annotated[
        tuple[AlertFile, ...],
        described("Other files with the same alert, as when it arrives in Avro and in JSON"),
    ] = ()
    record: Annotated[
        dict[str, Any],
        described("Every field as sent; each sky map as the SHA-256 and size of its bytes"),
    ] = field(default_factory=dict)


class RejectedFile(Record, frozen=True, kw_only=True):
    """A file of the inbox that is not a readable alert."""

    file: Annotated[str | None, described("Name below the superevent's inbox")] = None
    sha256: Annotated[str | None, described("SHA-256 of its bytes; null if not readable")] = None
    size_bytes: Annotated[Count | None, described("Size", "byte")] = None
    reason: Annotated[str | None, described("Why it was rejected")] = None


class Alerts(Product, frozen=True, kw_only=True):
    """Content of alerts.json: every field of every alert of a superevent, and rejected files."""

    schema_version: Annotated[Literal[1], described("Version of this schema")] = 1
    superevent_id: Annotated[str, described("Identifier of the superevent")]
    retracted: Annotated[
        bool, described("Whether the last readable alert of a known type is a retraction")
    ] = False
    alerts: Annotated[tuple[AlertRecord, ...], described("Readable alerts in their order")] = ()
    rejected: Annotated[
        tuple[RejectedFile, ...], described("Files that are not a readable alert")
    ] = ()
