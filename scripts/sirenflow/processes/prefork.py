"""A process with everything imported, which forks a child for each command.

Importing Snakemake and astropy takes longer than a superevent. So a process does it once, has no
threads, and what a command does to its process ends with the child.

It shares the start of the interpreter, preloading and the channel with the pool of workers, but not
the loop: a worker serves many tasks with limits and is replaced when it dies, while this forks one
child a command, without limits, and passes SIGTERM on to it.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import NoReturn

from sirenflow.processes import exit_codes, interpreter
from sirenflow.processes.channel import Connection
from sirenflow.processes.preload import load_function, preload

_GRACE_SECONDS = 20
"""Time between SIGTERM and SIGKILL for a command: Snakemake 9 may wait for itself for ever."""
_MANY = 4096


class PreforkServer:
    """Runs commands in children of a preloaded process, one at a time.

    The process is started at once, and again when it was lost.

    Parameters
    ----------
    command
        What a child calls with the arguments of a command, ``package.module:function``; it ends
        with `SystemExit`.
    names
        What the process imports and calls first; see `sirenflow.processes.preload`.
    """

    def __init__(self, command: str, names: Sequence[str]) -> None:
        self._options = {"command": command, "names": list(names)}
        self._connection, self._process = self._start()

    def _start(self) -> tuple[Connection, subprocess.Popen[bytes]]:
        mine, their = socket.socketpair()
        with their:
            options = json.dumps({"number": their.fileno(), **self._options})
            process = subprocess.Popen(  # noqa: S603 - our own program
                [*interpreter.COMMAND, "-m", "sirenflow.processes.prefork", options],
                stdin=subprocess.DEVNULL,
                pass_fds=[their.fileno()],
            )
        return Connection(mine), process

    def run(self, arguments: Sequence[str]) -> int:
        """Run a command; return its exit code, negative if a signal killed it.

        Raise ConnectionError if the process is lost, with the command; it is started again. Raise
        OSError if it is lost, and cannot be started again.
        """
        try:
            self._connection.send({"arguments": list(arguments)})
            code: int = self._connection.receive()["code"]
        except (EOFError, OSError):
            self.close()
        else:
            return code
        self._connection, self._process = self._start()
        raise ConnectionError("the process that runs commands was lost, and started again")

    def terminate(self) -> None:
        """Send SIGTERM to the command that runs, or to the process if there is none."""
        self._process.terminate()

    def close(self) -> None:
        """End the process; wait for it and for the command that runs."""
        self.terminate()
        self._connection.close()
        self._process.wait()

    def __enter__(self) -> "PreforkServer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def serve(number: int, command: str, names: Sequence[str]) -> None:
    """Run commands, each in a child, until the other side of a socket is closed, or SIGTERM."""
    connection = Connection(socket.socket(fileno=number))
    signals = _signals_as_bytes()
    preload(names)
    function = load_function(command)
    while True:
        ready, _, _ = select.select([connection.fileno(), signals.fileno()], [], [])
        if signals.fileno() in ready and signal.SIGTERM in signals.recv(_MANY):
            return
        if connection.fileno() not in ready:
            continue
        try:
            arguments = connection.receive()["arguments"]
            connection.send(
                {"code": _wait_for_command(_fork_command(function, arguments, connection), signals)}
            )
        except (EOFError, OSError):
            return


def _signals_as_bytes() -> socket.socket:
    """Return a socket from which the numbers of signals can be read.

    A handler in Python runs only when the system call in hand returns. A signal that arrives just
    before the call would have to wait for its end: for that of the command.
    """
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    signal.set_wakeup_fd(theirs.detach())
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C: the parent sends SIGTERM
    return ours


def _fork_command(
    function: Callable[..., object], arguments: Sequence[str], connection: Connection
) -> int:
    """Run a command in a child; return the child's number."""
    # Blocked until the child has the handlers of any other program.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    child = os.fork()
    if not child:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    if not child:
        connection.close()
        _run_command(function, arguments)
    return child


def _wait_for_command(child: int, signals: socket.socket) -> int:
    """Wait for a child, and pass SIGTERM on to it; return its exit code, or its signal below 0."""
    patience = None
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        ready, _, _ = select.select([signals], [], [], patience)
        if not ready:
            os.kill(child, signal.SIGKILL)
            patience = None
        elif signal.SIGTERM in signals.recv(_MANY):
            os.kill(child, signal.SIGTERM)
            patience = _GRACE_SECONDS


def _run_command(function: Callable[..., object], arguments: Sequence[str]) -> NoReturn:
    code: object = exit_codes.ERROR
    try:
        function(list(arguments))
    except SystemExit as end:
        code = end.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else exit_codes.ERROR)


if __name__ == "__main__":
    serve(**json.loads(sys.argv[1]))
