"""Alerts come in from files, directories and archives, whatever state those are in."""

from __future__ import annotations

import bz2
import errno
import gzip
import hashlib
import io
import json
import lzma
import os
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from paths import SAMPLES

from sirenflow.alerts.alert import MAX_ALERT_BYTES
from sirenflow.inbox.archives import source_items
from sirenflow.inbox.ingest import ItemOutcome, ingest

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable

# Three small alerts, and where they belong but for the hash.
SMALL = {
    "MS260522k-02-retraction.avro": "MS260522k/RETRACTION/20260522T112109Z",
    "MS260926m-01-retraction-alone.json": "MS260926m/RETRACTION/20260926T230605Z",
    "TS260902f-03-retraction.avro": "TS260902f/RETRACTION/20260902T084953Z",
}
ALERTS = {name: (SAMPLES / name).read_bytes() for name in SMALL}
PATHS = {
    name: f"{SMALL[name]}-{hashlib.sha256(data).hexdigest()[:12]}{Path(name).suffix}"
    for name, data in ALERTS.items()
}
FIRST, SECOND, THIRD = ALERTS
COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    ".tar": bytes,
    ".tar.gz": lambda data: gzip.compress(data, 1),
    ".tgz": lambda data: gzip.compress(data, 1),
    ".tar.bz2": bz2.compress,
    ".tar.xz": lambda data: lzma.compress(data, preset=0),
    ".tar.zst": zstd.compress,
}
"""Of tar archives, as fast as each can: some tests compress hundreds of megabytes."""
ARCHIVES = [*COMPRESSIONS, ".zip"]


def stored(inbox: Path) -> dict[str, bytes]:
    """Alerts in an inbox, by path; nothing else may be there but notes and the quarantine."""
    found = {
        path.relative_to(inbox).as_posix(): path.read_bytes()
        for path in inbox.rglob("*")
        if path.is_file() and not path.name.endswith(".meta.json")
    }
    return {path: data for path, data in found.items() if not path.startswith("quarantine/")}


def expected(*names: str) -> dict[str, bytes]:
    return {PATHS[name]: ALERTS[name] for name in names}


def take_in(inbox: Path, *sources: Path) -> list[ItemOutcome]:
    """Ingest; return the outcomes of what may be an alert by its name."""
    return [outcome for outcome in ingest(sources, inbox) if outcome.result != "skipped"]


def rejections(outcomes: list[ItemOutcome]) -> dict[str, str | None]:
    return {outcome.source: outcome.reason for outcome in outcomes if outcome.result == "rejected"}


