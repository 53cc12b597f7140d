"""The content of a message arrives with what its sender claims of it, or is fetched first."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from arrivals import SentMessage
from builders import json_alert, record
from hypothesis import given
from hypothesis import strategies as st
from paths import SAMPLES

from sirenflow.alerts.alert import Identity, parse_alert
from sirenflow.errors import AlertError
from sirenflow.inbox import quarantine, store
from sirenflow.inbox.quarantine import read_entry
from sirenflow.inbox.receiver import Receipt, Receiver, retry_entry
from sirenflow.kafka.large_messages import replace_reference
from sirenflow.kafka.messages import receive

ALERT = json_alert(record())
PLACE = store.alert_path(parse_alert(ALERT).identity).as_posix()
REFERENCE = b"at https://example.org/1"
OFFLOADED = (("_format", b"external"),)
SENT_BY_REFERENCE = SentMessage(REFERENCE, sent_headers=OFFLOADED).message


def not_to_be_asked(_: bytes) -> bytes:
    raise AssertionError("there is nothing to fetch")


def take_in(directory: Path, value: bytes | None, **sent: Any) -> Receipt:
    message = SentMessage(value, **sent).message
    return receive(message, "host/topic", Receiver(directory), not_to_be_asked)


def note(directory: Path) -> dict[str, Any]:
    """Read the note of the one file that was kept."""
    (path,) = (path for path in directory.rglob("*.json") if path.match("*.*.json"))
    return dict(json.loads(path.read_bytes()))


# --------------------------------------------------------------------------- sent by reference


def test_offloaded_alert_is_fetched_and_stored_with_its_reference(tmp_path: Path) -> None:
    asked: list[bytes] = []

    def fetch(reference: bytes) -> bytes:
        asked.append(reference)
        return ALERT

    receipt = receive(SENT_BY_REFERENCE, "host/topic", Receiver(tmp_path), fetch)
    assert receipt == Receipt(parse_alert(ALERT).identity, new=True)
    assert asked == [REFERENCE]
    assert (tmp_path / PLACE).read_bytes() == ALERT
    assert note(tmp_path)["reference"] == REFERENCE.decode()


def test_offloaded_message_that_cannot_be_fetched_is_kept_to_be_retried(tmp_path: Path) -> None:
    def fetch(_: bytes) -> bytes:
        raise AlertError("no answer", "offloaded")

    receipt = receive(SENT_BY_REFERENCE, "host/topic", Receiver(tmp_path), fetch)
    assert isinstance(receipt.content, AlertError)
    (entry,) = quarantine.list_entries(tmp_path)
    assert (entry.kind, entry.reason) == ("offloaded", "no answer")
    assert entry.path.read_bytes() == REFERENCE
    assert entry.how["headers"] == [["_format", "external"]]
    retry_entry(tmp_path, entry, replace_reference(read_entry(entry), ALERT))
    assert (tmp_path / PLACE).read_bytes() == ALERT


def test_offloaded_content_that_is_no_alert_is_kept_itself(tmp_path: Path) -> None:
    message = SentMessage(REFERENCE, sent_headers=OFFLOADED).message
    receive(message, "host/topic", Receiver(tmp_path), lambda _: b"no alert")
    (entry,) = quarantine.list_entries(tmp_path)
    assert entry.path.read_bytes() == b"no alert"
    assert entry.how["reference"] == REFERENCE.decode()


def test_fault_of_ours_while_fetching_does_not_stop_the_stream(tmp_path: Path) -> None:
    def fetch(_: bytes) -> bytes:
        raise RuntimeError("bug")

    receive(SENT_BY_REFERENCE, "host/topic", Receiver(tmp_path), fetch)
    (entry,) = quarantine.list_entries(tmp_path)
    assert (entry.kind, entry.path.read_bytes()) == ("internal_error", REFERENCE)


@pytest.mark.parametrize(
    "headers", [(), (("_format", b"avro"),), (("_format", None),), (("_FORMAT", b"external"),)]
)
def test_other_headers_do_not_make_a_message_a_reference(
    tmp_path: Path, headers: tuple[tuple[str, bytes | None], ...]
) -> None:
    assert isinstance(take_in(tmp_path, ALERT, sent_headers=headers).content, Identity)


def test_offloaded_message_without_value_has_nothing_to_fetch(tmp_path: Path) -> None:
    receipt = take_in(tmp_path, None, sent_headers=OFFLOADED)
    assert isinstance(receipt.content, AlertError)
    assert receipt.content.kind == "no_value"


# ---------------------------------------------------------------------------------- metadata


def test_note_says_where_and_when_the_message_was(tmp_path: Path) -> None:
    sent = datetime(2026, 1, 1, 0, 10, 1, 234567, UTC)
    before = datetime.now(UTC).replace(microsecond=0)
    take_in(tmp_path, ALERT, milliseconds=int(sent.timestamp() * 1000))
    said = note(tmp_path)
    assert [said[name] for name in ("way", "source", "topic")] == ["listen", "host/topic", "topic"]
    assert (said["partition"], said["offset"]) == (2, 7)
    assert said["time_sent"] == "2026-01-01T00:10:01.234+00:00"
    assert before <= datetime.fromisoformat(said["time_received"]) <= datetime.now(UTC)


def test_note_of_a_message_without_time_key_and_headers_says_so(tmp_path: Path) -> None:
    take_in(tmp_path, ALERT)
    said = note(tmp_path)
    assert (said["time_sent"], said["key"], said["headers"]) == (None, None, [])


def as_sent(text: str | None) -> bytes | None:
    """Read back what a note has for bytes."""
    if text is None:
        return None
    prefix, _, rest = text.partition(":")
    return base64.b64decode(rest, validate=True) if prefix == "base64" else text.encode()


any_bytes = st.none() | st.binary() | st.text().map(str.encode) | st.just(b"base64:AA==")
any_headers = st.lists(st.tuples(st.text(), any_bytes), max_size=4).map(tuple)


@given(any_bytes, any_headers)
def test_key_and_headers_can_be_read_back_whatever_they_are(
    key: bytes | None, headers: tuple[tuple[str, bytes | None], ...]
) -> None:
    """A header may come twice; all are kept, in order."""
    with TemporaryDirectory() as name:
        take_in(Path(name), ALERT, sent_key=key, sent_headers=headers)
        said = note(Path(name))
        assert as_sent(said["key"]) == key
        assert [(header, as_sent(text)) for header, text in said["headers"]] == list(headers)


@pytest.mark.parametrize(
    "name", ["MS260522k-02-retraction.avro", "MS260926m-01-retraction-alone.json"]
)
def test_header_that_calls_an_alert_a_reference_is_not_believed(tmp_path: Path, name: str) -> None:
    data = (SAMPLES / name).read_bytes()

    def fetch(_: bytes) -> bytes:
        pytest.fail("an alert is fetched")

    message = SentMessage(data, sent_headers=OFFLOADED).message
    receipt = receive(message, "host/topic", Receiver(tmp_path), fetch)
    assert receipt.new
    assert not (tmp_path / "quarantine").exists()


@pytest.mark.parametrize("content", [record(), ALERT.decode()])
def test_header_that_calls_an_envelope_a_reference_is_not_believed(
    tmp_path: Path, content: object
) -> None:
    data = json.dumps({"format": "json", "content": content}).encode()

    def fetch(_: bytes) -> bytes:
        pytest.fail("an alert is fetched")

    message = SentMessage(data, sent_headers=OFFLOADED).message
    receipt = receive(message, "host/topic", Receiver(tmp_path), fetch)
    assert isinstance(receipt.content, Identity)
