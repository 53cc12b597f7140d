"""How many messages are in quarantine, for the metrics of a listener that runs for months."""

import time
from pathlib import Path

from sirenflow.errors import InboxError
from sirenflow.inbox import acknowledgements, quarantine
from sirenflow.monitoring.metrics import Metrics

# Reading ten thousand entries takes half a second: at most this share of the time is spent on it.
_SHARE = 0.05
# A file system's clock may be as coarse, so that a later change looks the same.
_TICK_NS = 2 * 10**9

State = tuple[int, ...]


class QuarantineGauges:
    """Sets the gauges of the quarantine when it, or what is acknowledged, has changed."""

    def __init__(self, inbox: Path, metrics: Metrics) -> None:
        self._inbox = inbox
        self._metrics = metrics
        self._counted: State | None = None
        self._rest_until = 0.0

    def update(self) -> None:
        """Count again where something changed; keep the numbers where nothing can be read."""
        begin = time.monotonic()
        state = self._change_times()
        if state == self._counted or begin < self._rest_until:
            return
        settled = max(state) < time.time_ns() - _TICK_NS
        try:
            entries = quarantine.list_entries(self._inbox)
            unseen = acknowledgements.list_unacknowledged(self._inbox, entries)
        except InboxError:  # `sirenflow health` reports it
            return
        self._metrics.quarantine_messages.set(len(entries))
        self._metrics.quarantine_unacknowledged.set(len(unseen))
        end = time.monotonic()
        self._counted = state if settled else None
        self._rest_until = end + (end - begin) / _SHARE

    def _change_times(self) -> State:
        """Return when the quarantine's directory and the acknowledgements last changed, in ns."""
        return tuple(
            _modified_ns(self._inbox / path)
            for path in (quarantine.QUARANTINE_DIRECTORY, acknowledgements.ACKNOWLEDGEMENTS_FILE)
        )


def _modified_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
