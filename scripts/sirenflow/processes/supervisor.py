"""Two commands as one: each in a process of its own, and either may die without hurting the other.

Standard input ties them to whoever started them: nothing is ever written to it, so when it ends,
that process is gone, however it ended.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Collection, Sequence
from types import FrameType

from sirenflow.processes import interpreter

_LOG = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
"""What dies again within this time is started again after twice the last pause, up to this."""

_PROGRAM = "from sirenflow.processes.supervisor import follow; follow()"
_LOOK_SECONDS = 0.2
_TRY_AGAIN = 75


def follow() -> None:
    """Run the `sirenflow` command of this process's arguments; stop it when standard input ends."""
    from sirenflow.cli import main

    threading.Thread(target=_stop_with_standard_input, daemon=True).start()
    main(prog_name="sirenflow")


def _stop_with_standard_input() -> None:
    while os.read(0, 1):  # and not of sys.stdin, whose lock an interpreter needs to end
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def run_together(
    first: Sequence[str], second: Sequence[str], last: Sequence[str], final: Collection[int]
) -> int:
    """Run two commands of `sirenflow`, and start again what dies, until SIGTERM or Ctrl-C.

    Parameters
    ----------
    first, second
        Names and arguments of the commands.
    last
        Command for the end, if the first one has come to its end with exit code 0. It is called
        again while it exits with 75, as another process is in its way.
    final
        Exit codes of the first one that are the end.

    Returns
    -------
    int
        The first command's exit code.
    """
    stopping = _told_to_stop()
    one, other = _Part(first), _Part(second)
    while one.look() not in final and not stopping.wait(_LOOK_SECONDS):
        one.revive(final)
        other.revive(())
    one.terminate()
    other.terminate()
    other.wait()
    code = one.wait()
    at_end = code == 0 and not stopping.is_set()
    while at_end and _run(last, stopping) == _TRY_AGAIN:
        at_end = not stopping.wait(FIRST_PAUSE_SECONDS)
    return code


def _run(command: Sequence[str], stopping: threading.Event) -> int:
    part = _Part(command)
    while part.look() is None and not stopping.wait(_LOOK_SECONDS):
        pass
    part.terminate()
    return part.wait()


def _told_to_stop() -> threading.Event:
    """Give an event that SIGTERM and SIGINT set; with a second one all of us end at once."""
    stopping = threading.Event()

    def stop(number: int, _: FrameType | None) -> None:
        if stopping.is_set():
            os._exit(128 + number)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return stopping


class _Part:
    """A command that runs, or will again."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._name = next(word for word in command if not word.startswith("-"))
        self._pause = 0.0
        self._due = 0.0
        self._start()

    def _start(self) -> None:
        self._started = time.monotonic()
        # In a process group of its own: Ctrl-C in a terminal is for us, and we pass it on, once.
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [*interpreter.COMMAND, "-c", _PROGRAM, *self._command],
            stdin=subprocess.PIPE,
            process_group=0,
        )

    def look(self) -> int | None:
        """Give its exit code, below 0 if it was killed; None while it runs."""
        return self._process.poll()

    def revive(self, final: Collection[int]) -> None:
        """Start it again, after a pause, if it has died."""
        code = self.look()
        if code is None or code in final:
            return
        now = time.monotonic()
        if self._due <= self._started:  # it has just been found dead
            soon = now - self._started < LONGEST_PAUSE_SECONDS
            self._pause = min(2 * self._pause if soon else 0.0, LONGEST_PAUSE_SECONDS)
            self._pause = max(self._pause, FIRST_PAUSE_SECONDS)
            self._due = now + self._pause
            how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            _LOG.warning("%s ended (%s); starting it again in %g s", self._name, how, self._pause)
        elif now >= self._due:
            self._start()
            _LOG.info("%s is started again", self._name)

    def terminate(self) -> None:
        """Have it end soon, if it runs."""
        self._process.terminate()

    def wait(self) -> int:
        """Wait for its end; give an exit code as a shell does."""
        code = self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        return code if code >= 0 else 128 - code
