"""Superevents summarized from what a test writes of alerts and maps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from msgspec import convert

from sirenflow.alerts.event_record import (
    read_coincidence,
    read_gracedb_url,
    read_values,
    times_without_zone,
)
from sirenflow.formats.sanitize import integer_or_none, text_or_none, timestamp_or_none
from sirenflow.products.alerts import AlertFile, AlertRecord, Alerts, RejectedFile
from sirenflow.products.base import load_product
from sirenflow.products.event import EventSummary
from sirenflow.products.localization import Localization, LocalizedAlert, LocalizedMap
from sirenflow.products.regions import Regions
from sirenflow.superevent.summarize import summarize_event


def summarize(
    alerts: Mapping[str, Any],
    localization: Mapping[str, Any],
    regions: Mapping[str, Any] | None = None,
    config_sha256: str | None = None,
    unreadable: Mapping[str, Any] | None = None,
) -> EventSummary:
    """Summarize alerts, of which each `record` is cleaned as the stage `extract` does."""
    superevent_id = alerts.get("superevent_id", "unknown")
    return summarize_event(
        typed_alerts(alerts),
        typed_localization(localization),
        convert({"superevent_id": superevent_id, **regions}, Regions) if regions else None,
        config_sha256,
        unreadable,
    )


def load_event(alerts: Path, localization: Path, regions: Path) -> EventSummary:
    """Summarize a superevent from files, as the stage `report` does."""
    return summarize_event(
        load_product(alerts, Alerts),
        load_product(localization, Localization),
        load_product(regions, Regions),
    )


def typed_alerts(content: Mapping[str, Any]) -> Alerts:
    """Return alerts.json, its values read from each `record`."""
    return Alerts(
        superevent_id=content.get("superevent_id", "unknown"),
        alerts=tuple(_alert(**entry) for entry in content.get("alerts", ())),
        rejected=tuple(RejectedFile(**_clean(entry)) for entry in content.get("rejected", ())),
    )


def typed_localization(content: Mapping[str, Any]) -> Localization:
    """Return localization.json, of which a test says only what it needs."""
    return Localization(
        superevent_id="unknown",
        alerts=tuple(
            LocalizedAlert(**{**entry, "skymaps": tuple(map(_skymap, entry["skymaps"]))})
            for entry in content.get("alerts", ())
        ),
    )


def _alert(
    number: int,
    alert_type: str,
    record: Mapping[str, Any] | None,
    time_created: str | None = None,
    sha256: str | None = None,
    also_received_as: Iterable[Mapping[str, Any]] = (),
) -> AlertRecord:
    record = record or {}
    values = read_values(alert_type, record)
    created = timestamp_or_none(time_created)
    return convert(
        {
            "number": number,
            "alert_type": alert_type,
            "time_created": created.display() if created else None,
            "utc_assumed": times_without_zone(record, values),
            "gracedb": read_gracedb_url(record),
            "record": dict(record),
            "values": values,
            "external_coinc": read_coincidence(record),
            "sha256": text_or_none(sha256),
            "also_received_as": [AlertFile(**_clean(file)) for file in also_received_as],
        },
        AlertRecord,
    )


def _clean(file: Mapping[str, Any]) -> dict[str, Any]:
    """Clean what is said of a file: its size is a number, all else is text."""
    return {
        key: integer_or_none(value) if key == "size_bytes" else text_or_none(value)
        for key, value in file.items()
    }


def _skymap(sent: Mapping[str, Any]) -> LocalizedMap:
    return LocalizedMap(
        **{
            key: text_or_none(value) if isinstance(value, str) else value
            for key, value in sent.items()
        }
    )
