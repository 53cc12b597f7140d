"""Warm worker processes with limits.

A fresh interpreter with astropy costs more than a hundred alerts, so a run starts its workers once
and sends them the names of stages and files. Nothing that they are given can take more than its
task: the system itself ends a worker that needs too much time or memory, a keeper process says what
it died of, and forks the next one.

Why not a library's pool: a keeper has no threads, so it can fork at any time, and it can itself be
forked from a process that has everything imported, which the standard library's server cannot.
"""

from __future__ import annotations

import atexit
import json
import mmap
import os
import queue
import resource
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import import_module
from itertools import count
from typing import Any, NoReturn
from weakref import WeakSet

from sirenflow import lock, stages
from sirenflow.allocator import keep_freed_memory
from sirenflow.errors import SirenflowError

PRELOAD = ("extract", "regions", "visibility", "report")
"""Stages that every superevent needs."""

Paths = Mapping[str, str | Sequence[str]]
"""A stage's files: one, or several, for each of its parameters."""

_Beginning = Callable[[Sequence[socket.socket], "Limits"], list[int]]
# Tables of the user's own, of which some have tens of millions of rows, are no danger: no limits.
_ON_OWN_TABLES = ("galaxy_catalogue", "candidate_list")
_THREADS = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL")}
_TASK_BYTES = 8


@dataclass(frozen=True)
class Limits:
    """The most that a task may take.

    Attributes
    ----------
    wall_seconds, cpu_seconds
        From its beginning to its end, and of a processor.
    memory_bytes
        Address space of its worker.
    file_bytes
        Any file that it writes.
    """

    wall_seconds: int = 600
    cpu_seconds: int = 300
    memory_bytes: int = 2 * 2**30
    file_bytes: int = 4 * 2**30


class TaskError(SirenflowError):
    """A stage that raised; the message is its traceback."""


class TaskKilled(SirenflowError):  # noqa: N818 - it is what happened to it
    """A stage that took more than it may, or crashed; the message completes a sentence on it.

    Attributes
    ----------
    from_outside
        Whether it was killed, and may do well at the next try.
    """

    def __init__(self, message: str, *, from_outside: bool = False) -> None:
        super().__init__(message)
        self.from_outside = from_outside


def run(workers: int, stage: str, files: Paths, arguments: Mapping[str, Any]) -> None:
    """Run a stage in a worker process and wait for it.

    Parameters
    ----------
    workers
        How many worker processes there shall be, if there are none yet.
    stage
        Name of a module of `sirenflow.stages`, and of the function in it.
    files, arguments
        Its arguments: paths, and what JSON can hold.

    Raises
    ------
    TaskError
        If the stage raises.
    TaskKilled
        If its worker dies, or runs out of memory.
    """
    start(workers).run(stage, files, arguments)


_ONE_AT_A_TIME = threading.Lock()
_POOLS: dict[int, Pool] = {}
# Whoever holds one of these keeps its other side from seeing that it is closed.
_OPEN: WeakSet[socket.socket] = WeakSet()


def start(workers: int) -> Pool:
    """Give this process its workers; they import what they need while it goes on."""
    with _ONE_AT_A_TIME:  # or jobs that begin together would start a pool each
        if workers not in _POOLS:
            _POOLS[workers] = Pool(workers)
        return _POOLS[workers]


def stop() -> None:
    """End this process's workers, each after the task in hand."""
    while _POOLS:
        _POOLS.popitem()[1].close()


atexit.register(stop)


