"""Stages of untrusted input, which are run again if their worker dies on it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sirenflow.pipeline.fatal_alerts import run_without_fatal_alerts
from sirenflow.pipeline.stage_workers import TABLE_STAGES, Runner
from sirenflow.processes.pool import Paths, TaskDied


def run_with_recovery(run: Runner, stage: str, files: Paths, arguments: Mapping[str, Any]) -> None:
    """Run a stage; if its worker dies of an alert or a table, without it.

    Raise TaskError if the stage raises. Raise TaskDied if its worker dies whatever is left out, or
    was killed from outside. Raise WorkerUnavailableError if no worker can be started, or workers
    die on a known good alert, too.
    """
    try:
        run(stage, files, arguments)
    except TaskDied as death:
        recover = _RECOVERIES.get(stage)
        if recover is None:
            raise
        recover(run, stage, files, arguments, death)


def _read_table_again(
    run: Runner, stage: str, files: Paths, arguments: Mapping[str, Any], death: TaskDied
) -> None:
    """Read a table once more if its reader was killed from outside, else write why it failed."""
    if death.externally:
        try:
            run(stage, files, arguments)
        except TaskDied as again:
            death = again
        else:
            return
    cause = f"{Path(str(files['table'])).name}: reading it {death}"
    failure = {"failed_because": cause, "may_pass": death.externally}
    run(stage, files, {**arguments, **failure})


_RECOVERIES: Mapping[str, Callable[[Runner, str, Paths, Mapping[str, Any], TaskDied], None]] = {
    "extract": run_without_fatal_alerts,
    **dict.fromkeys(TABLE_STAGES, _read_table_again),
}
