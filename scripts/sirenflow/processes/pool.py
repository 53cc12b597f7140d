"""Warm worker processes with limits.

A fresh interpreter with astropy costs more than a hundred alerts, so a process starts its workers
once and sends them names of functions and files. A task that needs too much time or memory, or
crashes, costs only itself: the system ends its worker, and the worker's supervisor reports why and
forks the next one (`sirenflow.processes.worker_supervisor`).

No library's pool is used. Workers decode hostile bytes, so what they send is read as JSON and not
unpickled; the pools of the standard library and pebble unpickle. And the supervisors can be forked
from a process that has imported everything (0.1 s instead of 4 s on two busy cores), which the
standard library's fork server cannot.

`TaskDied` is a verdict on the task. That no worker can be started is a fault of the machine,
`WorkerUnavailableError`.
"""

import atexit
import logging
import queue
import socket
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import Any, Literal

from sirenflow.errors import SirenflowError, WorkerUnavailableError
from sirenflow.processes import process_limit
from sirenflow.processes.channel import Connection
from sirenflow.processes.limits import Limits, describe_death
from sirenflow.processes.preload import can_fork
from sirenflow.processes.worker_process import WorkerProcess, fork_workers, start_workers

_LOG = logging.getLogger(__name__)

Paths = Mapping[str, str | Sequence[str]]
"""Files of a task: one, or several, for each of its function's parameters."""

# A worker that exceeds its limits is ended in time; a stopped one (SIGSTOP) is waited for so long.
_PATIENCE_S = 60
# To import everything takes a second, and a minute from a slow network disk.
_START_SECONDS = 300


@dataclass(frozen=True)
class PoolConfig:
    """What the workers of a pool are for.

    Attributes
    ----------
    preload
        What they import before their first task; see `sirenflow.processes.preload`.
    start_method
        ``spawn``: by a new interpreter. ``fork``: from this process, which has everything imported.
        ``auto``: the latter if this process can. A worker that replaces a lost one is spawned.
    inherit
        Returns file descriptors that workers inherit: of locks, which are then held until the last
        worker has ended.
    """

    preload: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    start_method: Literal["auto", "fork", "spawn"] = "auto"
    inherit: Callable[[], Iterable[int]] = tuple

    @property
    def writes(self) -> bool:
        """Whether tasks write files, which no other run may write at the same time.

        Workers that write nothing can be killed at any moment. They inherit no locks, and ignore
        signals to the whole group of processes: they end with their program.
        """
        return self.limits.file_bytes > 0


class TaskError(SirenflowError):
    """A task raised an exception; the message is its traceback."""


class TaskDied(SirenflowError):  # noqa: N818 - it is what happened to it
    """A task exceeded its limits or crashed; the message is a predicate whose subject is the task.

    Attributes
    ----------
    externally
        Whether another process killed it, so that it may succeed if tried again.
    """

    def __init__(self, message: str, *, externally: bool = False) -> None:
        super().__init__(message)
        self.externally = externally


class SharedPool:
    """A pool that is started when a thread of this process first needs it."""

    def __init__(self, config: PoolConfig) -> None:
        self._config = config
        self._pool: Pool | None = None
        self._lock = threading.Lock()

    def start(self, workers: int) -> "Pool":
        """Return the pool; if there is none yet, start it with a number of workers.

        Raise WorkerUnavailableError if no process can be started.
        """
        with self._lock:
            if self._pool is None:
                self._pool = Pool(workers, self._config)
                atexit.register(self._pool.close)
            return self._pool

    def close(self) -> None:
        """End the workers, if there are any; see `Pool.close`."""
        with self._lock:
            if self._pool is not None:
                atexit.unregister(self._pool.close)
                self._pool.close()
                self._pool = None


