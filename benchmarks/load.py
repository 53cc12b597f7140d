"""An inbox of any size, made from the samples.

Each alert gets an id, a time and sky map bytes of its own: a card of the FITS header differs, so
that no map is found to be another's copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import cycle
from pathlib import Path
from typing import Any, cast

import fastavro

from sirenflow.alerts.alert import parse_alert
from sirenflow.inbox import store

_LIFE = ("EARLYWARNING", "PRELIMINARY", "INITIAL", "UPDATE")
_START = datetime(2026, 1, 1, tzinfo=UTC)
_CARD = b"RUNTIME ="
_UNSIGNED = b"TZERO1"  # UNIQ as uint64
_FULL_MAP_BYTES = 700_000


def make_inbox(directory: Path, samples: Path, superevents: int) -> list[Path]:
    """Write an inbox of mock superevents with four alerts each; return the alert files."""
    paths = []
    for data in make_alerts(samples, superevents):
        path = directory / store.alert_path(parse_alert(data).identity)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        paths.append(path)
    return paths


def make_alerts(samples: Path, superevents: int) -> Iterator[bytes]:
    """Make the alerts of mock superevents, four each, with full-size maps.

    Superevents come one an hour, as mocks do.
    """
    templates = cycle(_templates(samples))
    for index in range(superevents):
        time = _START + timedelta(hours=index)
        for number, alert_type in enumerate(_LIFE):
            schema, record = next(templates)
            superevent_id = f"MS{time:%y%m%d}{chr(ord('a') + time.hour)}"
            varied = _vary(record, superevent_id, alert_type, index + number / 10)
            varied["time_created"] = f"{time + timedelta(minutes=5 * number):%Y-%m-%dT%H:%M:%SZ}"
            stream = BytesIO()
            fastavro.writer(stream, schema, [varied])
            yield stream.getvalue()


def _templates(samples: Path) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Find the samples with a full-size 3-D map on which the home-made loop does not crash."""
    for path in sorted(samples.rglob("*.avro")):
        with path.open("rb") as file:
            reader = fastavro.reader(file)
            schema: Any = reader.writer_schema
            (record,) = cast("Iterator[dict[str, Any]]", reader)
        event = record["event"]
        fits = (event and event["skymap"]) or b""
        if len(fits) > _FULL_MAP_BYTES and _CARD in fits and _UNSIGNED not in fits:
            yield schema, record


def _vary(
    record: dict[str, Any], superevent_id: str, alert_type: str, card: float
) -> dict[str, Any]:
    fits = record["event"]["skymap"]
    start = fits.index(_CARD) + len(_CARD)
    number = f"{card:21.1f}".encode()
    fits = fits[:start] + number + fits[start + len(number) :]
    return {
        **record,
        "superevent_id": superevent_id,
        "alert_type": alert_type,
        "event": {**record["event"], "skymap": fits},
    }
