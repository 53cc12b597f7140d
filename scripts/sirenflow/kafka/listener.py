"""The listener: it stores alerts of all topics in one inbox, and writes heartbeat and metrics."""

import logging
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

from sirenflow import __version__
from sirenflow.alerts.alert_type import canonical_type
from sirenflow.alerts.identifier import is_identifier
from sirenflow.errors import InboxError, StreamError
from sirenflow.files.lock import exclusive
from sirenflow.files.mount import DirectoryGuard
from sirenflow.inbox import quarantine
from sirenflow.inbox.receiver import Receiver
from sirenflow.kafka.credentials import find_credential
from sirenflow.kafka.read_position import ReadPosition
from sirenflow.kafka.topic_reader import Subscription, TopicReader
from sirenflow.monitoring import health
from sirenflow.monitoring.metrics import METRICS_FILE, Metrics
from sirenflow.monitoring.quarantine_metrics import QuarantineGauges
from sirenflow.processes.signals import stop_event

_LOG = logging.getLogger(__name__)

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8,16}\.tmp")

STATE = Path(".listener")
"""Where a listener keeps what it must remember, below its inbox."""

# The library may take longer to say good-bye to a server that is gone; nothing depends on it.
_PATIENCE_AT_THE_END = {True: 20.0, False: 5.0}
# How long a server that is gone is waited for, when asked to stop at the end of its topic.
_PATIENCE_UNTIL_END = timedelta(seconds=60)
# A file is written in less.
_ABANDONED_SECONDS = 600


def listen(inbox: Path, subscriptions: Sequence[Subscription]) -> str | None:
    """Store every alert of some topics, until told to stop.

    SIGTERM and SIGINT end it when the message in hand is stored and committed. Return what went
    wrong; None if nothing did. Raise BusyError if another listener writes to the inbox. Raise
    StreamError if there is no login for a server that needs one, or a topic is given twice. Raise
    InboxError if the inbox cannot be written at the start.

    Parameters
    ----------
    inbox
        The inbox directory; created if needed.
    subscriptions
        What to listen to.

    While the inbox is missing, nothing is stored or committed. If another directory is in its
    place, the listener ends: its lock is in the previous one, and a restart takes the new lock.
    """
    _check_subscriptions(subscriptions)
    with exclusive(inbox / STATE / "lock"), stop_event(_log_stop) as stopping:
        metrics = Metrics()
        receiver = Receiver(inbox)
        guard = DirectoryGuard(inbox)
        _delete_abandoned_files(inbox)
        for receipt in receiver.recover():
            said = getattr(receipt.content, "superevent_id", receipt.content)
            _LOG.warning("taken in what a listener that was killed had left: %s", said)
        sources = [_make_source(each, inbox, receiver, metrics, guard) for each in subscriptions]
        return _SourceSupervisor(inbox, sources, metrics, guard).run(stopping)


def _delete_abandoned_files(inbox: Path) -> None:
    """Delete what processes that were killed had begun to write; what another writes is younger."""
    beside_alerts = (path for path in inbox.glob("*/*/.*.tmp") if _is_beside_alerts(path))
    own = [(inbox / name).glob(".*.tmp") for name in (STATE, quarantine.QUARANTINE_DIRECTORY)]
    metrics = (inbox / STATE).glob(f"{METRICS_FILE.name}.*")
    for path in chain(beside_alerts, *own, metrics):
        with suppress(OSError):
            is_old = time.time() - path.stat().st_mtime > _ABANDONED_SECONDS
            if is_old and (_TEMPORARY.fullmatch(path.name) or path.name.startswith("metrics")):
                path.unlink()


def _is_beside_alerts(path: Path) -> bool:
    type_ = path.parent.name
    with suppress(ValueError):
        return is_identifier(path.parents[1].name) and canonical_type(type_) == type_
    return False


