"""One process at a time, told apart by a lock that its death releases."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from sirenflow.errors import BusyError, InboxError


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
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        stream = file.open("a+", encoding="utf-8", errors="replace")
    except OSError as error:
        raise InboxError(f"{file} cannot be written: {error.strerror}") from error
    with stream:
        _lock(stream, file)
        yield


def _lock(stream: TextIO, file: Path) -> None:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        stream.truncate(0)
        stream.write(json.dumps(_self()))
        stream.flush()
    except BlockingIOError:
        stream.seek(0)
        raise BusyError(
            f"{_holder(stream.read())} holds {file}; only one may, so stop that one first"
        ) from None
    except OSError as error:
        raise InboxError(f"{file} cannot be locked: {error.strerror}") from error


def _self() -> dict[str, object]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"pid": os.getpid(), "host": socket.gethostname(), "since": now}


def _holder(text: str) -> str:
    try:
        known = json.loads(text)
        return f"process {known['pid']} on {known['host']}, since {known['since']},"
    except (ValueError, TypeError, KeyError):  # it has not written it yet
        return "another process"
