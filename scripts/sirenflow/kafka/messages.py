"""Messages of an open connection, whatever their senders have put into them.

hop-client's own iterators read a message's key, headers and time before they give it, and end for
ever on a header whose name is not UTF-8, or on a batch that cannot be unpacked. So hop-client opens
the connection, and what it is built on is read here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

import confluent_kafka
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from hop.io import Consumer

from sirenflow.inbox.receiver import Message

_LOG = logging.getLogger(__name__)

_WAIT_SECONDS = 0.5
# What is wrong with a message, and not with the connection.
_UNREADABLE = (KafkaError._BAD_COMPRESSION, KafkaError._BAD_MSG)

_Value = TypeVar("_Value")


def read(
    consumer: Consumer, is_over: Callable[[], bool], until_end: bool
) -> Iterator[confluent_kafka.Message]:
    """Give each message as soon as it is there; none is marked as done.

    One of which nothing can be had, as its batch cannot be unpacked, has an error; reading goes on
    after it.

    Parameters
    ----------
    consumer
        The open connection.
    is_over
        Says whether to end; asked twice a second.
    until_end
        Whether to end where all partitions do at present.

    Raises
    ------
    KafkaException
        If the server refuses to be read.
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
                library.seek(_place_after(message))
            else:
                raise KafkaException(error)


def mark_done(consumer: Consumer, message: confluent_kafka.Message) -> None:
    """Let the library tell the server, in its own time, that a message is stored."""
    _library(consumer).store_offsets(message)


def unpack(message: confluent_kafka.Message, source: str) -> Message:
    """Take a message apart; what cannot be read of its frame is left out."""
    key: str | bytes | None = _or_none(message.key)
    headers: Any = _or_none(message.headers) or ()
    return Message(
        value=message.value(),
        source=source,
        topic=message.topic() or "",
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        time_sent=_or_none(lambda: _time(message.timestamp()[1])),
        key=key.encode() if isinstance(key, str) else key,
        headers=tuple(
            (name, value.encode() if isinstance(value, str) else value) for name, value in headers
        ),
    )


def _library(consumer: Consumer) -> Any:
    return consumer._consumer._consumer


def _place_after(message: confluent_kafka.Message) -> TopicPartition:
    offset = (message.offset() or 0) + 1
    return TopicPartition(message.topic() or "", message.partition() or 0, offset)


def _or_none(read_: Callable[[], _Value]) -> _Value | None:
    try:
        return read_()
    except Exception as error:  # the library raises even SystemError, for what a sender chose
        _LOG.warning("part of a message's frame cannot be read: %r", error)
        return None


def _time(milliseconds: int) -> datetime | None:
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds > 0 else None
