"""A message that is received is on disk: spooled first, decoded second, and known again."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from builders import avro_alert, json_alert, record, with_map
from disk import Disk, files_below

from sirenflow.alerts.alert import Identity, parse_alert
from sirenflow.files import durable
from sirenflow.inbox import store
from sirenflow.inbox.arrival import Arrival
from sirenflow.inbox.receiver import Receipt, Receiver

ALERT = json_alert(record())
PLACE = store.alert_path(parse_alert(ALERT).identity).as_posix()
NOTE = PLACE.replace(".json", ".meta.json")


def take_in(directory: Path, value: bytes, **how: Any) -> Receipt:
    return Receiver(directory).receive(Arrival.now(value, "listen", **how))


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


def test_bytes_are_on_disk_before_they_are_decoded_and_are_written_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)

    def identify_isolated(data: bytes, _: object) -> Identity:
        disk.calls.append("identify")
        return parse_alert(data).identity

    monkeypatch.setattr("sirenflow.inbox.receiver.identify_isolated", identify_isolated)
    take_in(tmp_path, ALERT)
    size, name = f"{len(ALERT)} bytes", Path(PLACE).name
    wanted = [f"write {size}", f"sync {size}", "identify", f"link {name}"]
    assert [call for call in disk.calls if call in wanted] == wanted
    after = disk.calls[disk.calls.index(f"link {name}") :]
    assert after[1] == "sync directory PRELIMINARY"


def test_two_threads_with_the_two_encodings_find_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One comesfrom SCiMMA, onefrom GCN, at the same time."""
    link, both = durable.link_durably, threading.Barrier(2)

    def slow_link(synced: Path, path: Path) -> bool:
        # Each waits for the other, if the other may come so far.
        with suppress(threading.BrokenBarrierError):
            both.wait(timeout=0.3)
        return link(synced, path)

    monkeypatch.setattr(store, "link_durably", slow_link)
    receiver, receipts = Receiver(tmp_path), list[Receipt]()

    def run(value: bytes) -> None:
        receipts.append(receiver.receive(Arrival.now(value, "listen")))

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
