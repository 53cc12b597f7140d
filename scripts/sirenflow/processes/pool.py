"""Warm worker processes with limits.

A fresh interpreter with astropy costs more than a hundred alerts, so a run starts its workers once
and sends them the names of stages and files. Nothing that they are given can take more than its
task: the system itself ends a worker that needs too much time or memory, a keeper process says what
it died of, and forks the next one.

Why not a library's pool: a keeper has no threads, so it can fork at any time, and it can itself be
forked from a process that has everything imported, which the standard library's server cannot.

Messages are those of `sirenflow.processes.channel`. A keeper sends ``ready`` when it has imported
what tasks need and has its first worker. A process that ends before that could not start. A keeper
that has no worker any more, because none can be forked or because it ends before it takes a task,
sends ``unavailable`` and ends. Both are faults of the machine, `WorkerUnavailableError`, and no
verdict on a task. Every other death is one on the task in hand, `TaskKilled`. A keeper whose worker
was killed while it read a task cannot know which one it was, and ends: the caller notices that the
connection is closed.
"""

from __future__ import annotations

import atexit
import logging
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
from dataclasses import dataclass, field
from importlib import import_module
from itertools import count
from typing import Any, NoReturn
from weakref import WeakSet

from sirenflow import stages
from sirenflow.errors import SirenflowError, WorkerUnavailableError
from sirenflow.files import lock
from sirenflow.processes import interpreter, process_limit
from sirenflow.processes.channel import Connection
from sirenflow.processes.malloc import keep_freed_memory

_LOG = logging.getLogger(__name__)

PRELOAD = ("extract", "regions", "visibility", "report")
"""Stages that every superevent needs."""

Paths = Mapping[str, str | Sequence[str]]
"""A stage's files: one, or several, for each of its parameters."""

_Beginning = Callable[[Sequence[socket.socket], "Crew"], list[int]]
READERS_OF_TABLES = ("galaxy_catalogue", "candidate_list")
"""Stages that read a user's own table, which may have tens of millions of rows.

They have a limit of wall time only: such a table is large, not hostile, but its disk may hang.
"""
_THREADS = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL")}
_TASK_BYTES = 8
_LATE = "takes longer than its limit of wall time"
# In place of a task's number, while a worker reads the task.
_READING = b"\xff" * _TASK_BYTES
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# What no task can come to by itself.
_FROM_OUTSIDE = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGKILL, signal.SIGTERM)
# A worker is ended in time; it may be stopped by somebody.
_PATIENCE_S = 60
# To import everything takes a second, and a minute from a slow network disk.
_START_SECONDS = 300


@dataclass(frozen=True)
class Limits:
    """The most that a task may take.

    Attributes
    ----------
    wall_seconds, cpu_seconds
        From its beginning to its end, and of a processor.
    table_seconds
        Instead of both, wall time of a task that reads a user's table.
    memory_bytes
        Address space of its worker.
    file_bytes
        Any file that it writes.
    """

    wall_seconds: int = 600
    cpu_seconds: int = 300
    table_seconds: int = 3600
    memory_bytes: int = 2 * 2**30
    file_bytes: int = 4 * 2**30


@dataclass(frozen=True)
class Crew:
    """What workers of a kind are for.

    Attributes
    ----------
    preload
        Stages that they import before their first task.
    limits
        Of each task.
    """

    preload: tuple[str, ...] = PRELOAD
    limits: Limits = field(default_factory=Limits)

    @property
    def writes(self) -> bool:
        """Whether tasks write files, which no other run may write at the same time.

        Workers that write nothing can be left, or killed, at any moment. They hold no locks, and a
        signal to the whole group of processes is not for them: they end with their program.
        """
        return self.limits.file_bytes > 0


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
    WorkerUnavailableError
        If no worker can be started.
    """
    start(workers).run(stage, files, arguments)


_ONE_AT_A_TIME = threading.Lock()
_POOLS: dict[tuple[int, Crew], Pool] = {}
# A process that holds one of these keeps its other side from seeing that it is closed.
_OPEN: WeakSet[Connection] = WeakSet()


def start(workers: int, crew: Crew | None = None) -> Pool:
    """Give this process its workers; they import what they need while it goes on.

    Raises
    ------
    WorkerUnavailableError
        If the system starts no process.
    """
    key = (workers, crew or Crew())
    with _ONE_AT_A_TIME:  # or jobs that begin together would start a pool each
        if key not in _POOLS:
            _POOLS[key] = Pool(*key)
        return _POOLS[key]


def stop() -> None:
    """End this process's workers; see `Pool.close`."""
    while _POOLS:
        _POOLS.popitem()[1].close()


