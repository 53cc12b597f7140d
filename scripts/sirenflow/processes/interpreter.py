"""The Python interpreters that Sirenflow starts.

An interpreter that is started with ``-c`` or ``-m`` puts the working directory first on its module
search path. The working directory is the user's: a file ``token.py`` there would replace a module
of the standard library (CWE-427). So each interpreter is started with ``-P``. ``PYTHONPATH`` keeps
its meaning.
"""

import os
import sys
from contextlib import suppress

COMMAND = (sys.executable, "-P")
"""The start of each command line that runs Python."""

_MOST_OUTPUT_BYTES = 65_536
_MOST_LINES = 20


class StartupOutput:
    """Standard error of an interpreter until it is ready, to report why it could not start.

    The new process writes to a file in memory. When it is ready it calls `restore_stderr`, which
    gives it the standard error of the process that started it.
    """

    def __init__(self) -> None:
        self.file = os.memfd_create("stderr")
        try:
            self.stderr = os.dup(2)
        except OSError:  # standard error is closed
            self.stderr = os.open(os.devnull, os.O_WRONLY)

    def close_stderr(self) -> None:
        """Close the copy of standard error that the new process was given."""
        os.close(self.stderr)

    def close(self) -> None:
        """Free the memory."""
        os.close(self.file)

    def lines(self) -> list[str]:
        """Return the last lines that the process wrote before it was ready, without blank lines."""
        size = os.fstat(self.file).st_size
        offset = max(0, size - _MOST_OUTPUT_BYTES)
        text = os.pread(self.file, _MOST_OUTPUT_BYTES, offset).decode(errors="backslashreplace")
        return [line for line in text.splitlines() if line.strip()][-_MOST_LINES:]


def restore_stderr(stderr: int) -> None:
    """Write to a copy of standard error from now on, and copy what was written before to it."""
    sys.stderr.flush()
    size = os.fstat(2).st_size
    said = os.pread(2, size, 0)
    os.dup2(stderr, 2)
    os.close(stderr)
    with suppress(OSError):  # a full disk; this is a warning at most
        os.write(2, said)