def _check_subscriptions(subscriptions: Sequence[Subscription]) -> None:
    """Find what waiting would not mend."""
    names = [subscription.address.name for subscription in subscriptions]
    for name in names:
        if names.count(name) > 1:
            raise StreamError(f"{name} is given twice")
    for subscription in subscriptions:
        if subscription.has_login:
            find_credential(subscription.address, os.environ)


def _make_source(
    subscription: Subscription,
    inbox: Path,
    receiver: Receiver,
    metrics: Metrics,
    guard: DirectoryGuard,
) -> TopicReader:
    progress = ReadPosition(inbox / STATE / f"{subscription.address.slug}.json")
    return TopicReader(subscription, receiver, progress, metrics, guard)


def _log_stop(number: signal.Signals) -> None:
    _LOG.info("stopping (%s)", number.name)


class _SourceSupervisor:
    """Starts the sources, tells how they are, and stops them."""

    def __init__(
        self, inbox: Path, sources: Sequence[TopicReader], metrics: Metrics, guard: DirectoryGuard
    ) -> None:
        self._inbox = inbox
        self._sources = sources
        self._metrics = metrics
        self._quarantine = QuarantineGauges(inbox, metrics)
        self._started = datetime.now(UTC)
        self._can_write = True
        self._guard = guard
        self._inbox_problem: str | None = None

    def run(self, stopping: threading.Event) -> str | None:
        for source in self._sources:
            _LOG.info("%s: connecting", source.name)
            source.start()
        beat = time.monotonic()
        failures = []
        while not stopping.wait(0.2) and any(source.is_alive() for source in self._sources):
            if replaced := self._check_inbox():
                failures.append(replaced)
                break
            if time.monotonic() >= beat:
                self._write_state()
                beat = time.monotonic() + health.BEAT_SECONDS
            self._stop_unreachable()
        self._stop_sources()
        self._write_state(is_last=True)
        failures += [f"{s.name}: {s.failure}" for s in self._sources if s.failure]
        return "; ".join(failures) or None

    def _check_inbox(self) -> str | None:
        """Log once that the inbox is missing, and that it is back; return why to end, or None."""
        problem = self._guard.problem()
        if problem and self._guard.is_replaced():
            return problem
        if problem != self._inbox_problem:
            _LOG.warning("%s", problem or f"inbox {self._inbox} is back")
        self._inbox_problem = problem
        return None

    def _stop_unreachable(self) -> None:
        """End what was to stop at the end of a topic, where the server is gone."""
        for source in self._sources:
            lost = source.health.state == "disconnected" and source.subscription.until_end
            if lost and datetime.now(UTC) - source.health.since > _PATIENCE_UNTIL_END:
                source.failure = source.health.reason
                source.stop()

    def _stop_sources(self) -> None:
        is_connected = any(source.health.state == "connected" for source in self._sources)
        end = time.monotonic() + _PATIENCE_AT_THE_END[is_connected]
        while any(source.is_alive() for source in self._sources) and time.monotonic() < end:
            for source in self._sources:
                source.stop()
                source.join(0.2)
        for source in self._sources:
            if source.is_alive():
                _LOG.warning("%s: not closed in time; all that was stored is safe", source.name)

    def _write_state(self, is_last: bool = False) -> None:
        now = datetime.now(UTC)
        for source in self._sources:
            last = source.health.last_alert or self._started
            age = (now - last).total_seconds()
            self._metrics.last_alert_age.labels(source.name).set(age)
        self._quarantine.update()
        heartbeat = health.Heartbeat(
            pid=os.getpid(),
            host=socket.gethostname(),
            version=__version__,
            time_started=self._started,
            time=now,
            stopped=is_last,
            sources=tuple(source.health for source in self._sources),
        )
        if self._guard.problem():  # a heartbeat would make the directory, or vouch for another
            return
        try:
            health.write_heartbeat(self._inbox, heartbeat)
            self._metrics.write(self._inbox)
        except InboxError as error:
            if self._can_write:
                _LOG.warning("%s", error)
            self._can_write = False
        else:
            self._can_write = True
