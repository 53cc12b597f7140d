"""Warm worker processes.

A fresh interpreter with astropy costs more than a hundred alerts, so a run starts its workers once
and hands them plain functions and file names. They come from a server process that has imported
everything and does nothing else: a fork of Snakemake itself, which has threads, might hang.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import resource
import sys
import threading
from collections.abc import Callable
from functools import cache
from importlib.machinery import ModuleSpec
from typing import ParamSpec

from pebble import ProcessPool

P = ParamSpec("P")

TASK_SECONDS = 600.0
"""Longest that a task may take before its worker is stopped."""
WORKER_BYTES = 4 * 2**30
"""Most address space that a worker may take."""

_ONE_AT_A_TIME = threading.Lock()
_PRELOAD = [f"sirenflow.stages.{name}" for name in ("extract", "regions", "visibility", "report")]


def run(workers: int, function: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """Run a function in a worker process and wait for it.

    Parameters
    ----------
    workers
        How many worker processes there shall be. Calls with the same number share them.
    function
        A module's function.

    Raises
    ------
    Exception
        What the function raises.
    pebble.ProcessExpired
        If its worker dies.
    TimeoutError
        If it takes longer than `TASK_SECONDS`.
    """
    with _ONE_AT_A_TIME:  # or jobs that begin together would start a pool each
        pool = _pool(workers)
    future = pool.schedule(function, args=args, kwargs=kwargs, timeout=TASK_SECONDS)
    future.result()


@cache
def _pool(workers: int) -> ProcessPool:
    # Sums must not depend on how many threads share them, and workers must not fight for cores.
    for library in ("OPENBLAS", "OMP", "MKL"):
        os.environ[f"{library}_NUM_THREADS"] = "1"
    # A new process would run the command's script once more to look for functions in it.
    main = sys.modules["__main__"]
    if main.__spec__ is None:
        main.__spec__ = ModuleSpec("__main__", None)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOAD)
    pool = ProcessPool(max_workers=workers, context=context, initializer=_limit)
    atexit.register(_stop, pool)
    return pool


def _limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    allowed = WORKER_BYTES if hard == resource.RLIM_INFINITY else min(WORKER_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_AS, (allowed, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _stop(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]
    pool.join()
