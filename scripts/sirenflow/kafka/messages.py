"""Messages of an open connection, whatever their senders have put into them, as arrivals.

hop-client's own iterators read a message's key, headers and time before they give it, and end for
ever on a header whose name is not UTF-8, or on a batch that cannot be unpacked. So hop-client opens
the connection, and what it is built on is read here.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

import confluent_kafka
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from hop.io import Consumer

from sirenflow.errors import AlertError
from sirenflow.inbox.arrival import Arrival, bytes_to_text
from sirenflow.inbox.receiver import Receipt, Receiver
from sirenflow.kafka.large_messages import is_reference, replace_reference

_LOG = logging.getLogger(__name__)

_WAIT_SECONDS = 0.5
# What is wrong with a message, and not with the connection.
_UNREADABLE = (KafkaError._BAD_COMPRESSION, KafkaError._BAD_MSG)

_Value = TypeVar("_Value")
Fetch = Callable[[bytes], bytes]


def read_messages(
    consumer: Consumer, is_over: Callable[[], bool], until_end: bool
) -> Iterator[confluent_kafka.Message]:
    """Yield each message as soon as it is there; none is marked as stored.

    A message whose batch cannot be unpacked has an error; reading goes on after it. Raise
    KafkaException if the server refuses to be read.

    Parameters
    ----------
    is_over
        Says whether to end; asked twice a second.
    until_end
        Whether to end where all partitions do at present.
    """
    library = _library(consumer)
    unfinished = {place.partition for place in library.assignment()}
    while not is_over() and (unfinished or not until_end):
        # One at a time: a batch would wait for others before the first is given.
        for message in library.consume(1, _WAIT_SECONDS):
            error = message.error()
            if error is None:
                yield message
            elif error.code() == KafkaError._PARTITION_EOF:
                unfinished.discard(message.partition())
            elif error.code() in _UNREADABLE:
                yield message
                library.seek(_position_after(message))
            else:
                raise KafkaException(error)


def store_offset(consumer: Consumer, message: confluent_kafka.Message) -> None:
    """Let the library tell the server, in its own time, that a message is stored."""
    _library(consumer).store_offsets(message)


def receive(
    message: confluent_kafka.Message, source: str, receiver: Receiver, fetch: Fetch
) -> Receipt:
    """Bring the content of a message into an inbox.

    Raise InboxError if the inbox cannot be written; nothing has been accepted.

    Parameters
    ----------
    source
        Name of the server and topic.
    fetch
        Returns the content of a message that was sent by reference, or raises AlertError.
    """
    arrival = to_arrival(message, source)
    if message.value() is None:
        error = AlertError("the message has no value; expected an alert", "no_value")
        return receiver.reject(arrival, error)
    if is_reference(arrival):
        try:
            arrival = replace_reference(arrival, fetch(arrival.data))
        except Exception as error:  # an internal error must not stop the stream
            return receiver.reject(arrival, error)
    return receiver.receive(arrival)


def to_arrival(message: confluent_kafka.Message, source: str) -> Arrival:
    """Return the value of a message, and where and when it was sent, with its key and headers.

    What cannot be read of key, headers and time is left out.
    """
    partition, offset = position_of(message)
    headers: Any = _or_none(message.headers) or ()
    return Arrival.now(
        message.value() or b"",
        "listen",
        source=source,
        topic=message.topic() or "",
        partition=partition,
        offset=offset,
        time_sent=_or_none(lambda: _sent_text(message.timestamp()[1])),
        key=_or_none(lambda: _bytes_to_text(message.key())),
        headers=[[name, _bytes_to_text(value)] for name, value in headers],
    )


def position_of(message: confluent_kafka.Message) -> tuple[int, int]:
    """Return partition and offset of a message."""
    return message.partition() or 0, message.offset() or 0


def _library(consumer: Consumer) -> Any:
    return consumer._consumer._consumer


def _position_after(message: confluent_kafka.Message) -> TopicPartition:
    partition, offset = position_of(message)
    return TopicPartition(message.topic() or "", partition, offset + 1)


def _or_none(read_part: Callable[[], _Value]) -> _Value | None:
    try:
        return read_part()
    except Exception as error:  # the library raises even SystemError, for what a sender chose
        _LOG.warning("part of a message's frame cannot be read: %r", error)
        return None


def _sent_text(milliseconds: int) -> str | None:
    """Return a time in ISO 8601, UTC; None if neither sender nor server gave one."""
    if milliseconds <= 0:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")


def _bytes_to_text(value: bytes | str | None) -> str | None:
    """Return text from which the bytes can be read back: as UTF-8, else as base64."""
    data = value.encode() if isinstance(value, str) else value
    return None if data is None else bytes_to_text(data)
