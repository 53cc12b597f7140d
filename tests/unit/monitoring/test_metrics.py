"""The listener's counts, as Prometheus reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from sirenflow.errors import InboxError
from sirenflow.monitoring import metrics
from sirenflow.monitoring.metrics import Metrics

SOURCE = "kafka.scimma.org/igwn.gwalert"


def read(inbox: Path) -> dict[tuple[str, str], float]:
    """Every sample of one source: its name, and what other label it has."""
    text = (inbox / metrics.METRICS_FILE).read_text(encoding="utf-8")
    samples: dict[tuple[str, str], float] = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation
        for sample in family.samples:
            labels = dict(sample.labels)
            assert labels.pop("source", SOURCE) == SOURCE
            samples[sample.name, ",".join(labels.values())] = sample.value
    return samples


@pytest.fixture
def counts() -> Metrics:
    counts = Metrics()
    counts.announce(SOURCE)
    return counts


def test_every_counter_is_there_as_zero_from_the_beginning(tmp_path: Path, counts: Metrics) -> None:
    """A counter that begins at 1 shows no increase to whoever watches it."""
    counts.write(tmp_path)
    samples = read(tmp_path)
    for name in (
        *("received", "stored", "duplicate", "same_alert"),
        *("commit_failures", "reconnects", "lost"),
    ):
        assert samples[f"sirenflow_{name}_total", ""] == 0
    assert samples["sirenflow_write_seconds_count", ""] == 0
    assert samples["sirenflow_connected", ""] == 0


def test_what_is_not_known_is_not_shown_as_zero(tmp_path: Path, counts: Metrics) -> None:
    counts.write(tmp_path)
    names = {name for name, _ in read(tmp_path)}
    assert not names & {"sirenflow_lag_messages", "sirenflow_last_alert_age_seconds"}


def test_file_follows_the_counts(tmp_path: Path, counts: Metrics) -> None:
    counts.write(tmp_path)
    counts.received.labels(SOURCE).inc()
    counts.received.labels(SOURCE).inc()
    counts.quarantined.labels(SOURCE, "too_large").inc()
    counts.lost.labels(SOURCE).inc(40)
    counts.lag.labels(SOURCE).set(12)
    counts.connected.labels(SOURCE).set(True)
    counts.last_alert_age.labels(SOURCE).set(90.5)
    counts.write(tmp_path)
    samples = read(tmp_path)
    assert samples["sirenflow_received_total", ""] == 2
    assert samples["sirenflow_quarantined_total", "too_large"] == 1
    assert samples["sirenflow_lost_total", ""] == 40
    assert samples["sirenflow_lag_messages", ""] == 12
    assert samples["sirenflow_connected", ""] == 1
    assert samples["sirenflow_last_alert_age_seconds", ""] == 90.5
    assert samples["sirenflow_stored_total", ""] == 0


def test_times_to_write_are_in_buckets(tmp_path: Path, counts: Metrics) -> None:
    for seconds in (0.002, 0.05, 100):
        counts.write_seconds.labels(SOURCE).observe(seconds)
    counts.write(tmp_path)
    samples = read(tmp_path)
    buckets = {
        limit: value
        for (name, limit), value in samples.items()
        if name == "sirenflow_write_seconds_bucket"
    }
    assert (buckets["0.003"], buckets["0.1"], buckets["30.0"], buckets["+Inf"]) == (1, 2, 2, 3)


def test_two_listeners_in_one_process_count_apart(tmp_path: Path, counts: Metrics) -> None:
    other = Metrics()
    other.announce(SOURCE)
    other.stored.labels(SOURCE).inc()
    counts.write(tmp_path)
    assert read(tmp_path)["sirenflow_stored_total", ""] == 0


def test_writing_leaves_nothing_but_the_file(tmp_path: Path, counts: Metrics) -> None:
    """A collector that reads all *.prom files must not find half of one."""
    counts.write(tmp_path)
    counts.write(tmp_path)
    assert [file.name for file in (tmp_path / ".listener").iterdir()] == ["metrics.prom"]


def test_file_that_cannot_be_written_is_told(tmp_path: Path, counts: Metrics) -> None:
    (tmp_path / ".listener").touch()
    with pytest.raises(InboxError, match=r"metrics\.prom cannot be written: "):
        counts.write(tmp_path)
