"""A worker process: it runs one task after another, each within its limits."""

import ctypes
import mmap
import os
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from sirenflow.processes.channel import Connection
from sirenflow.processes.limits import Limits, enforced
from sirenflow.processes.preload import load_function

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
# An array of an ordinary map has 0.2 MB, an alert 1 MB. Those of a map with millions of cells have
# 25 MB, and are returned.
_LARGE_BYTES = 4 * 2**20
_KEPT_BYTES = 64 * 2**20
TASK_BYTES = 8
NO_TASK = bytes(TASK_BYTES)
READING = b"\xff" * TASK_BYTES
"""In place of a task's number, while a worker reads the task."""


def keep_freed_memory() -> None:
    """Keep up to 64 MiB of freed memory in this process; arrays over 4 MiB are returned.

    glibc returns the memory of large arrays to the system, which hands it out again page by page,
    each cleared. A map needs hundreds of arrays of some hundred kilobytes: that is a tenth of its
    time. Without effect where the C library has no `mallopt`.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)


def work(connection: Connection, task: mmap.mmap) -> NoReturn:
    """Run tasks until the other side of the connection is closed.

    Parameters
    ----------
    task
        Memory shared with the supervisor, for the number of the task that is running.
    """
    keep_freed_memory()
    while True:
        try:
            connection.wait()
            task[:] = READING
            message = connection.receive()
        except (EOFError, OSError):  # the other side is closed
            os._exit(0)
        task[:] = message["task"].to_bytes(TASK_BYTES, "big")
        connection.send({"task": message["task"], **_run_task(message)})
        task[:] = NO_TASK  # after the answer: the supervisor reports a death without one


def _run_task(message: Mapping[str, Any]) -> dict[str, Any]:
    try:
        with enforced(Limits(**message["limits"])):
            return {"result": call(message["function"], message["paths"], message["arguments"])}
    except MemoryError:
        return {"out_of_memory": True}
    except Exception:
        return {"error": traceback.format_exc()}


def call(
    function: str, paths: Mapping[str, str | Sequence[str]], arguments: Mapping[str, Any]
) -> Any:
    """Call ``package.module:function`` with paths, as `Path`, and other arguments."""
    files = {
        name: Path(value) if isinstance(value, str) else [Path(file) for file in value]
        for name, value in paths.items()
    }
    return load_function(function)(**files, **arguments)
