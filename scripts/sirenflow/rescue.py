"""What is done when a worker dies on an alert: find which one it was, and go on without it.

Every other defence gives a reason before that. This is the last one: an alert that nobody thought
of costs itself, or only its sky maps, and never the others of its superevent.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sirenflow.workers import Paths, TaskKilled

Runner = Callable[[str, Paths, Mapping[str, Any]], None]
"""Runs a stage of a name with files and arguments, in a process that may die of it."""


def run_stage(run: Runner, stage: str, files: Paths, arguments: Mapping[str, Any]) -> None:
    """Run a stage; where alerts are read, without those that cannot be.

    Raises
    ------
    TaskError
        If the stage raises.
    TaskKilled
        If its worker dies, and no alert of it is to blame, or it was killed from outside.
    """
    try:
        run(stage, files, arguments)
    except TaskKilled as death:
        if stage != "extract" or death.from_outside:
            raise
        blamed = _find_blamed(run, files, arguments)
        if not any(blamed.values()):
            raise
        shutil.rmtree(str(files["skymaps"]), ignore_errors=True)
        run(stage, files, {**arguments, **blamed})


def _find_blamed(
    run: Runner, files: Paths, arguments: Mapping[str, Any]
) -> dict[str, dict[str, str]]:
    """Try each alert by itself, and if it is deadly, without its maps."""
    refused: dict[str, str] = {}
    unmeasured: dict[str, str] = {}
    beside = Path(str(files["alerts"])).parent
    for file in files["files"]:
        name = "/".join(Path(file).parts[-2:])
        cause = _cause_of_death(run, file, arguments, beside)
        if cause is None:
            continue
        without_maps = {**arguments, "unmeasured": {name: cause}}
        deadly = _cause_of_death(run, file, without_maps, beside)
        if deadly is None:
            unmeasured[name] = cause
        else:
            refused[name] = deadly
    return {"refused": refused, "unmeasured": unmeasured}


def _cause_of_death(
    run: Runner, file: str, arguments: Mapping[str, Any], beside: Path
) -> str | None:
    products = ("alerts", "skymaps", "localization")
    with TemporaryDirectory(prefix=".", dir=beside) as scratch:
        tried = {name: str(Path(scratch, name)) for name in products}
        try:
            run("extract", {"files": [file], **tried}, arguments)
        except TaskKilled as death:
            if death.from_outside:
                raise
            return str(death)
    return None
