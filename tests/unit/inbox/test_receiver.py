"""A message that is received is on disk: archived first, judged second, and known again."""

from __future__ import annotations

import base64
import json
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from builders import avro_alert, json_alert, record, with_map
from disk import Disk, files_below
from hypothesis import given
from hypothesis import strategies as st
from paths import SAMPLES

from sirenflow.alerts.alert import Identity, parse_alert
from sirenflow.errors import AlertError
from sirenflow.files import durable
from sirenflow.inbox import quarantine, store
from sirenflow.inbox import receiver as receive
from sirenflow.inbox.receiver import Message, Receipt, Receiver

ALERT = json_alert(record())
PLACE = store.alert_path(parse_alert(ALERT).identity).as_posix()
NOTE = PLACE.replace(".json", ".meta.json")
REFERENCE = b"at https://example.org/1"
OFFLOADED = (("_format", b"external"),)


def message(value: bytes | None, **changes: Any) -> Message:
    place = {"source": "host/topic", "topic": "topic", "partition": 2, "offset": 7}
    return Message(value, **{**place, **changes})


def not_to_be_asked(_: Message) -> bytes:
    raise AssertionError("there is nothing to fetch")


def take_in(directory: Path, value: bytes | None, **changes: Any) -> Receipt:
    return Receiver(directory).receive(message(value, **changes), not_to_be_asked)


def note(directory: Path) -> dict[str, Any]:
    """Read the note of the one file that was kept."""
    (path,) = (path for path in directory.rglob("*.json") if path.match("*.*.json"))
    return dict(json.loads(path.read_bytes()))


# ------------------------------------------------------------------------------------ alerts


def test_alert_is_stored_under_its_name_and_nothing_else_is_left(tmp_path: Path) -> None:
    receipt = take_in(tmp_path, ALERT)
    assert receipt == Receipt(parse_alert(ALERT).identity, new=True)
    assert set(files_below(tmp_path)) == {PLACE, NOTE}
    assert (tmp_path / PLACE).read_bytes() == ALERT


def test_alert_again_changes_nothing(tmp_path: Path) -> None:
    take_in(tmp_path, ALERT)
    before = files_below(tmp_path)
    assert take_in(tmp_path, ALERT, offset=8) == Receipt(parse_alert(ALERT).identity, new=False)
    assert files_below(tmp_path) == before


def test_bytes_are_on_disk_before_they_are_judged_and_are_written_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)

    def identify_isolated(data: bytes) -> Identity:
        disk.calls.append("judge")
        return parse_alert(data).identity

    monkeypatch.setattr(receive, "identify_isolated", identify_isolated)
    take_in(tmp_path, ALERT)
    size, name = f"{len(ALERT)} bytes", Path(PLACE).name
    wanted = [f"write {size}", f"sync {size}", "judge", f"link {name}"]
    assert [call for call in disk.calls if call in wanted] == wanted
    after = disk.calls[disk.calls.index(f"link {name}") :]
    assert after[1] == "sync directory PRELIMINARY"


