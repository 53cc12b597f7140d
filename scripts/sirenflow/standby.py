"""A process with everything imported, which runs a command at once.

Importing Snakemake and astropy takes longer than a superevent. So a process does it once, has no
threads, and forks a child for each command: what a command does to its process ends with it.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from types import TracebackType
from typing import NoReturn

from sirenflow.workers import receive, send, stop, warm_up

_GRACE_SECONDS = 20
"""How long a command that is to end may go on. Snakemake 9 may wait for itself then, for ever."""
_PROGRAM = "from sirenflow.standby import serve; serve({})"


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
        """
        try:
            send(self._connection, {"arguments": list(arguments)})
            code: int = receive(self._connection)["code"]
        except (EOFError, OSError) as error:
            self.close()
            self._connection, self._process = _start()
            raise ConnectionError(
                "the process that stands by was lost, and started again"
            ) from error
        return code

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


def _start() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    mine, their = socket.socketpair()
    with their:
        number = their.fileno()
        process = subprocess.Popen(  # noqa: S603 - a number only
            [sys.executable, "-c", _PROGRAM.format(number)],
            stdin=subprocess.DEVNULL,
            pass_fds=[number],
        )
    return mine, process


def serve(number: int) -> None:
    """Run commands, each in a child, until the other side of a socket is closed.

    Parameters
    ----------
    number
        The socket's file descriptor.
    """
    child = 0

    def end(_signal: int, _frame: object) -> None:
        if not child:
            os._exit(0)
        os.kill(child, signal.SIGTERM)
        signal.alarm(_GRACE_SECONDS)

    def kill(_signal: int, _frame: object) -> None:
        if child:
            os.kill(child, signal.SIGKILL)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGALRM, kill)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C: whoever started us will say so
    connection = socket.socket(fileno=number)
    _import_everything()
    while True:
        try:
            arguments = receive(connection)["arguments"]
        except (EOFError, OSError):
            return
        child = os.fork()
        if not child:
            _command(arguments, connection)
        _, status = os.waitpid(child, 0)
        child = 0
        try:
            send(connection, {"code": os.waitstatus_to_exitcode(status)})
        except OSError:
            return


def _import_everything() -> None:
    warm_up()
    for module in ("stages.catalogue", "cli", "project", "run"):
        import_module(f"sirenflow.{module}")
    from sirenflow.workflow import preload

    preload()


def _command(arguments: Sequence[str], connection: socket.socket) -> NoReturn:
    from sirenflow.cli import main

    code: object = 1
    try:
        connection.close()
        signal.alarm(0)
        for number in (signal.SIGTERM, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        main(list(arguments), prog_name="sirenflow")
    except SystemExit as end:
        code = end.code
    finally:
        stop()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)
