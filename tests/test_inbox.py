"""The inbox keeps what arrived: once, unchanged, whatever goes wrong while it is written."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sirenflow import inbox
from sirenflow.alert import ALERT_TYPES, parse_alert
from sirenflow.errors import InboxError

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
RETRACTION = SAMPLES / "MS260926m-01-retraction-alone.json"
DATA = RETRACTION.read_bytes()
ALERT = parse_alert(DATA)
# Computed with sha256sum.
SHA256 = "e1538e5464141ca71815eee334c6d87c36e53198c5d0e76dff48a5f9a785f19e"
NAME = "MS260926m/RETRACTION/20260926T230605Z-e1538e546414.json"
HOW = {"way": "test"}


def files_below(directory: Path) -> dict[str, bytes]:
    found = (path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in found}


def test_name_is_superevent_type_time_and_hash() -> None:
    assert inbox.alert_path(ALERT).as_posix() == NAME


@pytest.mark.parametrize(
    ("sent", "in_name"),
    [
        ("2026-09-26T23:06:05Z", "20260926T230605Z"),
        ("2026-09-26T23:06:05", "20260926T230605Z"),
        ("2026-09-26T23:06:05.123Z", "20260926T230605.123Z"),
    ],
)
def test_name_holds_time_as_sent_without_punctuation(sent: str, in_name: str) -> None:
    alert = parse_alert(DATA.replace(b"2026-09-26T23:06:05Z", sent.encode()))
    assert inbox.alert_path(alert).name.startswith(f"{in_name}-")


def test_early_warning_of_2022_is_kept_under_todays_spelling() -> None:
    alert = parse_alert((SAMPLES / "TS260211a-01-early_warning.avro").read_bytes())
    assert inbox.alert_path(alert).parts[:2] == ("TS260211a", "EARLYWARNING")


@pytest.mark.parametrize("name", ["x.avro", "x.json", "a.b.avro"])
def test_avro_and_json_are_taken_for_alerts(name: str) -> None:
    assert inbox.is_alert_name(name)


@pytest.mark.parametrize("name", ["x.meta.json", "x.reason.json", "x.bin", ".x.avro.1.tmp", "json"])
def test_notes_and_temporary_files_are_not_taken_for_alerts(name: str) -> None:
    assert not inbox.is_alert_name(name)


def test_stored_bytes_are_those_that_arrived_with_a_note_beside_them(tmp_path: Path) -> None:
    assert inbox.store(tmp_path, ALERT, DATA, HOW) is True
    kept = files_below(tmp_path)
    note = NAME.replace(".json", ".meta.json")
    assert set(kept) == {NAME, note}
    assert kept[NAME] == DATA
    assert json.loads(kept[note]) == {"sha256": SHA256, "size_bytes": 209, "way": "test"}


def test_same_alert_again_changes_nothing(tmp_path: Path) -> None:
    inbox.store(tmp_path, ALERT, DATA, HOW)
    before = files_below(tmp_path)
    assert inbox.store(tmp_path, ALERT, DATA, {"way": "another"}) is False
    assert files_below(tmp_path) == before


def test_missing_note_is_written_when_the_alert_comes_again(tmp_path: Path) -> None:
    """Killed between the alert and its note, a run leaves the alert alone."""
    inbox.store(tmp_path, ALERT, DATA, HOW)
    note = (tmp_path / NAME).with_suffix(".meta.json")
    note.unlink()
    assert inbox.store(tmp_path, ALERT, DATA, HOW) is False
    assert json.loads(note.read_bytes())["sha256"] == SHA256


@pytest.mark.parametrize("other", [b"", DATA[:100], b"an alert whose hash begins alike"])
def test_other_bytes_under_the_name_are_kept_beside_the_alert(tmp_path: Path, other: bytes) -> None:
    path = tmp_path / NAME
    path.parent.mkdir(parents=True)
    path.write_bytes(other)
    assert inbox.store(tmp_path, ALERT, DATA, HOW) is True
    assert inbox.store(tmp_path, ALERT, DATA, HOW) is False
    assert path.read_bytes() == other
    assert path.with_name(f"20260926T230605Z-{SHA256}.json").read_bytes() == DATA


def test_quarantine_keeps_bytes_and_reason(tmp_path: Path) -> None:
    data = b"\x00\xffno alert"
    sha256 = hashlib.sha256(data).hexdigest()
    assert inbox.quarantine(tmp_path, data, "no good", HOW) is True
    assert inbox.quarantine(tmp_path, data, "no good", HOW) is False
    kept = files_below(tmp_path / "quarantine")
    assert set(kept) == {f"{sha256[:12]}.bin", f"{sha256[:12]}.reason.json"}
    assert kept[f"{sha256[:12]}.bin"] == data
    note = {"sha256": sha256, "size_bytes": 10, "reason": "no good", "way": "test"}
    assert json.loads(kept[f"{sha256[:12]}.reason.json"]) == note


def test_quarantine_keeps_both_when_hashes_begin_alike(tmp_path: Path) -> None:
    """Twelve digits are few enough for a hostile sender to find two such."""
    data = b"no alert"
    sha256 = hashlib.sha256(data).hexdigest()
    taken = tmp_path / "quarantine" / f"{sha256[:12]}.bin"
    taken.parent.mkdir()
    taken.write_bytes(b"other")
    assert inbox.quarantine(tmp_path, data, "no good", HOW) is True
    assert taken.read_bytes() == b"other"
    assert (taken.parent / f"{sha256}.bin").read_bytes() == data


def test_durable_write_never_replaces_a_file(tmp_path: Path) -> None:
    path = tmp_path / "x.avro"
    assert inbox.write_durably(path, b"first") is True
    assert inbox.write_durably(path, b"second") is False
    assert files_below(tmp_path) == {"x.avro": b"first"}


def test_file_and_directory_are_synced_before_and_after_the_name_appears(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not synced in this order, a power cut may take or leave half."""
    path = tmp_path / "new" / "x.avro"
    calls: list[str] = []
    fsync, link = os.fsync, os.link

    def record_fsync(descriptor: int) -> None:
        target = Path(f"/proc/self/fd/{descriptor}").readlink()
        what = f"directory {target.name}" if target.is_dir() else f"{target.stat().st_size} bytes"
        calls.append(f"sync {what}, named: {path.exists()}")
        fsync(descriptor)

    def record_link(source: Path, target: Path) -> None:
        calls.append(f"link {target.name}")
        link(source, target)

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(os, "link", record_link)
    inbox.write_durably(path, b"12345")
    assert calls == [
        f"sync directory {tmp_path.name}, named: False",
        "sync 5 bytes, named: False",
        "link x.avro",
        "sync directory new, named: True",
    ]


