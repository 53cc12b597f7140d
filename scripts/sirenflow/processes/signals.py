"""A run that is told to stop, by Ctrl-C or SIGTERM, whatever it is doing just then."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_TOLD: list[int] = []


class Stopped(KeyboardInterrupt):
    """What was going on has come to its end before it was done.

    Attributes
    ----------
    number
        The signal that it was told by.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def interrupt(number: int, _frame: FrameType | None = None) -> None:
    """Interrupt what is being done; told the same again, end at once.

    Another signal changes nothing: Ctrl-C reaches a process by its terminal, and by its parent.
    """
    if number in _TOLD:
        os._exit(128 + number)
    _TOLD.append(number)
    if len(_TOLD) == 1:
        raise Stopped(number)


def check() -> None:
    """Interrupt what is being done if that was told before, and somebody took it for his own.

    Raises
    ------
    Stopped
        If so.
    """
    if _TOLD:
        raise Stopped(_TOLD[0])


@contextmanager
def on_signals() -> Iterator[None]:
    """Have Ctrl-C and SIGTERM raise `Stopped`: also at the end of what is told to stop.

    What is ignored, as Ctrl-C is by commands in a shell's background, stays so.
    """
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    heeded = [number for number in _SIGNALS if before[number] != signal.SIG_IGN]
    for number in heeded:
        signal.signal(number, interrupt)
    try:
        yield
        check()
    finally:
        if not _TOLD:  # or this process is about to end, and may be told again
            for number in heeded:
                signal.signal(number, before[number])
