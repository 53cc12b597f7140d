"""What is shared must not stop everything: one broken input around the alerts, all other pages.

Each test adds rows to the first table of docs/environment-faults.md.
"""

from __future__ import annotations

import hashlib
import html
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import chdir
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import environment_faults
import pytest
from arrivals import put_alert
from astropy.table import Table
from builders import avro_alert, record, with_map
from commands import PROGRAM
from environment_faults import FaultRecorder
from paths import ROOT
from superevents import FAR, NEAR, one_cell_map

from sirenflow.pipeline.watch import preloaded_server

SUPEREVENTS = ("MS260101a", "MS260102b", "MS260103c")
GALAXIES = "name,ra,dec,distance\nNear,45,4.78,40\nFar,45,66.44,41\n"
CANDIDATES = "name,ra,dec\nAT 2026abc,45,4.78\nAT 2026abd,45,66.44\n"
CONFIG: dict[str, Any] = {
    "visibility": {"sites": []},
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
        put_alert(directory / "inbox", data)
    (directory / "galaxies.csv").write_text(GALAXIES)
    (directory / "candidates.csv").write_text(CANDIDATES)
    (directory / "config").mkdir()
    (directory / "config/config.yaml").write_text(json.dumps(CONFIG))
    return directory


Run = Callable[..., subprocess.CompletedProcess[str]]


@dataclass(frozen=True)
class Command:
    """A command that makes products, and how to run it."""

    name: str
    run: Run

    @property
    def is_ours(self) -> bool:
        """Whether it is not plain `snakemake`."""
        return self.name != "snakemake"


class Runner:
    """Runs `sirenflow run` in warm processes, as `sirenflow watch` does, and keeps what it says.

    Every run works in the same directory, which is emptied before each test.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "work"
        self.directory.mkdir()
        self._said = directory / "said"
        kept = [os.dup(number) for number in (1, 2)]
        with self._said.open("ab") as said, chdir(self.directory):
            for number in (1, 2):
                os.dup2(said.fileno(), number)
            try:
                self.server = preloaded_server("sirenflow.cli:run_in_child")
            finally:
                for number, copy in enumerate(kept, start=1):
                    os.dup2(copy, number)
                    os.close(copy)

    def __call__(self, directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command; what it says on both streams is its standard output."""
        assert directory == self.directory
        before = self._said.stat().st_size
        code = self.server.run(["run", "--cores=2", *arguments])
        said = self._said.read_bytes()[before:].decode()
        return subprocess.CompletedProcess(arguments, code, said, "")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """Give what runs `sirenflow run`."""
    runner = Runner(tmp_path_factory.mktemp("shared"))
    with runner.server:
        yield runner


@pytest.fixture
def project(run: Runner) -> Path:
    """Give a directory in which nothing has been made yet."""
    for entry in run.directory.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    return make_project(run.directory)


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


@pytest.fixture(params=["sirenflow run", "snakemake"])
def command(request: pytest.FixtureRequest, run: Runner) -> Command:
    """Give each of the commands."""
    return Command(request.param, run if request.param == "sirenflow run" else snakemake)


observe = partial(environment_faults.observe, superevents=len(SUPEREVENTS))
"""Count what there is after a command."""


def test_nothing_is_broken(project: Path, record_fault: FaultRecorder, command: Command) -> None:
    ended = command.run(project)
    fault = observe(project, "nothing is broken", command.name, ended)
    assert (fault.pages, fault.catalogued, fault.exit_code) == (3, 3, 0), ended.stdout
    record_fault(fault)


def make_loop(path: Path) -> None:
    """Put a link to itself in the place of a file or directory."""
    if path.exists():
        path.unlink()
    path.symlink_to(path.name)


def replace_by_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replace_by_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def write(data: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data)


# What is done to a table, and what the page says of it.
BROKEN_TABLES: dict[str, tuple[Callable[[Path], object], str]] = {
    "is missing": (Path.unlink, " does not exist"),
    "is empty": (write(b""), ": has no column 'name'"),
    "lacks a column": (write(b"name,ra\nA,45\n"), ": has no column 'dec'"),
    "ends inside its header": (write(b"na"), ": has no column 'name'"),
    "has broken bytes": (write(b"\x00\xff\xfe" * 99), ": has no column 'name'"),
    "is a directory": (replace_by_directory, " cannot be read: Is a directory"),
    "is a named pipe": (replace_by_pipe, ": is a named pipe; expected a regular file"),
    "is a loop of links": (make_loop, " cannot be read: Too many levels of symbolic links"),
}


@pytest.mark.parametrize("damage", BROKEN_TABLES)
@pytest.mark.parametrize("table", ["galaxies", "candidates"])
def test_broken_table(
    project: Path, run: Runner, record_fault: FaultRecorder, table: str, damage: str
) -> None:
    """It costs its own section of each page, which says why."""
    damaged, said = BROKEN_TABLES[damage]
    damaged(project / f"{table}.csv")
    ended = run(project)
    reported = f"the table of {table} could not be read: {table}.csv{said}"
    fault = observe(project, f"the table of {table} {damage}", "sirenflow run", ended, reported)
    assert (fault.pages, fault.catalogued, fault.exit_code) == (3, 3, 3), ended.stdout
    assert ended.stdout.count("sirenflow: ") == 1
    record_fault(fault)
    for superevent in SUPEREVENTS:
        page = text_of(project / "results" / superevent / "index.html")
        assert reported in page
        assert str(project) not in page


def facts_of(project: Path, table: str) -> dict[str, Any]:
    """Read what the rule that reads a table found."""
    facts: dict[str, Any] = json.loads((project / f"results/{table}.json").read_bytes())
    return facts


@pytest.mark.parametrize(
    ("table", "end", "said"),
    [
        ("galaxies", ",41\n", "1 row left out: no distance above 0"),
        ("candidates", ",66.44\n", "1 row left out: no declination between -90 and 90 deg"),
    ],
)
def test_table_whose_last_row_lacks_columns(
    project: Path, run: Runner, record_fault: FaultRecorder, table: str, end: str, said: str
) -> None:
    """As a program leaves it that still writes it: that row is left out, with the reason."""
    path = project / f"{table}.csv"
    path.write_text(path.read_text().removesuffix(end))
    ended = run(project)
    situation = f"the last row of the table of {table} is half written, without all columns"
    fault = observe(project, situation, "sirenflow run", ended)
    assert (fault.pages, fault.catalogued, fault.exit_code) == (3, 3, 0), ended.stdout
    (problem,) = facts_of(project, table)["problems"]
    reported = f"{problem['rows']} row {problem['reason']}"
    assert reported.startswith(said)
    page = f"{SUPEREVENTS[0]}/index.html" if table == "galaxies" else "candidates.html"
    assert reported in text_of(project / "results" / page)
    record_fault(replace(fault, reported=f"on the page: {reported}"))


def test_table_whose_last_number_is_half_written(
    project: Path, run: Runner, record_fault: FaultRecorder
) -> None:
    """Many programs end a file without a line end, so a row with all columns counts."""
    path = project / "candidates.csv"
    path.write_text(path.read_text().removesuffix(".44\n"))
    ended = run(project)
    situation = "the last row of the table of candidates has all columns, but no line end"
    fault = observe(project, situation, "sirenflow run", ended)
    assert (fault.pages, fault.catalogued, fault.exit_code) == (3, 3, 0), ended.stdout
    candidates = facts_of(project, "candidates")
    assert [each["dec_deg"] for each in candidates["candidates"]] == [4.78, 66.0]
    assert candidates["problems"] == []
    record_fault(fault)


@pytest.mark.parametrize("table", ["galaxies", "candidates"])
def test_fits_table_that_is_cut_short(
    project: Path, run: Runner, record_fault: FaultRecorder, table: str
) -> None:
    rows = Table.read(project / f"{table}.csv")
    rows.write(project / f"{table}.fits")
    data = (project / f"{table}.fits").read_bytes()
    (project / f"{table}.fits").write_bytes(data[:-2880])  # all of its data
    (project / f"{table}.csv").unlink()
    config = {**CONFIG, table: {**CONFIG[table], "table": f"{table}.fits"}}
    (project / "config/config.yaml").write_text(json.dumps(config))
    ended = run(project, "--all")
    reported = f"the table of {table} could not be read: {table}.fits cannot be read: "
    fault = observe(project, f"the table of {table} (FITS) is cut short", "sirenflow run", ended)
    assert (fault.pages, fault.catalogued, fault.exit_code) == (3, 3, 3), ended.stdout
    reason = facts_of(project, table)["unusable_reason"]
    assert reason.startswith(reported)
    assert reason in ended.stdout
    record_fault(replace(fault, reported=reason))


def text_of(page: Path) -> str:
    """Read a page as text."""
    return html.unescape(page.read_text(encoding="utf-8"))


def test_plain_snakemake_makes_pages_without_tables(
    project: Path, record_fault: FaultRecorder
) -> None:
    for table in ("galaxies", "candidates"):
        (project / f"{table}.csv").unlink()
    ended = snakemake(project)
    fault = observe(project, "both tables are missing", "snakemake", ended)
    assert (fault.pages, fault.catalogued, fault.exit_code) == (3, 3, 0), ended.stdout
    record_fault(replace(fault, reported="on the pages"))


def test_repaired_table_is_used_by_the_next_run(project: Path, run: Runner) -> None:
    kept = (project / "galaxies.csv").read_bytes()
    (project / "galaxies.csv").write_bytes(kept[:20])
    page = project / "results" / SUPEREVENTS[0] / "index.html"
    for command, code in ((run, 3), (run, 3), (snakemake, 0)):
        assert command(project).returncode == code
        assert "the table of galaxies could not be read" in text_of(page)
    (project / "galaxies.csv").write_bytes(kept)
    assert run(project).returncode == 0
    assert "could not be read" not in text_of(page)
    assert "Near" in text_of(page)
    (project / "galaxies.csv").unlink()
    assert snakemake(project).returncode == 0
    assert "galaxies.csv does not exist" in text_of(page)
    (project / "galaxies.csv").write_bytes(kept)
    assert snakemake(project).returncode == 0
    assert "could not be read" not in text_of(page)


def test_table_of_candidates_without_any_is_no_fault(
    project: Path, run: Runner, record_fault: FaultRecorder
) -> None:
    (project / "candidates.csv").write_text("name,ra,dec\n")
    ended = run(project)
    fault = observe(project, "the table of candidates has no rows", "sirenflow run", ended)
    assert (fault.pages, fault.catalogued, fault.exit_code) == (3, 3, 0), ended.stdout
    assert "sirenflow: " not in ended.stdout
    assert "The table lists no candidate." in text_of(project / "results/candidates.html")
    record_fault(fault)


def test_table_of_galaxies_without_any_is_reported(
    project: Path, run: Runner, record_fault: FaultRecorder
) -> None:
    (project / "galaxies.csv").write_text("name,ra,dec,distance\n")
    ended = run(project)
    reported = "galaxies.csv: no galaxy that can be used"
    fault = observe(project, "the table of galaxies has no rows", "sirenflow run", ended, reported)
    assert (fault.pages, fault.catalogued, fault.exit_code) == (3, 3, 3), ended.stdout
    record_fault(fault)


OTHER = "S260104d"


def loop_of_type(inbox_: Path) -> None:
    """Have a superevent whose only directory is a link to itself."""
    (inbox_ / OTHER).mkdir()
    (inbox_ / OTHER / "UPDATE").symlink_to("UPDATE")


def loop_of_superevent(inbox_: Path) -> None:
    (inbox_ / OTHER).symlink_to(OTHER)


def loop_of_file(inbox_: Path) -> None:
    (inbox_ / OTHER / "UPDATE").mkdir(parents=True)
    (inbox_ / OTHER / "UPDATE" / "x.avro").symlink_to("x.avro")


def broken_link(inbox_: Path) -> None:
    (inbox_ / OTHER / "UPDATE").mkdir(parents=True)
    (inbox_ / OTHER / "UPDATE" / "x.avro").symlink_to("nowhere")


LOOP, GONE = "Too many levels of symbolic links", "No such file or directory"
BROKEN_INBOX: dict[str, tuple[Callable[[Path], object], str]] = {
    "a directory of alerts is a loop of links": (
        loop_of_type,
        f"UPDATE: directory cannot be read: {LOOP}",
    ),
    "a superevent's directory is a loop of links": (
        loop_of_superevent,
        f"rejected {OTHER}: directory cannot be read: {LOOP}",
    ),
    "an alert is a loop of links": (loop_of_file, f"UPDATE/x.avro: cannot be read: {LOOP}"),
    "an alert is a broken link": (broken_link, f"UPDATE/x.avro: cannot be read: {GONE}"),
}


@pytest.mark.parametrize(
    ("situation", "command"),
    [
        *((situation, "sirenflow run") for situation in BROKEN_INBOX),
        (next(iter(BROKEN_INBOX)), "snakemake"),
    ],
    indirect=["command"],
)
def test_broken_entry_of_the_inbox(
    project: Path, record_fault: FaultRecorder, situation: str, command: Command
) -> None:
    """It costs itself; its superevent has a page that says why."""
    damage, said = BROKEN_INBOX[situation]
    damage(project / "inbox")
    ended = command.run(project)
    is_run = command.is_ours
    fault = observe(project, situation, command.name, ended, said if is_run else "")
    assert (fault.pages, fault.catalogued) == (4, 4), ended.stdout
    assert fault.exit_code == (3 if is_run else 0)
    reason = said.partition(": ")[2]
    page = text_of(project / "results" / OTHER / "index.html")
    assert reason in page
    assert ("Alerts are missing: the inbox cannot be read" in page) is (
        "directory cannot" in reason
    )
    record_fault(replace(fault, superevents=4, reported=said if is_run else "on the page"))


@pytest.mark.parametrize(
    ("seconds", "command"),
    [(2, "sirenflow run"), (3600, "sirenflow run"), (3600, "snakemake")],
    indirect=["command"],
)
def test_inputs_dated_in_the_future(
    project: Path, record_fault: FaultRecorder, seconds: int, command: Command
) -> None:
    """As by another machine's clock, over NFS, or by `rsync -t`."""
    later = time.time() + seconds
    for path in (*(project / "inbox").rglob("*"), *project.glob("*.csv")):
        os.utime(path, (later, later))
    ended = command.run(project)
    situation = f"every input is dated {seconds} s in the future"
    fault = observe(project, situation, command.name, ended)
    assert (fault.pages, fault.catalogued, fault.exit_code) == (3, 3, 0), ended.stdout
    record_fault(fault)


def test_clock_that_was_set_back(project: Path, run: Runner, record_fault: FaultRecorder) -> None:
    """Every product is dated in the future; a new alert must reach its page and the catalogue."""
    assert run(project).returncode == 0
    later = time.time() + 3600
    for path in (project / "results").rglob("*"):
        os.utime(path, (later, later))
    assert "nothing new" in run(project).stdout
    content = record(alert_type="RETRACTION", event=None, superevent_id=SUPEREVENTS[0])
    data = avro_alert({**content, "time_created": "2026-01-09T00:00:00Z"})
    put_alert(project / "inbox", data)
    ended = run(project)
    situation = "the clock was set back by an hour, then an alert came"
    fault = observe(project, situation, "sirenflow run", ended)
    assert (fault.pages, fault.catalogued, fault.exit_code) == (3, 3, 0), ended.stdout
    sha256 = hashlib.sha256(data).hexdigest()
    assert sha256 in text_of(project / "results" / SUPEREVENTS[0] / "index.html")
    catalogue = json.loads((project / "results/catalogue.json").read_bytes())
    retracted = {row["superevent_id"]: row["retracted"] for row in catalogue["events"]}
    assert retracted == {name: name == SUPEREVENTS[0] for name in SUPEREVENTS}
    record_fault(fault)


def looping_product(results: Path) -> None:
    results.mkdir()
    (results / SUPEREVENTS[1]).symlink_to(SUPEREVENTS[1])


def file_for_directory(results: Path) -> None:
    results.mkdir()
    (results / SUPEREVENTS[1]).touch()


IN_THE_WAY: dict[str, Callable[[Path], None]] = {
    "a superevent's results are a loop of links": looping_product,
    "a superevent's results are a file": file_for_directory,
}


IN_THE_WAY_SAID = {
    "a superevent's results are a loop of links": "Too many levels of symbolic links: "
    f"'results/{SUPEREVENTS[1]}'",
    "a superevent's results are a file": f"Not a directory: 'results/{SUPEREVENTS[1]}'",
}


@pytest.mark.parametrize("situation", IN_THE_WAY)
def test_what_is_in_the_way_of_one_superevent(
    project: Path, run: Runner, record_fault: FaultRecorder, situation: str
) -> None:
    """Snakemake may end before it starts any job: then the others are made without it."""
    IN_THE_WAY[situation](project / "results")
    ended = run(project)
    reported = IN_THE_WAY_SAID[situation]
    fault = observe(project, situation, "sirenflow run", ended, reported)
    assert (fault.pages, fault.catalogued, fault.exit_code) == (2, 2, 1), ended.stdout
    record_fault(fault)


@pytest.mark.parametrize("product", ["event.json", "candidates.json"])
def test_damaged_product_is_made_again(
    project: Path, run: Runner, record_fault: FaultRecorder, product: str
) -> None:
    """As a power cut may leave it."""
    assert run(project).returncode == 0
    damaged = project / "results" / SUPEREVENTS[1] / product
    whole = damaged.read_bytes()
    damaged.write_bytes(b"{")
    ended = run(project)
    situation = f"`{product}` of a superevent is cut short"
    fault = observe(project, situation, "sirenflow run", ended)
    assert (fault.pages, fault.catalogued, fault.exit_code) == (3, 3, 0), ended.stdout
    assert damaged.read_bytes() == whole
    record_fault(fault)


def test_page_of_candidates_that_cannot_be_written(
    project: Path, run: Runner, record_fault: FaultRecorder
) -> None:
    (project / "results/candidates.html/x").mkdir(parents=True)
    ended = run(project)
    situation = "a directory is in the place of the page of candidates"
    reported = "candidate_table failed: IsADirectoryError: [Errno 21] Is a directory"
    fault = observe(project, situation, "sirenflow run", ended, reported)
    assert (fault.pages, fault.catalogued, fault.exit_code) == (3, 3, 1), ended.stdout
    record_fault(fault)


def test_table_agrees_with_this_run(
    request: pytest.FixtureRequest, record_fault: FaultRecorder
) -> None:
    environment_faults.compare_with_table(request, record_fault.rows)
