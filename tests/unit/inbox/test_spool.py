"""What kills the process that judges it is on disk already, and cannot stop the stream for ever."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from disk import Disk, files_below, run_python

from sirenflow.errors import AlertError, InboxError
from sirenflow.inbox.arrival import Arrival
from sirenflow.inbox.spool import orphaned, spooled

DATA = Arrival(b"data", {})


def in_spool(directory: Path) -> dict[str, bytes]:
    """Return the files that exist only while their bytes are decoded."""
    return files_below(directory / ".incoming")


def leave(directory: Path, data: bytes) -> None:
    """Leave a file as a process does that dies."""
    script = (
        "import os, sys; from pathlib import Path; from sirenflow.inbox.spool import spooled\n"
        "from sirenflow.inbox.arrival import Arrival\n"
        "with spooled(Path(sys.argv[1]), Arrival(bytes.fromhex(sys.argv[2]), {})):\n"
        "    os._exit(9)\n"
    )
    assert run_python(script, directory, Path(data.hex())).returncode == 9


# ------------------------------------------------------------------------------------ spooled


def test_file_exists_exactly_while_its_bytes_are_in_spool(tmp_path: Path) -> None:
    with spooled(tmp_path, DATA) as arrival:
        assert arrival.spooled is not None
        assert arrival.spooled.parent == tmp_path / ".incoming"
        assert in_spool(tmp_path) == {arrival.spooled.name: b"data"}
    assert in_spool(tmp_path) == {}


def test_file_is_on_disk_before_anyone_looks_at_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)
    with spooled(tmp_path, Arrival(b"12345", {})):
        assert disk.calls[-3:] == ["open", "write 5 bytes", "sync 5 bytes"]


def test_same_bytes_twice_at_once_are_two_files(tmp_path: Path) -> None:
    with spooled(tmp_path, DATA):
        with spooled(tmp_path, DATA):
            assert len(in_spool(tmp_path)) == 2
        assert len(in_spool(tmp_path)) == 1


@pytest.mark.parametrize(
    "error",
    [AlertError("no good"), InboxError(), RuntimeError(), MemoryError(), KeyboardInterrupt()],
    ids=repr,
)
def test_file_is_gone_after_any_exception(tmp_path: Path, error: BaseException) -> None:
    """An exception is no death: who raised it can still say what becomes of the bytes."""
    with pytest.raises(type(error)), spooled(tmp_path, DATA):
        raise error
    assert in_spool(tmp_path) == {}


@pytest.mark.parametrize("fails_at", range(5))
def test_file_that_cannot_be_written_is_an_inbox_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    disk = Disk(monkeypatch)
    disk.number, disk.fails_at = errno.ENOSPC, fails_at
    message = r"\.incoming/.* cannot be written: No space left on device"
    with pytest.raises(InboxError, match=message), spooled(tmp_path, DATA):
        pytest.fail("nothing may be judged that is not on disk")
    assert in_spool(tmp_path) == {}


def test_killed_process_leaves_the_file(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from sirenflow.inbox.spool import spooled\n"
        "from sirenflow.inbox.arrival import Arrival\n"
        "with spooled(Path(sys.argv[1]), Arrival(b'data', {})):\n"
        "    print('judging', flush=True); sys.stdin.read()\n"
    )
    pipe, command = subprocess.PIPE, [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "judging\n"
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert list(in_spool(tmp_path).values()) == [b"data"]


# ---------------------------------------------------------------------------------- left behind


def test_nothing_is_left_where_nothing_came(tmp_path: Path) -> None:
    assert list(orphaned(tmp_path)) == []
    with spooled(tmp_path, DATA):
        pass
    assert list(orphaned(tmp_path)) == []


def test_each_file_is_given_with_its_deaths_counted_on_disk(tmp_path: Path) -> None:
    """Who takes it may die of it, and the next one must know."""
    leave(tmp_path, b"data")
    for crashes in (1, 2, 3, 12):
        if crashes == 12:
            (path,) = (tmp_path / ".incoming").iterdir()
            path.rename(path.with_name(path.name.replace("-3-", "-11-")))
        ((arrival, counted),) = orphaned(tmp_path)
        assert (arrival.data, counted) == (b"data", crashes)
        assert arrival.spooled is not None
        assert in_spool(tmp_path) == {arrival.spooled.name: b"data"}


def test_only_the_file_in_hand_has_its_count_raised(tmp_path: Path) -> None:
    """The others have killed nobody."""
    for data in (b"a", b"b", b"c"):
        leave(tmp_path, data)
    next(orphaned(tmp_path))
    assert sorted(crashes for _, crashes in orphaned(tmp_path)) == [1, 1, 2]


@pytest.mark.parametrize("torn", [b"", b"dat"])
def test_torn_file_is_deleted(tmp_path: Path, torn: bytes) -> None:
    """It was not accepted, and is delivered again."""
    leave(tmp_path, b"data")
    (path,) = (tmp_path / ".incoming").iterdir()
    path.write_bytes(torn)
    leave(tmp_path, b"other")
    assert [arrival.data for arrival, _ in orphaned(tmp_path)] == [b"other"]
    assert list(in_spool(tmp_path).values()) == [b"other"]


def test_files_of_other_names_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".incoming").mkdir()
    names = ["notes.txt", "x.part", "0123456789ab-0.part", "0123456789ab-x-00.part"]
    for name in names:
        (tmp_path / ".incoming" / name).touch()
    assert list(orphaned(tmp_path)) == []
    assert sorted(in_spool(tmp_path)) == sorted(names)


@pytest.mark.parametrize("call", ["read_bytes", "rename"])
def test_file_that_cannot_be_read_is_an_inbox_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    leave(tmp_path, b"data")

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(Path, call, fail)
        with pytest.raises(InboxError, match=r"\.incoming cannot be read: Input/output error"):
            list(orphaned(tmp_path))
    assert list(in_spool(tmp_path).values()) == [b"data"]
