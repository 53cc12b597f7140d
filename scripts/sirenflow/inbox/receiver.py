"""The way of an arrival into the inbox: spooled, decoded in isolation, stored or quarantined.

Only an inbox that cannot be written is an error; then nothing has been accepted.
"""

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from sirenflow.alerts.alert import Identity
from sirenflow.errors import AlertError, InboxError
from sirenflow.inbox.arrival import Arrival
from sirenflow.inbox.identify_isolated import (
    IDENTIFY_POOL,
    hash_content_isolated,
    identify_isolated,
    start_worker,
)
from sirenflow.inbox.quarantine import (
    QuarantineEntry,
    drop_entry,
    list_entries,
    quarantine_arrival,
    read_entry,
)
from sirenflow.inbox.spool import MAX_CRASHES, orphaned, spooled, uncount_crash
from sirenflow.inbox.store import Stored, store_alert
from sirenflow.processes.pool import SharedPool, TaskError

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Receipt:
    """What became of an arrival; by now it is on disk.

    Attributes
    ----------
    same_alert_as
        Names of files that hold the same alert in other bytes.
    """

    content: Identity | AlertError
    new: bool
    same_alert_as: tuple[str, ...] = ()


class Receiver:
    """Takes arrivals from any number of threads into one inbox.

    They are decoded in the worker of `pool`. Raise InboxError if no process can be started for it.
    """

    def __init__(self, inbox: Path, pool: SharedPool = IDENTIFY_POOL) -> None:
        start_worker(pool)
        self.inbox = inbox
        self._pool = pool
        # The same alert from two servers at once must find the other.
        self._lock = threading.Lock()

    def receive(self, arrival: Arrival) -> Receipt:
        """Spool an arrival that nothing else keeps, then accept it.

        Bytes that crashed a decoder before are not decoded again. Raise InboxError if the inbox
        cannot be written; nothing has been accepted.
        """
        if self._crash_reasons and (reason := self._crash_reasons.get(arrival.sha256)):
            return Receipt(AlertError(reason, "crash"), new=False)
        with spooled(self.inbox, arrival) as safe:
            return self.accept(safe)

    def accept(self, arrival: Arrival) -> Receipt:
        """Store an alert; quarantine anything else with the reason.

        Call it for bytes that stay where they are until this returns, such as those of a file: a
        listener that starts meanwhile would take a spooled file for an orphan. Raise InboxError if
        the inbox cannot be written; nothing has been accepted.
        """
        try:
            identity = identify_isolated(arrival.data, self._pool)
            hash_content = partial(hash_content_isolated, pool=self._pool)
            with self._lock:
                stored = store_alert(self.inbox, identity, arrival, hash_content)
        except InboxError:
            raise
        except Exception as error:  # an internal error must neither lose an alert nor stop a stream
            return self.reject(arrival, error)
        return Receipt(identity, stored.new, stored.same_alert_as)

    def reject(self, arrival: Arrival, error: Exception) -> Receipt:
        """Quarantine an arrival; any error but an `AlertError` is logged as internal.

        Raise InboxError if the quarantine cannot be written.
        """
        reason = error if isinstance(error, AlertError) else _internal_error(error)
        if reason.kind == "crash":
            self._crash_reasons[arrival.sha256] = str(reason)
        return Receipt(reason, quarantine_arrival(self.inbox, arrival, reason))

    def recover(self) -> Iterator[Receipt]:
        """Accept what processes that were killed had spooled.

        Raise InboxError if the inbox cannot be read or written.
        """
        for arrival, crashes in orphaned(self.inbox):
            try:
                if crashes < MAX_CRASHES:
                    receipt = self.accept(arrival)
                else:
                    reason = f"{crashes} processes crashed when they received these bytes"
                    receipt = self.reject(arrival, AlertError(reason, "crash"))
            except InboxError:
                uncount_crash(arrival)
                raise
            if arrival.spooled is not None:
                arrival.spooled.unlink(missing_ok=True)
            yield receipt

    @cached_property
    def _crash_reasons(self) -> dict[str, str]:
        """Reasons, by hash, of the quarantined bytes that crashed a decoder."""
        try:
            crashed = [entry for entry in list_entries(self.inbox) if entry.kind == "crash"]
        except InboxError as error:  # what can be stored shall be
            _LOG.warning("%s", error)
            return {}
        return {read_entry(entry).sha256: entry.reason for entry in crashed}


def retry_entry(
    inbox: Path, entry: QuarantineEntry, arrival: Arrival, pool: SharedPool = IDENTIFY_POOL
) -> Stored:
    """Store an entry of the quarantine that is an alert now, and delete the entry.

    Raise AlertError if it is still not a valid alert; it stays in quarantine. Raise InboxError if
    it cannot be moved.

    Parameters
    ----------
    arrival
        What `read_entry` returns for it, or what was fetched for the reference that it holds.
    """
    identity = identify_isolated(arrival.data, pool)
    stored = store_alert(inbox, identity, arrival, partial(hash_content_isolated, pool=pool))
    drop_entry(entry)
    return stored


def _internal_error(error: Exception) -> AlertError:
    _LOG.error("an error in Sirenflow; the message is kept in quarantine", exc_info=error)
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, TaskError):  # in the worker: a traceback, which ends with it
        text = str(error).splitlines()[-1]
    return AlertError(f"error in Sirenflow: {text}", "internal_error")
