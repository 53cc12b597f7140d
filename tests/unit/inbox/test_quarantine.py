"""What is no alert is kept byte for byte, with the reason, until somebody looks after it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from arrivals import put_in_quarantine, retry
from builders import json_alert, record
from disk import Disk, files_below, run_python

from sirenflow.alerts.alert import parse_alert
from sirenflow.alerts.claimed_identity import ClaimedIdentity
from sirenflow.errors import AlertError, InboxError
from sirenflow.inbox import quarantine, store
from sirenflow.inbox.arrival import Arrival
from sirenflow.inbox.quarantine import QuarantineEntry, read_entry
from sirenflow.inbox.receiver import retry_entry

HOW = {"way": "test"}
ERROR = AlertError("no good", "not_alert")
ALERT = json_alert(record())
PLACE = store.alert_path(parse_alert(ALERT).identity).as_posix()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def keep(directory: Path, data: bytes, error: AlertError = ERROR, **how: Any) -> QuarantineEntry:
    put_in_quarantine(directory, data, error, {**HOW, **how})
    return quarantine.find_entry(directory, sha256(data)[:12])


# ------------------------------------------------------------------------------------- what is kept


def test_bytes_are_kept_with_the_reason_beside_them(tmp_path: Path) -> None:
    data = b"\x00\xffno alert"
    assert put_in_quarantine(tmp_path, data, ERROR, HOW) is True
    assert put_in_quarantine(tmp_path, data, ERROR, HOW) is False
    kept = files_below(tmp_path / "quarantine")
    name = sha256(data)[:12]
    assert set(kept) == {f"{name}.bin", f"{name}.reason.json"}
    assert kept[f"{name}.bin"] == data
    note = {"sha256": sha256(data), "size_bytes": 10, "kind": "not_alert", "reason": "no good"}
    claimed = {"superevent_id": None, "alert_type": None, "time_created": None}
    assert json.loads(kept[f"{name}.reason.json"]) == {**note, "claims": claimed, "way": "test"}


def test_first_reason_stays_when_the_bytes_come_again(tmp_path: Path) -> None:
    keep(tmp_path, b"no alert")
    before = files_below(tmp_path)
    keep(tmp_path, b"no alert", AlertError("another", "internal_error"), way="another")
    assert files_below(tmp_path) == before


def test_both_are_kept_when_hashes_begin_alike(tmp_path: Path) -> None:
    """Twelve digits are few enough for a hostile sender to find two such."""
    data = b"no alert"
    taken = tmp_path / "quarantine" / f"{sha256(data)[:12]}.bin"
    taken.parent.mkdir()
    taken.write_bytes(b"other")
    assert put_in_quarantine(tmp_path, data, ERROR, HOW) is True
    assert taken.read_bytes() == b"other"
    assert (taken.parent / f"{sha256(data)}.bin").read_bytes() == data
    for name in (sha256(data), sha256(data)[:12]):
        assert quarantine.find_entry(tmp_path, name).path.stem == name


def test_synced_file_gets_the_name_and_is_not_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "synced").write_bytes(b"no alert")
    (tmp_path / "quarantine").mkdir()
    disk = Disk(monkeypatch)
    put_in_quarantine(tmp_path, b"no alert", ERROR, HOW, tmp_path / "synced")
    (entry,) = quarantine.list_entries(tmp_path)
    assert entry.path.samefile(tmp_path / "synced")
    assert disk.calls[:3] == [f"link {entry.name}.bin", "sync directory quarantine", "open"]


@pytest.mark.parametrize(
    "data", [json_alert(record(time_created="?")), json_alert(record())[:-9]], ids=["wrong", "cut"]
)
def test_what_it_claims_to_be_is_kept_as_a_claim(tmp_path: Path, data: bytes) -> None:
    entry = keep(tmp_path, data)
    note = json.loads(entry.path.with_suffix(".reason.json").read_bytes())
    assert "superevent_id" not in note
    assert note["claims"]["superevent_id"] == entry.claims.superevent_id == "MS260101a"


def test_bytes_of_a_decoded_record_are_not_searched_for_claims(tmp_path: Path) -> None:
    error = AlertError(
        "no good", "invalid_identity", {"superevent_id": "S240422ed", "alert_type": None}
    )
    entry = keep(tmp_path, ALERT, error)
    assert entry.claims == ClaimedIdentity("S240422ed")


@pytest.mark.parametrize(
    "change", [{"claims": ...}, {"claims": 3}, {"claims": [{}]}], ids=["none", "number", "list"]
)
def test_claims_that_are_not_noted_are_searched_for(tmp_path: Path, change: object) -> None:
    """As in a reason file of an earlier release."""
    event = {"far": "x" * 200_000}
    first = {"superevent_id": ..., **record(event=event)}
    last = {key: first[key] for key in reversed(first)}
    for content in (record(event=event), last):
        entry = keep(tmp_path, json_alert(content))
        entry.path.with_suffix(".reason.json").write_text(json.dumps(change, default=repr))
    assert [entry.claims.superevent_id for entry in quarantine.list_entries(tmp_path)] == 2 * [
        "MS260101a"
    ]


def test_hostile_claims_in_a_reason_file_are_none(tmp_path: Path) -> None:
    entry = keep(tmp_path, b"no alert")
    noted = {"superevent_id": "../S1", "alert_type": ["x"], "time_created": "\u202e"}
    entry.path.with_suffix(".reason.json").write_text(json.dumps({"claims": noted}))
    (entry,) = quarantine.list_entries(tmp_path)
    assert entry.claims == ClaimedIdentity()


def test_file_that_is_sent_too_is_a_message_from_a_topic(tmp_path: Path) -> None:
    ingested = keep(tmp_path, b"no alert", way="ingest", time_received="2026-01-01T00:00:00")
    assert not ingested.is_live
    sent = keep(tmp_path, b"no alert", way="listen", time_received="2026-01-02T00:00:00")
    assert (sent.is_live, sent.time_received) == (True, "2026-01-02T00:00:00")
    again = keep(tmp_path, b"no alert", way="ingest", time_received="2026-01-03T00:00:00")
    assert again == sent


# -------------------------------------------------------------------------------- list, find, show


def test_list_is_in_the_order_of_arrival_whatever_the_names(tmp_path: Path) -> None:
    times = {f"2026-01-0{day}T00:00:00.000+00:00": b"%d" % day for day in range(1, 8)}
    for time, data in reversed(times.items()):
        keep(tmp_path, data, time_received=time)
    listed = quarantine.list_entries(tmp_path)
    assert [entry.path.read_bytes() for entry in listed] == list(times.values())
    assert [entry.how["time_received"] for entry in listed] == list(times)
    assert [entry.name for entry in listed] != sorted(entry.name for entry in listed)


def test_entry_says_what_came_why_it_is_no_alert_and_how(tmp_path: Path) -> None:
    entry = keep(tmp_path, b"no alert", topic="igwn.gwalert")
    path = tmp_path / "quarantine" / f"{sha256(b'no alert')[:12]}.bin"
    how = {"way": "test", "topic": "igwn.gwalert"}
    assert entry == QuarantineEntry(
        path.stem, path, "not_alert", "no good", 8, how, ClaimedIdentity()
    )


def test_empty_and_missing_quarantine_list_nothing(tmp_path: Path) -> None:
    assert quarantine.list_entries(tmp_path) == []
    (tmp_path / "quarantine").mkdir()
    assert quarantine.list_entries(tmp_path) == []


def test_other_files_are_not_listed(tmp_path: Path) -> None:
    entry = keep(tmp_path, b"no alert")
    for name in ("notes.bin", ".abcdefabcdef.bin.1.tmp", "abcdefabcdef.reason.json"):
        (entry.path.parent / name).touch()
    assert quarantine.list_entries(tmp_path) == [entry]


@pytest.mark.parametrize(
    "damaged",
    [None, b"", b'{"reason', b"\xff", b"[]", b"null", b"{}", b"[" * 100_000],
    ids=["none", "empty", "cut", "not text", "list", "null", "object", "deep"],
)
def test_entry_without_a_sound_reason_file_is_listed_and_can_be_looked_after(
    tmp_path: Path, damaged: bytes | None
) -> None:
    """Whoever wrote it was stopped before the reason; a lost one would lose the bytes as well."""
    entry = keep(tmp_path, ALERT)
    reason = entry.path.with_suffix(".reason.json")
    reason.unlink() if damaged is None else reason.write_bytes(damaged)
    (entry,) = quarantine.list_entries(tmp_path)
    assert (entry.kind, entry.size_bytes, entry.how) == ("unknown", len(ALERT), {})
    assert entry.reason == "the file with the reason is missing or damaged"
    retry(tmp_path, entry)
    assert quarantine.list_entries(tmp_path) == []


def test_quarantine_that_is_no_directory_is_an_inbox_error(tmp_path: Path) -> None:
    (tmp_path / "quarantine").touch()
    with pytest.raises(InboxError, match="quarantine cannot be read: Not a directory"):
        quarantine.list_entries(tmp_path)


def test_entry_that_is_no_file_is_not_listed(tmp_path: Path) -> None:
    entry = keep(tmp_path, b"no alert")
    (entry.path.parent / "abcdefabcdef.bin").mkdir()
    loop = entry.path.parent / "0123456789ab.bin"
    loop.symlink_to(loop)
    assert quarantine.list_entries(tmp_path) == [entry]


def test_reason_of_an_earlier_release_has_no_kind(tmp_path: Path) -> None:
    entry = keep(tmp_path, b"no alert")
    entry.path.with_suffix(".reason.json").write_text('{"reason": "no good", "way": "ingest"}')
    (entry,) = quarantine.list_entries(tmp_path)
    assert (entry.kind, entry.reason, entry.how) == ("unknown", "no good", {"way": "ingest"})


def test_missing_reason_is_written_when_the_bytes_come_again(tmp_path: Path) -> None:
    entry = keep(tmp_path, b"no alert")
    entry.path.with_suffix(".reason.json").unlink()
    assert keep(tmp_path, b"no alert") == entry


def test_entry_is_found_by_any_start_of_its_name(tmp_path: Path) -> None:
    entry = keep(tmp_path, b"no alert")
    for length in (1, 4, 12):
        assert quarantine.find_entry(tmp_path, entry.name[:length]) == entry


def test_entry_is_found_by_its_files(tmp_path: Path) -> None:
    entry = keep(tmp_path, b"no alert")
    for path in (entry.path, entry.path.with_suffix(".reason.json")):
        assert quarantine.find_entry(tmp_path, str(path)) == entry
        assert quarantine.find_entry(tmp_path, path.name) == entry


@pytest.mark.parametrize("name", ["f", "quarantine", "../x", "*", "c0ffee" * 4])
def test_name_that_nothing_begins_with_is_an_error(tmp_path: Path, name: str) -> None:
    assert not keep(tmp_path, b"no alert").name.startswith("f")
    with pytest.raises(InboxError, match=r"nothing in .*quarantine begins with '"):
        quarantine.find_entry(tmp_path, name)


def test_start_of_several_names_is_an_error_that_lists_them(tmp_path: Path) -> None:
    names = [keep(tmp_path, b"%d" % number).name for number in range(17)]
    start = next(n[0] for n in names if sum(each[0] == n[0] for each in names) > 1)
    alike = sorted(name for name in names if name[0] == start)
    with pytest.raises(InboxError, match=f"'{start}' is the start of {', '.join(alike)}"):
        quarantine.find_entry(tmp_path, start)


# --------------------------------------------------------------------------------------- retry


def test_what_is_an_alert_now_moves_to_its_place(tmp_path: Path) -> None:
    entry = keep(tmp_path, ALERT, AlertError("a bug", "internal_error"), topic="igwn.gwalert")
    stored = retry(tmp_path, entry)
    note = PLACE.replace(".json", ".meta.json")
    assert set(files_below(tmp_path)) == {PLACE, note}
    assert (stored.path, stored.path.read_bytes()) == (tmp_path / PLACE, ALERT)
    said = json.loads((tmp_path / note).read_bytes())
    assert (said["way"], said["topic"]) == ("test", "igwn.gwalert")
    assert (said["quarantined_because"], said["sha256"]) == ("a bug", sha256(ALERT))


def test_what_is_still_no_alert_stays_as_it_was(tmp_path: Path) -> None:
    entry = keep(tmp_path, b"no alert")
    before = files_below(tmp_path)
    with pytest.raises(AlertError, match="expected an Avro container"):
        retry(tmp_path, entry)
    assert files_below(tmp_path) == before


def test_content_that_was_fetched_for_a_reference_is_stored(tmp_path: Path) -> None:
    entry = keep(tmp_path, b"at example.org", AlertError("no answer", "offloaded"), offset=7)
    stored = retry_entry(tmp_path, entry, Arrival(ALERT, read_entry(entry).how))
    assert stored.path.read_bytes() == ALERT
    assert json.loads(stored.path.with_suffix(".meta.json").read_bytes())["offset"] == 7
    assert b"at example.org" not in files_below(tmp_path).values()


def test_content_that_is_not_an_alert_leaves_the_reference_where_it_is(tmp_path: Path) -> None:
    entry = keep(tmp_path, b"at example.org", AlertError("no answer", "offloaded"))
    before = files_below(tmp_path)
    with pytest.raises(AlertError):
        retry_entry(tmp_path, entry, Arrival(b"no alert", entry.how))
    assert files_below(tmp_path) == before


@pytest.mark.parametrize(
    "moment", ["receiver.drop_entry", "quarantine._reason_file", "quarantine.sync_directory"]
)
def test_killed_while_moving_an_alert_a_retry_completes(tmp_path: Path, moment: str) -> None:
    """Before its entry is deleted, half way, and after."""
    entry = keep(tmp_path, ALERT)
    script = (
        "import os, sys; from pathlib import Path\n"
        "from sirenflow.inbox import quarantine, receiver\n"
        "(entry,) = quarantine.list_entries(Path(sys.argv[1]))\n"
        f"{moment} = lambda *_: os._exit(9)\n"
        "arrival = quarantine.read_entry(entry)\n"
        "receiver.retry_entry(Path(sys.argv[1]), entry, arrival)\n"
    )
    assert run_python(script, tmp_path).returncode == 9
    assert (tmp_path / PLACE).read_bytes() == ALERT
    left = quarantine.list_entries(tmp_path)
    assert left in ([], [entry])
    assert [retry(tmp_path, each).new for each in left] in ([], [False])
    assert quarantine.list_entries(tmp_path) == []
    assert store.list_superevents(tmp_path) == {"MS260101a": [tmp_path / PLACE]}


def test_disk_that_fails_at_any_call_of_a_retry_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = 0
    for fails_at in range(50):
        directory = tmp_path / str(fails_at)
        entry = keep(directory, ALERT)
        with monkeypatch.context() as patch:
            disk = Disk(patch)
            disk.fails_at = fails_at
            try:
                retry(directory, entry)
            except InboxError:
                tried += 1
        for left in quarantine.list_entries(directory):
            retry(directory, left)
        assert store.list_superevents(directory) == {"MS260101a": [directory / PLACE]}
        assert (directory / PLACE).read_bytes() == ALERT
    assert tried == len(disk.calls)


# ---------------------------------------------------------------------------------------- drop


def test_dropped_entry_is_gone_and_the_others_are_not(tmp_path: Path) -> None:
    entry, other = keep(tmp_path, b"no alert"), keep(tmp_path, b"no alert either")
    quarantine.drop_entry(entry)
    assert quarantine.list_entries(tmp_path) == [other]
    assert not entry.path.with_suffix(".reason.json").exists()


def test_entry_without_reason_can_be_dropped(tmp_path: Path) -> None:
    entry = keep(tmp_path, b"no alert")
    entry.path.with_suffix(".reason.json").unlink()
    quarantine.drop_entry(entry)
    assert files_below(tmp_path) == {}


def test_entry_that_is_gone_is_an_inbox_error(tmp_path: Path) -> None:
    entry = keep(tmp_path, b"no alert")
    quarantine.drop_entry(entry)
    with pytest.raises(InboxError, match="cannot be deleted: No such file"):
        quarantine.drop_entry(entry)
    with pytest.raises(InboxError, match="cannot be read: No such file"):
        retry(tmp_path, entry)
