"""A durable file is on disk when the call returns, whole or not at all, and is never replaced."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from disk import DISK_ERRORS, Disk, files_below, run_python
from hypothesis import given
from hypothesis import strategies as st

from sirenflow.errors import InboxError
from sirenflow.files.durable import (
    link_durably,
    make_directories,
    replacement,
    write_durably,
    write_synced,
)

if TYPE_CHECKING:
    from collections.abc import Callable


@given(st.binary())
def test_what_is_written_is_what_is_read(data: bytes) -> None:
    with TemporaryDirectory() as directory:
        assert write_durably(Path(directory, "x.avro"), data) is True
        assert files_below(Path(directory)) == {"x.avro": data}


def test_durable_write_never_replaces_a_file(tmp_path: Path) -> None:
    path = tmp_path / "x.avro"
    assert write_durably(path, b"first") is True
    assert write_durably(path, b"second") is False
    assert files_below(tmp_path) == {"x.avro": b"first"}


def test_link_never_replaces_a_file(tmp_path: Path) -> None:
    (tmp_path / "first").write_bytes(b"first")
    (tmp_path / "second").write_bytes(b"second")
    assert link_durably(tmp_path / "first", tmp_path / "x.avro") is True
    assert link_durably(tmp_path / "second", tmp_path / "x.avro") is False
    assert (tmp_path / "x.avro").read_bytes() == b"first"


def test_link_leaves_the_file_its_other_name(tmp_path: Path) -> None:
    """The one who wrote it takes that name away, once its work is done."""
    (tmp_path / "synced").write_bytes(b"data")
    link_durably(tmp_path / "synced", tmp_path / "new" / "x.avro")
    assert files_below(tmp_path) == {"synced": b"data", "new/x.avro": b"data"}


def test_synced_write_never_replaces_a_file(tmp_path: Path) -> None:
    write_synced(tmp_path / "x.part", b"first")
    with pytest.raises(FileExistsError):
        write_synced(tmp_path / "x.part", b"second")
    assert files_below(tmp_path) == {"x.part": b"first"}


# -------------------------------------------------------------------------------- what is synced


def test_file_and_directory_are_synced_before_and_after_the_name_appears(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not synced in this order, a power cut may take or leave half."""
    disk = Disk(monkeypatch)
    write_durably(tmp_path / "new" / "x.avro", b"12345")
    assert disk.calls == [
        "make new",
        f"sync directory {tmp_path.name}",
        "open",
        "write 5 bytes",
        "sync 5 bytes",
        "link x.avro",
        "sync directory new",
    ]


def test_link_of_a_synced_file_writes_only_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "synced").write_bytes(b"12345")
    disk = Disk(monkeypatch)
    link_durably(tmp_path / "synced", tmp_path / "a" / "b" / "x.avro")
    assert disk.calls == [
        "make a",
        f"sync directory {tmp_path.name}",
        "make b",
        "sync directory a",
        "link x.avro",
        "sync directory b",
    ]


def test_directory_is_synced_for_a_file_that_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its writer may have been stopped just before; to return means that it is on disk."""
    (tmp_path / "x.avro").write_bytes(b"data")
    (tmp_path / "synced").write_bytes(b"data")
    disk = Disk(monkeypatch)
    assert write_durably(tmp_path / "x.avro", b"data") is False
    assert disk.calls[-1] == f"sync directory {tmp_path.name}"
    disk.calls.clear()
    assert link_durably(tmp_path / "synced", tmp_path / "x.avro") is False
    assert disk.calls[-1] == f"sync directory {tmp_path.name}"
    assert not [call for call in disk.calls if "bytes" in call]


def test_writer_that_was_overtaken_syncs_the_directory_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The faster one may not have come so far."""
    link = os.link

    def overtaken(source: Path, target: Path) -> None:
        target.write_bytes(b"data")
        link(source, target)

    monkeypatch.setattr(os, "link", overtaken)
    disk = Disk(monkeypatch)
    assert write_durably(tmp_path / "x.avro", b"data") is False
    assert disk.calls[-2:] == ["link x.avro", f"sync directory {tmp_path.name}"]
    assert files_below(tmp_path) == {"x.avro": b"data"}


