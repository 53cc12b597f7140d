"""What is done when a worker dies on an alert: find which one it was, and go on without it.

Every other defence gives a reason before that. This is the last one: an alert that nobody thought
of costs itself, or only its sky maps, and not the others of its superevent; where only all maps
together are too much, it is the larger ones.

First a worker is given an alert and a map that are known to be good. If it fails on those too, the
fault is the machine's: the stage fails, and no alert is rejected for it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sirenflow.errors import WorkerUnavailableError
from sirenflow.pipeline.stage_workers import TABLE_STAGES
from sirenflow.processes.pool import Paths, TaskDied, TaskError

Runner = Callable[[str, Paths, Mapping[str, Any]], None]
"""Runs a stage of a name with files and arguments, in a process that may die of it."""


def run_stage(run: Runner, stage: str, files: Paths, arguments: Mapping[str, Any]) -> None:
    """Run a stage; where alerts or a table are read, without those that cannot be.

    Raises
    ------
    TaskError
        If the stage raises.
    TaskDied
        If its worker dies whatever is left out, or was killed from outside.
    WorkerUnavailableError
        If no worker can be started, or workers fail on a known good alert too.
    """
    try:
        run(stage, files, arguments)
    except TaskDied as death:
        if stage in TABLE_STAGES:
            _read_table_again(run, stage, files, arguments, death)
            return
        if stage != "extract" or death.externally:
            raise
        _check_workers(run, death)
        refused, unmeasured = _find_blamed(run, files, arguments)
        for withheld in _more_and_more(files, refused, unmeasured, str(death)):
            shutil.rmtree(str(files["skymaps"]), ignore_errors=True)
            try:
                run(stage, files, {**arguments, "refused": refused, "unmeasured": withheld})
            except TaskDied as again:
                if again.externally:
                    raise
            else:
                return
        raise


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


def _check_workers(run: Runner, death: TaskDied) -> None:
    """Raise WorkerUnavailableError if a worker fails on what is known to be good."""
    try:
        run("self_check", {}, {})
    except (TaskDied, TaskError) as error:
        cause = str(error).strip().rpartition("\n")[2]
        raise WorkerUnavailableError(
            "workers fail on a known good alert too, so this machine cannot measure alerts: "
            f"{cause} (the first failure: {death})"
        ) from death


def _more_and_more(
    files: Paths, refused: Mapping[str, str], unmeasured: Mapping[str, str], cause: str
) -> Iterator[dict[str, str]]:
    """Give the alerts whose maps are withheld: those to blame; then the larger half, and so on.

    No map may be too much by itself, and all of them be so together.
    """
    if refused or unmeasured:
        yield {**unmeasured}
    ascending = sorted(files["files"], key=lambda file: (_size(file), file))
    kept = len(ascending)
    while kept:
        kept //= 2
        together = f"{cause}, with the sky maps of the other alerts"
        yield {**{_name(file): together for file in ascending[kept:]}, **unmeasured}


def _size(file: str) -> int:
    try:
        return Path(file).stat().st_size
    except OSError:  # to read it fails, too, and says why
        return 0


def _name(file: str) -> str:
    return "/".join(Path(file).parts[-2:])


def _find_blamed(
    run: Runner, files: Paths, arguments: Mapping[str, Any]
) -> tuple[dict[str, str], dict[str, str]]:
    """Try each alert by itself, and if it is deadly, without its maps.

    Gives those to be refused, and those whose maps are to be withheld; and why.
    """
    refused: dict[str, str] = {}
    unmeasured: dict[str, str] = {}
    beside = Path(str(files["alerts"])).parent
    for file in files["files"]:
        name = _name(file)
        cause = _cause_of_death(run, file, arguments, beside)
        if cause is None:
            continue
        without_maps = {**arguments, "unmeasured": {name: cause}}
        deadly = _cause_of_death(run, file, without_maps, beside)
        if deadly is None:
            unmeasured[name] = cause
        else:
            refused[name] = deadly
    return refused, unmeasured


def _cause_of_death(
    run: Runner, file: str, arguments: Mapping[str, Any], beside: Path
) -> str | None:
    products = ("alerts", "skymaps", "localization")
    with TemporaryDirectory(prefix=".", dir=beside) as scratch:
        tried = {name: str(Path(scratch, name)) for name in products}
        try:
            run("extract", {"files": [file], **tried}, arguments)
        except TaskDied as death:
            if death.externally:
                raise
            return str(death)
    return None
