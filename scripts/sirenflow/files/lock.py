"""One process at a time, told apart by a lock that its death releases."""

from __future__ import annotations

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

_HELD: dict[Path, int] = {}
_UNTIL_THE_END = ExitStack()
atexit.register(_UNTIL_THE_END.close)


@contextmanager
def exclusive(file: Path) -> Iterator[None]:
    """Hold a lock file; the system releases it when the process ends, however it ends.

    Raises
    ------
    BusyError
        If another process holds it; the message says which.
    InboxError
        If the file cannot be written.
    """
    with os_errors_as(InboxError, file, "written"):
        file.parent.mkdir(parents=True, exist_ok=True)
        stream = file.open("a+", encoding="utf-8", errors="replace")
    with stream:
        _lock(stream, file)
        _HELD[file.resolve()] = stream.fileno()
        try:
            yield
        finally:
            del _HELD[file.resolve()]


def hold(file: Path) -> None:
    """Hold a lock file until this process ends; it may do so already.

    Raises
    ------
    BusyError, InboxError
        As `exclusive`.
    """
    if file.resolve() not in _HELD:
        _UNTIL_THE_END.enter_context(exclusive(file))


def held() -> list[int]:
    """Give the file descriptors of the locks that this process holds.

    A process that inherits them holds the locks, too: until the last of them has ended.
    """
    return list(_HELD.values())


def _lock(stream: TextIO, file: Path) -> None:
    with os_errors_as(InboxError, file, "locked"):
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            raise BusyError(
                f"{_holder(stream.read())} holds {file}; only one may, so stop that one first"
            ) from None
        stream.truncate(0)
        stream.write(json.dumps(_self()))
        stream.flush()


def _self() -> dict[str, object]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"pid": os.getpid(), "host": socket.gethostname(), "since": now}


def _holder(text: str) -> str:
    try:
        known = json.loads(text)
        return f"process {known['pid']} on {known['host']}, since {known['since']},"
    except (ValueError, TypeError, KeyError):  # it has not written it yet
        return "another process"
