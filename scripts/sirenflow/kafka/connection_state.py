"""State of the connection to a topic, for the heartbeat; changes are logged."""

import logging
import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sirenflow.kafka.read_position import ReadPosition
from sirenflow.monitoring.health import SourceHealth, State
from sirenflow.monitoring.metrics import Metrics

_LOG = logging.getLogger(__name__)


class ConnectionState:
    """State of a source, with a line in the log for each change and none for each attempt."""

    def __init__(self, name: str, metrics: Metrics) -> None:
        self.health = SourceHealth(name, "connecting", datetime.now(UTC))
        self._name = name
        self._metrics = metrics
        self._logged_reasons: set[str | None] = set()
        self._changing = threading.Lock()
        metrics.announce(name)

    def change(self, state: State, reason: str | None = None) -> None:
        """Go to a state; tell it if it is another, or has a new reason."""
        before = self.health
        if (before.state, before.reason) == (state, reason):
            return
        since = before.since if before.state == state else datetime.now(UTC)
        self._update(state=state, reason=reason, since=since)
        self._metrics.connected.labels(self._name).set(state == "connected")
        # One trouble can be told in two ways by turns.
        self._logged_reasons = {
            *(self._logged_reasons if before.state == state else ()),
            before.reason,
        }
        if before.state == state and reason in self._logged_reasons:
            return
        level = logging.INFO if state in ("connected", "finished") else logging.WARNING
        _LOG.log(level, "%s: %s%s", self._name, state, f": {reason}" if reason else "")

    def note_reading(self, group_id: str) -> None:
        """Note that the server lets us read: that a connection opens says less."""
        if self.health.state not in ("connecting", "disconnected"):
            return
        if self.health.state == "disconnected":
            self._metrics.reconnects.labels(self._name).inc()
        self.change("connected", f"group {group_id}")

    def note_answer(self) -> None:
        """Note that the connection tells of itself."""
        self._update(last_answer=datetime.now(UTC))

    def note_lag(self, lag: int) -> None:
        """Note how many messages wait on the server."""
        self._update(lag=lag)
        self._metrics.lag.labels(self._name).set(lag)

    def note_progress(self, progress: ReadPosition) -> None:
        """Note what came last, and what never will."""
        gaps = progress.gaps
        self._update(
            last_alert=progress.last_alert,
            lost=sum(gap.size for gap in gaps),
            last_lost=datetime.fromisoformat(gaps[-1].time_found) if gaps else None,
        )

    def note_commit(self, problem: str | None) -> None:
        """Note whether the server took a commit; None if it did."""
        before = self.health.commit_problem
        if problem is None:
            if before is not None:
                _LOG.info("%s: commits work again", self._name)
            self._update(commit_problem=None)
            return
        self._metrics.commit_failures.labels(self._name).inc()
        if self.health.state != "connected":  # which is told, and why this fails too
            return
        if before is None:
            _LOG.warning(
                "%s: commit failed, and is tried again until it works: %s. What is stored would be "
                "delivered again after a restart, and recognised",
                *(self._name, problem),
            )
        self._update(commit_problem=problem)

    def _update(self, **changes: Any) -> None:
        with self._changing:
            self.health = replace(self.health, **changes)
