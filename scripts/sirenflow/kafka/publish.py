"""Archived alerts to a Kafka topic, as a sender would send them: replays and drills."""

import math
import re
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import IO

from confluent_kafka import KafkaError, KafkaException
from hop.auth import Auth

from sirenflow.alerts.alert import parse_alert
from sirenflow.alerts.avro_container import AVRO_MAGIC
from sirenflow.errors import AlertError, StreamError, os_errors_as
from sirenflow.formats.timestamp import read_timestamp
from sirenflow.inbox.archives import SourceItem, source_items
from sirenflow.kafka.address import PUBLIC_TOPIC, Address
from sirenflow.kafka.credentials import Stream, with_settings

DELIVERY_TIMEOUT = timedelta(seconds=30)
"""How long a server may take to acknowledge an alert."""

_PUBLIC_SERVERS = re.compile(r"(.+\.)?(scimma\.org|gcn\.nasa\.gov)")
_SETTINGS = {
    "log_level": 0,  # librdkafka would repeat on stderr what goes wrong, as long as it does
    "topic.metadata.propagation.max.ms": 5000,  # a topic unknown for so long does not exist
}
# A wait in one piece could not be interrupted.
_POLL = timedelta(seconds=0.2)

_Order = tuple[str, int, bool, str]


@dataclass(frozen=True)
class Published:
    """An alert that the server has acknowledged, or what could not be read.

    Attributes
    ----------
    source
        Where it was: a path, or ``archive!member``.
    total
        Number of all that will be yielded.
    problem
        Why it could not be read; None for what was sent.
    """

    source: str
    total: int
    problem: str | None = None


@dataclass(frozen=True)
class _QueuedAlert:
    """Bytes in the file of those that wait; without id and time if they are no alert."""

    source: str
    start: int
    size: int
    order: _Order
    superevent_id: str | None = None
    time: datetime | None = None


def refuse_public(address: Address) -> None:
    """Raise StreamError for the topics of the real alerts."""
    if address.topic == PUBLIC_TOPIC and _PUBLIC_SERVERS.fullmatch(address.host):
        raise StreamError(f"{address.name} is the public topic; publish to a server of your own")


def publish(
    sources: Iterable[Path],
    address: Address,
    auth: Auth | None,
    speed: float | None,
    pause: Callable[[float], object] = time.sleep,
) -> Iterator[Published]:
    """Send every alert of the sources, byte for byte, in the order in which they were made.

    A server keeps this order only within a partition, and so the alerts of a superevent, whose id
    is their key, go to one. What is no alert is sent too, next after what it was found after. Yield
    one an alert, when the server has acknowledged it; before them, what could not be read. Raise
    StreamError if an alert is not delivered: then no other is sent. Or, before any is sent, if the
    topic is public, or if with a speed something has no time.

    Parameters
    ----------
    sources
        Files, whatever they hold; directories and archives, in which files named ``*.avro`` and
        ``*.json`` are taken for alerts.
    address, auth
        Where to, and the login there, or None. The public topics are refused.
    speed
        How many times faster than they were made alerts are sent, by their ``time_created``: 1 with
        the original spacing. With None, each is sent when the one before is acknowledged.
    pause
        Waits for a number of seconds.
    """
    refuse_public(address)
    with tempfile.TemporaryFile() as spool:  # alerts to be sorted may be more than fit in memory
        waiting, problems = _collect_alerts(sources, spool)
        seconds = _wait_seconds(waiting, speed)
        total = len(waiting) + len(problems)
        for item in problems:
            yield Published(item.source, total, item.problem)
        sender = _Sender(address, auth)
        for alert, wait in zip(waiting, seconds, strict=True):
            if wait:
                pause(wait)
            spool.seek(alert.start)
            sender.send(spool.read(alert.size), alert)
            yield Published(alert.source, total)