atexit.register(stop)


class Pool:
    """Worker processes, each behind a socket.

    Parameters
    ----------
    workers
        How many.
    crew
        What for.
    """

    def __init__(self, workers: int, crew: Crew | None = None) -> None:
        self._crew = crew or Crew()
        self._numbers = count(1)
        # None is in the place of a worker that was lost, and is started when it is needed.
        self._free: queue.SimpleQueue[Connection | None] = queue.SimpleQueue()
        self._ready: set[Connection] = set()
        self._children: dict[Connection, int] = {}
        is_forked = self._crew.writes and _is_warm()
        for mine in self._started(workers, _fork_keepers if is_forked else _start_interpreter):
            self._free.put(mine)

    def _started(self, workers: int, begin: _Beginning) -> list[Connection]:
        pairs = [socket.socketpair() for _ in range(workers)]
        mine, theirs = [Connection(mine) for mine, _ in pairs], [their for _, their in pairs]
        _OPEN.update(mine)
        try:
            children = begin(theirs, self._crew)
        except OSError as error:
            for connection in mine:
                connection.close()
            raise _unavailable(error.strerror or str(error)) from error
        finally:
            for their in theirs:
                their.close()
        self._children.update(zip(mine, children, strict=True))
        return mine

    def run(self, stage: str, files: Paths, arguments: Mapping[str, Any]) -> Any:
        """Run a stage; see `run`. Give what it returns, if JSON can hold it."""
        number = next(self._numbers)
        task = {"stage": stage, "files": dict(files), "arguments": dict(arguments)}
        connection = self._ready_worker()
        connection.set_timeout(_wall_seconds(stage, self._crew.limits) + _PATIENCE_S)
        try:
            with suppress(ConnectionError):  # it ended; what it sent before can still be read
                connection.send({"task": number, **task})
            answer = connection.receive()
            # Of a task before, by a worker that died late.
            while answer["task"] != number and "unavailable" not in answer:
                answer = connection.receive()
        except TypeError:  # from JSON; nothing was sent
            self._free.put(connection)
            raise
        # The keeper died, or its worker was killed while it read the task.
        except (EOFError, OSError):
            self._lose(connection)
            raise TaskKilled("lost the process that works on it", from_outside=True) from None
        if "unavailable" in answer:
            self._lose(connection)
            raise _unavailable(answer["unavailable"])
        self._free.put(connection)
        if "killed" in answer:
            cause = answer["killed"]
            if cause == _LATE:
                cause = f"takes longer than {_wall_seconds(stage, self._crew.limits)} s"
            raise TaskKilled(cause, from_outside=answer["from_outside"])
        if "error" in answer:
            raise TaskError(answer["error"])
        return answer.get("result")

    def _ready_worker(self) -> Connection:
        """Wait for a worker that is free and has imported everything; start one if one is lost."""
        connection = self._free.get()
        if connection in self._ready:
            return connection
        try:
            if connection is None:
                (connection,) = self._started(1, _start_interpreter)
        except WorkerUnavailableError:
            self._free.put(None)
            raise
        connection.set_timeout(_START_SECONDS)
        try:
            message = connection.receive()
        except (EOFError, OSError) as error:
            said = self._startup_lines(connection)
            self._lose(connection)
            is_late = isinstance(error, TimeoutError)
            cause = (
                f"not ready after {_START_SECONDS} s" if is_late else "it ended before it was ready"
            )
            raise _unavailable(cause, said) from None
        if "unavailable" in message:
            self._lose(connection)
            raise _unavailable(message["unavailable"])
        self._ready.add(connection)
        return connection

    def _startup_lines(self, connection: Connection) -> list[str]:
        output = _STARTUP_OUTPUT.get(self._children.get(connection, 0))
        return [] if output is None else output.lines()

    def _lose(self, connection: Connection) -> None:
        connection.close()
        self._ready.discard(connection)
        child = self._children.pop(connection, None)
        if child is not None and child not in self._children.values():
            _end(child, is_killed=True)  # if it lives, it is of no use
        self._free.put(None)

    def close(self) -> None:
        """Let the workers end, each after the task in hand; kill those that write nothing."""
        for connection in tuple(self._children):
            connection.close()
        for child in set(self._children.values()):
            _end(child, is_killed=not self._crew.writes)
        self._children.clear()


