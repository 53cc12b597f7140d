"""Alerts are published byte for byte, in order, each acknowledged; else nothing is claimed."""

from __future__ import annotations

import json
import tarfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import Consumer, KafkaError, Message, TopicPartition
from paths import SAMPLES

from sirenflow.errors import StreamError
from sirenflow.kafka.address import Address, parse_address
from sirenflow.kafka.broker import embedded_broker
from sirenflow.kafka.publish import Published, publish

if TYPE_CHECKING:
    from collections.abc import Iterator

PARTITIONS = 4


@pytest.fixture
def address() -> Iterator[Address]:
    with embedded_broker("drill") as address:
        yield address


def retraction(superevent: str = "MS260101a", time: str = "2026-01-01T00:00:00Z") -> bytes:
    alert = {
        "alert_type": "RETRACTION",
        "superevent_id": superevent,
        "time_created": time,
        "event": None,
    }
    return json.dumps(alert).encode()


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def received(address: Address) -> list[Message]:
    """All messages of the topic, in the order in which the server got those of each partition."""
    reader = Consumer(
        {
            "bootstrap.servers": address.broker,
            "group.id": "test",
            "enable.partition.eof": True,
            "log_level": 0,
        }
    )
    reader.assign([TopicPartition(address.topic, number, 0) for number in range(PARTITIONS)])
    messages, open_partitions = [], PARTITIONS
    while open_partitions:
        (message,) = reader.consume(1, 10)  # an error, and no hang, if nothing comes
        if message.error() is None:
            messages.append(message)
        else:
            assert message.error().code() == KafkaError._PARTITION_EOF
            open_partitions -= 1
    reader.close()
    return messages


def headers(message: Message) -> dict[str, Any]:
    return dict(message.headers() or [])


def sources(published: list[Published]) -> list[str]:
    return [Path(one.source).name for one in published]


def test_samples_arrive_byte_for_byte(address: Address) -> None:
    """All of them, though nobody listens: the server keeps only 5 MiB a partition."""
    alerts = [path for path in SAMPLES.iterdir() if path.suffix in (".avro", ".json")]
    published = list(publish([SAMPLES], address, None, None))
    assert sorted(sources(published)) == sorted(path.name for path in alerts)
    assert {(one.total, one.problem) for one in published} == {(len(alerts), None)}
    messages = received(address)
    assert sorted(message.value() or b"" for message in messages) == sorted(
        path.read_bytes() for path in alerts
    )


@pytest.mark.slow
def test_avro_is_marked_and_json_is_not(address: Address) -> None:
    avro = SAMPLES / "MS260522k-02-retraction.avro"
    list(publish([avro, SAMPLES / "MS260926m-01-retraction-alone.json"], address, None, None))
    by_format = {headers(message).get("_format"): message for message in received(address)}
    assert set(by_format) == {b"avro", None}
    assert by_format[b"avro"].value() == avro.read_bytes()
    ids = {headers(message)["_id"] for message in by_format.values()}
    assert [len(each) for each in ids] == [16, 16]


def test_alerts_go_in_the_order_they_were_made(tmp_path: Path, address: Address) -> None:
    for name, time in (("c", "12:00:00Z"), ("b", "12:00:00.5Z"), ("a", "13:00:00Z")):
        write(tmp_path / f"{name}.json", retraction(time=f"2026-01-01T{time}"))
    published = list(publish([tmp_path], address, None, None))
    assert sources(published) == ["c.json", "b.json", "a.json"]


def test_superevent_keeps_its_order_on_the_server(address: Address) -> None:
    list(publish([SAMPLES], address, None, None))
    by_key: dict[bytes, list[Message]] = {}
    for message in received(address):
        by_key.setdefault(message.key() or b"", []).append(message)
    assert b"MS260522k" in by_key
    assert all(len({one.partition() for one in ones}) == 1 for ones in by_key.values())
    files = sorted(SAMPLES.glob("MS260522k-*.avro"))
    assert [one.value() for one in by_key[b"MS260522k"]] == [path.read_bytes() for path in files]


def test_archives_are_opened_and_other_files_left(tmp_path: Path, address: Address) -> None:
    write(tmp_path / "README.md", b"not sent")
    alert = write(tmp_path / "alert.json", retraction())
    with tarfile.open(tmp_path / "old.tar.gz", "w:gz") as archive:
        archive.add(alert, "one.json")
        archive.add(tmp_path / "README.md", "README.md")
    published = list(publish([tmp_path], address, None, None))
    assert sources(published) == ["alert.json", "old.tar.gz!one.json"]
    assert [message.value() for message in received(address)] == [retraction()] * 2