def test_directory_is_synced_for_a_file_that_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its writer may have been stopped just before; to return means that it is on disk."""
    path = tmp_path / "x.avro"
    path.write_bytes(b"data")
    synced: list[Path] = []
    monkeypatch.setattr(
        os, "fsync", lambda fd: synced.append(Path(f"/proc/self/fd/{fd}").resolve())
    )
    assert inbox.write_durably(path, b"data") is False
    assert synced == [tmp_path.resolve()]


def fail(number: int) -> Callable[..., Any]:
    def call(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return call


@pytest.mark.parametrize("call", ["fsync", "link", "open"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT])
def test_failing_disk_leaves_no_temporary_file_and_the_next_try_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    path = tmp_path / "x.avro"
    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail(number))
        with pytest.raises(InboxError, match=rf"x\.avro cannot be written: {os.strerror(number)}"):
            inbox.write_durably(path, b"data")
    assert set(files_below(tmp_path)) <= {"x.avro"}
    inbox.write_durably(path, b"data")
    assert files_below(tmp_path) == {"x.avro": b"data"}


def test_write_that_stops_half_way_leaves_nothing(tmp_path: Path) -> None:
    """A file size limit cuts a write as a full disk does, in the system and not in a mock."""
    script = (
        "import resource, signal, sys; from pathlib import Path; from sirenflow import inbox\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "inbox.write_durably(Path(sys.argv[1]), bytes(10000))\n"
    )
    done = run_python(script, tmp_path / "x.avro")
    assert "InboxError" in done.stderr
    assert "File too large" in done.stderr
    assert files_below(tmp_path) == {}


@pytest.mark.parametrize("moment", ["os.link", "inbox._sync_directory", "os.fsync"])
def test_killed_while_writing_the_inbox_shows_all_or_nothing_and_a_rerun_completes(
    tmp_path: Path, moment: str
) -> None:
    (tmp_path / NAME).parent.mkdir(parents=True)
    script = (
        "import os, sys; from pathlib import Path; from sirenflow import inbox\n"
        "from sirenflow.alert import parse_alert\n"
        f"{moment} = lambda *_: os._exit(9)\n"
        "data = Path(sys.argv[2]).read_bytes()\n"
        "inbox.store(Path(sys.argv[1]), parse_alert(data), data, {})\n"
    )
    assert run_python(script, tmp_path, RETRACTION).returncode == 9
    shown = inbox.list_superevents(tmp_path)
    assert [path.read_bytes() for path in shown.get("MS260926m", [])] in ([], [DATA])
    inbox.store(tmp_path, ALERT, DATA, HOW)
    assert inbox.list_superevents(tmp_path) == {"MS260926m": [tmp_path / NAME]}
    assert (tmp_path / NAME).read_bytes() == DATA
    assert (tmp_path / NAME).with_suffix(".meta.json").exists()


def run_python(script: str, *arguments: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_two_writers_of_one_process_number_do_not_share_a_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In containers every process is number 1: a shared one would be cut under the other's name."""
    monkeypatch.setattr(os, "getpid", lambda: 1)
    temporary: list[Path] = []
    monkeypatch.setattr(os, "link", lambda source, _: temporary.append(source))
    inbox.write_durably(tmp_path / "x.avro", b"data")
    inbox.write_durably(tmp_path / "x.avro", b"data")
    assert len(set(temporary)) == 2