class Pool:
    """Worker processes, each with a connection to its supervisor.

    Raise WorkerUnavailableError if no process can be started.
    """

    def __init__(self, workers: int, config: PoolConfig | None = None) -> None:
        self._config = config or PoolConfig()
        self._numbers = count(1)
        # None is in the place of a worker that was lost, and is started when it is needed.
        self._free: queue.SimpleQueue[Connection | None] = queue.SimpleQueue()
        self._ready: set[Connection] = set()
        self._processes: dict[Connection, WorkerProcess] = {}
        self._logged: set[tuple[str, ...]] = set()
        method = self._config.start_method
        if method == "auto":
            is_forked = self._config.writes and can_fork(self._config.preload)
            method = "fork" if is_forked else "spawn"
        for connection in self._start(workers, method):
            self._free.put(connection)

    @property
    def pids(self) -> set[int]:
        """Process numbers of the children of this process that its workers descend from."""
        return {process.pid for process in self._processes.values()}

    def _start(self, workers: int, method: str) -> list[Connection]:
        pairs = [socket.socketpair() for _ in range(workers)]
        mine, theirs = [Connection(mine) for mine, _ in pairs], [their for _, their in pairs]
        writes = self._config.writes
        try:
            if method == "fork":
                processes = fork_workers(theirs, writes, mine)
            else:
                inherited = list(self._config.inherit()) if writes else []
                processes = start_workers(theirs, self._config.preload, writes, inherited)
        except OSError as error:
            for connection in mine:
                connection.close()
            raise self._unavailable(error.strerror or str(error)) from error
        finally:
            for their in theirs:
                their.close()
        self._processes.update(zip(mine, processes, strict=True))
        return mine

    def run(
        self,
        function: str,
        paths: Paths,
        arguments: Mapping[str, Any],
        limits: Limits | None = None,
    ) -> Any:
        """Run a function in a worker and wait for it; return what it returns.

        Raise TaskError if the function raises. Raise TaskDied if its worker dies, or runs out of
        memory. Raise WorkerUnavailableError if no worker can be started.

        Parameters
        ----------
        function
            ``package.module:function``.
        paths, arguments
            Its arguments: paths, and what JSON can hold, as the result must be.
        """
        limits = limits or self._config.limits
        task = {"function": function, "paths": dict(paths), "arguments": dict(arguments)}
        answer = self._ask({**task, "limits": asdict(limits)}, limits.wall_seconds + _PATIENCE_S)
        if "died" in answer:
            cause, is_external = describe_death(answer["died"], limits)
            raise TaskDied(cause, externally=is_external)
        if "out_of_memory" in answer:
            raise TaskDied(limits.memory_text)
        if "error" in answer:
            raise TaskError(answer["error"])
        return answer["result"]

    def _ask(self, task: Mapping[str, Any], timeout: float) -> dict[str, Any]:
        """Send a task to a worker and return its answer, or that of its supervisor."""
        number = next(self._numbers)
        connection = self._ready_worker()
        connection.set_timeout(timeout)
        try:
            with suppress(ConnectionError):  # it ended; what it sent before can still be read
                connection.send({"task": number, **task})
            answer = connection.receive()
            # Of an earlier task, whose worker died late.
            while answer["task"] != number and "unavailable" not in answer:
                answer = connection.receive()
        except TypeError:  # from JSON; nothing was sent
            self._free.put(connection)
            raise
        # The supervisor died, or its worker was killed while it read the task.
        except (EOFError, OSError):
            self._lose(connection)
            raise TaskDied("lost the process that works on it", externally=True) from None
        if "unavailable" in answer:
            self._lose(connection)
            raise self._unavailable(answer["unavailable"])
        self._free.put(connection)
        return answer

    def _ready_worker(self) -> Connection:
        """Wait for a worker that is free and has imported everything; start one if one is lost."""
        connection = self._free.get()
        if connection in self._ready:
            return connection
        try:
            if connection is None:
                (connection,) = self._start(1, "spawn")
        except WorkerUnavailableError:
            self._free.put(None)
            raise
        connection.set_timeout(_START_SECONDS)
        try:
            message = connection.receive()
        except (EOFError, OSError) as error:
            output = self._processes[connection].startup_lines()
            self._lose(connection)
            is_late = isinstance(error, TimeoutError)
            cause = (
                f"not ready after {_START_SECONDS} s" if is_late else "it ended before it was ready"
            )
            raise self._unavailable(cause, output) from None
        if "unavailable" in message:
            self._lose(connection)
            raise self._unavailable(message["unavailable"])
        self._ready.add(connection)
        return connection

    def _unavailable(self, cause: str, output: Sequence[str] = ()) -> WorkerUnavailableError:
        """Build the error; log the process's output, once for each different text."""
        if output:
            cause = f"{cause} ({output[-1].strip()})"
        if output and tuple(output) not in self._logged:
            self._logged.add(tuple(output))
            for line in output:
                _LOG.warning("worker process: %s", line)
        advice = f"; {process_limit.ADVICE}" if process_limit.is_limit_text(cause) else ""
        return WorkerUnavailableError(f"no worker process can be started: {cause}{advice}", output)

    def _lose(self, connection: Connection) -> None:
        connection.shut_down()
        self._ready.discard(connection)
        process = self._processes.pop(connection, None)
        if process is not None and process not in self._processes.values():
            process.end(is_killed=True)  # if it lives, it is of no use
        self._free.put(None)

    def close(self) -> None:
        """End the workers, each after its task; kill those that write nothing."""
        for connection in tuple(self._processes):
            connection.shut_down()
        for process in set(self._processes.values()):
            process.end(is_killed=not self._config.writes)
        self._processes.clear()
