"""Counts and times of a listener, as a text file for Prometheus's node exporter."""

from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    write_to_textfile,
)

from sirenflow.errors import InboxError, os_errors_as

METRICS_FILE = Path(".listener", "metrics.prom")
"""Where they are written, below the inbox."""

_WRITE_BUCKETS = (0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30)


class Metrics:
    """The counters of all sources of one listener."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a line more a counter
        self._registry = CollectorRegistry()

        def counter(name: str, help_: str, *labels: str) -> Counter:
            return Counter(f"sirenflow_{name}", help_, ["source", *labels], registry=self._registry)

        def gauge(name: str, help_: str) -> Gauge:
            return Gauge(f"sirenflow_{name}", help_, ["source"], registry=self._registry)

        self.received = counter("received", "Messages received.")
        self.stored = counter("stored", "Alerts stored.")
        self.duplicate = counter("duplicate", "Messages whose bytes the inbox held already.")
        self.same_alert = counter("same_alert", "Alerts that the inbox held in other bytes.")
        self.quarantined = counter("quarantined", "Messages that are no alert.", "reason")
        self.commit_failures = counter("commit_failures", "Commits that the server did not take.")
        self.reconnects = counter("reconnects", "Connections made after the first.")
        self.lost = counter("lost", "Messages deleted on the server before they were read.")
        self.write_seconds = Histogram(
            "sirenflow_write_seconds",
            "Time from a message in hand to an alert on disk.",
            ["source"],
            registry=self._registry,
            buckets=_WRITE_BUCKETS,
        )
        self.lag = gauge("lag_messages", "Messages on the server that are not yet read.")
        self.connected = gauge("connected", "1 if connected, 0 if not.")
        self.last_alert_age = gauge("last_alert_age_seconds", "Time since the last alert came.")
        self.quarantine_messages = Gauge(
            "sirenflow_quarantine_messages",
            "Messages and files in quarantine.",
            registry=self._registry,
        )
        self.quarantine_unacknowledged = Gauge(
            "sirenflow_quarantine_unacknowledged",
            "Messages of topics in quarantine that nobody has acknowledged.",
            registry=self._registry,
        )

    def announce(self, source: str) -> None:
        """Show a source's counters from the beginning, as zero."""
        for metric in (
            *(self.received, self.stored, self.duplicate, self.same_alert),
            *(self.commit_failures, self.reconnects, self.lost, self.write_seconds),
            self.connected,
        ):
            metric.labels(source)

    def write(self, inbox: Path) -> None:
        """Write the file.

        Raise InboxError if it cannot be written.
        """
        path = inbox / METRICS_FILE
        with os_errors_as(InboxError, path, "written"):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_to_textfile(str(path), self._registry)
