"""What a process that died had archived is taken in by the next, or put away unread."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from arrivals import put_alert
from builders import json_alert, record
from disk import Disk, files_below, run_python

from sirenflow.alerts.alert import Identity, parse_alert
from sirenflow.errors import AlertError, InboxError
from sirenflow.inbox import quarantine, receiver, store
from sirenflow.inbox.arrival import Arrival
from sirenflow.inbox.receiver import Receipt, Receiver
from sirenflow.inbox.spool import spooled

ALERT = json_alert(record())
PLACE = store.alert_path(parse_alert(ALERT).identity).as_posix()
POISON = b"poison"


def leave(directory: Path, data: bytes) -> Path:
    """Leave a file as a process does that dies while it judges."""
    with spooled(directory, Arrival(data, {})) as arrival:
        path = arrival.spooled
        assert path is not None
        kept = path.with_suffix(".kept")
        path.rename(kept)
    return kept.rename(path)


def recover(directory: Path) -> list[Receipt]:
    return list(Receiver(directory).recover())


def test_alert_is_stored_and_its_file_removed(tmp_path: Path) -> None:
    leave(tmp_path, ALERT)
    (receipt,) = recover(tmp_path)
    assert isinstance(receipt.content, Identity)
    assert receipt.new is True
    note = PLACE.replace(".json", ".meta.json")
    assert set(files_below(tmp_path)) == {PLACE, note}
    assert json.loads((tmp_path / note).read_bytes())["way"] == "recovered"
    assert recover(tmp_path) == []


def test_alert_that_was_stored_before_the_death_is_known(tmp_path: Path) -> None:
    with spooled(tmp_path, Arrival(ALERT, {})) as arrival:
        put_alert(tmp_path, ALERT, {"way": "listen"}, arrival.spooled)
    before = files_below(tmp_path)
    leave(tmp_path, ALERT)
    assert [receipt.new for receipt in recover(tmp_path)] == [False]
    assert files_below(tmp_path) == before


def test_no_alert_goes_to_quarantine_with_its_own_reason(tmp_path: Path) -> None:
    leave(tmp_path, b"no alert")
    recover(tmp_path)
    (entry,) = quarantine.list_entries(tmp_path)
    assert (entry.kind, entry.path.read_bytes()) == ("not_alert", b"no alert")
    assert entry.how["way"] == "recovered"


def test_what_three_processes_died_of_is_put_away_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Death(BaseException):
        """Stands for what cannot be caught."""

    read: list[bytes] = []

    def die(data: bytes, _: object) -> Identity:
        read.append(data)
        raise Death

    monkeypatch.setattr(receiver, "identify_isolated", die)
    leave(tmp_path, POISON)
    for _ in range(2):
        with pytest.raises(Death):
            recover(tmp_path)
    (receipt,) = recover(tmp_path)
    assert read == [POISON] * 2
    assert isinstance(receipt.content, AlertError)
    (entry,) = quarantine.list_entries(tmp_path)
    assert (entry.kind, entry.path.read_bytes()) == ("crash", POISON)
    assert entry.reason == "3 processes crashed when they received these bytes"
    assert recover(tmp_path) == []


def test_others_are_taken_in_though_one_kills(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(data: bytes, _: object) -> Identity:
        if data == POISON:
            raise KeyboardInterrupt
        return parse_alert(data).identity

    monkeypatch.setattr(receiver, "identify_isolated", die)
    alerts = [json_alert(record(n=n)) for n in range(5)]
    for data in (POISON, *alerts):
        leave(tmp_path, data)
    deaths = 0
    while True:
        try:
            recover(tmp_path)
        except KeyboardInterrupt:
            deaths += 1
        else:
            break
    assert deaths == 2
    (listed,) = store.list_superevents(tmp_path).values()
    assert sorted(path.read_bytes() for path in listed) == sorted(alerts)
    assert [entry.path.read_bytes() for entry in quarantine.list_entries(tmp_path)] == [POISON]


def test_recovery_that_is_stopped_at_any_place_is_completed_by_another(tmp_path: Path) -> None:
    alerts = [json_alert(record(n=n)) for n in range(3)]
    for data in alerts:
        leave(tmp_path, data)
    for _ in range(3):
        next(Receiver(tmp_path).recover(), None)
    recover(tmp_path)
    (listed,) = store.list_superevents(tmp_path).values()
    assert sorted(path.read_bytes() for path in listed) == sorted(alerts)
    assert files_below(tmp_path / ".incoming") == {}
    assert quarantine.list_entries(tmp_path) == []


def test_full_disk_is_no_death(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leave(tmp_path, ALERT)
    with monkeypatch.context() as patch:
        disk = Disk(patch)
        for _ in range(5):
            disk.fails_at = len(disk.calls)
            with pytest.raises(InboxError):
                recover(tmp_path)
    (receipt,) = recover(tmp_path)
    assert isinstance(receipt.content, Identity)
    assert store.list_superevents(tmp_path) == {"MS260101a": [tmp_path / PLACE]}


# ------------------------------------------------------------------------------- a real death

LISTENER = """
import os, resource, signal, sys
from pathlib import Path
from sirenflow.inbox import receiver
from sirenflow.inbox.arrival import Arrival
from sirenflow.alerts.alert import parse_alert

def die_of_poison(data, pool):
    if data.startswith(b"poison"):
        os.kill(os.getpid(), signal.SIGSEGV)
    return parse_alert(data).identity

resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
receiver.identify_isolated = die_of_poison
inbox, topic, committed = map(Path, sys.argv[1:])
topic_receiver = receiver.Receiver(inbox)
list(topic_receiver.recover())
values = [bytes.fromhex(line) for line in topic.read_text().split()]
for offset in range(int(committed.read_text()), len(values)):
    topic_receiver.receive(Arrival.now(values[offset], "listen"))
    committed.write_text(str(offset + 1))
"""


def listen(directory: Path, values: list[bytes], starts: int) -> list[int]:
    """Start a listener on a topic as often as it dies; it goes on where it had committed."""
    topic, committed = directory / "topic", directory / "committed"
    topic.write_text(" ".join(value.hex() for value in values))
    committed.write_text("0")
    codes = []
    while len(codes) < starts and codes[-1:] != [0]:
        done = run_python(LISTENER, directory / "inbox", topic, committed)
        assert done.returncode in (0, -signal.SIGSEGV), done.stderr
        codes.append(done.returncode)
    return codes


@pytest.mark.slow
def test_stream_goes_on_after_a_message_that_kills(tmp_path: Path) -> None:
    """Nobody lived to commit it, so the server delivers it again to each process."""
    before, after = json_alert(record(n=1)), json_alert(record(n=2))
    codes = listen(tmp_path, [before, POISON, after, POISON], starts=8)
    assert codes == [-signal.SIGSEGV] * 3 + [0]
    (listed,) = store.list_superevents(tmp_path / "inbox").values()
    assert sorted(path.read_bytes() for path in listed) == sorted([before, after])
    (entry,) = quarantine.list_entries(tmp_path / "inbox")
    assert (entry.kind, entry.path.read_bytes()) == ("crash", POISON)
    assert files_below(tmp_path / "inbox" / ".incoming") == {}


def test_message_that_kills_is_on_disk_after_each_death_and_what_came_before_is_stored(
    tmp_path: Path,
) -> None:
    assert listen(tmp_path, [ALERT, POISON], starts=1) == [-signal.SIGSEGV]
    assert store.list_superevents(tmp_path / "inbox") == {"MS260101a": [tmp_path / "inbox" / PLACE]}
    assert list(files_below(tmp_path / "inbox" / ".incoming").values()) == [POISON]
