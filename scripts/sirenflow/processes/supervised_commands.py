"""Run two commands at once, each in its own process, restarted if it dies.

Each child has a pipe as standard input to which nothing is written. The pipe closes when the parent
is gone, however it ended, and the child stops: see `stop_with_standard_input`.
"""

import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Collection, Sequence

from sirenflow.processes import exit_codes, interpreter, signals

_LOG = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
"""A child that dies within this time is restarted after twice the last pause, at most this."""

STDIN_OPTION = "--stop-with-stdin"
"""Option of `sirenflow` that makes the command call `stop_with_standard_input`."""

_POLL_SECONDS = 0.2


def stop_with_standard_input() -> None:
    """Send SIGTERM to this process when standard input ends."""
    threading.Thread(target=_stop_at_end_of_input, daemon=True).start()


def _stop_at_end_of_input() -> None:
    while os.read(0, 1):  # not sys.stdin, whose lock an interpreter needs to exit
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def supervise(
    first: Sequence[str], second: Sequence[str], last: Sequence[str], final: Collection[int]
) -> int:
    """Run two commands of `sirenflow`, and restart them when they die, until SIGTERM or Ctrl-C.

    Parameters
    ----------
    last
        Command to run at the end, if the first one ended with exit code 0. It is repeated while it
        exits with 75, because another process is still working.
    final
        Exit codes of the first command that end both; after any other it is restarted.
    """
    with signals.stop_event() as stopping:
        one, other = _Child(first), _Child(second)
        while one.poll() not in final and not stopping.wait(_POLL_SECONDS):
            one.restart_if_due(final)
            other.restart_if_due(())
        one.terminate()
        other.terminate()
        other.wait()
        code = one.wait()
        at_end = code == 0 and not stopping.is_set()
        while at_end and _run_until_stopped(last, stopping) == exit_codes.BUSY:
            at_end = not stopping.wait(FIRST_PAUSE_SECONDS)
    return code


def _run_until_stopped(command: Sequence[str], stopping: threading.Event) -> int:
    child = _Child(command)
    while child.poll() is None and not stopping.wait(_POLL_SECONDS):
        pass
    child.terminate()
    return child.wait()


class _Child:
    """A command that runs, or is to be restarted."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._name = next(word for word in command if not word.startswith("-"))
        self._pause = 0.0
        self._due = 0.0
        self._start()

    def _start(self) -> None:
        self._started = time.monotonic()
        # In its own process group: Ctrl-C in a terminal reaches the parent, which forwards it once.
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [*interpreter.COMMAND, "-m", "sirenflow", STDIN_OPTION, *self._command],
            stdin=subprocess.PIPE,
            process_group=0,
        )

    def poll(self) -> int | None:
        """Return its exit code, negative if a signal killed it; None while it runs."""
        return self._process.poll()

    def restart_if_due(self, final: Collection[int]) -> None:
        """Restart it, after a pause, if it died with an exit code that is not final."""
        code = self.poll()
        if code is None or code in final:
            return
        now = time.monotonic()
        if self._due <= self._started:  # its death is new
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
        """Send it SIGTERM, if it runs."""
        self._process.terminate()

    def wait(self) -> int:
        """Wait until it ends; return its exit code as a shell reports it."""
        code = self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        return code if code >= 0 else exit_codes.of_signal(-code)
