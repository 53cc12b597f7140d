"""Recovery of a stage whose worker died on its input: the stage is run again without it.

For alerts, every other defence ends with a reason before that. This is the last one: an alert of an
unforeseen kind is rejected, or only its sky maps are left out, and the other alerts of its
superevent are used. If only all maps together are too much, the larger ones are left out.

First a worker is given an alert and a map that are known to be good. If it dies on those too, the
machine is at fault: the stage fails, and no alert is rejected.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sirenflow.errors import WorkerUnavailableError
from sirenflow.pipeline.stage_workers import TABLE_STAGES, Runner
from sirenflow.processes.pool import Paths, TaskDied, TaskError

_PRODUCTS = ("alerts", "skymaps", "localization")


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


def _run_without_fatal_alerts(
    run: Runner, stage: str, files: Paths, arguments: Mapping[str, Any], death: TaskDied
) -> None:
    """Run a stage again without the alerts, or the sky maps, on which its worker dies.

    Raise TaskDied if it dies whatever is left out, or was killed from outside. Raise
    WorkerUnavailableError if workers die on a known good alert, too.

    Parameters
    ----------
    stage, files, arguments
        The stage, which reads the alerts ``files`` and takes the arguments ``refused`` and
        ``unmeasured``: reasons by the name of an alert.
    """
    if death.externally:
        raise death
    _check_workers(run, death)
    refused, unmeasured = _test_each_alert(run, stage, files, arguments)
    for withheld in _withheld_maps(files, refused, unmeasured, str(death)):
        shutil.rmtree(str(files["skymaps"]), ignore_errors=True)
        try:
            run(stage, files, {**arguments, "refused": refused, "unmeasured": withheld})
        except TaskDied as again:
            if again.externally:
                raise
        else:
            return
    raise death


def _check_workers(run: Runner, death: TaskDied) -> None:
    """Raise WorkerUnavailableError if a worker fails on a known good alert."""
    try:
        run("self_check", {}, {})
    except (TaskDied, TaskError) as error:
        cause = str(error).strip().rpartition("\n")[2]
        raise WorkerUnavailableError(
            "workers fail on a known good alert too, so this machine cannot measure alerts: "
            f"{cause} (the first failure: {death})"
        ) from death


def _withheld_maps(
    files: Paths, refused: Mapping[str, str], unmeasured: Mapping[str, str], cause: str
) -> Iterator[dict[str, str]]:
    """Yield alerts whose maps to leave out: the fatal ones; then also the larger half, and so on.

    Each map may be acceptable alone, and all of them too much together.
    """
    if refused or unmeasured:
        yield {**unmeasured}
    ascending = sorted(files["files"], key=lambda file: (_size(file), file))
    kept = len(ascending)
    while kept:
        kept //= 2
        together = f"{cause}, with the sky maps of the other alerts"
        yield {**{_alert_name(file): together for file in ascending[kept:]}, **unmeasured}


def _size(file: str) -> int:
    try:
        return Path(file).stat().st_size
    except OSError:  # reading it fails, too, and reports the reason
        return 0


def _alert_name(file: str) -> str:
    return "/".join(Path(file).parts[-2:])


def _test_each_alert(
    run: Runner, stage: str, files: Paths, arguments: Mapping[str, Any]
) -> tuple[dict[str, str], dict[str, str]]:
    """Run the stage on each alert alone, and if its worker dies, without the alert's maps.

    Return alerts to reject, and alerts whose maps to leave out, with reasons.
    """
    refused: dict[str, str] = {}
    unmeasured: dict[str, str] = {}
    directory = Path(str(files["alerts"])).parent
    for file in files["files"]:
        name = _alert_name(file)
        cause = _test_alert(run, stage, file, arguments, directory)
        if cause is None:
            continue
        without_maps = {**arguments, "unmeasured": {name: cause}}
        fatal = _test_alert(run, stage, file, without_maps, directory)
        if fatal is None:
            unmeasured[name] = cause
        else:
            refused[name] = fatal
    return refused, unmeasured


def _test_alert(
    run: Runner, stage: str, file: str, arguments: Mapping[str, Any], directory: Path
) -> str | None:
    """Return how the worker dies on an alert; None if it does not."""
    with TemporaryDirectory(prefix=".", dir=directory) as scratch:
        products = {name: str(Path(scratch, name)) for name in _PRODUCTS}
        try:
            run(stage, {"files": [file], **products}, arguments)
        except TaskDied as death:
            if death.externally:
                raise
            return str(death)
    return None


_RECOVERIES: Mapping[str, Callable[[Runner, str, Paths, Mapping[str, Any], TaskDied], None]] = {
    "extract": _run_without_fatal_alerts,
    **dict.fromkeys(TABLE_STAGES, _read_table_again),
}
