"""An alert that kills its worker costs itself, or only its maps."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from paths import SAMPLES

from sirenflow.alerts.alert import parse_alert
from sirenflow.errors import WorkerUnavailableError
from sirenflow.pipeline.stage_recovery import run_with_recovery
from sirenflow.pipeline.stage_workers import PRELOAD, Runner, run_stage
from sirenflow.processes.limits import Limits
from sirenflow.processes.pool import Pool, PoolConfig, TaskDied, TaskError
from sirenflow.processes.preload import preload
from sirenflow.skymap.skymap import read_skymap

ALERT_FILES = sorted(SAMPLES.glob("MS260418b-*.avro"))[::2]
LEVELS = {"levels_percent": [50, 90]}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Any]:
    """Lay three alerts out as in an inbox, and name the products."""
    paths = []
    for number, sample in enumerate(ALERT_FILES):
        path = tmp_path / "MS260418b" / "UPDATE" / f"{number}.avro"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sample.read_bytes())
        paths.append(str(path))
    products = ("alerts", "skymaps", "localization")
    return {"files": paths, **{name: str(tmp_path / name) for name in products}}


def dies_of(function: Callable[..., Any], victim: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a function that `extract` calls kill its process when it gets the victim."""

    def deadly(data: Any, *args: Any, **kwargs: Any) -> Any:
        if bytes(data) == victim:
            signal.signal(signal.SIGBUS, signal.SIG_DFL)  # which pytest would tell of
            signal.raise_signal(signal.SIGBUS)
        return function(data, *args, **kwargs)

    monkeypatch.setattr(f"sirenflow.stages.extract.{function.__name__}", deadly)


@pytest.fixture
def fork() -> Iterator[Callable[[], Runner]]:
    """Give a way to run stages in a fork of this process, which has what the test has changed."""
    preload(PRELOAD)
    config = PoolConfig(limits=Limits(wall_seconds=60), start_method="fork")
    pools: list[Pool] = []

    def runner() -> Runner:
        pools.append(Pool(1, config))
        return partial(run_stage, pools[-1])

    yield runner
    for pool in pools:
        pool.close()


def test_alert_that_kills_whoever_reads_it_is_rejected_and_the_others_are_made(
    files: dict[str, Any],
    fork: Callable[[], Runner],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dies_of(parse_alert, ALERT_FILES[1].read_bytes(), monkeypatch)
    run_with_recovery(fork(), "extract", files, LEVELS)
    alerts = json.loads(Path(files["alerts"]).read_bytes())
    assert len(alerts["alerts"]) == 2
    (rejected,) = alerts["rejected"]
    assert rejected["file"] == "UPDATE/1.avro"
    assert "crashes" in rejected["reason"]
    located = json.loads(Path(files["localization"]).read_bytes())["alerts"]
    assert all(alert["skymaps"][0]["area_90_deg2"] > 0 for alert in located)


def test_map_that_kills_whoever_measures_it_is_withheld_and_the_alert_is_shown(
    files: dict[str, Any],
    fork: Callable[[], Runner],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (attached,) = parse_alert(ALERT_FILES[1].read_bytes()).maps
    dies_of(read_skymap, attached.data, monkeypatch)
    run_with_recovery(fork(), "extract", files, LEVELS)
    alerts = json.loads(Path(files["alerts"]).read_bytes())
    assert len(alerts["alerts"]) == 3
    assert alerts["rejected"] == []
    located = json.loads(Path(files["localization"]).read_bytes())["alerts"]
    reasons = [alert["skymaps"][0]["rejection_reason"] for alert in located]
    assert sum(reason is None for reason in reasons) == 2
    assert sum("crashes" in (reason or "") for reason in reasons) == 1
    assert len([*Path(files["skymaps"]).iterdir()]) == 2


def test_death_that_no_alert_is_to_blame_for_is_told(files: dict[str, Any]) -> None:
    """As of a machine without memory: only all of them together are too much."""

    def run(stage: str, given: Any, _arguments: Any) -> None:
        if stage == "extract" and len(given["files"]) > 1:
            raise TaskDied("was killed")

    with pytest.raises(TaskDied, match="was killed"):
        run_with_recovery(run, "extract", files, LEVELS)


def test_maps_that_are_too_much_together_are_withheld_from_the_largest_on(
    files: dict[str, Any],
) -> None:
    with Path(files["files"][1]).open("ab") as largest:
        largest.write(bytes(10**6))
    tried: list[set[str]] = []

    def run(stage: str, given: Any, arguments: Any) -> None:
        if stage == "extract" and len(given["files"]) > 1:
            tried.append(set(arguments.get("unmeasured", {})))
            if "UPDATE/1.avro" not in tried[-1]:
                raise TaskDied("takes more than 300 s of a processor's time")

    run_with_recovery(run, "extract", files, LEVELS)
    assert tried[0] == set()
    assert len(tried) == 2
    assert "UPDATE/1.avro" in tried[1]
    assert len(tried[1]) == 2


def test_alert_is_not_to_blame_for_what_came_from_outside(files: dict[str, Any]) -> None:
    calls: list[Any] = []

    def run(stage: str, given: Any, _arguments: Any) -> None:
        if stage == "extract":
            calls.append(given["files"])
            raise TaskDied("was killed", externally=len(calls) != 1)

    with pytest.raises(TaskDied, match="was killed"):
        run_with_recovery(run, "extract", files, LEVELS)
    assert len(calls) == 2


@pytest.mark.parametrize(
    "failure", [TaskDied("crashes (SIGILL)"), TaskError("Traceback\nImportError: no module")]
)
def test_no_alert_is_to_blame_where_workers_fail_on_a_good_one_too(
    files: dict[str, Any], failure: Exception
) -> None:
    calls: list[str] = []

    def run(stage: str, _given: Any, _arguments: Any) -> None:
        calls.append(stage)
        raise failure if stage == "self_check" else TaskDied("crashes (SIGILL)")

    with pytest.raises(WorkerUnavailableError, match="on a known good alert too") as error:
        run_with_recovery(run, "extract", files, LEVELS)
    assert str(failure).rpartition("\n")[2] in str(error.value)
    assert calls == ["extract", "self_check"]


def test_worker_that_cannot_start_is_no_death(files: dict[str, Any]) -> None:
    calls: list[str] = []

    def run(stage: str, _given: Any, _arguments: Any) -> None:
        calls.append(stage)
        raise WorkerUnavailableError("no worker process can be started")

    with pytest.raises(WorkerUnavailableError):
        run_with_recovery(run, "extract", files, LEVELS)
    assert calls == ["extract"]


def test_self_check_passes(fork: Callable[[], Runner]) -> None:
    fork()("self_check", {}, {})