def test_two_threads_with_the_two_encodings_find_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One comes from SCiMMA, one from GCN, at the same time."""
    link, both = durable.link_durably, threading.Barrier(2)

    def slow_link(synced: Path, path: Path) -> bool:
        # Each waits for the other, if the other may come so far.
        with suppress(threading.BrokenBarrierError):
            both.wait(timeout=0.3)
        return link(synced, path)

    monkeypatch.setattr(store, "link_durably", slow_link)
    receiver, receipts = Receiver(tmp_path), list[Receipt]()

    def run(value: bytes) -> None:
        receipts.append(receiver.receive(message(value), not_to_be_asked))

    encodings = avro_alert(with_map(b"map")), json_alert(with_map(b"map"))
    threads = [threading.Thread(target=run, args=[value]) for value in encodings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first, second = receipts
    assert isinstance(first.content, Identity)
    assert first.same_alert_as == ()
    assert second.same_alert_as == (store.alert_path(first.content).name,)


# --------------------------------------------------------------------------- sent by reference


def test_offloaded_alert_is_fetched_and_stored_with_its_reference(tmp_path: Path) -> None:
    sent = message(REFERENCE, headers=OFFLOADED)
    asked: list[Message] = []

    def fetch(message: Message) -> bytes:
        asked.append(message)
        return ALERT

    assert Receiver(tmp_path).receive(sent, fetch) == Receipt(parse_alert(ALERT).identity, new=True)
    assert asked == [sent]
    assert (tmp_path / PLACE).read_bytes() == ALERT
    assert note(tmp_path)["reference"] == REFERENCE.decode()


def test_offloaded_message_that_cannot_be_fetched_is_kept_to_be_retried(tmp_path: Path) -> None:
    def fetch(_: Message) -> bytes:
        raise AlertError("no answer", "offloaded")

    receipt = Receiver(tmp_path).receive(message(REFERENCE, headers=OFFLOADED), fetch)
    assert isinstance(receipt.content, AlertError)
    (entry,) = quarantine.list_entries(tmp_path)
    assert (entry.kind, entry.reason) == ("offloaded", "no answer")
    assert entry.path.read_bytes() == REFERENCE
    assert entry.how["headers"] == [["_format", "external"]]
    quarantine.retry(tmp_path, entry, lambda *_: ALERT)
    assert (tmp_path / PLACE).read_bytes() == ALERT


def test_offloaded_content_that_is_no_alert_is_kept_itself(tmp_path: Path) -> None:
    receiver = Receiver(tmp_path)
    receiver.receive(message(REFERENCE, headers=OFFLOADED), lambda _: b"no alert")
    (entry,) = quarantine.list_entries(tmp_path)
    assert entry.path.read_bytes() == b"no alert"
    assert entry.how["reference"] == REFERENCE.decode()


def test_fault_of_ours_while_fetching_does_not_stop_the_stream(tmp_path: Path) -> None:
    def fetch(_: Message) -> bytes:
        raise RuntimeError("bug")

    Receiver(tmp_path).receive(message(REFERENCE, headers=OFFLOADED), fetch)
    (entry,) = quarantine.list_entries(tmp_path)
    assert (entry.kind, entry.path.read_bytes()) == ("fault", REFERENCE)


@pytest.mark.parametrize(
    "headers", [(), (("_format", b"avro"),), (("_format", None),), (("_FORMAT", b"external"),)]
)
def test_other_headers_do_not_make_a_message_a_reference(
    tmp_path: Path, headers: tuple[tuple[str, bytes | None], ...]
) -> None:
    assert isinstance(take_in(tmp_path, ALERT, headers=headers).content, Identity)


def test_offloaded_message_without_value_has_nothing_to_fetch(tmp_path: Path) -> None:
    receipt = take_in(tmp_path, None, headers=OFFLOADED)
    assert isinstance(receipt.content, AlertError)
    assert receipt.content.kind == "no_value"


# ---------------------------------------------------------------------------------- metadata


def test_note_says_where_and_when_the_message_was(tmp_path: Path) -> None:
    sent = datetime(2026, 1, 1, 0, 10, 1, 234567, UTC)
    before = datetime.now(UTC).replace(microsecond=0)
    take_in(tmp_path, ALERT, time_sent=sent)
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
        take_in(Path(name), ALERT, key=key, headers=headers)
        said = note(Path(name))
        assert as_sent(said["key"]) == key
        assert [(header, as_sent(text)) for header, text in said["headers"]] == list(headers)


@pytest.mark.parametrize(
    "name", ["MS260522k-02-retraction.avro", "MS260926m-01-retraction-alone.json"]
)
def test_header_that_calls_an_alert_a_reference_is_not_believed(tmp_path: Path, name: str) -> None:
    data = (SAMPLES / name).read_bytes()

    def fetch(_: Message) -> bytes:
        pytest.fail("an alert is fetched")

    message = Message(data, "host/topic", "topic", 0, 0, headers=(("_format", b"external"),))
    receipt = Receiver(tmp_path).receive(message, fetch)
    assert receipt.new
    assert not (tmp_path / "quarantine").exists()


@pytest.mark.parametrize("content", [record(), ALERT.decode()])
def test_header_that_calls_an_envelope_a_reference_is_not_believed(
    tmp_path: Path, content: object
) -> None:
    data = json.dumps({"format": "json", "content": content}).encode()

    def fetch(_: Message) -> bytes:
        pytest.fail("an alert is fetched")

    receipt = Receiver(tmp_path).receive(message(data, headers=OFFLOADED), fetch)
    assert isinstance(receipt.content, Identity)
