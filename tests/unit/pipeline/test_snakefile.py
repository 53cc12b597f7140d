"""What the Snakefile and its rules use; what they do as a whole is tested in tests/workflow."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from snakemake.exceptions import WorkflowError
from watching import small_alert, store

from sirenflow.pipeline import snakefile, stage_workers
from sirenflow.pipeline.snakefile import Inputs, read_inputs
from sirenflow.processes.pool import TaskError

SUPEREVENTS = ("MS260926m", "S260101b")


def as_module(*, config: bool, prefix: str | None = None) -> Any:
    """Return the part of Snakemake's workflow that says that it is a module of another one."""
    paths = SimpleNamespace(prefix=prefix, modifies_prefixes=False)
    modifier = SimpleNamespace(
        base_snakefile="Snakefile", skip_configfile=config, path_modifier=paths
    )
    return SimpleNamespace(modifier=modifier, configfiles=[])


def as_main(*configfiles: Path) -> Any:
    """Return the part of Snakemake's workflow that says that it is the main one."""
    return SimpleNamespace(
        modifier=SimpleNamespace(base_snakefile=None), configfiles=[*configfiles]
    )


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a working directory with alerts of two superevents in its inbox."""
    monkeypatch.chdir(tmp_path)
    for superevent in SUPEREVENTS:
        store(tmp_path, small_alert(superevent))
    return tmp_path


def inputs(directory: Path, **config: Any) -> Inputs:
    return read_inputs(as_main(), config, directory)


# ------------------------------------------------------------------------------------- reading


def test_main_workflow_reads_the_configuration_that_snakemake_has(directory: Path) -> None:
    read = inputs(directory, results="products")
    assert read.results == "products"
    assert read.private == Path("products/.sirenflow")
    assert [*read.alerts] == [*SUPEREVENTS]
    assert read.levels_percent == [50, 90]


def test_module_without_a_configuration_reads_that_beside_the_workflow(directory: Path) -> None:
    """Snakemake has the other workflow's then."""
    source = directory / "source"
    (source / "config").mkdir(parents=True)
    (source / "config/config.yaml").write_text("results: ours\n")
    theirs = {"samples": "theirs"}
    assert read_inputs(as_module(config=False), theirs, source).results == "ours"
    with pytest.raises(WorkflowError, match="samples"):
        read_inputs(as_module(config=True), theirs, source)


def test_wrong_configuration_is_an_error_without_a_traceback(directory: Path) -> None:
    with pytest.raises(WorkflowError, match="'reslts'"):
        inputs(directory, reslts="products")


def test_key_that_is_set_twice_in_a_configfile_is_refused(directory: Path) -> None:
    file = directory / "more.yaml"
    file.write_text("results: a\nresults: b\n")
    with pytest.raises(WorkflowError, match="results"):
        read_inputs(as_main(file), {"results": "b"}, directory)


def test_configuration_need_not_exist_but_must_be_readable(directory: Path) -> None:
    assert not snakefile.find_configuration(directory / "source").exists()
    (directory / "config").mkdir()
    (directory / "config/config.yaml").write_text("results: [\n")
    with pytest.raises(WorkflowError, match="cannot be read"):
        snakefile.find_configuration(directory / "source")


def test_module_with_a_prefix_is_refused() -> None:
    with pytest.raises(WorkflowError, match="prefix and replace_prefix are not supported"):
        snakefile.prepare(as_module(config=True, prefix="pre/"))


# ---------------------------------------------------------------------------------- of the rules


def test_wildcard_is_any_superevent_or_one_of_those_to_consider(directory: Path) -> None:
    assert re.fullmatch(inputs(directory).superevent_pattern, "S991231zz")
    one = inputs(directory, superevents=["S260101b"]).superevent_pattern
    assert re.fullmatch(one, "S260101b")
    assert not re.fullmatch(one, "MS260926m")
    none = inputs(directory, superevents=[]).superevent_pattern
    assert not re.search(none, "S260101b")


