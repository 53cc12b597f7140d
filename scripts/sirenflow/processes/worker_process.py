"""Start processes whose children are workers, by a new interpreter or by a fork of this process."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Sequence
from contextlib import suppress

from sirenflow.processes import interpreter
from sirenflow.processes.channel import Connection
from sirenflow.processes.interpreter import StartupOutput
from sirenflow.processes.preload import SINGLE_THREAD
from sirenflow.processes.signals import STOP_SIGNALS
from sirenflow.processes.worker_supervisor import fork_supervisors


class WorkerProcess:
    """A child of this process that is a supervisor of workers, or has forked some.

    Parameters
    ----------
    output
        What it writes before it is ready, if it is a new interpreter.
    """

    def __init__(self, pid: int, output: StartupOutput | None = None) -> None:
        self.pid = pid
        self._output = output

    def startup_lines(self) -> list[str]:
        """Return the last lines that it wrote before it was ready."""
        return [] if self._output is None else self._output.lines()

    def end(self, *, is_killed: bool) -> None:
        """Wait until it ends by itself, or kill it; it may have ended already."""
        if self._output is not None:
            self._output.close()
            self._output = None
        with suppress(ChildProcessError):
            if is_killed and os.waitpid(self.pid, os.WNOHANG) == (0, 0):
                os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


def fork_workers(
    sockets: Sequence[socket.socket], ends_on_sigterm: bool, foreign: Sequence[Connection]
) -> list[WorkerProcess]:
    """Fork a supervisor for each socket; see `fork_supervisors`."""
    return [WorkerProcess(pid) for pid in fork_supervisors(sockets, ends_on_sigterm, foreign)]


def start_workers(
    sockets: Sequence[socket.socket],
    preload: Sequence[str],
    ends_on_sigterm: bool,
    inherited: Sequence[int],
) -> list[WorkerProcess]:
    """Start an interpreter that forks a supervisor for each socket."""
    numbers = [connection.fileno() for connection in sockets]
    output = StartupOutput()
    arguments = {
        "sockets": numbers,
        "stderr": output.stderr,
        "names": list(preload),
        "ends_on_sigterm": ends_on_sigterm,
    }
    module = "sirenflow.processes.worker_supervisor"
    # Signals are for this process: the new one blocks them until it has set its own handlers.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [*interpreter.COMMAND, "-m", module, json.dumps(arguments)],
            stdin=subprocess.DEVNULL,
            stderr=output.file,
            env={**os.environ, **SINGLE_THREAD},
            pass_fds=[output.stderr, *numbers, *inherited],
        )
    except OSError:
        output.close()
        raise
    finally:
        output.close_stderr()
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    process.returncode = 0  # `WorkerProcess.end` waits for it, by its number
    return [WorkerProcess(process.pid, output)] * len(sockets)