# By the number of the process.
_STARTUP_OUTPUT: dict[int, interpreter.StartupOutput] = {}
_LOGGED: set[tuple[str, ...]] = set()


def _unavailable(cause: str, output: Sequence[str] = ()) -> WorkerUnavailableError:
    """Build the error; log what the process said, once for each different text."""
    if output:
        cause = f"{cause} ({output[-1].strip()})"
    if output and tuple(output) not in _LOGGED:
        _LOGGED.add(tuple(output))
        for line in output:
            _LOG.warning("worker process: %s", line)
    advice = f"; {process_limit.ADVICE}" if process_limit.is_limit_text(cause) else ""
    return WorkerUnavailableError(f"no worker process can be started: {cause}{advice}", output)


def _end(child: int, *, is_killed: bool) -> None:
    """Wait for a child that ends by itself, or is killed; it may be gone."""
    if child in _STARTUP_OUTPUT:
        _STARTUP_OUTPUT.pop(child).close()
    with suppress(ChildProcessError):
        if is_killed and os.waitpid(child, os.WNOHANG) == (0, 0):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def warm_up(preload: Sequence[str] = PRELOAD) -> None:
    """Import what workers need, in the process whose children they will be."""
    os.environ.update(_THREADS)
    for stage in preload:
        import_module(f"{stages.__name__}.{stage}")
    if "report" in preload:
        import_module("sirenflow.report.html").compile_templates()


def _is_warm() -> bool:
    """Tell whether this process can fork its workers: everything imported, and no other thread."""
    imported = all(f"{stages.__name__}.{stage}" in sys.modules for stage in PRELOAD)
    return imported and _THREADS.items() <= os.environ.items() and threading.active_count() == 1


def _start_interpreter(connections: Sequence[socket.socket], crew: Crew) -> list[int]:
    """Start a process that imports what workers need, then forks their keepers.

    Gives that process once for each of them.
    """
    numbers = [connection.fileno() for connection in connections]
    output = interpreter.StartupOutput()
    arguments = f"{numbers}, {crew}, {output.stderr}"
    program = f"from sirenflow.processes.pool import Crew, Limits, keep_all; keep_all({arguments})"
    command = [*interpreter.COMMAND, "-c", program]
    environment = {**os.environ, **_THREADS}
    # Signals are for us: until it ignores them itself, the new process is deaf to them.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        process = subprocess.Popen(  # noqa: S603 - the program holds nothing from outside
            command,
            stdin=subprocess.DEVNULL,
            stderr=output.file,
            env=environment,
            # If this process is killed, no other run may write what they still write.
            pass_fds=[output.stderr, *numbers, *(lock.held() if crew.writes else [])],
        )
    except OSError:
        output.close()
        raise
    finally:
        output.close_stderr()
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    _STARTUP_OUTPUT[process.pid] = output
    process.returncode = 0  # `Pool.close` waits for it, by its number
    return [process.pid] * len(connections)


def keep_all(numbers: Sequence[int], crew: Crew, stderr: int) -> None:
    """Fork a keeper for each socket, and wait for them; write to a copy of standard error then."""
    _ignore_signals(crew)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    warm_up(crew.preload)
    interpreter.restore_stderr(stderr)
    connections = [socket.socket(fileno=number) for number in numbers]
    try:
        keepers = _fork_keepers(connections, crew)
    except OSError as error:
        for connection in connections:
            with suppress(OSError):  # the caller ended, too
                Connection(connection).send(
                    {"task": 0, "unavailable": f"cannot fork: {error.strerror}"}
                )
        return
    for connection in connections:
        connection.close()
    for keeper in keepers:
        os.waitpid(keeper, 0)


def _ignore_signals(crew: Crew) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program that started us
    signal.signal(signal.SIGTERM, signal.SIG_DFL if crew.writes else signal.SIG_IGN)


def _fork_keepers(connections: Sequence[socket.socket], crew: Crew) -> list[int]:
    """Fork a keeper for each socket."""
    keepers = []
    for own in connections:
        keeper = os.fork()
        if not keeper:
            try:
                for other in connections:
                    if other is not own:
                        other.close()
                for connection in tuple(_OPEN):
                    connection.close()
                _keep(Connection(own), crew)
            finally:
                os._exit(1)
        keepers.append(keeper)
    return keepers


