"""The workers that run stages: what they import first, and what a stage may use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sirenflow.files import lock
from sirenflow.processes.limits import Limits
from sirenflow.processes.pool import Paths, Pool, PoolConfig, SharedPool

PRELOAD = (
    *(f"sirenflow.stages.{stage}" for stage in ("extract", "regions", "visibility", "report")),
    "sirenflow.report.html:compile_templates",
)
"""What every superevent needs."""

TABLE_STAGES = ("galaxy_catalogue", "candidate_list")
"""Stages that read a user's table, which may have tens of millions of rows.

Only their wall time is limited: such a table is large, not hostile, but its disk may hang.
"""
_TABLE_LIMITS = Limits(wall_seconds=3600, cpu_seconds=None, memory_bytes=None)

# If this process is killed, no other run may write what its workers still write: they hold its
# lock, too. `sirenflow run` starts them, and the Snakefile, which is read in the same process,
# gives them tasks; each Snakemake of a cluster has its own.
_POOL = SharedPool(PoolConfig(preload=PRELOAD, inherit=lock.held))


def start(workers: int) -> Pool:
    """Return this process's workers; if there are none, start some, which import what they need.

    Raises
    ------
    WorkerUnavailableError
        If no process can be started.
    """
    return _POOL.start(workers)


def run_stage(pool: Pool, stage: str, files: Paths, arguments: Mapping[str, Any]) -> None:
    """Run a stage in a worker and wait for it.

    Raises
    ------
    TaskError, TaskDied, WorkerUnavailableError
        As `Pool.run`.
    """
    limits = _TABLE_LIMITS if stage in TABLE_STAGES else None
    pool.run(f"sirenflow.stages.{stage}:{stage}", files, arguments, limits)


def stop() -> None:
    """End the workers, each after its task."""
    _POOL.close()
