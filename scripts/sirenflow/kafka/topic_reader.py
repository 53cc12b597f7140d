"""One topic on one server, read for ever: stored first, committed then."""

import json
import logging
import os
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import confluent_kafka
from confluent_kafka import KafkaError
from hop.auth import Auth
from hop.io import Consumer, StartPosition

from sirenflow.alerts.alert import Identity
from sirenflow.errors import AlertError, InboxError
from sirenflow.files.mount import DirectoryGuard
from sirenflow.inbox.receiver import Receipt, Receiver
from sirenflow.kafka import messages
from sirenflow.kafka.address import Address
from sirenflow.kafka.connection_state import ConnectionState
from sirenflow.kafka.credentials import Stream, find_credential, with_settings
from sirenflow.kafka.diagnosis import diagnose, explain, explain_code
from sirenflow.kafka.large_messages import UnreachableError, fetch
from sirenflow.kafka.new_group import start_group_at
from sirenflow.kafka.read_position import ReadPosition
from sirenflow.monitoring.health import SourceHealth
from sirenflow.monitoring.metrics import Metrics

_LOG = logging.getLogger(__name__)
# librdkafka tells every attempt to connect; what changes is told here.
_LIBRARY_LOG = logging.getLogger("librdkafka")

# Alerts that the library fetches ahead. Its own default, 64 MiB, would be most of the memory.
_READ_AHEAD_KIB = 8 * 1024
# By default the library looks a second later whether there is room again.
_FULL_QUEUE_MS = 20
_STATISTICS_MS = 1000
# So long the library waits, when it closes, for a server that is gone.
_GOOD_BYE_MS = 6000
_RECONNECT_SECONDS = (1, 10)
_REOPEN_SECONDS = (1.0, 60.0)
_CLOSE_SECONDS = 15.0
_FETCH_SECONDS, _REFETCH_SECONDS = 15.0, 3.0
# So often the library tells the server what is stored. To wait for the answer after each message
# would take as long as to store it, and another thread's commit waits as long as this one reads.
_COMMIT_SECONDS = 0.2


@dataclass(frozen=True)
class Subscription:
    """What to listen to.

    Attributes
    ----------
    group_id
        Kafka's consumer group; None for one that is made for this inbox and kept.
    start
        Where to begin in a group that has read nothing; None for the oldest message there is.
    has_login
        Whether the server wants a login.
    until_end
        Whether to stop where the topic ends at present.
    large_message_hosts
        From which servers a message sent by reference may be fetched.
    """

    address: Address
    group_id: str | None = None
    start: datetime | None = None
    has_login: bool = True
    until_end: bool = False
    large_message_hosts: Sequence[str] = ()


