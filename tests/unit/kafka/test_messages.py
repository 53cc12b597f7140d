"""Nothing that a sender can put into a message stops those behind it."""

from __future__ import annotations

import errno
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hop
import pytest
from confluent_kafka import Producer
from paths import SAMPLES

from sirenflow.files.mount import DirectoryGuard
from sirenflow.inbox.receiver import Receiver
from sirenflow.inbox.store import list_superevents
from sirenflow.kafka.broker import embedded_broker
from sirenflow.kafka.messages import to_arrival
from sirenflow.kafka.read_position import ReadPosition
from sirenflow.kafka.topic_reader import Subscription, TopicReader
from sirenflow.monitoring.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sirenflow.kafka.address import Address

ALERT = (SAMPLES / "MS260522k-02-retraction.avro").read_bytes()
FAR_FUTURE_MS = 10**17


@pytest.fixture
def address() -> Iterator[Address]:
    with embedded_broker() as address:
        yield address


@pytest.fixture
def producer(address: Address) -> Producer:
    return Producer(
        {
            "bootstrap.servers": address.broker,
            "message.max.bytes": 1_000_000_000,
            "compression.type": "zstd",
            "log_level": 0,
        }
    )


def read_to_the_end(address: Address, inbox: Path, **options: Any) -> TopicReader:
    source = TopicReader(
        Subscription(address, has_login=False, until_end=True, **options),
        Receiver(inbox),
        ReadPosition(inbox / ".listener" / "progress.json"),
        Metrics(),
        DirectoryGuard(inbox),
    )
    source.start()
    source.join(60)
    assert not source.is_alive()
    return source


def test_text_of_json_that_hop_sends_is_an_alert(address: Address, tmp_path: Path) -> None:
    """``write(json.dumps(alert))`` encodes the alert twice."""
    alert = {"superevent_id": "S260101a", "alert_type": "RETRACTION", "event": None}
    text = json.dumps({**alert, "time_created": "2026-01-01T00:00:00Z"})
    with hop.Stream(auth=False).open(address.url, "w", automatic_offload=False) as stream:
        stream.write(text)
    assert read_to_the_end(address, tmp_path).failure is None
    ((name, (file,)),) = list_superevents(tmp_path).items()
    assert (name, file.read_bytes()) == ("S260101a", json.dumps(text).encode())


def test_time_beyond_all_calendars(address: Address, producer: Producer, tmp_path: Path) -> None:
    producer.produce(address.topic, b"no alert", partition=0, timestamp=FAR_FUTURE_MS)
    producer.produce(address.topic, ALERT, partition=0)
    producer.flush()
    assert read_to_the_end(address, tmp_path).failure is None
    assert list(list_superevents(tmp_path)) == ["MS260522k"]
    assert [path.read_bytes() for path in tmp_path.glob("quarantine/*.bin")] == [b"no alert"]


@pytest.mark.slow
def test_batch_too_large_to_unpack(address: Address, producer: Producer, tmp_path: Path) -> None:
    """More than the library takes, in 5 kB; nothing of it can be had, and that is told."""
    producer.produce(address.topic, ALERT, partition=0)
    producer.flush()
    producer.produce(address.topic, bytes(150 * 2**20), partition=0)
    producer.flush()
    producer.produce(address.topic, ALERT.replace(b"MS260522k", b"MS260522m"), partition=0)
    producer.flush()
    source = read_to_the_end(address, tmp_path)
    assert source.failure is None
    assert list(list_superevents(tmp_path)) == ["MS260522k", "MS260522m"]
    assert source.health.lost == 1


class Unreadable:
    """As the library's messages are for what no public client can send."""

    def headers(self) -> None:
        raise SystemError("<method 'headers'> returned a result with an exception set")

    def key(self) -> bytes:
        return b"\xff"

    def timestamp(self) -> tuple[int, int]:
        return 0, -1

    def value(self) -> bytes:
        return ALERT

    def topic(self) -> str:
        return "topic"

    def partition(self) -> int:
        return 3

    def offset(self) -> int:
        return 7


def test_header_name_that_is_no_text() -> None:
    arrival = to_arrival(Unreadable(), "host/topic")  # type: ignore[arg-type]
    assert arrival.data == ALERT
    how = [arrival.how[name] for name in ("partition", "offset", "key", "headers", "time_sent")]
    assert how == [3, 7, "base64:/w==", [], None]


def test_cause_that_cannot_be_found_does_not_end_the_source(
    address: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("sirenflow.kafka.topic_reader.explain", fail)
    monkeypatch.setattr("sirenflow.kafka.topic_reader.messages.read_messages", fail)
    source = read_to_the_end(address, tmp_path)
    assert source.health.state == "finished"
    assert source.failure is not None
    assert "Too many open files" in source.failure


@pytest.mark.slow
def test_position_that_is_damaged_begins_with_the_oldest(
    address: Address, producer: Producer, tmp_path: Path
) -> None:
    """Else what was sent while the listener was down would be left out, and nobody told."""
    kept = tmp_path / ".listener" / "progress.json"
    read_to_the_end(address, tmp_path, start=datetime.now(UTC))
    producer.produce(address.topic, ALERT, partition=0)
    producer.flush()
    kept.write_bytes(b"")
    read_to_the_end(address, tmp_path, start=datetime.now(UTC))
    assert list(list_superevents(tmp_path)) == ["MS260522k"]


@pytest.mark.slow
def test_group_of_another_login_is_not_taken(address: Address, tmp_path: Path) -> None:
    """On SCiMMA a group belongs to the user whose name it begins with."""
    progress = ReadPosition(tmp_path / ".listener" / "progress.json")
    progress.begin("alice-sirenflow-0123abcd")
    read_to_the_end(address, tmp_path)
    group = ReadPosition(tmp_path / ".listener" / "progress.json").group_id
    assert group is not None
    assert group.startswith("sirenflow-")
    read_to_the_end(address, tmp_path)
    assert ReadPosition(tmp_path / ".listener" / "progress.json").group_id == group