def tar_bytes(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


def write_archive(path: Path, members: dict[str, bytes]) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name, data in members.items():
                archive.writestr(name, data)
    else:
        compress = COMPRESSIONS["".join(path.suffixes)]
        path.write_bytes(compress(tar_bytes(members)))
    return path


def write_files(directory: Path, members: dict[str, bytes]) -> Path:
    for name, data in members.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return directory


def test_file_is_stored_under_its_contents_name_whatever_its_own(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_bytes(ALERTS[FIRST])
    assert take_in(tmp_path / "inbox", file) == [ItemOutcome(str(file), "stored")]
    assert stored(tmp_path / "inbox") == expected(FIRST)
    assert file.read_bytes() == ALERTS[FIRST]


@pytest.mark.parametrize("suffix", ARCHIVES)
def test_archive_gives_its_alerts_and_leaves_other_members(tmp_path: Path, suffix: str) -> None:
    members = {"README": b"no alert", "a/": b"", **{f"a/b/{name}": ALERTS[name] for name in ALERTS}}
    archive = write_archive(tmp_path / f"x{suffix}", members)
    outcomes = take_in(tmp_path / "inbox", archive)
    assert outcomes == [ItemOutcome(f"{archive}!a/b/{name}", "stored") for name in ALERTS]
    assert stored(tmp_path / "inbox") == expected(*ALERTS)


def test_note_says_where_an_alert_came_from(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "x.zip", {FIRST: ALERTS[FIRST]})
    take_in(tmp_path / "inbox", archive)
    note = json.loads((tmp_path / "inbox" / PATHS[FIRST]).with_suffix(".meta.json").read_bytes())
    assert (note["way"], note["source"]) == ("ingest", f"{archive}!{FIRST}")


def test_directory_is_searched_to_the_bottom_and_archives_in_it_are_opened(tmp_path: Path) -> None:
    source = write_files(tmp_path / "in", {f"deep/er/{FIRST}": ALERTS[FIRST], "notes.txt": b"x"})
    write_archive(source / "deep" / "x.tar.gz", {SECOND: ALERTS[SECOND]})
    write_archive(source / "x.zip", {THIRD: ALERTS[THIRD]})
    outcomes = take_in(tmp_path / "inbox", source)
    assert [outcome.result for outcome in outcomes] == ["stored"] * 3
    assert stored(tmp_path / "inbox") == expected(*ALERTS)


def test_everything_again_is_all_duplicates_and_changes_nothing(tmp_path: Path) -> None:
    source = write_files(tmp_path / "in", ALERTS)
    write_archive(source / "x.tar", ALERTS)
    inbox = tmp_path / "inbox"
    take_in(inbox, source)
    before = {path: path.stat().st_mtime_ns for path in inbox.rglob("*") if path.is_file()}
    results = Counter(outcome.result for outcome in take_in(inbox, source, source))
    assert results == {"duplicate": 12}
    assert before == {path: path.stat().st_mtime_ns for path in inbox.rglob("*") if path.is_file()}


def test_an_inbox_can_be_taken_into_another(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    take_in(first, write_files(tmp_path / "in", {**ALERTS, "bad.json": b"no alert"}))
    assert [outcome.result for outcome in take_in(second, first)] == ["stored"] * 3
    assert stored(second) == stored(first)


def test_what_is_no_alert_goes_to_quarantine_and_stops_nothing(tmp_path: Path) -> None:
    bad = {
        "a.avro": b"",
        "b.json": b"\x1bno alert",
        "c.avro": ALERTS[FIRST][:-20],
        "d.json": b"[1]",
    }
    source = write_files(tmp_path / "in", {**bad, **ALERTS})
    outcomes = take_in(tmp_path / "inbox", source)
    reasons = rejections(outcomes)
    assert set(reasons) == {str(source / name) for name in bad}
    assert stored(tmp_path / "inbox") == expected(*ALERTS)
    quarantine = tmp_path / "inbox" / "quarantine"
    assert {path.read_bytes() for path in quarantine.glob("*.bin")} == set(bad.values())
    notes = [json.loads(path.read_bytes()) for path in quarantine.glob("*.reason.json")]
    assert {note["source"]: note["reason"] for note in notes} == reasons


def test_empty_directory_gives_nothing_and_makes_no_inbox(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    assert take_in(tmp_path / "inbox", tmp_path / "in") == []
    assert not (tmp_path / "inbox").exists()


def test_links_to_files_are_read_and_links_to_directories_left(tmp_path: Path) -> None:
    source = write_files(tmp_path / "in", {"x/y.txt": b""})
    (source / "link.avro").symlink_to(SAMPLES / FIRST)
    (source / "loop").symlink_to(source)
    (source / "elsewhere").symlink_to(SAMPLES)
    (source / "dangling.json").symlink_to("nowhere")
    outcomes = take_in(tmp_path / "inbox", source)
    reason = "cannot be read: No such file or directory"
    assert rejections(outcomes) == {str(source / "dangling.json"): reason}
    assert stored(tmp_path / "inbox") == expected(FIRST)


def test_link_to_a_directory_given_by_name_is_followed(tmp_path: Path) -> None:
    write_files(tmp_path / "in", ALERTS)
    (tmp_path / "link").symlink_to("in")
    take_in(tmp_path / "inbox", tmp_path / "link")
    assert stored(tmp_path / "inbox") == expected(*ALERTS)


@pytest.mark.parametrize("name", ["pipe.avro", "pipe.tar"])
def test_named_pipe_in_a_directory_is_not_waited_for(tmp_path: Path, name: str) -> None:
    source = write_files(tmp_path / "in", ALERTS)
    os.mkfifo(source / name)
    outcomes = take_in(tmp_path / "inbox", source)
    reason = "is a named pipe; expected a file"
    assert rejections(outcomes) == {str(source / name): reason}
    assert stored(tmp_path / "inbox") == expected(*ALERTS)


@pytest.mark.parametrize("name", [FIRST, "x.tar", "x.zip"])
def test_unreadable_file_is_reported_and_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The error is made here: to root, who may run this, every file is readable."""
    source = write_files(tmp_path / "in", ALERTS)
    write_archive(source / "x.tar", ALERTS)
    write_archive(source / "x.zip", ALERTS)
    refuse(monkeypatch, io, "open", source / name)
    monkeypatch.setattr("builtins.open", io.open)
    refuse(monkeypatch, os, "open", source / name)
    outcomes = take_in(tmp_path / "inbox", source)
    assert list(rejections(outcomes)) == [str(source / name)]
    assert "Permission denied" in str(rejections(outcomes)[str(source / name)])
    assert stored(tmp_path / "inbox") == expected(*ALERTS)


def test_directory_that_cannot_be_listed_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_files(tmp_path / "in", {f"b/{FIRST}": b"", SECOND: ALERTS[SECOND]})
    refuse(monkeypatch, os, "scandir", source / "b")
    outcomes = take_in(tmp_path / "inbox", source)
    assert rejections(outcomes) == {str(source / "b"): "cannot be read: Permission denied"}
    assert stored(tmp_path / "inbox") == expected(SECOND)


def refuse(monkeypatch: pytest.MonkeyPatch, place: Any, function: str, path: Path) -> None:
    """Let a function fail for one path as if it were forbidden."""
    original: Callable[..., Any] = getattr(place, function)

    def call(first: Any, *args: Any, **kwargs: Any) -> Any:
        if first == path or first == str(path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return original(first, *args, **kwargs)

    monkeypatch.setattr(place, function, call)


@pytest.mark.parametrize("suffix", ["", ".tar", ".tar.gz", ".zip"])
def test_file_larger_than_an_alert_is_left_where_it_is(tmp_path: Path, suffix: str) -> None:
    """Of a bomb no more is unpacked than an alert may hold."""
    huge = {"huge.json": bytes(16 * 2**20 + 1), FIRST: ALERTS[FIRST]}
    if suffix:
        source = write_archive(tmp_path / f"x{suffix}", huge)
    else:
        source = write_files(tmp_path / "in", huge)
    outcomes = take_in(tmp_path / "inbox", source)
    assert list(rejections(outcomes).values()) == ["larger than 16777216 bytes; left where it is"]
    assert stored(tmp_path / "inbox") == expected(FIRST)
    assert not (tmp_path / "inbox" / "quarantine").exists()


@pytest.mark.parametrize("suffix", ARCHIVES)
@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b\x08", bytes(100)])
def test_broken_archive_is_reported_and_the_next_source_is_read(
    tmp_path: Path, suffix: str, content: bytes
) -> None:
    archive = tmp_path / f"x{suffix}"
    archive.write_bytes(content)
    outcomes = take_in(tmp_path / "inbox", archive, SAMPLES / FIRST)
    assert list(rejections(outcomes)) == [str(archive)]
    assert str(rejections(outcomes)[str(archive)]).startswith("archive cannot be read")
    assert stored(tmp_path / "inbox") == expected(FIRST)


@pytest.mark.parametrize("suffix", COMPRESSIONS)
def test_truncated_tar_gives_what_is_before_the_break_and_is_reported(
    tmp_path: Path, suffix: str
) -> None:
    noise = {"noise.bin": os.urandom(300_000)}  # fills compressed blocks, so that a cut falls there
    archive = write_archive(tmp_path / f"x{suffix}", {FIRST: ALERTS[FIRST], **noise, **ALERTS})
    whole = archive.read_bytes()
    archive.write_bytes(whole[: len(whole) - 150_000])
    outcomes = take_in(tmp_path / "inbox", archive)
    assert list(rejections(outcomes)) == [str(archive)]
    # bzip2 gives blocks of 900 kB or nothing.
    assert stored(tmp_path / "inbox") == (expected(FIRST) if "bz2" not in suffix else {})


def tar_with_two_alerts() -> tuple[bytes, int]:
    """Return a tar archive, and where its second member's header begins."""
    data = tar_bytes({FIRST: ALERTS[FIRST], SECOND: ALERTS[SECOND]})
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return data, archive.getmembers()[1].offset


@pytest.mark.parametrize("kept", [0, 100, 512, 600])
def test_tar_cut_at_any_place_of_a_member_is_reported(tmp_path: Path, kept: int) -> None:
    """Bytes of the second member that are left: none, part of its header, all of it, some data."""
    data, second = tar_with_two_alerts()
    archive = tmp_path / "x.tar"
    archive.write_bytes(data[: second + kept])
    outcomes = take_in(tmp_path / "inbox", archive)
    assert list(rejections(outcomes)) == [str(archive)]
    assert stored(tmp_path / "inbox") == expected(FIRST)


def test_tar_with_a_damaged_header_is_reported(tmp_path: Path) -> None:
    data, second = tar_with_two_alerts()
    archive = tmp_path / "x.tar"
    archive.write_bytes(data[:second] + b"\xff" + data[second + 1 :])
    outcomes = take_in(tmp_path / "inbox", archive)
    assert list(rejections(outcomes)) == [str(archive)]
    assert stored(tmp_path / "inbox") == expected(FIRST)


@pytest.mark.parametrize("suffix", [".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst"])
def test_archive_compressed_in_pieces_is_read_to_its_end(tmp_path: Path, suffix: str) -> None:
    """Parallel compressors (pigz, pbzip2, pzstd) write many streams one after the other."""
    import bz2
    import gzip
    import lzma

    compress: dict[str, Callable[[bytes], bytes]] = {
        ".tar.gz": gzip.compress,
        ".tar.bz2": bz2.compress,
        ".tar.xz": lzma.compress,
        ".tar.zst": zstd.compress,
    }
    data = tar_bytes(ALERTS)
    pieces = [data[:700], data[700:3000], data[3000:]]
    archive = tmp_path / f"x{suffix}"
    archive.write_bytes(b"".join(map(compress[suffix], pieces)))
    assert rejections(take_in(tmp_path / "inbox", archive)) == {}
    assert stored(tmp_path / "inbox") == expected(*ALERTS)


def test_tar_header_of_a_gigabyte_is_not_read_into_memory(tmp_path: Path) -> None:
    """An extended header is read as a whole: 5 MB of archive would take 2 GB of memory."""
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 2**30
    archive = tmp_path / "x.tar"
    archive.write_bytes(tar_bytes({FIRST: ALERTS[FIRST]})[:2560] + header.tobuf())
    with archive.open("r+b") as file:
        file.truncate(2**30)  # sparse: takes no room on disk
    assert take_in_with_little_memory(tmp_path, archive) == "stored rejected\n"
    assert stored(tmp_path / "inbox") == expected(FIRST)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".json", ".zip"])
def test_bomb_is_not_read_into_memory(tmp_path: Path, suffix: str) -> None:
    """Three hundred megabytes, where there is room for 256."""
    bomb = tmp_path / f"x{suffix}"
    if suffix == ".json":
        with bomb.open("wb") as file:
            file.truncate(300 * 2**20)  # sparse: takes no room on disk
    else:
        write_archive(bomb, {"bomb.json": bytes(300 * 2**20)})
    assert take_in_with_little_memory(tmp_path, bomb) == "rejected\n"


def take_in_with_little_memory(directory: Path, source: Path) -> str:
    script = (
        "import resource, sys; from pathlib import Path\n"
        "from sirenflow.inbox.ingest import ingest\n"
        "used = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, resource.RLIM_INFINITY))\n"
        "print(*(o.result for o in ingest([Path(sys.argv[1])], Path(sys.argv[2]))))\n"
    )
    command = [sys.executable, "-c", script, str(source), str(directory / "inbox")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def damage(archive: Path, member: str, shift: int) -> None:
    """Change a byte of a member's data, so far after the 30 bytes and the name before it."""
    data = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as opened:
        data[opened.getinfo(member).header_offset + 30 + len(member) + shift] ^= 0xFF
    archive.write_bytes(data)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("shift", [20, 100])
def test_damaged_zip_member_does_not_stop_the_others(
    tmp_path: Path, method: int, shift: int
) -> None:
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w", method) as written:
        for name, data in ALERTS.items():
            written.writestr(name, data)
    damage(archive, SECOND, shift)
    outcomes = take_in(tmp_path / "inbox", archive)
    assert list(rejections(outcomes)) == [f"{archive}!{SECOND}"]
    assert "cannot be read" in str(rejections(outcomes)[f"{archive}!{SECOND}"])
    assert stored(tmp_path / "inbox") == expected(FIRST, THIRD)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        (8, 1, "is encrypted; decrypt the archive first"),
        (10, 99, "is not compressed by deflate; pack it anew"),
        (10, zipfile.ZIP_BZIP2, "is not compressed by deflate; pack it anew"),
        (10, zipfile.ZIP_LZMA, "is not compressed by deflate; pack it anew"),
        (6, 99, "archive cannot be read any further: zip file version 9.9"),
    ],
)
def test_zip_member_that_cannot_be_unpacked_is_named(
    tmp_path: Path, field: int, value: int, reason: str
) -> None:
    """The central directory's flags (bit 0: encrypted), compression method and version needed."""
    archive = write_archive(tmp_path / "x.zip", {FIRST: ALERTS[FIRST]})
    data = bytearray(archive.read_bytes())
    data[data.index(b"PK\x01\x02") + field] = value
    archive.write_bytes(data)
    outcomes = take_in(tmp_path / "inbox", archive, SAMPLES / SECOND)
    assert list(rejections(outcomes).values()) == [reason]
    assert stored(tmp_path / "inbox") == expected(SECOND)


@pytest.mark.parametrize("suffix", [".tar", ".zip"])
@pytest.mark.parametrize(
    "name", ["../../escaped.avro", "/escaped.avro", "a\x1b[2J\nb.avro", "-.avro"]
)
def test_member_names_decide_nothing(tmp_path: Path, suffix: str, name: str) -> None:
    place = tmp_path / "a" / "b"
    place.mkdir(parents=True)
    archive = write_archive(place / f"x{suffix}", {name: ALERTS[FIRST]})
    outcomes = take_in(place / "inbox", archive)
    assert [outcome.result for outcome in outcomes] == ["stored"]
    assert stored(place / "inbox") == expected(FIRST)
    assert not list(tmp_path.rglob("*escaped*"))
    assert not Path("/escaped.avro").exists()


def test_tar_members_that_are_no_files_are_left(tmp_path: Path) -> None:
    archive = tmp_path / "x.tar"
    with tarfile.open(archive, "w") as written:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
            member = tarfile.TarInfo("x.avro")
            member.type, member.linkname = kind, "/etc/passwd"
            written.addfile(member)
    assert take_in(tmp_path / "inbox", archive) == []


@pytest.mark.slow
def test_two_at_the_same_time_store_each_alert_once(tmp_path: Path) -> None:
    """One superevent's alerts with different hashes, taken in by four processes at once."""
    members = {f"{n}.json": ALERTS[SECOND][:-1] + b', "n": %d}' % n for n in range(100)}
    source = write_files(tmp_path / "in", members)
    script = (
        "import sys; from pathlib import Path; from sirenflow.inbox.ingest import ingest\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "print(*(o.result for o in ingest([Path(sys.argv[1])], Path(sys.argv[2]))))\n"
    )
    command = [sys.executable, "-c", script, str(source), str(tmp_path / "inbox")]
    pipe = subprocess.PIPE
    processes = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(4)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    results = Counter(" ".join(process.communicate()[0] for process in processes).split())
    assert results == {"stored": 100, "duplicate": 300}
    assert sorted(stored(tmp_path / "inbox").values()) == sorted(members.values())
    assert len(list((tmp_path / "inbox").rglob("*.meta.json"))) == 100


def test_other_files_are_left_alone_and_counted(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not an alert")
    (tmp_path / "alert.avro.gz").write_bytes(b"")
    archive = write_archive(tmp_path / "x.zip", {"UPPER.JSON": ALERTS[FIRST], "README": b""})
    archive.rename(tmp_path / "x.ZIP")
    outcomes = list(ingest([tmp_path], tmp_path / "inbox"))
    assert sorted((Path(o.source).name, o.result) for o in outcomes) == [
        ("alert.avro.gz", "skipped"),
        ("notes.txt", "skipped"),
        ("x.ZIP!README", "skipped"),
        ("x.ZIP!UPPER.JSON", "stored"),
    ]


def test_zip_member_without_a_name_is_no_alert(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "x.zip", {"N": b""})
    archive.write_bytes(archive.read_bytes().replace(b"N", b"\0"))
    outcomes = list(ingest([archive, SAMPLES / FIRST], tmp_path / "inbox"))
    assert [outcome.result for outcome in outcomes] == ["skipped", "stored"]


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst"])
def test_archive_that_expands_without_end_is_left(tmp_path: Path, suffix: str) -> None:
    """Also in members that nobody wants."""
    archive = write_archive(
        tmp_path / f"x{suffix}", {FIRST: ALERTS[FIRST], "README": bytes(300 * 2**20)}
    )
    outcomes = take_in(tmp_path / "inbox", archive)
    assert "expands to more than 100 times its size" in str(rejections(outcomes))
    assert stored(tmp_path / "inbox") == expected(FIRST)


@pytest.mark.slow
def test_zip_members_that_share_their_bytes_come_to_an_end(tmp_path: Path) -> None:
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as written:
        written.writestr(FIRST, bytes(MAX_ALERT_BYTES))
        written.filelist += [written.getinfo(FIRST)] * 100
    found = [item.problem for item in source_items(archive)]
    assert len(found) < 20
    assert "expands to more than 100 times its size" in str(found[-1])


@pytest.mark.parametrize("version", ["0.0", "0.1", "1.0"])
def test_sparse_tar_member_is_refused(tmp_path: Path, version: str) -> None:
    """The list of its holes would be read for as long as there is any."""
    member = tarfile.TarInfo(FIRST)
    major, minor = version.split(".")
    member.pax_headers = {
        "GNU.sparse.major": major,
        "GNU.sparse.minor": minor,
        "GNU.sparse.map": "0,1",
        "GNU.sparse.size": "1",
    }
    if version == "0.0":
        member.pax_headers = {"GNU.sparse.size": "1", "GNU.sparse.numblocks": "1"}
    archive = tmp_path / "x.tar"
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(member)
    assert "is sparse" in str(rejections(take_in(tmp_path / "inbox", archive)))


@pytest.mark.parametrize(
    "name", ["_proc_sparse", "_proc_gnusparse_00", "_proc_gnusparse_01", "_proc_gnusparse_10"]
)
def test_methods_of_tarfile_that_are_overridden_exist(name: str) -> None:
    """If Python renames one, sparse members would be unpacked."""
    assert callable(getattr(tarfile.TarInfo, name))