class TopicReader(threading.Thread):
    """Reads one topic into the inbox until it is stopped.

    Parameters
    ----------
    progress
        How far earlier runs got.
    guard
        Checks that the inbox is the one that the listener has locked.
    """

    def __init__(
        self,
        subscription: Subscription,
        receiver: Receiver,
        progress: ReadPosition,
        metrics: Metrics,
        guard: DirectoryGuard,
    ) -> None:
        super().__init__(name=subscription.address.name, daemon=True)
        self.subscription = subscription
        self.address = subscription.address
        self.failure: str | None = None
        self._connection = ConnectionState(self.address.name, metrics)
        self._receiver = receiver
        self._progress = progress
        self._metrics = metrics
        self._guard = guard
        self._stopping = threading.Event()
        self._consumer: Consumer | None = None
        self._login: Auth | None = None
        self._auth: Auth = with_settings(None, {})
        self._group_id = ""
        self._reopen = False
        self._connection.note_progress(progress)

    @property
    def health(self) -> SourceHealth:
        """The present state."""
        return self._connection.health

    def stop(self) -> None:
        """Finish the message in hand, commit, and end."""
        self._stopping.set()

    def run(self) -> None:
        """Read; whatever happens to the connection, open it again."""
        delays = _backoff_seconds()
        while not self._stopping.is_set():
            try:
                with self._open_consumer() as consumer:
                    self._read(consumer)
                if self.subscription.until_end and not self._reopen:
                    break
            except Exception as error:
                delays = _backoff_seconds() if self.health.state == "connected" else delays
                self._note_failure(error)
                if self.subscription.until_end:
                    self.failure = self.health.reason
                    break
            self._stopping.wait(next(delays))
        self._connection.change("finished")

    def _note_failure(self, error: Exception) -> None:
        if isinstance(error, InboxError):
            self._connection.change("blocked", str(error))
            return
        try:
            reason = self._explain(error)
        except Exception as other:  # whatever it is, the thread must live
            reason = f"{error!r}, and its cause cannot be found out: {other!r}"
        _LOG.debug("%s: %r", self.name, error, exc_info=error)
        self._connection.change("disconnected", reason)

    def _explain(self, error: Exception) -> str:
        reason = explain(error, self.address)
        if isinstance(error.args[0] if error.args else None, KafkaError) and (
            error.args[0].code() in _NO_CONNECTION
        ):
            found = diagnose(self._auth, self.address, self._stopping.is_set)
            reason = explain_code(found, self.address) if found else reason
            if found and found.code() == KafkaError._ALL_BROKERS_DOWN and self._login is None:
                # A server that wants encryption closes the connection, and does not say why.
                reason += "; if the server wants a login, leave out --no-auth"
        return reason

    @contextmanager
    def _open_consumer(self) -> Iterator[Consumer]:
        if self.subscription.has_login:
            self._login = find_credential(self.address, os.environ)
        self._auth = with_settings(self._login, self._librdkafka_settings())
        self._guard.check()  # the group is written there
        self._group_id = self._choose_group_id()
        stream = Stream(auth=self._auth, until_eos=self.subscription.until_end)
        stream.start_at = StartPosition.EARLIEST  # where the group has no valid position
        consumer = stream.open(
            self.address.url,
            "r",
            group_id=self._group_id,
            ignoretest=False,  # a header's claim must not lose a message
            error_callback=self._on_error,
            offset_commit_interval=timedelta(seconds=_COMMIT_SECONDS),
            reconnect_backoff_time=timedelta(seconds=_RECONNECT_SECONDS[0]),
            reconnect_max_time=timedelta(seconds=_RECONNECT_SECONDS[1]),
        )
        self._reopen = False
        self._consumer = consumer
        try:
            yield consumer
        finally:
            self._consumer = None
            self._close(consumer)

    def _close(self, consumer: Consumer) -> None:
        """Close a connection, or abandon it where the library does not return.

        librdkafka can wait for ever in it for a server that refuses the login by then.
        """
        errors: list[Exception] = []

        def close() -> None:
            try:
                consumer.close()
            except Exception as error:
                errors.append(error)

        closing = threading.Thread(target=close, name=f"{self.name}: closing", daemon=True)
        closing.start()
        closing.join(_CLOSE_SECONDS)
        if closing.is_alive():
            # Not a warning: why it was lost is reported, and each further attempt may end so.
            _LOG.debug("%s: not closed within %g s; abandoned", self.name, _CLOSE_SECONDS)
        for error in errors:
            raise error

    def _librdkafka_settings(self) -> dict[str, Any]:
        return {
            "client.id": "sirenflow",
            "session.timeout.ms": _GOOD_BYE_MS,
            "queued.max.messages.kbytes": _READ_AHEAD_KIB,
            "fetch.queue.backoff.ms": _FULL_QUEUE_MS,
            "statistics.interval.ms": _STATISTICS_MS,
            "stats_cb": self._on_statistics,
            "on_commit": self._on_commit,
            "logger": _LIBRARY_LOG,
        }

    def _choose_group_id(self) -> str:
        """Return the group; two inboxes that share one would skip each other's alerts."""
        asked, kept = self.subscription.group_id, self._progress.group_id
        # SCiMMA lets a user read in groups whose names begin with the user's.
        own = f"{self._login.username}-sirenflow-" if self._login else "sirenflow-"
        if kept is not None and (kept == asked or (asked is None and kept.startswith(own))):
            return kept
        group_id = asked or f"{own}{secrets.token_hex(4)}"
        if self._progress.is_damaged:
            _LOG.warning("%s: it is not known any more how far it was read", self.name)
        elif self.subscription.start is not None and (kept is None or asked):
            start_group_at(self.subscription.start, group_id, self.address, self._auth)
        self._progress.begin(group_id)
        return group_id

    def _read(self, consumer: Consumer) -> None:
        def is_over() -> bool:
            return self._stopping.is_set() or self._reopen

        for message in messages.read_messages(consumer, is_over, self.subscription.until_end):
            if message.error() is not None:
                self._skip_unreadable(message)
                continue
            if not self._store_message(message):
                return
            messages.store_offset(consumer, message)

    def _skip_unreadable(self, message: confluent_kafka.Message) -> None:
        position = messages.position_of(message)
        self._progress.leave_out(*position)
        self._metrics.lost.labels(self.name).inc()
        _LOG.error(
            "%s: a message (partition %d, offset %d) cannot be read, and is left out: %s",
            *(self.name, *position, message.error()),
        )
        self._connection.note_progress(self._progress)

    def _store_message(self, message: confluent_kafka.Message) -> bool:
        """Store a message, however long that takes; False if stopped before it was."""
        self._metrics.received.labels(self.name).inc()
        self._connection.note_reading(self._group_id)
        position = messages.position_of(message)
        delays = _backoff_seconds()
        while True:
            try:
                begin = time.monotonic()
                self._guard.check()
                receipt = messages.receive(message, self.name, self._receiver, self._fetch)
                self._guard.check()  # what was moved meanwhile is stored again, not committed
                gap = self._progress.advance(*position, isinstance(receipt.content, Identity))
            except InboxError as error:
                self._connection.change("blocked", str(error))
                if self._stopping.wait(next(delays)):
                    self.failure = f"stopped before a message could be stored: {error}"
                    return False
                continue
            self._metrics.write_seconds.labels(self.name).observe(time.monotonic() - begin)
            break
        if self.health.state == "blocked":
            self._connection.change("connected", "messages can be stored again")
        if gap is not None:
            self._metrics.lost.labels(self.name).inc(gap.size)
            _LOG.error(
                "%s: %d messages (partition %d, offsets %d to %d) were deleted on the server "
                "before they were read",
                *(self.name, gap.size, gap.partition, gap.first, gap.last),
            )
        self._log_receipt(position, receipt)
        self._connection.note_progress(self._progress)
        return True

    def _fetch(self, reference: bytes) -> bytes:
        """Fetch the content of a reference; a short outage must not put it in quarantine."""
        end = time.monotonic() + _FETCH_SECONDS
        while True:
            try:
                hosts = self.subscription.large_message_hosts
                return fetch(reference, hosts, self._login)
            except UnreachableError:  # others wait behind it, so not for long
                if time.monotonic() > end or self._stopping.wait(_REFETCH_SECONDS):
                    raise

    def _log_receipt(self, position: tuple[int, int], receipt: Receipt) -> None:
        partition, offset = position
        where = f"{self.name} {partition}:{offset}"
        if isinstance(receipt.content, AlertError):
            self._metrics.quarantined.labels(self.name, receipt.content.kind).inc()
            _LOG.warning(
                '%s: quarantined: %s; see "sirenflow quarantine list"', where, receipt.content
            )
            return
        alert = receipt.content
        result = "stored" if receipt.new else "duplicate"
        counter = self._metrics.stored if receipt.new else self._metrics.duplicate
        counter.labels(self.name).inc()
        also = ""
        if receipt.same_alert_as:
            self._metrics.same_alert.labels(self.name).inc()
            also = f" (the same alert as {', '.join(receipt.same_alert_as)})"
        said = f"{alert.superevent_id} {alert.alert_type} {alert.time_created}"
        _LOG.info("%s: %s %s%s", where, result, said, also)

    def _on_error(self, error: KafkaError) -> None:
        """Note that the connection is lost; the library calls this within a read."""
        if threading.current_thread() is not self:  # of a connection that is being closed
            return
        # That no server is left follows each refusal, and says less than the refusal did.
        is_known = (
            error.code() == KafkaError._ALL_BROKERS_DOWN and self.health.state == "disconnected"
        )
        if error.code() in _LOST_CONNECTION and self.health.state != "blocked" and not is_known:
            self._connection.change("disconnected", explain_code(error, self.address))
        if error.code() == KafkaError._AUTHENTICATION:
            self._reopen = True  # with the login as it is then

    def _on_commit(self, error: KafkaError | None, _: object) -> None:
        """Note the server's answer; the library calls this within a read, or the closing."""
        problem = None if error is None else explain_code(error, self.address)
        self._connection.note_commit(problem)

    def _on_statistics(self, text: str) -> None:
        """Note how far the stream goes; the library calls this within a read, or the closing."""
        if self._consumer is None:  # a topic that is given up would look like one that has grown
            return
        self._connection.note_answer()
        statistics = json.loads(text)
        partitions = statistics["topics"].get(self.address.topic, {}).get("partitions", {})
        known = {int(number): each for number, each in partitions.items() if int(number) >= 0}
        ends = {number: each["hi_offset"] for number, each in known.items()}
        if ends and min(ends.values()) >= 0:  # the server has answered a read
            if any(each["state"] == "UP" for each in statistics["brokers"].values()):
                self._connection.note_reading(self._group_id)
            read = {n: self._progress.position(n) or max(known[n]["lo_offset"], 0) for n in ends}
            lag = sum(max(0, end - read[number]) for number, end in ends.items())
            self._connection.note_lag(lag)
        if any(not each["desired"] and not each["unknown"] for each in known.values()):
            _LOG.info("%s: the topic has new partitions", self.name)
            self._reopen = True


_LOST_CONNECTION = (
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._AUTHENTICATION,
    KafkaError._SSL,
    KafkaError._RESOLVE,
)
_NO_CONNECTION = (KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._ALL_BROKERS_DOWN)


def _backoff_seconds(draw: Callable[[float, float], float] = random.uniform) -> Iterator[float]:
    """Return seconds to wait: at random, lest all try at once, below a limit that doubles."""
    least, most = _REOPEN_SECONDS
    limit = least
    while True:
        limit = min(most, 2 * limit)
        yield draw(least, limit)