def test_poison_is_sent_next_after_what_it_was_found_after(
    tmp_path: Path, address: Address
) -> None:
    late = write(tmp_path / "late.json", retraction(time="2026-01-02T00:00:00Z"))
    early = write(tmp_path / "early.json", retraction(time="2026-01-01T00:00:00Z"))
    poison = [
        write(tmp_path / f"poison-{number}", data)
        for number, data in enumerate((b"", b"\xff\x00", b"Obj\x01", b"{}"))
    ]
    published = list(publish([early, *poison, late], address, None, None))
    assert sources(published) == ["early.json", *(path.name for path in poison), "late.json"]
    values = [message.value() for message in received(address)]
    assert set(values) >= {b"", b"\xff\x00", b"Obj\x01", b"{}"}


def test_what_cannot_be_read_is_told_and_the_rest_sent(tmp_path: Path, address: Address) -> None:
    write(tmp_path / "a.json", retraction())
    write(tmp_path / "b.zip", b"PK\x03\x04")
    (tmp_path / "c.json").symlink_to("nowhere")
    published = list(publish([tmp_path], address, None, None))
    assert {one.total for one in published} == {3}
    assert {Path(one.source).name: one.problem is None for one in published} == {
        "a.json": True,
        "b.zip": False,
        "c.json": False,
    }
    assert len(received(address)) == 1


@pytest.mark.parametrize("speed", [1, 60, 0.5])
def test_speed_keeps_the_spacing(tmp_path: Path, address: Address, speed: float) -> None:
    for name, time in (("a", "00:10:00.25Z"), ("b", "00:00:00Z"), ("c", "00:10:00.25Z")):
        write(tmp_path / f"{name}.json", retraction(f"MS260101{name}", f"2026-01-01T{time}"))
    pauses: list[float] = []
    published = publish([tmp_path], address, None, speed, pauses.append)
    assert len(list(published)) == 3
    assert pauses == [600.25 / speed]


def test_nothing_is_sent_at_a_pace_without_times(tmp_path: Path, address: Address) -> None:
    alert = write(tmp_path / "alert.json", retraction())
    poison = write(tmp_path / "poison.json", b"{}")
    with pytest.raises(StreamError, match=r"poison\.json is no alert, and so has no time"):
        list(publish([alert, poison], address, None, 1))
    assert received(address) == []


@pytest.mark.parametrize("speed", [0, -1, float("nan"), float("inf")])
def test_speed_must_be_a_positive_number(address: Address, speed: float) -> None:
    with pytest.raises(StreamError, match="expected a number above 0"):
        list(publish([SAMPLES], address, None, speed))


@pytest.mark.parametrize(
    "host",
    ["kafka.scimma.org", "kafka.scimma.org.", "KAFKA.gcn.nasa.gov", "kafka.test.gcn.nasa.gov"],
)
def test_public_topic_is_refused(host: str) -> None:
    address = parse_address(f"kafka://{host}:9092/igwn.gwalert")
    with pytest.raises(StreamError, match="is the public topic; publish to a server of your own"):
        list(publish([SAMPLES], address, None, None))


@pytest.mark.slow
def test_server_that_is_down_is_an_error(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sirenflow.kafka.publish.DELIVERY_TIMEOUT", timedelta(seconds=0.5))
    alert = write(tmp_path / "alert.json", retraction())
    nowhere = Address("127.0.0.1", "drill", 1)
    with pytest.raises(StreamError) as raised:
        list(publish([alert], nowhere, None, None))
    message = str(raised.value)
    assert message.startswith(f"{alert}: not delivered to 127.0.0.1:1/drill: no answer in 0.5 s: ")
    assert "Connection refused" in message
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_server_that_goes_away_is_an_error_and_claims_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sirenflow.kafka.publish.DELIVERY_TIMEOUT", timedelta(seconds=0.5))
    for day in (1, 2):
        write(tmp_path / f"{day}.json", retraction(time=f"2026-01-0{day}T00:00:00Z"))
    with embedded_broker("drill") as address:
        published = publish([tmp_path], address, None, None)
        assert Path(next(published).source).name == "1.json"
    with pytest.raises(StreamError, match=r"2\.json: not delivered"):
        next(published)
    assert list(published) == []


def test_interrupt_ends_a_pause(tmp_path: Path, address: Address) -> None:
    for day in (1, 2):
        write(tmp_path / f"{day}.json", retraction(time=f"2026-01-0{day}T00:00:00Z"))

    def interrupted(_seconds: float) -> None:
        raise KeyboardInterrupt

    published = publish([tmp_path], address, None, 1, interrupted)
    assert Path(next(published).source).name == "1.json"
    with pytest.raises(KeyboardInterrupt):
        next(published)
    assert len(received(address)) == 1