def _collect_alerts(
    sources: Iterable[Path], spool: IO[bytes]
) -> tuple[list[_QueuedAlert], list[SourceItem]]:
    """Write to a file what is to be sent; return it in order, and what could not be read."""
    waiting: list[_QueuedAlert] = []
    problems = []
    order: _Order = ("", 0, False, "")
    for item in (item for source in sources for item in source_items(source)):
        if item.problem is not None:
            problems.append(item)
        if item.data is None:
            continue
        alert = _queue_alert(item.source, spool.tell(), item.data, order)
        order = alert.order
        waiting.append(alert)
        with os_errors_as(StreamError, "a temporary file", "written"):
            spool.write(item.data)
    return sorted(waiting, key=lambda alert: alert.order), problems


def _queue_alert(source: str, start: int, data: bytes, order_before: _Order) -> _QueuedAlert:
    try:
        alert = parse_alert(data)
    except AlertError:
        return _QueuedAlert(source, start, len(data), order_before)
    made = read_timestamp(alert.time_created).to_datetime()
    return _QueuedAlert(source, start, len(data), alert.order, alert.superevent_id, made)


def _wait_seconds(waiting: list[_QueuedAlert], speed: float | None) -> list[float]:
    """Return how long to wait before each."""
    if speed is None:
        return [0.0] * len(waiting)
    if not 0 < speed < math.inf:
        raise StreamError(f"the speed is {speed}; expected a number above 0")
    times = []
    for alert in waiting:
        if alert.time is None:
            raise StreamError(
                f"{alert.source} is no alert, and so has no time; publish it without --speed"
            )
        times.append(alert.time)
    return [
        (after - before).total_seconds() / speed for before, after in pairwise(times[:1] + times)
    ]


class _Sender:
    """A producer that waits for each acknowledgement."""

    def __init__(self, address: Address, auth: Auth | None) -> None:
        self._name = address.name
        self._last_error: KafkaError | None = None
        stream = Stream(auth=with_settings(auth, _SETTINGS))
        try:
            self._producer = stream.open(
                address.url,
                "w",
                automatic_offload=False,
                produce_timeout=DELIVERY_TIMEOUT,
                error_callback=self._note_error,
            )
        except KafkaException as error:
            raise StreamError(f"{self._name}: {error.args[0].str()}") from error

    def send(self, data: bytes, alert: _QueuedAlert) -> None:
        """Send bytes; return when the server has them.

        Raise StreamError if it does not take them, or cannot be reached in time.
        """
        headers = [("_id", uuid.uuid4().bytes)]
        if data.startswith(AVRO_MAGIC):
            headers.append(("_format", b"avro"))
        self._last_error = None
        try:
            error = self._deliver(data, headers, alert.superevent_id)
        except KafkaException as raised:
            error = raised.args[0]
        if error is not None:
            reason = self._explain_failure(error)
            raise StreamError(f"{alert.source}: not delivered to {self._name}: {reason}")

    def _deliver(
        self, data: bytes, headers: list[tuple[str, bytes]], key: str | None
    ) -> KafkaError | None:
        outcomes: list[KafkaError | None] = []

        def note(outcome: KafkaError | None, _message: object) -> None:
            outcomes.append(outcome)

        self._producer.write_raw(data, headers, note, key=key)
        while not outcomes:
            self._producer.flush(_POLL)
            if (
                self._last_error is not None
                and self._last_error.code() == KafkaError._AUTHENTICATION
            ):
                return self._last_error  # to try again does not help
        return outcomes[0]

    def _note_error(self, error: KafkaError) -> None:
        if error.code() != KafkaError._ALL_BROKERS_DOWN:  # which follows on what tells more
            self._last_error = error

    def _explain_failure(self, error: KafkaError) -> str:
        """Say why; a time-out tells less than what went wrong until then."""
        if error.code() == KafkaError._MSG_TIMED_OUT:
            seconds = f"no answer in {DELIVERY_TIMEOUT.total_seconds():g} s"
            return seconds if self._last_error is None else f"{seconds}: {self._last_error.str()}"
        return str(error.str())