def test_name_too_long_for_the_file_system_is_an_inbox_error(tmp_path: Path) -> None:
    with pytest.raises(InboxError, match="File name too long"):
        inbox.write_durably(tmp_path / ("x" * 300) / "x.avro", b"data")
    with pytest.raises(InboxError, match="File name too long"):
        inbox.store(tmp_path / ("x" * 300), ALERT, DATA, HOW)


def test_file_in_place_of_a_directory_is_an_inbox_error(tmp_path: Path) -> None:
    (tmp_path / "MS260926m").write_bytes(b"")
    with pytest.raises(InboxError, match="Not a directory"):
        inbox.store(tmp_path, ALERT, DATA, HOW)


def test_listing_is_by_superevent_then_life_cycle_then_name(tmp_path: Path) -> None:
    for superevent in ("S2b", "MS260926n", "MS260926m"):
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
    inbox.quarantine(tmp_path, b"no alert", "no good", HOW)
    (tmp_path / "MS260926p" / "UPDATE").mkdir(parents=True)
    listed = inbox.list_superevents(tmp_path)
    assert list(listed) == ["MS260926m", "MS260926n"]
    assert listed["MS260926n"] == [
        tmp_path / "MS260926n" / alert_type / name
        for alert_type in ("EARLYWARNING", "PRELIMINARY", "INITIAL", "UPDATE", "RETRACTION")
        for name in ("1-a.json", "2-b.avro")
    ]


def test_missing_inbox_says_how_to_fill_one(tmp_path: Path) -> None:
    with pytest.raises(InboxError, match=r"'.*nowhere' does not exist; .*sirenflow ingest"):
        inbox.list_superevents(tmp_path / "nowhere")


def test_name_that_is_not_taken_for_an_alert_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    directory = tmp_path / "TS260101a" / "UPDATE"
    directory.mkdir(parents=True)
    for name in ("good.avro", "good.meta.json", "my alert.avro", "notes.txt"):
        (directory / name).touch()
    assert inbox.list_superevents(tmp_path) == {"TS260101a": [directory / "good.avro"]}
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2
    assert "my alert.avro" in told[0]
    assert "notes.txt" in told[1]