def _keep(connection: Connection, crew: Crew) -> None:
    """Have one worker at any time, until the other side of the socket is closed."""
    _ignore_signals(crew)
    limits = crew.limits
    task = mmap.mmap(-1, _TASK_BYTES)  # the number of the task in hand, shared with the worker
    is_first = True
    while True:
        try:
            worker = os.fork()
        except OSError as error:
            connection.send({"task": 0, "unavailable": f"cannot fork: {error.strerror}"})
            return
        if not worker:
            try:
                _work(connection, limits, task)
            finally:
                os._exit(1)
        if is_first:
            connection.send({"task": 0, "ready": True})
        is_first = False
        _, status = os.waitpid(worker, 0)
        if os.waitstatus_to_exitcode(status) == 0 or task[:] == _READING:
            return
        number = int.from_bytes(task[:], "big")
        task[:] = bytes(_TASK_BYTES)
        outside = os.WIFSIGNALED(status) and os.WTERMSIG(status) in _FROM_OUTSIDE
        if number:
            cause = _cause(status, limits)
            connection.send({"task": number, "killed": cause, "from_outside": outside})
        elif not outside:  # the next one would end like it
            cause = f"ended before its first task (status {os.waitstatus_to_exitcode(status)})"
            connection.send({"task": 0, "unavailable": cause})
            return


def _wall_seconds(stage: str, limits: Limits) -> int:
    return limits.table_seconds if stage in READERS_OF_TABLES else limits.wall_seconds


def _cause(status: int, limits: Limits) -> str:
    if not os.WIFSIGNALED(status):
        return f"ended the program that works on it (exit code {os.WEXITSTATUS(status)})"
    number = signal.Signals(os.WTERMSIG(status))
    match number:
        case signal.SIGALRM:
            return _LATE
        case signal.SIGXCPU:
            return f"takes more than {limits.cpu_seconds} s of a processor's time"
        case signal.SIGKILL:
            return "was killed, perhaps for want of memory (SIGKILL)"
        case _ if number in _FROM_OUTSIDE:
            return f"was killed ({number.name})"
    return f"crashes the program that works on it ({number.name})"


def _work(connection: Connection, limits: Limits, task: mmap.mmap) -> NoReturn:
    """Do task after task."""
    keep_freed_memory()
    _limit(resource.RLIMIT_FSIZE, limits.file_bytes)
    _limit(resource.RLIMIT_CORE, 0)
    while True:
        try:
            connection.wait()
            task[:] = _READING
            message = connection.receive()
        except (EOFError, OSError):  # the other side is closed
            os._exit(0)
        task[:] = message["task"].to_bytes(_TASK_BYTES, "big")
        answer = _do(message, limits)
        connection.send({"task": message["task"], **answer})
        task[:] = bytes(_TASK_BYTES)  # not before: the keeper reports a death without an answer


def _do(message: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    # The system ends the process when either is over, whatever it is doing.
    signal.setitimer(signal.ITIMER_REAL, _wall_seconds(message["stage"], limits))
    if message["stage"] not in READERS_OF_TABLES:
        _limit(resource.RLIMIT_CPU, _cpu_seconds() + limits.cpu_seconds)
        _limit(resource.RLIMIT_AS, limits.memory_bytes)
    try:
        result = stages.call(message["stage"], message["files"], message["arguments"])
    except MemoryError:
        cause = f"takes more than {limits.memory_bytes / 2**30:g} GiB of memory"
        return {"killed": cause, "from_outside": False}
    except Exception:
        return {"error": traceback.format_exc()}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for kind in (resource.RLIMIT_CPU, resource.RLIMIT_AS):
            _limit(kind, resource.RLIM_INFINITY)
    return {"result": result}


def _cpu_seconds() -> int:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return int(used.ru_utime + used.ru_stime) + 1


def _limit(kind: int, most: int) -> None:
    """Set a limit, as far as the system's own allows."""
    _, hard = resource.getrlimit(kind)
    allowed = min((limit for limit in (most, hard) if limit >= 0), default=resource.RLIM_INFINITY)
    resource.setrlimit(kind, (allowed, hard))
