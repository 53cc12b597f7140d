"""SIGTERM and SIGINT (Ctrl-C): stop what runs, whatever it is doing.

A command that works in steps waits for an event, `stop_event`. A run of Snakemake is interrupted by
an exception, `raise_on_signals`; libraries may swallow it, so the signal is remembered and `check`
raises it again. Handlers belong to the process, not to a caller, and so does this memory.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from sirenflow.processes import exit_codes

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_RECEIVED: list[int] = []


class Stopped(KeyboardInterrupt):
    """A signal stopped the run."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def interrupt(number: int, _frame: FrameType | None = None) -> None:
    """Raise `Stopped` on the first signal; end the process at once if the same one comes again.

    A different second signal changes nothing: Ctrl-C reaches a process from its terminal and, as
    SIGTERM, from its parent.
    """
    if number in _RECEIVED:
        os._exit(exit_codes.of_signal(number))
    _RECEIVED.append(number)
    if len(_RECEIVED) == 1:
        raise Stopped(number)


def check() -> None:
    """Raise `Stopped` if a signal was received earlier and the exception was swallowed."""
    if _RECEIVED:
        raise Stopped(_RECEIVED[0])


@contextmanager
def raise_on_signals() -> Iterator[None]:
    """Have SIGINT and SIGTERM raise `Stopped`, at the latest at the end of the block.

    A signal that is ignored, as a shell does with SIGINT for background commands, stays ignored.
    """
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    handled = [number for number in STOP_SIGNALS if before[number] != signal.SIG_IGN]
    for number in handled:
        signal.signal(number, interrupt)
    try:
        yield
        check()
    finally:
        if not _RECEIVED:  # else the process is about to end, and may get a second signal
            for number in handled:
                signal.signal(number, before[number])


@contextmanager
def stop_event(
    on_stop: Callable[[signal.Signals], object] = lambda _: None,
) -> Iterator[threading.Event]:
    """Yield an event that SIGINT and SIGTERM set; a second signal ends the process at once."""
    stopping = threading.Event()

    def stop(number: int) -> None:
        if stopping.is_set():
            os._exit(exit_codes.of_signal(number))
        on_stop(signal.Signals(number))
        stopping.set()

    with call_on_signals(stop):
        yield stopping


@contextmanager
def call_on_signals(action: Callable[[int], None]) -> Iterator[None]:
    """Call a function with the number of each SIGINT and SIGTERM."""

    def handle(number: int, _frame: FrameType | None) -> None:
        action(number)

    before = {number: signal.signal(number, handle) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
