"""What is shared must not stop everything: one broken input around the alerts, all other pages.

Each test adds rows to the first table of docs/environment-faults.md.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import environment_faults
from builders import avro_alert, with_map
from commands import PROGRAM
from environment_faults import Fault, FaultRecorder
from sirenflow import inbox
from sirenflow.alert import parse_alert
from superevents import FAR, NEAR, one_cell_map
from watching import ROOT

SUPEREVENTS = ("MS260101a", "MS260102b", "MS260103c")
GALAXIES = "name,ra,dec,distance\nNear,45,4.78,40\nFar,45,66.44,41\n"
CANDIDATES = "name,ra,dec\nAT 2026abc,45,4.78\nAT 2026abd,45,66.44\n"
CONFIG = {
    "sites": [],
    "galaxies": {
        "table": "galaxies.csv",
        "name": "Test galaxies",
        "columns": {"name": "name", "ra": "ra", "dec": "dec", "distance": "distance"},
        "completeness": "complete",
    },
    "candidates": {
        "table": "candidates.csv",
        "columns": {"name": "name", "ra": "ra", "dec": "dec"},
    },
}


def make_project(directory: Path) -> Path:
    """Write an inbox with three superevents, both tables and a configuration."""
    for number, superevent in enumerate(SUPEREVENTS):
        skymap = one_cell_map(FAR if number % 2 else NEAR)
        content = with_map(skymap, superevent_id=superevent)
        data = avro_alert({**content, "time_created": f"2026-01-0{number + 1}T00:10:00Z"})
        inbox.store(directory / "inbox", parse_alert(data).identity, data, {})
    (directory / "galaxies.csv").write_text(GALAXIES)
    (directory / "candidates.csv").write_text(CANDIDATES)
    (directory / "config").mkdir()
    (directory / "config/config.yaml").write_text(json.dumps(CONFIG))
    return directory


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a directory in which nothing has been made yet."""
    return make_project(tmp_path)


def run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `sirenflow run`, as a user does."""
    return subprocess.run(
        [*PROGRAM, "run", "--cores=2", *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def snakemake(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run plain `snakemake`, as a user does."""
    program = Path(PROGRAM[0]).with_name("snakemake")
    return subprocess.run(
        [str(program), "--snakefile", str(ROOT / "Snakefile"), "--cores", "2", *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


Command = Callable[..., subprocess.CompletedProcess[str]]
NAMES: dict[Command, str] = {run: "sirenflow run", snakemake: "snakemake"}


def observe(
    directory: Path,
    situation: str,
    command: str,
    ended: subprocess.CompletedProcess[str],
    reported: str = "",
) -> Fault:
    """Count what there is after a command; the reported words must be in its output."""
    assert reported in ended.stdout + ended.stderr, ended.stdout + ended.stderr
    results = directory / "results"
    return Fault(
        situation=situation,
        command=command,
        pages=environment_faults.count_pages(results),
        superevents=len(SUPEREVENTS),
        catalogued=environment_faults.count_catalogued(results),
        exit_code=ended.returncode,
        reported=reported,
    )


@pytest.mark.parametrize("command", [run, snakemake])
def test_nothing_is_broken(project: Path, record_fault: FaultRecorder, command: Command) -> None:
    ended = command(project)
    fault = observe(project, "nothing is broken", NAMES[command], ended)
    assert (fault.pages, fault.catalogued, fault.exit_code) == (3, 3, 0), ended.stderr
    record_fault(fault)


def test_table_agrees_with_this_run(
    request: pytest.FixtureRequest, record_fault: FaultRecorder
) -> None:
    environment_faults.compare_with_table(request, record_fault.rows)
