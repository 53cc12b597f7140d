"""Standard input, output and error that may be closed or full.

A service manager, cron or a shell (``2>&-``, ``2>/dev/full``) decides what they are. A message that
cannot be written must not cost an alert.
"""

import io
import os
import sys
from typing import Any, TextIO

_FAILED: set[int] = set()


def repair() -> None:
    """Open closed standard streams on ``/dev/null``, and let no write to them raise an error.

    If one is closed, the next file that is opened gets its number, and is written to in its place.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - a number
    # Whatever replaced the others, such as a test runner, knows how to write to them.
    if sys.stdout is sys.__stdout__:
        sys.stdout = _tolerant(1, sys.stdout)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _tolerant(2, sys.stderr)


def has_lost_output() -> bool:
    """Return whether something could not be written to standard output."""
    sys.stdout.flush()
    return 1 in _FAILED


class _TolerantFile(io.FileIO):
    """A file whose writes succeed even if what they write is lost."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError:
            _FAILED.add(self.fileno())
            return memoryview(data).nbytes


def _tolerant(number: int, present: TextIO | None) -> TextIO:
    return io.TextIOWrapper(
        io.BufferedWriter(_TolerantFile(number, "w", closefd=False)),
        encoding=present.encoding if present is not None else None,
        errors="backslashreplace",
        line_buffering=number == 2 or os.isatty(number),
    )
