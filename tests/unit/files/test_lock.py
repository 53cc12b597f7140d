"""One process holds a lock; its death, however it comes, releases it."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sirenflow.errors import BusyError, InboxError
from sirenflow.files.lock import exclusive

_HOLDER = """
import sys, time
from pathlib import Path
from sirenflow.files.lock import exclusive
with exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@contextmanager
def holder(file: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a process that holds the lock until it is killed."""
    command = [sys.executable, "-c", _HOLDER, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_second_process_is_told_who_holds_it(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with (
        holder(file) as process,
        pytest.raises(BusyError) as caught,
        exclusive(file),
    ):
        pytest.fail("two hold it")
    begin = f"{file} is locked by process {process.pid} on {socket.gethostname()} since "
    assert str(caught.value).startswith(begin)
    assert str(caught.value).endswith("; stop that process first")


def test_kill_releases_it(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with holder(file) as process:
        process.kill()
        process.wait()
        with exclusive(file):
            assert json.loads(file.read_text())["pid"] == os.getpid()


def test_refusal_leaves_the_holders_name(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with exclusive(file):
        for _ in range(2):
            with pytest.raises(BusyError, match=f"process {os.getpid()} on "), exclusive(file):
                pytest.fail("two hold it")


def test_error_within_releases_it(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with pytest.raises(ZeroDivisionError), exclusive(file):
        raise ZeroDivisionError
    with exclusive(file):
        pass


def test_two_files_are_two_locks(tmp_path: Path) -> None:
    with exclusive(tmp_path / "a" / "lock"), exclusive(tmp_path / "b" / "lock"):
        assert (tmp_path / "a" / "lock").exists()


def test_longer_name_of_an_earlier_holder_is_gone(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    file.write_text(json.dumps({"pid": 1, "host": "x" * 500, "since": "long ago"}))
    with exclusive(file):
        assert json.loads(file.read_text())["host"] == socket.gethostname()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b'{"pid": 1}', b"\xff\xfe", b"null"])
def test_holder_that_has_not_told_its_name_is_another_process(
    tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "lock"
    file.write_bytes(content)
    with file.open("rb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(BusyError) as caught, exclusive(file):
            pytest.fail("two hold it")
    assert str(caught.value) == (f"{file} is locked by another process; stop that process first")


def test_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    file = tmp_path / "file" / "lock"
    with pytest.raises(InboxError) as caught, exclusive(file):
        pytest.fail("held")
    assert str(caught.value) in (
        f"{file} cannot be written: Not a directory",
        f"{file} cannot be written: File exists",
    )


def test_lock_that_is_a_directory_is_told(tmp_path: Path) -> None:
    with pytest.raises(InboxError, match="cannot be written: Is a directory"), exclusive(tmp_path):
        pytest.fail("held")


def test_file_system_without_locks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)
    with (
        pytest.raises(InboxError, match="cannot be locked: No locks available"),
        exclusive(tmp_path / "lock"),
    ):
        pytest.fail("held")


def test_lock_that_is_held_to_the_end_may_be_asked_for_again(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from sirenflow.files.lock import HeldLocks\n"
        "file = Path(sys.argv[1])\n"
        "locks = HeldLocks()\n"
        "with locks.exclusive(file): locks.hold(file)\n"
        "locks.hold(file); locks.hold(file); assert len(locks.descriptors()) == 1\n"
        "print(file.read_text())"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "lock")]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said.stderr == ""
    assert json.loads(said.stdout)["host"] == socket.gethostname()
    with exclusive(tmp_path / "lock"):
        pass


def test_lock_that_another_holds_cannot_be_held(tmp_path: Path) -> None:
    script = (
        "from pathlib import Path; from sirenflow.files.lock import HeldLocks\n"
        "HeldLocks().hold(Path('lock'))"
    )
    with holder(tmp_path / "lock") as process:
        said = subprocess.run(
            [sys.executable, "-c", script],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert f"process {process.pid} on " in said.stderr
