"""A process with everything imported, which runs a command at once.

Importing Snakemake and astropy takes longer than a superevent. So a process does it once, has no
threads, and forks a child for each command: what a command does to its process ends with it.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from types import TracebackType
from typing import NoReturn

from sirenflow.pipeline.snakemake.environment import set_home
from sirenflow.processes import interpreter
from sirenflow.processes.channel import Connection
from sirenflow.processes.pool import stop, warm_up

_GRACE_SECONDS = 20
"""How long a command that is to end may go on. Snakemake 9 may wait for itself then, for ever."""
_MANY = 4096
_PROGRAM = "from sirenflow.processes.prefork import serve; serve({})"


class Standby:
    """Runs `sirenflow` commands in a warm process, one at a time.

    The process starts at once, and is started again when it was lost.
    """

    def __init__(self) -> None:
        self._connection, self._process = _start()

    def run(self, arguments: Sequence[str]) -> int:
        """Run a command; return its exit code, or that of a command that was killed: below 0.

        Raises
        ------
        ConnectionError
            If the process is lost, with the command; the next one is another.
        OSError
            If it is lost, and the system starts no other.
        """
        try:
            self._connection.send({"arguments": list(arguments)})
            code: int = self._connection.receive()["code"]
        except (EOFError, OSError):
            self.close()
        else:
            return code
        self._connection, self._process = _start()
        raise ConnectionError("the process that stands by was lost, and started again")

    def terminate(self) -> None:
        """Have the command in hand end soon, and the process if there is none."""
        self._process.terminate()

    def close(self) -> None:
        """End the process; wait for it and for the command in hand."""
        self.terminate()
        self._connection.close()
        self._process.wait()

    def __enter__(self) -> Standby:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _start() -> tuple[Connection, subprocess.Popen[bytes]]:
    mine, their = socket.socketpair()
    with their:
        number = their.fileno()
        process = subprocess.Popen(  # noqa: S603 - a number only
            [*interpreter.COMMAND, "-c", _PROGRAM.format(number)],
            stdin=subprocess.DEVNULL,
            pass_fds=[number],
        )
    return Connection(mine), process


def serve(number: int) -> None:
    """Run commands, each in a child, until the other side of a socket is closed, or SIGTERM.

    Parameters
    ----------
    number
        The socket's file descriptor.
    """
    connection = Connection(socket.socket(fileno=number))
    told = _signals_as_bytes()
    _import_everything()
    while True:
        ready, _, _ = select.select([connection.fileno(), told.fileno()], [], [])
        if told.fileno() in ready and signal.SIGTERM in told.recv(_MANY):
            return
        if connection.fileno() not in ready:
            continue
        try:
            arguments = connection.receive()["arguments"]
            connection.send({"code": _wait(_fork(arguments, connection), told)})
        except (EOFError, OSError):
            return


def _signals_as_bytes() -> socket.socket:
    """Give what the numbers of signals can be read from.

    A handler in Python runs only when the system call in hand comes back. A signal that arrives
    just before the call would have to wait for its end: for that of the command.
    """
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    signal.set_wakeup_fd(theirs.detach())
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C: whoever started us will say so
    return ours


def _fork(arguments: Sequence[str], connection: Connection) -> int:
    """Run a command in a child; give the child's number."""
    # Held back until the child takes it as any other program does.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    child = os.fork()
    if not child:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    if not child:
        _command(arguments, connection)
    return child


def _wait(child: int, told: socket.socket) -> int:
    """Wait for a child, and pass SIGTERM on to it; give its exit code, or below 0 its signal."""
    patience = None
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        ready, _, _ = select.select([told], [], [], patience)
        if not ready:
            os.kill(child, signal.SIGKILL)
            patience = None
        elif signal.SIGTERM in told.recv(_MANY):
            os.kill(child, signal.SIGTERM)
            patience = _GRACE_SECONDS


def _import_everything() -> None:
    set_home()  # astropy cannot be imported without one
    warm_up()
    for module in ("stages.catalogue", "cli", "pipeline.project", "pipeline.run"):
        import_module(f"sirenflow.{module}")
    from sirenflow.pipeline.snakemake.driver import preload

    preload()


def _command(arguments: Sequence[str], connection: Connection) -> NoReturn:
    from sirenflow.cli import main

    code: object = 1
    try:
        connection.close()
        main(list(arguments), prog_name="sirenflow")
    except SystemExit as end:
        code = end.code
    finally:
        stop()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)