def test_state_of_alerts_is_a_file_that_changes_with_them_only(directory: Path) -> None:
    (file,) = inputs(directory).alerts_state("S260101b")
    before = Path(file).read_bytes(), Path(file).stat().st_mtime_ns
    inputs(directory).alerts_state("S260101b")
    assert (Path(file).read_bytes(), Path(file).stat().st_mtime_ns) == before
    store(directory, small_alert("S260101b", minute=7))
    assert inputs(directory).alerts_state("S260101b") == [file]
    assert Path(file).read_bytes() != before[0]


def test_state_of_a_table_is_a_file_that_changes_with_it(directory: Path) -> None:
    table = directory / "table.csv"
    columns = {"name": "name", "ra": "ra", "dec": "dec"}
    table.write_text("ra,dec\n1,2\n")
    read = inputs(directory, candidates={"table": str(table), "columns": columns})
    (file,) = read.table_state("candidates")
    before = Path(file).read_bytes()
    table.write_text("ra,dec\n1,2\n3,4\n")
    assert read.table_state("candidates") == [file]
    assert Path(file).read_bytes() != before


def test_products_of_all_are_those_to_build_and_those_that_exist(directory: Path) -> None:
    pattern = "results/{superevent}/event.json"
    considered = inputs(directory, superevents=["S260101b"])
    assert considered.products_of_all(pattern) == ["results/S260101b/event.json"]
    (directory / "results/MS260926m").mkdir(parents=True)
    (directory / "results/MS260926m/event.json").write_text("{}\n")
    every = [f"results/{superevent}/event.json" for superevent in SUPEREVENTS]
    assert considered.products_of_all(pattern) == every
    assert inputs(directory).products_of_all(pattern) == every


# ------------------------------------------------------------------------------------- stages


class Files(dict[str, Any]):
    """Files of a rule, as Snakemake has them: iterated over, a list of all."""

    def __iter__(self) -> Iterator[Any]:
        for value in self.values():
            yield from [value] if isinstance(value, str) else value


def run_rule(log: Path, **inputs: Any) -> None:
    workflow = SimpleNamespace(cores=1)
    outside = {"files": [Path("inbox/a.avro")]}
    files = (Files(inputs), Files(page="index.html"))
    snakefile.run_rule(workflow, "report", *files, str(log), outside, {"nside": 32})


def test_stage_has_all_files_as_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(stage_workers, "start", lambda cores: cores)
    monkeypatch.setattr(stage_workers, "run_stage", lambda *call: calls.append(call))
    newer = tmp_path / "alerts.json"
    newer.touch()
    os.utime(newer, (time.time() + 3600,) * 2)
    run_rule(tmp_path / "log", alerts=str(newer), listed=[Path("a"), Path("b")])
    files = {
        "alerts": str(newer),
        "listed": ["a", "b"],
        "page": "index.html",
        "files": ["inbox/a.avro"],
    }
    assert calls == [(1, "report", files, {"nside": 32})]
    assert newer.stat().st_mtime <= time.time()  # a later rule would fail on an input of tomorrow


def test_reason_of_a_failure_is_in_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise TaskError("Traceback\nValueError: no alert")

    monkeypatch.setattr(stage_workers, "start", lambda cores: cores)
    monkeypatch.setattr(stage_workers, "run_stage", fail)
    with pytest.raises(TaskError):
        run_rule(tmp_path / "log")
    assert (tmp_path / "log").read_text() == "report: Traceback\nValueError: no alert\n"
    with pytest.raises(TaskError):  # and not of the log
        run_rule(tmp_path / "missing/log")


@pytest.mark.parametrize(
    ("superevent", "category", "month"),
    [
        ("S241102br", "Superevents", "2024-11"),
        ("MS260926m", "Mock superevents", "2026-09"),
        ("TS260902f", "Test superevents", "2026-09"),
        ("S1234-a", "Superevents", "Unusual identifiers"),
    ],
)
def test_place_in_the_report_of_snakemake(superevent: str, category: str, month: str) -> None:
    assert snakefile.report_category(superevent) == category
    assert snakefile.report_month(superevent) == month
