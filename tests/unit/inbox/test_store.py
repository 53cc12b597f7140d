"""The inbox keeps what arrived: once, unchanged, whatever goes wrong while it is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from arrivals import put_alert, put_in_quarantine
from builders import json_alert, record
from disk import Disk, files_below, run_python
from paths import SAMPLES

from sirenflow.alerts.alert import parse_alert
from sirenflow.alerts.alert_type import ALERT_TYPES
from sirenflow.errors import AlertError, InboxError
from sirenflow.inbox import store

RETRACTION = SAMPLES / "MS260926m-01-retraction-alone.json"
DATA = RETRACTION.read_bytes()
ALERT = parse_alert(DATA).identity
# Computed with sha256sum.
SHA256 = "e1538e5464141ca71815eee334c6d87c36e53198c5d0e76dff48a5f9a785f19e"
NAME = "MS260926m/RETRACTION/20260926T230605Z-e1538e546414.json"
HOW = {"way": "test"}


def test_name_is_superevent_type_time_and_hash() -> None:
    assert store.alert_path(ALERT).as_posix() == NAME


@pytest.mark.parametrize(
    ("sent", "in_name"),
    [
        ("2026-09-26T23:06:05Z", "20260926T230605Z"),
        ("2026-09-26T23:06:05", "20260926T230605Z"),
        ("2026-09-26T23:06:05.999Z", "20260926T230605Z"),
        ("2026-09-27 01:06:05+02:00", "20260926T230605Z"),
        ("2026-12-31T23:59:60Z", "20261231T235960Z"),
    ],
)
def test_name_holds_the_second_in_utc(sent: str, in_name: str) -> None:
    alert = parse_alert(DATA.replace(b"2026-09-26T23:06:05Z", sent.encode())).identity
    assert store.alert_path(alert).name.startswith(f"{in_name}-")


def test_early_warning_of_2022_is_kept_under_todays_spelling() -> None:
    alert = parse_alert((SAMPLES / "TS260211a-01-early_warning.avro").read_bytes()).identity
    assert store.alert_path(alert).parts[:2] == ("TS260211a", "EARLYWARNING")


@pytest.mark.parametrize("name", ["x.avro", "x.json", "a.b.avro"])
def test_avro_and_json_are_taken_for_alerts(name: str) -> None:
    assert store.is_alert_name(name)


@pytest.mark.parametrize("name", ["x.meta.json", "x.reason.json", "x.bin", ".x.avro.1.tmp", "json"])
def test_notes_and_temporary_files_are_not_taken_for_alerts(name: str) -> None:
    assert not store.is_alert_name(name)


def test_stored_bytes_are_those_that_arrived_with_a_note_beside_them(tmp_path: Path) -> None:
    assert put_alert(tmp_path, DATA, HOW) == store.Stored(tmp_path / NAME, new=True)
    kept = files_below(tmp_path)
    note = NAME.replace(".json", ".meta.json")
    assert set(kept) == {NAME, note}
    assert kept[NAME] == DATA
    assert json.loads(kept[note]) == {
        "sha256": SHA256,
        "size_bytes": 209,
        "same_alert_as": [],
        "way": "test",
    }


def test_same_alert_again_changes_nothing(tmp_path: Path) -> None:
    put_alert(tmp_path, DATA, HOW)
    before = files_below(tmp_path)
    again = put_alert(tmp_path, DATA, {"way": "another"})
    assert again == store.Stored(tmp_path / NAME, new=False)
    assert files_below(tmp_path) == before


def test_missing_note_is_written_when_the_alert_comes_again(tmp_path: Path) -> None:
    """Killed between the alert and its note, a run leaves the alert alone."""
    put_alert(tmp_path, DATA, HOW)
    note = (tmp_path / NAME).with_suffix(".meta.json")
    note.unlink()
    assert put_alert(tmp_path, DATA, HOW).new is False
    assert json.loads(note.read_bytes())["sha256"] == SHA256


@pytest.mark.parametrize("other", [b"", DATA[:100], b"an alert whose hash begins alike"])
def test_other_bytes_under_the_name_are_kept_beside_the_alert(tmp_path: Path, other: bytes) -> None:
    path = tmp_path / NAME
    path.parent.mkdir(parents=True)
    path.write_bytes(other)
    beside = path.with_name(f"20260926T230605Z-{SHA256}.json")
    assert put_alert(tmp_path, DATA, HOW) == store.Stored(beside, new=True)
    assert put_alert(tmp_path, DATA, HOW) == store.Stored(beside, new=False)
    assert path.read_bytes() == other
    assert beside.read_bytes() == DATA


def test_synced_file_gets_the_name_and_is_not_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = tmp_path / "synced"
    synced.write_bytes(DATA)
    (tmp_path / NAME).parent.mkdir(parents=True)
    disk = Disk(monkeypatch)
    stored = put_alert(tmp_path, DATA, HOW, synced)
    assert stored == store.Stored(tmp_path / NAME, new=True)
    assert stored.path.samefile(synced)
    # The note last: who finds it finds the alert.
    assert disk.calls[:3] == [f"link {Path(NAME).name}", "sync directory RETRACTION", "open"]
    assert disk.calls[-2:] == [
        f"link {Path(NAME).stem}.meta.json",
        "sync directory RETRACTION",
    ]


def test_synced_file_of_an_alert_that_is_there_changes_nothing(tmp_path: Path) -> None:
    put_alert(tmp_path, DATA, HOW)
    before = files_below(tmp_path)
    (tmp_path / "synced").write_bytes(DATA)
    assert put_alert(tmp_path, DATA, HOW, tmp_path / "synced").new is False
    assert files_below(tmp_path) == {**before, "synced": DATA}


@pytest.mark.parametrize("other", [b"", DATA[:100]])
def test_synced_file_is_kept_beside_other_bytes_too(tmp_path: Path, other: bytes) -> None:
    (tmp_path / NAME).parent.mkdir(parents=True)
    (tmp_path / NAME).write_bytes(other)
    (tmp_path / "synced").write_bytes(DATA)
    stored = put_alert(tmp_path, DATA, HOW, tmp_path / "synced")
    assert (stored.new, stored.path.read_bytes()) == (True, DATA)
    assert (tmp_path / NAME).read_bytes() == other


@pytest.mark.parametrize("moment", ["os.link", "durable.sync_directory", "os.fsync"])
def test_killed_while_writing_the_inbox_shows_all_or_nothing_and_a_rerun_completes(
    tmp_path: Path, moment: str
) -> None:
    (tmp_path / NAME).parent.mkdir(parents=True)
    script = (
        "import os, sys; from pathlib import Path\n"
        "from sirenflow.files import durable\n"
        "from sirenflow.inbox.arrival import Arrival\n"
        "from sirenflow.inbox.store import store_alert\n"
        "from sirenflow.alerts.alert import parse_alert\n"
        f"{moment} = lambda *_: os._exit(9)\n"
        "data = Path(sys.argv[2]).read_bytes()\n"
        "store_alert(Path(sys.argv[1]), parse_alert(data).identity, Arrival(data, {}), repr)\n"
    )
    assert run_python(script, tmp_path, RETRACTION).returncode == 9
    shown = store.list_superevents(tmp_path)
    assert [path.read_bytes() for path in shown.get("MS260926m", [])] in ([], [DATA])
    put_alert(tmp_path, DATA, HOW)
    assert store.list_superevents(tmp_path) == {"MS260926m": [tmp_path / NAME]}
    assert (tmp_path / NAME).read_bytes() == DATA
    assert (tmp_path / NAME).with_suffix(".meta.json").exists()


def test_name_too_long_for_the_file_system_is_an_inbox_error(tmp_path: Path) -> None:
    with pytest.raises(InboxError, match="File name too long"):
        put_alert(tmp_path / ("x" * 300), DATA, HOW)


def test_file_in_place_of_a_directory_is_an_inbox_error(tmp_path: Path) -> None:
    (tmp_path / "MS260926m").write_bytes(b"")
    with pytest.raises(InboxError, match="Not a directory"):
        put_alert(tmp_path, DATA, HOW)


def test_listing_is_by_superevent_then_life_cycle_then_name(tmp_path: Path) -> None:
    for superevent in ("S2.b", "logs", "MS260926n", "MS260926m"):
        for alert_type in ALERT_TYPES:
            for name in (
                "2-b.avro",
                "1-a.json",
                "1-a.meta.json",
                ".3.avro.tmp",
                "-x.avro",
                "a b.json",
            ):
                path = tmp_path / superevent / alert_type / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"")
    put_in_quarantine(tmp_path, b"no alert", AlertError("no good"), HOW)
    (tmp_path / "MS260926p" / "UPDATE").mkdir(parents=True)
    for alert_type in ("premerger", "ANOTHER", "no type", ".hidden"):
        (tmp_path / "MS260926q" / alert_type).mkdir(parents=True)
        (tmp_path / "MS260926q" / alert_type / "1.avro").touch()
    listed = store.list_superevents(tmp_path)
    assert list(listed) == ["MS260926m", "MS260926n", "MS260926q"]
    assert [file.parent.name for file in listed["MS260926q"]] == ["ANOTHER", "premerger"]
    assert listed["MS260926n"] == [
        tmp_path / "MS260926n" / alert_type / name
        for alert_type in ("EARLYWARNING", "PRELIMINARY", "INITIAL", "UPDATE", "RETRACTION")
        for name in ("1-a.json", "2-b.avro")
    ]


def test_missing_inbox_says_how_to_fill_one(tmp_path: Path) -> None:
    with pytest.raises(InboxError, match=r"'.*nowhere' does not exist; .*sirenflow ingest"):
        store.list_superevents(tmp_path / "nowhere")


def test_name_that_is_not_taken_for_an_alert_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    directory = tmp_path / "TS260101a" / "UPDATE"
    directory.mkdir(parents=True)
    for name in ("good.avro", "good.meta.json", "my alert.avro", "notes.txt"):
        (directory / name).touch()
    assert store.list_superevents(tmp_path) == {"TS260101a": [directory / "good.avro"]}
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2
    assert "my alert.avro" in told[0]
    assert "notes.txt" in told[1]


# ---------------------------------------------------------------- unusual names, names of 0.3


@pytest.mark.parametrize("superevent", ["S1234", "S1234-a", "MS181101ab2", "GW250101_123456", "X"])
def test_unusual_identifier_and_unknown_type_have_their_place(
    tmp_path: Path, superevent: str
) -> None:
    data = json_alert(record(superevent_id=superevent, alert_type="Pre_Merger"))
    stored = put_alert(tmp_path, data, HOW)
    assert stored.path.relative_to(tmp_path).parts[:2] == (superevent, "PREMERGER")
    assert store.list_superevents(tmp_path) == {superevent: [stored.path]}


@pytest.mark.parametrize("sent", ["s1234", "S1234A", "MS181101AB"])
def test_identifier_that_differs_from_a_present_one_in_case_is_rejected(
    tmp_path: Path, sent: str
) -> None:
    for present in ("S1234", "S1234a", "MS181101ab"):
        (tmp_path / present / "UPDATE").mkdir(parents=True)
    data = json_alert(record(superevent_id=sent))
    with pytest.raises(AlertError, match=f"'{sent}' differs only in case from '.*', which is in"):
        put_alert(tmp_path, data, HOW)
    same = json_alert(record(superevent_id="S1234a"))
    assert put_alert(tmp_path, same, HOW).new


def test_of_directories_that_differ_in_case_the_first_is_listed_and_the_other_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for superevent in ("S1234A", "S1234a", "s1234A", "S99"):
        (tmp_path / superevent / "UPDATE").mkdir(parents=True)
        (tmp_path / superevent / "UPDATE" / "1.json").touch()
    assert list(store.list_superevents(tmp_path)) == ["S1234A", "S99"]
    reported = [record.getMessage() for record in caplog.records]
    assert ["'S1234a'" in text for text in reported] == [True, False]
    assert all("'S1234A'" in text and "rename" in text for text in reported)
    assert store.list_case_conflicts(tmp_path) == reported
    assert list(store.list_superevents(tmp_path, ["S1234a", "S99"])) == ["S99"]


def test_alert_that_0_3_stored_with_a_fraction_in_its_name_is_a_duplicate(tmp_path: Path) -> None:
    data = DATA.replace(b"2026-09-26T23:06:05Z", b"2026-09-26T23:06:05.123Z")
    alert = parse_alert(data).identity
    place = (tmp_path / store.alert_path(alert)).parent
    old = place / f"20260926T230605.123Z-{alert.sha256[:12]}.{alert.encoding}"
    place.mkdir(parents=True)
    old.write_bytes(data)
    stored = put_alert(tmp_path, data, HOW)
    assert (stored.path, stored.new) == (old, False)
    assert store.list_superevents(tmp_path) == {alert.superevent_id: [old]}


def test_what_cannot_be_read_is_listed_in_place_of_its_alerts(tmp_path: Path) -> None:
    """A link to itself, or to nothing: rule extract says why; the other alerts are listed."""
    good = tmp_path / "S260101a" / "INITIAL" / "good.avro"
    good.parent.mkdir(parents=True)
    good.touch()
    loop, broken = good.with_name("loop.avro"), good.with_name("broken.json")
    loop.symlink_to(loop.name)
    broken.symlink_to("nowhere")
    directory = tmp_path / "S260101a" / "UPDATE"
    directory.symlink_to("UPDATE")
    (tmp_path / "S260102b").symlink_to("S260102b")
    (tmp_path / "S260103c").symlink_to("nowhere")
    assert store.list_superevents(tmp_path) == {
        "S260101a": [broken, good, loop, directory],
        "S260102b": [tmp_path / "S260102b"],
        "S260103c": [tmp_path / "S260103c"],
    }


def test_directories_without_permission_are_listed_in_place_of_their_alerts(
    tmp_path: Path,
) -> None:
    """As another user than root, whom no permission keeps out."""
    for superevent in ("S260101a", "S260102b"):
        (tmp_path / superevent / "UPDATE").mkdir(parents=True)
        (tmp_path / superevent / "UPDATE" / "x.avro").touch()
    (tmp_path / "S260101a" / "UPDATE").chmod(0)
    (tmp_path / "S260102b").chmod(0)
    for directory in (tmp_path, *list(tmp_path.parents)[:3]):
        directory.chmod(directory.stat().st_mode | 0o055)
    script = (
        "import os, sys; from pathlib import Path; from sirenflow.inbox import store\n"
        "os.getuid() or os.setuid(65534)\n"
        "print(*store.list_superevents(Path(sys.argv[1])).values())"
    )
    listed = run_python(script, tmp_path)
    assert "S260101a/UPDATE')]" in listed.stdout, listed.stderr
    assert "S260102b')]" in listed.stdout
