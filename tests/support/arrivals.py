"""Alerts and messages put into an inbox, as its own processes put them there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import confluent_kafka

from sirenflow.alerts.alert import parse_alert
from sirenflow.errors import AlertError
from sirenflow.inbox.arrival import Arrival
from sirenflow.inbox.identify_isolated import IDENTIFY_POOL
from sirenflow.inbox.quarantine import QuarantineEntry, quarantine_arrival, read_entry
from sirenflow.inbox.receiver import retry_entry
from sirenflow.inbox.store import Stored, store_alert
from sirenflow.processes.pool import SharedPool


def put_alert(
    inbox: Path, data: bytes, how: Mapping[str, Any] | None = None, spooled: Path | None = None
) -> Stored:
    """Store an alert."""
    arrival = Arrival(data, how or {}, spooled)
    return store_alert(inbox, parse_alert(data).identity, arrival, content_hash)


def content_hash(data: bytes) -> str:
    """Return the hash of what an alert says."""
    return parse_alert(data).content_sha256


def put_in_quarantine(
    inbox: Path,
    data: bytes,
    error: AlertError,
    how: Mapping[str, Any] | None = None,
    spooled: Path | None = None,
) -> bool:
    """Quarantine some bytes."""
    return quarantine_arrival(inbox, Arrival(data, how or {}, spooled), error)


def retry(inbox: Path, entry: QuarantineEntry, pool: SharedPool = IDENTIFY_POOL) -> Stored:
    """Retry an entry of the quarantine."""
    return retry_entry(inbox, entry, read_entry(entry), pool)


@dataclass
class SentMessage:
    """A message of Kafka, with what its sender chose."""

    sent: bytes | None
    sent_key: bytes | None = None
    sent_headers: tuple[tuple[str, bytes | None], ...] = ()
    milliseconds: int = -1
    sent_offset: int = 7

    @property
    def message(self) -> confluent_kafka.Message:
        """Return this object as the type that it stands for."""
        return cast("confluent_kafka.Message", self)

    def value(self) -> bytes | None:
        """Return the value."""
        return self.sent

    def key(self) -> bytes | None:
        """Return the key."""
        return self.sent_key

    def headers(self) -> list[tuple[str, bytes | None]] | None:
        """Return the headers, as the library does: None where there are none."""
        return list(self.sent_headers) or None

    def timestamp(self) -> tuple[int, int]:
        """Return the kind of time, and the time in milliseconds."""
        return 1, self.milliseconds

    def topic(self) -> str:
        """Return the topic."""
        return "topic"

    def partition(self) -> int:
        """Return the partition."""
        return 2

    def offset(self) -> int:
        """Return the offset."""
        return self.sent_offset