def test_directory_that_another_makes_meanwhile_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mkdir = os.mkdir

    def overtaken(path: Path, *args: Any) -> None:
        mkdir(path, *args)
        mkdir(path, *args)

    monkeypatch.setattr(os, "mkdir", overtaken)
    make_directories(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


# --------------------------------------------------------------------------------- what goes wrong


def fail(number: int) -> Callable[..., Any]:
    def call(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return call


@pytest.mark.parametrize("call", ["fsync", "link", "open"])
@pytest.mark.parametrize("number", DISK_ERRORS)
def test_failing_disk_leaves_no_temporary_file_and_the_next_try_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    path = tmp_path / "x.avro"
    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail(number))
        with pytest.raises(InboxError, match=rf"x\.avro cannot be written: {os.strerror(number)}"):
            write_durably(path, b"data")
    assert set(files_below(tmp_path)) <= {"x.avro"}
    write_durably(path, b"data")
    assert files_below(tmp_path) == {"x.avro": b"data"}


@pytest.mark.parametrize("fails_at", range(7))
def test_any_call_that_fails_leaves_all_or_nothing_and_the_next_try_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    disk = Disk(monkeypatch)
    disk.fails_at = fails_at
    with pytest.raises(InboxError, match=r"x\.avro cannot be written: Input/output error"):
        write_durably(tmp_path / "new" / "x.avro", b"data")
    assert files_below(tmp_path) in ({}, {"new/x.avro": b"data"})
    write_durably(tmp_path / "new" / "x.avro", b"data")
    assert files_below(tmp_path) == {"new/x.avro": b"data"}


@pytest.mark.parametrize("fails_at", range(4))
def test_link_that_fails_leaves_the_synced_file_and_the_next_try_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    synced, path = tmp_path / "synced", tmp_path / "new" / "x.avro"
    synced.write_bytes(b"data")
    disk = Disk(monkeypatch)
    disk.fails_at = fails_at
    with pytest.raises(InboxError, match=r"x\.avro cannot be written: Input/output error"):
        link_durably(synced, path)
    assert synced.read_bytes() == b"data"
    link_durably(synced, path)
    assert path.read_bytes() == b"data"


def test_link_of_a_file_that_is_gone_is_an_inbox_error(tmp_path: Path) -> None:
    with pytest.raises(InboxError, match=os.strerror(errno.ENOENT)):
        link_durably(tmp_path / "gone", tmp_path / "x.avro")


def test_write_that_stops_half_way_leaves_nothing(tmp_path: Path) -> None:
    """A file size limit cuts a write as a full disk does, in the system and not in a mock."""
    script = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from sirenflow.files import durable\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "durable.write_durably(Path(sys.argv[1]), bytes(10000))\n"
    )
    done = run_python(script, tmp_path / "x.avro")
    assert "InboxError" in done.stderr
    assert "File too large" in done.stderr
    assert files_below(tmp_path) == {}


def test_two_writers_of_one_process_number_do_not_share_a_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In containers every process is number 1: a shared one would be cut under the other's name."""
    monkeypatch.setattr(os, "getpid", lambda: 1)
    temporary: list[Path] = []
    monkeypatch.setattr(os, "link", lambda source, _: temporary.append(source))
    write_durably(tmp_path / "x.avro", b"data")
    write_durably(tmp_path / "x.avro", b"data")
    assert len(set(temporary)) == 2


def test_name_too_long_for_the_file_system_is_an_inbox_error(tmp_path: Path) -> None:
    with pytest.raises(InboxError, match="File name too long"):
        write_durably(tmp_path / ("x" * 300) / "x.avro", b"data")
    (tmp_path / "synced").write_bytes(b"data")
    with pytest.raises(InboxError, match="File name too long"):
        link_durably(tmp_path / "synced", tmp_path / ("x" * 300) / "x.avro")


def test_replacement_is_complete_or_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "table"
    with replacement(path) as new:
        new.write_text("first")
        assert not path.exists()
    assert path.read_text() == "first"
    with pytest.raises(TypeError), replacement(path) as new, new.open("w") as file:
        file.writelines(["half", None])  # type: ignore[list-item]
    assert [file.name for file in tmp_path.iterdir()] == ["table"]
    assert path.read_text() == "first"
