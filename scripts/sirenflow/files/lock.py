"""Locks that only one process can hold; the system releases them when it ends, however it ends.

The library filelock is not used: its locks neither name their holder, which the message needs, nor
pass to child processes, and a run's lock must last until the last of its workers has ended.
"""

import atexit
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from sirenflow.errors import BusyError, InboxError, os_errors_as


@contextmanager
def exclusive(file: Path) -> Iterator[int]:
    """Hold a lock file; yield its descriptor.

    A process that inherits the descriptor holds the lock, too: until the last of them has ended.
    Raise BusyError if another process holds it; the message says which. Raise InboxError if the
    file cannot be written.
    """
    with os_errors_as(InboxError, file, "written"):
        file.parent.mkdir(parents=True, exist_ok=True)
        stream = file.open("a+", encoding="utf-8", errors="replace")
    with stream:
        _take_lock(stream, file)
        yield stream.fileno()


class HeldLocks:
    """The locks that parts of one program hold for each other: what one has locked, others may use.

    A plain lock would refuse the second part, although it belongs to the same program.
    """

    def __init__(self) -> None:
        self._descriptors: dict[Path, int] = {}
        self._until_exit = ExitStack()

    @contextmanager
    def exclusive(self, file: Path) -> Iterator[None]:
        """Hold a lock file; raises the errors of the function `exclusive`."""
        with exclusive(file) as descriptor:
            self._descriptors[file.resolve()] = descriptor
            try:
                yield
            finally:
                del self._descriptors[file.resolve()]

    def hold(self, file: Path) -> None:
        """Hold a lock file until this process ends, unless a part of it does so already."""
        if file.resolve() not in self._descriptors:
            self._until_exit.enter_context(self.exclusive(file))
            atexit.register(self._until_exit.close)

    def descriptors(self) -> list[int]:
        """Return the file descriptors of the locks, for child processes to inherit."""
        return list(self._descriptors.values())


def _take_lock(stream: TextIO, file: Path) -> None:
    with os_errors_as(InboxError, file, "locked"):
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            holder = _describe_holder(stream.read())
            raise BusyError(f"{file} is locked by {holder}; stop that process first") from None
        stream.truncate(0)
        stream.write(json.dumps(_this_process()))
        stream.flush()


def _this_process() -> dict[str, object]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"pid": os.getpid(), "host": socket.gethostname(), "since": now}


def _describe_holder(text: str) -> str:
    try:
        known = json.loads(text)
        return f"process {known['pid']} on {known['host']} since {known['since']}"
    except (ValueError, TypeError, KeyError):  # it has not written it yet
        return "another process"
