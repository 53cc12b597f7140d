"""One message into the inbox: archived first, judged second.

Whatever a message holds, it ends as a file: an alert in its place, anything else in quarantine with
a reason. Only an inbox that cannot be written is an error; then nothing has been accepted.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from sirenflow.alerts.alert import Identity
from sirenflow.errors import AlertError, InboxError
from sirenflow.inbox import quarantine
from sirenflow.inbox import store as alerts
from sirenflow.inbox.identify_isolated import identify_isolated, start_worker
from sirenflow.inbox.spool import MAX_CRASHES, orphaned, spooled, uncount_crash
from sirenflow.processes.pool import TaskError

_LOG = logging.getLogger(__name__)

OFFLOADED = "external"
"""Value of a message's `_format` header when it only names where its content is."""

_MOST_REFERENCE_BYTES = 4096
# The second in JSON that is text within an envelope.
_ALERT_KEYS = (b'"superevent_id"', b'\\"superevent_id\\"')


@dataclass(frozen=True)
class Message:
    """A message as a broker delivered it.

    Attributes
    ----------
    value
        Its bytes; None for one without value.
    source
        Server and topic, for people.
    topic, partition, offset
        Its place in the stream.
    time_sent
        When it was sent, as its sender or the server says; None if neither does.
    key
        Its key, if any.
    headers
        What its sender claims of it: recorded, never trusted.
    """

    value: bytes | None
    source: str
    topic: str
    partition: int
    offset: int
    time_sent: datetime | None = None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()

    @property
    def is_offloaded(self) -> bool:
        """Tell whether the value only names where the content is.

        A header that says so is believed only of what looks like it.
        """
        is_marked = ("_format", OFFLOADED.encode()) in self.headers
        return is_marked and self.value is not None and looks_like_reference(self.value)


def looks_like_reference(value: bytes) -> bool:
    """Tell whether bytes could name where a message is, and are none themselves."""
    return len(value) <= _MOST_REFERENCE_BYTES and not any(key in value for key in _ALERT_KEYS)


@dataclass(frozen=True)
class Receipt:
    """What became of a message; by now it is on disk.

    Attributes
    ----------
    content
        Which alert it is, or why it is none and in quarantine.
    new
        False if the inbox held these bytes already.
    same_alert_as
        Names of files that hold the same alert in other bytes.
    """

    content: Identity | AlertError
    new: bool
    same_alert_as: tuple[str, ...] = ()


Fetch = Callable[[Message], bytes]
"""Fetch the content of an offloaded message; raises AlertError if it cannot be had."""


class Receiver:
    """Takes messages from any number of sources into one inbox.

    Parameters
    ----------
    inbox
        The inbox directory; created if needed.

    Raises
    ------
    InboxError
        If no process can be started to judge messages.
    """

    def __init__(self, inbox: Path) -> None:
        start_worker()
        self.inbox = inbox
        # The same alert from two servers at once must find the other.
        self._lock = threading.Lock()

    def receive(self, message: Message, fetch: Fetch) -> Receipt:
        """Take in a message; when the call returns, it is on disk.

        Raises
        ------
        InboxError
            If the inbox cannot be written; nothing has been accepted.
        """
        how = {
            "way": "listen",
            "time_received": _now(),
            "source": message.source,
            "topic": message.topic,
            "partition": message.partition,
            "offset": message.offset,
            "time_sent": message.time_sent and _iso(message.time_sent),
            "key": _text(message.key),
            "headers": [[name, _text(value)] for name, value in message.headers],
        }
        if message.value is None:
            error = AlertError("the message has no value; expected an alert", "no_value")
            return self._quarantine(b"", error, how, None)
        if not message.is_offloaded:
            return self._take_in(message.value, how)
        try:
            content = fetch(message)
        except AlertError as error:
            return self._quarantine(message.value, error, how, None)
        except Exception as error:  # see _judge
            return self._quarantine(message.value, _fault(error), how, None)
        return self._take_in(content, {**how, "reference": _text(message.value)})

    def receive_copy(self, data: bytes, source: str) -> Receipt:
        """Take in what stays where it is until it is stored, and so need not be archived first.

        Nor may it be, while a listener might begin: it would take it for left behind.

        Parameters
        ----------
        data
            The bytes.
        source
            Where they are, for people.

        Raises
        ------
        InboxError
            If the inbox cannot be written.
        """
        return self._judge(data, {"way": "ingest", "source": source, "time_received": _now()})

    def recover(self) -> Iterator[Receipt]:
        """Take in what processes that died had archived and not yet judged.

        Raises
        ------
        InboxError
            If the inbox cannot be read or written.
        """
        for path, data, deaths in orphaned(self.inbox):
            how = {"way": "recovered", "time_received": _now()}
            try:
                if deaths < MAX_CRASHES:
                    receipt = self._judge(data, how, path)
                else:
                    reason = f"{deaths} processes died when they judged these bytes"
                    receipt = self._quarantine(data, AlertError(reason, "crash"), how, path)
                    self._killers[hashlib.sha256(data).hexdigest()] = reason
            except InboxError:
                uncount_crash(path)
                raise
            path.unlink(missing_ok=True)
            yield receipt

    @cached_property
    def _killers(self) -> dict[str, str]:
        """Reasons, by hash, of the bytes that were fatal to whoever judged them."""
        try:
            kept = [entry for entry in quarantine.list_entries(self.inbox) if entry.kind == "crash"]
        except InboxError as error:  # what can be stored shall be
            _LOG.warning("%s", error)
            return {}
        return {
            hashlib.sha256(quarantine.read_entry(entry)).hexdigest(): entry.reason for entry in kept
        }

    def _take_in(self, data: bytes, how: Mapping[str, Any]) -> Receipt:
        # Nobody lived to commit it, so it comes again.
        if self._killers and (reason := self._killers.get(hashlib.sha256(data).hexdigest())):
            return Receipt(AlertError(reason, "crash"), new=False)
        with spooled(self.inbox, data) as synced:
            return self._judge(data, how, synced)

    def _judge(self, data: bytes, how: Mapping[str, Any], synced: Path | None = None) -> Receipt:
        try:
            alert = identify_isolated(data)
            with self._lock:
                stored = alerts.store(self.inbox, alert, data, how, synced)
        except InboxError:
            raise
        except AlertError as error:
            if error.kind == "crash":
                self._killers[hashlib.sha256(data).hexdigest()] = str(error)
            return self._quarantine(data, error, how, synced)
        except Exception as error:  # a fault of ours must not cost an alert, nor stop the stream
            return self._quarantine(data, _fault(error), how, synced)
        return Receipt(alert, stored.new, stored.same_alert_as)

    def _quarantine(
        self, data: bytes, error: AlertError, how: Mapping[str, Any], synced: Path | None
    ) -> Receipt:
        return Receipt(error, quarantine.keep(self.inbox, data, error, how, synced))


def _fault(error: Exception) -> AlertError:
    _LOG.exception("an error in Sirenflow; the message is kept in quarantine")
    said = f"{type(error).__name__}: {error}"
    if isinstance(error, TaskError):  # in the worker: a traceback, which ends with it
        said = str(error).splitlines()[-1]
    return AlertError(f"error in Sirenflow: {said}", "fault")


def _now() -> str:
    return _iso(datetime.now(UTC))


def _iso(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds")


def _text(value: bytes | None) -> str | None:
    """Write bytes as text that is the same again when read."""
    if value is None:
        return None
    with suppress(UnicodeDecodeError):
        if not value.startswith(b"base64:"):
            return value.decode("utf-8")
    return "base64:" + base64.b64encode(value).decode("ascii")
