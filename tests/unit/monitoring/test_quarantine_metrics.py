"""The listener's metrics say how much is in quarantine, and follow what is done about it."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from arrivals import put_in_quarantine

from sirenflow.errors import AlertError
from sirenflow.inbox import acknowledgements, quarantine
from sirenflow.monitoring import metrics
from sirenflow.monitoring.metrics import Metrics
from sirenflow.monitoring.quarantine_metrics import QuarantineGauges


def keep(inbox: Path, data: bytes, way: str = "listen") -> None:
    put_in_quarantine(inbox, data, AlertError("no good"), {"way": way})


@pytest.fixture
def counts() -> Metrics:
    return Metrics()


@pytest.fixture
def gauges(tmp_path: Path, counts: Metrics, monkeypatch: pytest.MonkeyPatch) -> QuarantineGauges:
    # However long it took to count, count again.
    monkeypatch.setattr("sirenflow.monitoring.quarantine_metrics._SHARE", float("inf"))
    return QuarantineGauges(tmp_path, counts)


def shown(inbox: Path, counts: Metrics) -> tuple[str, str]:
    """Give the numbers of all messages, and of those not acknowledged, as in the file."""
    counts.write(inbox)
    lines = (inbox / metrics.METRICS_FILE).read_text().splitlines()
    values = dict(line.split() for line in lines if not line.startswith("#"))
    names = ("sirenflow_quarantine_messages", "sirenflow_quarantine_unacknowledged")
    return values[names[0]], values[names[1]]


def test_empty_quarantine_is_zero(tmp_path: Path, counts: Metrics, gauges: object) -> None:
    assert isinstance(gauges, QuarantineGauges)
    gauges.update()
    assert shown(tmp_path, counts) == ("0.0", "0.0")


def test_messages_of_topics_count_until_acknowledged_or_dropped(
    tmp_path: Path, counts: Metrics, gauges: QuarantineGauges
) -> None:
    for data, way in ((b"0", "listen"), (b"1", "recovered"), (b"2", "ingest")):
        keep(tmp_path, data, way)
    gauges.update()
    assert shown(tmp_path, counts) == ("3.0", "2.0")
    first, second = acknowledgements.list_unacknowledged(tmp_path)
    acknowledgements.acknowledge(tmp_path, [first], datetime.now(UTC))
    gauges.update()
    assert shown(tmp_path, counts) == ("3.0", "1.0")
    quarantine.drop_entry(second)
    gauges.update()
    assert shown(tmp_path, counts) == ("2.0", "0.0")


def test_quarantine_that_has_not_changed_is_not_read_again(
    tmp_path: Path, gauges: QuarantineGauges, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(tmp_path, b"0")
    os.utime(tmp_path / quarantine.QUARANTINE_DIRECTORY, (1e9, 1e9))
    gauges.update()
    read: list[Path] = []
    monkeypatch.setattr(quarantine, "list_entries", lambda inbox: read.append(inbox) or [])
    gauges.update()
    assert read == []
    os.utime(tmp_path / quarantine.QUARANTINE_DIRECTORY, (1e9, 1.1e9))
    gauges.update()
    assert read == [tmp_path]


def test_change_in_the_same_tick_of_the_clock_is_noticed(
    tmp_path: Path, counts: Metrics, gauges: QuarantineGauges
) -> None:
    keep(tmp_path, b"0")
    directory = tmp_path / quarantine.QUARANTINE_DIRECTORY
    before = directory.stat()
    gauges.update()
    keep(tmp_path, b"1")
    os.utime(directory, ns=(before.st_atime_ns, before.st_mtime_ns))
    gauges.update()
    assert shown(tmp_path, counts) == ("2.0", "2.0")


def test_numbers_stay_while_the_quarantine_cannot_be_read(
    tmp_path: Path, counts: Metrics, gauges: QuarantineGauges
) -> None:
    keep(tmp_path, b"0")
    gauges.update()
    (tmp_path / "quarantine").rename(tmp_path / "aside")
    (tmp_path / "quarantine").touch()
    gauges.update()
    assert shown(tmp_path, counts) == ("1.0", "1.0")


def test_little_time_is_spent_on_counting(
    tmp_path: Path, counts: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it took a second, the next twenty are the listener's."""
    clock = iter((100.0, 101.0, 115.0, 122.0, 122.0))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    gauges = QuarantineGauges(tmp_path, counts)
    keep(tmp_path, b"0")
    gauges.update()
    keep(tmp_path, b"1")
    gauges.update()
    assert shown(tmp_path, counts) == ("1.0", "1.0")
    gauges.update()
    assert shown(tmp_path, counts) == ("2.0", "2.0")