class Pool:
    """Worker processes, each behind a socket.

    Parameters
    ----------
    workers
        How many.
    limits
        Of each task.
    """

    def __init__(self, workers: int, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._numbers = count(1)
        self._free: queue.SimpleQueue[socket.socket] = queue.SimpleQueue()
        self._mine: list[socket.socket] = []
        self._children: list[int] = []
        self._add(workers, _fork_keepers if _is_warm() else _start_interpreter)

    def _add(self, workers: int, begin: _Beginning) -> None:
        pairs = [socket.socketpair() for _ in range(workers)]
        self._mine += [mine for mine, _ in pairs]
        _OPEN.update(self._mine)
        self._children += begin([their for _, their in pairs], self._limits)
        for mine, their in pairs:
            their.close()
            self._free.put(mine)

    def run(self, stage: str, files: Paths, arguments: Mapping[str, Any]) -> None:
        """Run a stage; see `run`."""
        number = next(self._numbers)
        task = {"stage": stage, "files": dict(files), "arguments": dict(arguments)}
        line = _line({"task": number, **task})
        connection = self._free.get()
        try:
            connection.sendall(line)
            answer = receive(connection)
            while answer["task"] != number:  # of a task before, by a worker that died late
                answer = receive(connection)
        # The keeper died, which nothing here can make it do.
        except (EOFError, OSError, ValueError):
            connection.close()
            self._add(1, _start_interpreter)
            raise TaskKilled("lost the process that works on it", from_outside=True) from None
        self._free.put(connection)
        if "killed" in answer:
            raise TaskKilled(answer["killed"], from_outside=answer["from_outside"])
        if "error" in answer:
            raise TaskError(answer["error"])

    def close(self) -> None:
        """Let the workers end, each after the task in hand."""
        for connection in self._mine:
            connection.close()
        for child in self._children:
            with suppress(ChildProcessError):
                os.waitpid(child, 0)


def send(connection: socket.socket, message: Mapping[str, Any]) -> None:
    """Send one line of JSON: no code can be in it."""
    connection.sendall(_line(message))


def _line(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\n"


def receive(connection: socket.socket) -> dict[str, Any]:
    """Wait for one line of JSON.

    Raises
    ------
    EOFError
        If the other side is gone.
    """
    line = bytearray()
    while not line.endswith(b"\n"):
        part = connection.recv(1 << 16)
        if not part:
            raise EOFError
        line += part
    message: dict[str, Any] = json.loads(line)
    return message


def warm_up() -> None:
    """Import what workers need, in the process whose children they will be."""
    os.environ.update(_THREADS)
    for stage in PRELOAD:
        import_module(f"{stages.__name__}.{stage}")
    import_module("sirenflow.report.environment").compile_templates()


def _is_warm() -> bool:
    """Tell whether this process can fork its workers: everything imported, and no other thread."""
    imported = all(f"{stages.__name__}.{stage}" in sys.modules for stage in PRELOAD)
    return imported and _THREADS.items() <= os.environ.items() and threading.active_count() == 1


def _start_interpreter(connections: Sequence[socket.socket], limits: Limits) -> list[int]:
    """Start a process that imports what workers need, then forks their keepers."""
    numbers = [connection.fileno() for connection in connections]
    program = f"from sirenflow.workers import keep_all; keep_all({numbers}, **{asdict(limits)})"
    command = [sys.executable, "-c", program]
    environment = {**os.environ, **_THREADS}
    # Ctrl-C is for us: until it ignores it itself, the new process is deaf to it.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        process = subprocess.Popen(  # noqa: S603 - the program holds numbers only
            command,
            stdin=subprocess.DEVNULL,
            env=environment,
            # Should this process be killed, nobody else may write what they still write.
            pass_fds=[*numbers, *lock.held()],
        )
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    process.returncode = 0  # whoever closes the pool waits for it, by its number
    return [process.pid]


def keep_all(numbers: Sequence[int], **limits: int) -> None:
    """Fork a keeper for each socket, and wait for them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program that started us
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    warm_up()
    connections = [socket.socket(fileno=number) for number in numbers]
    keepers = _fork_keepers(connections, Limits(**limits))
    for connection in connections:
        connection.close()
    for keeper in keepers:
        os.waitpid(keeper, 0)


def _fork_keepers(connections: Sequence[socket.socket], limits: Limits) -> list[int]:
    """Fork a keeper for each socket."""
    keepers = []
    for own in connections:
        keeper = os.fork()
        if not keeper:
            try:
                for other in (*connections, *_OPEN):
                    if other is not own:
                        other.close()
                _keep(own, limits)
            finally:
                os._exit(1)
        keepers.append(keeper)
    return keepers


def _keep(connection: socket.socket, limits: Limits) -> None:
    """Have one worker at any time, until the other side of the socket is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    task = mmap.mmap(-1, _TASK_BYTES)  # the number of the task in hand, shared with the worker
    while True:
        worker = os.fork()
        if not worker:
            try:
                _work(connection, limits, task)
            finally:
                os._exit(1)
        _, status = os.waitpid(worker, 0)
        if os.waitstatus_to_exitcode(status) == 0:
            return
        number = int.from_bytes(task[:], "big")
        task[:] = bytes(_TASK_BYTES)
        if number:
            outside = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
            cause = _cause(status, limits)
            send(connection, {"task": number, "killed": cause, "from_outside": outside})


def _cause(status: int, limits: Limits) -> str:
    if not os.WIFSIGNALED(status):
        return f"ended the program that works on it (exit code {os.WEXITSTATUS(status)})"
    number = signal.Signals(os.WTERMSIG(status))
    match number:
        case signal.SIGALRM:
            return f"takes longer than {limits.wall_seconds} s"
        case signal.SIGXCPU:
            return f"takes more than {limits.cpu_seconds} s of a processor's time"
        case signal.SIGKILL:
            return "was killed, perhaps for want of memory (SIGKILL)"
    return f"crashes the program that works on it ({number.name})"


def _work(connection: socket.socket, limits: Limits, task: mmap.mmap) -> NoReturn:
    """Do task after task."""
    keep_freed_memory()
    _limit(resource.RLIMIT_FSIZE, limits.file_bytes)
    _limit(resource.RLIMIT_CORE, 0)
    while True:
        try:
            message = receive(connection)
        except (EOFError, OSError):  # the other side is gone
            os._exit(0)
        task[:] = message["task"].to_bytes(_TASK_BYTES, "big")
        answer = _do(message, limits)
        send(connection, {"task": message["task"], **answer})
        task[:] = bytes(_TASK_BYTES)  # and not before: who dies unheard must be told of


def _do(message: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    # The system ends the process when either is over, whatever it is doing.
    if message["stage"] not in _ON_OWN_TABLES:
        signal.setitimer(signal.ITIMER_REAL, limits.wall_seconds)
        _limit(resource.RLIMIT_CPU, _cpu_seconds() + limits.cpu_seconds)
        _limit(resource.RLIMIT_AS, limits.memory_bytes)
    try:
        stages.call(message["stage"], message["files"], message["arguments"])
    except MemoryError:
        cause = f"takes more than {limits.memory_bytes / 2**30:g} GiB of memory"
        return {"killed": cause, "from_outside": False}
    except Exception:
        return {"error": traceback.format_exc()}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for kind in (resource.RLIMIT_CPU, resource.RLIMIT_AS):
            _limit(kind, resource.RLIM_INFINITY)
    return {}


def _cpu_seconds() -> int:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return int(used.ru_utime + used.ru_stime) + 1


def _limit(kind: int, most: int) -> None:
    """Set a limit, as far as the system's own allows."""
    _, hard = resource.getrlimit(kind)
    allowed = min((limit for limit in (most, hard) if limit >= 0), default=resource.RLIM_INFINITY)
    resource.setrlimit(kind, (allowed, hard))
