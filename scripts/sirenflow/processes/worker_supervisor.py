"""The parents of workers: each has one worker, reports what it died of, and forks the next one.

A supervisor has no threads, so it can fork at any time. It sends ``ready`` when tasks can be taken,
``died`` with the status of a worker that died of a task, and ``unavailable`` when it ends because
no worker can be forked, or because a worker died before its first task. If a worker is killed while
it reads a task, its number is unknown: the supervisor ends, and the pool sees a closed connection.

`python -m sirenflow.processes.worker_supervisor` imports what tasks need, then forks supervisors.
"""

import json
import mmap
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress

from sirenflow.processes import interpreter, worker
from sirenflow.processes.channel import Connection
from sirenflow.processes.limits import is_external
from sirenflow.processes.preload import preload
from sirenflow.processes.signals import STOP_SIGNALS


def main(sockets: Sequence[int], stderr: int, names: Sequence[str], ends_on_sigterm: bool) -> None:
    """Fork a supervisor for each socket, and wait for them.

    Parameters
    ----------
    stderr
        File descriptor to use as standard error as soon as tasks can be taken.
    ends_on_sigterm
        Whether SIGTERM ends these processes; otherwise they end with the process that started them.
    """
    _ignore_signals(ends_on_sigterm)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    preload(names)
    interpreter.restore_stderr(stderr)
    connections = [socket.socket(fileno=number) for number in sockets]
    try:
        supervisors = fork_supervisors(connections, ends_on_sigterm)
    except OSError as error:
        for connection in connections:
            with suppress(OSError):  # the pool's process ended, too
                Connection(connection).send(_unavailable(f"cannot fork: {error.strerror}"))
        return
    for connection in connections:
        connection.close()
    for supervisor in supervisors:
        os.waitpid(supervisor, 0)


def fork_supervisors(
    sockets: Sequence[socket.socket],
    ends_on_sigterm: bool,
    foreign: Sequence[Connection] = (),
) -> list[int]:
    """Fork a supervisor for each socket; return their process numbers.

    `foreign` are connections that they inherit and close, so that the other side sees it when the
    process that uses them closes them.
    """
    supervisors = []
    for own in sockets:
        supervisor = os.fork()
        if not supervisor:
            try:
                for other in sockets:
                    if other is not own:
                        other.close()
                for connection in foreign:
                    connection.close()
                _supervise(Connection(own), ends_on_sigterm)
            finally:
                os._exit(1)
        supervisors.append(supervisor)
    return supervisors


def _supervise(connection: Connection, ends_on_sigterm: bool) -> None:
    """Have one worker at any time, until the other side of the connection is closed."""
    _ignore_signals(ends_on_sigterm)
    task = mmap.mmap(-1, worker.TASK_BYTES)  # the number of the running task, set by the worker
    is_first = True
    while True:
        try:
            child = os.fork()
        except OSError as error:
            connection.send(_unavailable(f"cannot fork: {error.strerror}"))
            return
        if not child:
            try:
                worker.work(connection, task)
            finally:
                os._exit(1)
        if is_first:
            connection.send({"task": 0, "ready": True})
        is_first = False
        _, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status) == 0 or task[:] == worker.READING:
            return
        number = int.from_bytes(task[:], "big")
        task[:] = worker.NO_TASK
        if number:
            connection.send({"task": number, "died": status})
        elif not is_external(status):  # the next one would end like it
            code = os.waitstatus_to_exitcode(status)
            connection.send(_unavailable(f"ended before its first task (status {code})"))
            return


def _unavailable(cause: str) -> dict[str, object]:
    return {"task": 0, "unavailable": cause}


def _ignore_signals(ends_on_sigterm: bool) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program that started us
    signal.signal(signal.SIGTERM, signal.SIG_DFL if ends_on_sigterm else signal.SIG_IGN)


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
