"""A connection that the library does not close keeps nobody from opening the next one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from sirenflow.files.mount import DirectoryGuard
from sirenflow.inbox.receiver import Receiver
from sirenflow.kafka.address import parse_address
from sirenflow.kafka.read_position import ReadPosition
from sirenflow.kafka.topic_reader import Subscription, TopicReader
from sirenflow.monitoring.metrics import Metrics

if TYPE_CHECKING:
    from pathlib import Path


class Consumer:
    """A connection whose closing waits for an event, and may fail then."""

    def __init__(self, error: Exception | None = None) -> None:
        self.may_close = threading.Event()
        self.error = error

    def close(self) -> None:
        self.may_close.wait()
        if self.error:
            raise self.error


@pytest.fixture
def source(tmp_path: Path) -> TopicReader:
    subscription = Subscription(parse_address("kafka://localhost:9/t"), has_login=False)
    progress = ReadPosition(tmp_path / ".listener" / "progress.json")
    return TopicReader(
        subscription, Receiver(tmp_path), progress, Metrics(), DirectoryGuard(tmp_path)
    )


def test_connection_that_does_not_close_is_abandoned(
    source: TopicReader, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    monkeypatch.setattr("sirenflow.kafka.topic_reader._CLOSE_SECONDS", 0.1)
    consumer = Consumer()
    source._close(consumer)  # type: ignore[arg-type]
    assert "not closed within 0.1 s; abandoned" in caplog.text
    consumer.may_close.set()


def test_error_in_closing_is_raised(source: TopicReader, caplog: pytest.LogCaptureFixture) -> None:
    consumer = Consumer(RuntimeError("no"))
    consumer.may_close.set()
    with pytest.raises(RuntimeError, match="no"):
        source._close(consumer)  # type: ignore[arg-type]
    assert not caplog.text
