"""Faults of what lies around the alerts, and the tables of what each of them costs.

A test module breaks one thing at a time, runs a command, looks at the pages and the catalogue, and
records a row. Each module has its own table in docs/environment-faults.md. A module takes part so:

- the file has the marks of a table with the module's name (`test_shared_inputs` has the table
  `shared_inputs`);
- its tests take the fixture `record_fault` (of conftest.py) and call it once for each row;
- its last test calls `compare_with_table(request, record_fault.rows)`.

Rows are written in the order of the tests, so the table does not depend on what else was run.
"""

from __future__ import annotations

import csv
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import table
from paths import ROOT

FILE = ROOT / "docs" / "environment-faults.md"
WRITE = "SIRENFLOW_WRITE_ENVIRONMENT_FAULTS"
HEADS = ("Situation", "Command", "Pages", "Catalogue", "Exit code", "Reported")


@dataclass(frozen=True)
class Fault:
    """A situation that was tried, and what came of it.

    Attributes
    ----------
    situation
        What is broken, in words that fit in a table cell.
    command
        The command that was run, as a user types it.
    pages, superevents
        How many superevents have a page, of how many that are in the inbox.
    catalogued
        How many superevents the catalogue lists; None if there is no catalogue.
    exit_code
        Of the command.
    reported
        The essential words of what the user is told, without paths of this machine.
    """

    situation: str
    command: str
    pages: int
    superevents: int
    catalogued: int | None
    exit_code: int
    reported: str

    @property
    def row(self) -> str:
        """Write the row of the table."""
        pages = f"{self.pages} of {self.superevents}"
        catalogue = "none" if self.catalogued is None else f"{self.catalogued} listed"
        reported = self.reported or "nothing"
        command = f"`{self.command}`"
        return table.row(
            [self.situation, command, pages, catalogue, self.exit_code, " ".join(reported.split())]
        )


@dataclass
class FaultRecorder:
    """Collects the rows of one test module, under the names of their tests."""

    node: str = ""
    rows: dict[str, list[Fault]] = field(default_factory=dict)

    def __call__(self, fault: Fault) -> None:
        """Add a row."""
        self.rows.setdefault(self.node, []).append(fault)


def count_pages(results: Path) -> int:
    """Count the superevents that have a page."""
    return len(list(results.glob("*/index.html")))


def count_catalogued(results: Path) -> int | None:
    """Count the superevents in the catalogue; None if there is no catalogue."""
    file = results / "catalogue.csv"
    if not (results / "index.html").exists() or not file.exists():
        return None
    with file.open(newline="") as stream:
        lines = csv.reader(line for line in stream if not line.startswith("#"))
        return len(list(lines)) - 1


def observe(
    directory: Path,
    situation: str,
    command: str,
    ended: subprocess.CompletedProcess[str],
    reported: str = "",
    *,
    superevents: int,
) -> Fault:
    """Count what there is after a command; the reported words must be in its output."""
    output = " ".join((ended.stdout + ended.stderr).split())
    assert " ".join(reported.split()) in output, output
    results = directory / "results"
    return Fault(
        situation=situation,
        command=command,
        pages=count_pages(results),
        superevents=superevents,
        catalogued=count_catalogued(results),
        exit_code=ended.returncode,
        reported=reported,
    )


def compare_with_table(request: pytest.FixtureRequest, rows: Mapping[str, list[Fault]]) -> None:
    """Compare a module's table with this run; write it first if the environment asks for it.

    If only some of the module's tests were run, only their rows are looked for.
    """
    name = request.path.stem.removeprefix("test_")
    written_table = table.Table(FILE, name, HEADS, ("---",) * len(HEADS), "environment-faults")
    items = [item for item in request.session.items if item.path == request.path]
    tests = [item.nodeid for item in items if "record_fault" in getattr(item, "fixturenames", ())]
    expected = [test for test in tests if test != request.node.nodeid]
    given = [fault.row for test in expected for fault in rows.get(test, [])]
    is_whole = all(test in rows for test in expected) and _is_whole_module(request)
    if os.environ.get(WRITE):
        assert is_whole, "the table is written by a run in which every test of the module passed"
        written_table.write(given)
    written = written_table.read()
    assert [row for row in given if row not in written] == [], "run `make environment-faults`"
    assert not is_whole or written == given, "run `make environment-faults`"


def _is_whole_module(request: pytest.FixtureRequest) -> bool:
    """Tell whether no test of the module was deselected."""
    config = request.config
    chosen = [argument for argument in config.args if "::" in argument]
    return not chosen and not config.getoption("keyword") and not config.getoption("lf", False)
