"""No message stops the stream, and no failing disk loses one."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from arrivals import SentMessage, retry
from builders import avro_alert, json_alert, record, record_type
from disk import Disk, files_below
from hypothesis import given
from hypothesis import strategies as st

from sirenflow.alerts.alert import parse_alert
from sirenflow.errors import AlertError, InboxError
from sirenflow.inbox import quarantine, store
from sirenflow.inbox.receiver import Receipt, Receiver
from sirenflow.kafka.messages import receive

ALERT = json_alert(record())
PLACE = store.alert_path(parse_alert(ALERT).identity).as_posix()


def take_in(directory: Path, value: bytes | None) -> Receipt:
    message = SentMessage(value).message
    return receive(message, "host/topic", Receiver(directory), lambda _: b"nothing to be fetched")


# ------------------------------------------------------------------------------------ poison

POISON = {
    "no value": (None, "no_value"),
    "empty": (b"", "empty"),
    "garbage": (b"\x00\xff\x1b[2J garbage", "not_alert"),
    "HTML": (b"<html>502 Bad Gateway</html>", "not_alert"),
    "JSON cut": (ALERT[:-1], "undecodable"),
    "JSON list of two": (b"[" + ALERT + b"," + ALERT + b"]", "not_alert"),
    "Avro cut": (avro_alert(record())[:-20], "undecodable"),
    "two records": (avro_alert(record(), record()), "undecodable"),
    "wrong schema": (
        avro_alert({"x": "1"}, schema=record_type("Other", x="string")),
        "invalid_identity",
    ),
    "bad id": (json_alert(record(superevent_id="../../etc")), "invalid_identity"),
    "bad type": (json_alert(record(alert_type="{wildcard}")), "invalid_identity"),
    "no time": (json_alert(record(time_created=...)), "invalid_identity"),
    "17 MiB": (bytes(17 * 2**20), "too_large"),
}


@pytest.mark.parametrize(("value", "kind"), POISON.values(), ids=POISON)
def test_poison_goes_to_quarantine_with_its_kind_and_the_stream_goes_on(
    tmp_path: Path, value: bytes | None, kind: str
) -> None:
    receipt = take_in(tmp_path, value)
    assert isinstance(receipt.content, AlertError)
    assert (receipt.content.kind, receipt.new) == (kind, True)
    (entry,) = quarantine.list_entries(tmp_path)
    assert (entry.kind, entry.reason) == (kind, str(receipt.content))
    assert entry.path.read_bytes() == (value or b"")
    assert (entry.how["way"], entry.how["offset"]) == ("listen", 7)
    assert len(files_below(tmp_path)) == 2
    assert take_in(tmp_path, value).new is False
    take_in(tmp_path, ALERT)
    assert (tmp_path / PLACE).read_bytes() == ALERT


@given(st.binary() | st.text().map(str.encode) | st.binary().map(lambda data: b"Obj\x01" + data))
def test_any_bytes_are_kept(value: bytes) -> None:
    with TemporaryDirectory() as name:
        take_in(Path(name), value)
        assert value in files_below(Path(name)).values()


@pytest.mark.parametrize("error", [RuntimeError("bug"), RecursionError(), KeyError("x")], ids=repr)
@pytest.mark.parametrize(
    "place", ["sirenflow.inbox.receiver.identify_isolated", "sirenflow.inbox.receiver.store_alert"]
)
def test_fault_of_ours_costs_no_alert_and_its_traceback_is_logged(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    place: str,
) -> None:
    def fail(*_: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(place, fail)
        receipt = take_in(tmp_path, ALERT)
    assert isinstance(receipt.content, AlertError)
    assert receipt.content.kind == "internal_error"
    assert type(error).__name__ in str(receipt.content)
    (logged,) = caplog.records
    assert logged.exc_info is not None
    assert logged.exc_info[1] is error
    (entry,) = quarantine.list_entries(tmp_path)
    retry(tmp_path, entry)
    assert set(files_below(tmp_path)) == {PLACE, PLACE.replace(".json", ".meta.json")}


# --------------------------------------------------------------------------------- bad disks


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("value", [ALERT, b"no alert"], ids=["alert", "poison"])
def test_disk_that_fails_at_any_call_accepts_nothing_and_the_next_try_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, value: bytes
) -> None:
    take_in(tmp_path / "sound", value)
    expected = files_below(tmp_path / "sound").keys()
    failed = set()
    for fails_at in range(100):
        directory = tmp_path / str(fails_at)
        with monkeypatch.context() as patch:
            disk = Disk(patch)
            disk.fails_at, disk.number = fails_at, number
            if fails_at == calls_needed(disk, directory, value):
                break
        failed.add(disk.calls[-1].split()[0])
        for name, data in files_below(directory).items():  # what is there is whole
            assert name in expected
            assert data == value or is_note(data)
        take_in(directory, value)
        assert files_below(directory).keys() == expected
        assert value in files_below(directory).values()
    assert failed == {"make", "open", "write", "sync", "link"}


def calls_needed(disk: Disk, directory: Path, value: bytes) -> int | None:
    """Take a message in; give how many calls that took, or None if one failed."""
    try:
        take_in(directory, value)
    except InboxError:
        return None
    return len(disk.calls)


def is_note(data: bytes) -> bool:
    return "sha256" in json.loads(data)


@pytest.mark.parametrize("number", [errno.EIO, errno.EMFILE])
def test_directory_that_cannot_be_listed_is_no_fault_of_the_alert(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    take_in(tmp_path, ALERT)
    before = files_below(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "listdir", fail)
        patch.setattr(os, "scandir", fail)
        with pytest.raises(InboxError, match=os.strerror(number)):
            take_in(tmp_path, json_alert(record(n=1)))
    assert files_below(tmp_path) == before


def test_failed_sync_is_not_tried_again_on_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After one that failed, the system takes the lost pages for written: a second one lies."""
    take_in(tmp_path, b"before")
    disk = Disk(monkeypatch)
    disk.fails_at = 2  # open, write, sync
    with pytest.raises(InboxError):
        take_in(tmp_path, ALERT)
    size = f"{len(ALERT)} bytes"
    assert disk.calls == ["open", f"write {size}", f"sync {size}"]
    take_in(tmp_path, ALERT)
    assert disk.calls[3:6] == ["open", f"write {size}", f"sync {size}"]
