"""The exit codes of all commands, and of the processes that Sirenflow starts."""

import os

ERROR = 1
USAGE = 2
REJECTED = 3
"""Done, but some input was rejected."""
CHANGED = 4
"""Values of two result directories differ."""
BUSY = os.EX_TEMPFAIL
"""75: another process does this already; try again later."""


def of_signal(number: int) -> int:
    """Return the exit code of a process that a signal stopped, as a shell reports it."""
    return 128 + number
