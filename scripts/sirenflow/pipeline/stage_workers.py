"""Workers of one run of the workflow, and its lock on the results directory."""

from collections.abc import Callable, Mapping
from typing import Any

from sirenflow.files.lock import HeldLocks
from sirenflow.processes.limits import Limits
from sirenflow.processes.pool import Paths, Pool, PoolConfig, SharedPool

Runner = Callable[[str, Paths, Mapping[str, Any]], None]
"""Runs a stage by its name, with files and arguments, in a process that may die of it."""

PRELOAD = (
    *(f"sirenflow.stages.{stage}" for stage in ("extract", "report")),
    "sirenflow.report.html:compile_templates",
)
"""What every superevent needs."""

TABLE_STAGES = ("galaxy_catalogue", "candidate_list")
"""Stages that read a user's table, which may have tens of millions of rows.

Only their wall time is limited: such a table is large, not hostile, but its disk may hang.
"""
_TABLE_LIMITS = Limits(wall_seconds=3600, cpu_seconds=None, memory_bytes=None)

RUN_LOCKS = HeldLocks()
"""Locks on results. `sirenflow run` takes one; the Snakefile, which Snakemake reads in the same
process, needs it; and workers inherit it: if this process is killed, no other run may write what
they still write.
"""

_POOL = SharedPool(PoolConfig(preload=PRELOAD, inherit=RUN_LOCKS.descriptors))


def start(workers: int) -> Pool:
    """Return this process's workers; if there are none, start some, which import what they need.

    Raise WorkerUnavailableError if no process can be started.
    """
    return _POOL.start(workers)


def run_stage(pool: Pool, stage: str, files: Paths, arguments: Mapping[str, Any]) -> None:
    """Run a stage in a worker and wait for it.

    Raise TaskError, TaskDied or WorkerUnavailableError, as `Pool.run`.
    """
    limits = _TABLE_LIMITS if stage in TABLE_STAGES else None
    pool.run(f"sirenflow.stages.{stage}:{stage}", files, arguments, limits)


def stop() -> None:
    """End the workers, each after its task."""
    _POOL.close()
