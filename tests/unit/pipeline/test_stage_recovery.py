"""Stages that are run again after their worker died, and those that are not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sirenflow.pipeline.stage_recovery import run_with_recovery
from sirenflow.processes.pool import TaskDied, TaskError
from sirenflow.stages.candidate_list import candidate_list


def test_other_stage_that_dies_is_not_tried_again() -> None:
    calls: list[str] = []

    def run(stage: str, _files: Any, _arguments: Any) -> None:
        calls.append(stage)
        raise TaskDied("takes longer than 600 s")

    with pytest.raises(TaskDied):
        run_with_recovery(run, "report", {"regions": "regions.json"}, {})
    assert calls == ["report"]


def test_error_of_a_stage_is_no_death() -> None:
    def run(_stage: str, _files: Any, _arguments: Any) -> None:
        raise TaskError("Traceback")

    with pytest.raises(TaskError):
        run_with_recovery(run, "extract", {"files": []}, {})


@pytest.mark.parametrize("stage_name", ["galaxy_catalogue", "candidate_list"])
@pytest.mark.parametrize("from_outside", [True, False])
def test_reader_of_a_table_that_dies_leaves_a_product_that_says_so(
    stage_name: str, from_outside: bool
) -> None:
    """A kill from outside is no fault of the table: it is read once more, and by the next run."""
    calls: list[dict[str, Any]] = []

    def run(stage: str, files: Any, arguments: Any) -> None:  # noqa: ARG001
        calls.append(arguments)
        if "failed_because" not in arguments:
            raise TaskDied("was killed (SIGKILL)", externally=from_outside)

    run_with_recovery(run, stage_name, {"table": "/home/me/g.csv"}, {"columns": {}})
    tries = 2 if from_outside else 1
    failure = {
        "failed_because": "g.csv: reading it was killed (SIGKILL)",
        "may_pass": from_outside,
    }
    assert calls == [{"columns": {}}] * tries + [{"columns": {}, **failure}]


def test_reader_of_a_table_that_is_killed_once_reads_it_again() -> None:
    calls: list[dict[str, Any]] = []

    def run(stage: str, files: Any, arguments: Any) -> None:  # noqa: ARG001
        calls.append(arguments)
        if len(calls) == 1:
            raise TaskDied("was killed (SIGKILL)", externally=True)

    run_with_recovery(run, "candidate_list", {"table": "c.csv"}, {"columns": {}})
    assert calls == [{"columns": {}}] * 2


@pytest.mark.parametrize("may_pass", [True, False])
def test_table_whose_reader_was_killed_is_read_by_the_next_run(
    tmp_path: Path, may_pass: bool
) -> None:
    product = tmp_path / "candidates.json"
    candidate_list(
        tmp_path / "c.csv", product, {}, failed_because="c.csv: killed", may_pass=may_pass
    )
    assert json.loads(product.read_bytes())["read_again"] is may_pass
