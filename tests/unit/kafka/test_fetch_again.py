"""A moment's trouble with the server of large messages puts none in quarantine."""

from __future__ import annotations

from pathlib import Path

import pytest

from sirenflow.errors import AlertError
from sirenflow.files.mount import DirectoryGuard
from sirenflow.inbox.receiver import Receiver
from sirenflow.kafka.address import Address
from sirenflow.kafka.large_messages import UnreachableError
from sirenflow.kafka.read_position import ReadPosition
from sirenflow.kafka.topic_reader import Subscription, TopicReader
from sirenflow.monitoring.metrics import Metrics

REFERENCE = b'{"url": "https://host/x"}'


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TopicReader:
    monkeypatch.setattr("sirenflow.kafka.topic_reader._REFETCH_SECONDS", 0.01)
    subscription = Subscription(Address("host", "topic"), has_login=False)
    progress, guard = ReadPosition(tmp_path / "kept"), DirectoryGuard(tmp_path)
    return TopicReader(subscription, Receiver(tmp_path), progress, Metrics(), guard)


def test_server_that_answers_later_is_asked_again(
    source: TopicReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([UnreachableError("HTTP 503"), UnreachableError("refused"), b"content"])

    def fetch(*_: object) -> bytes:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr("sirenflow.kafka.topic_reader.fetch", fetch)
    assert source._fetch(REFERENCE) == b"content"


@pytest.mark.parametrize("patience", [0.0, 15.0])
def test_what_will_not_come_is_not_waited_for(
    source: TopicReader, monkeypatch: pytest.MonkeyPatch, patience: float
) -> None:
    error = AlertError("no allowed host", "offloaded") if patience else UnreachableError("refused")

    def fetch(*_: object) -> bytes:
        raise error

    monkeypatch.setattr("sirenflow.kafka.topic_reader._FETCH_SECONDS", patience)
    monkeypatch.setattr("sirenflow.kafka.topic_reader.fetch", fetch)
    with pytest.raises(AlertError) as caught:
        source._fetch(REFERENCE)
    assert caught.value is error
    assert caught.value.kind == "offloaded"


def test_fetch_ends_when_the_listener_is_told_to_stop(
    source: TopicReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(*_: object) -> bytes:
        raise UnreachableError("refused")

    monkeypatch.setattr("sirenflow.kafka.topic_reader._REFETCH_SECONDS", 3600.0)
    monkeypatch.setattr("sirenflow.kafka.topic_reader.fetch", fetch)
    source.stop()
    with pytest.raises(UnreachableError):
        source._fetch(REFERENCE)
