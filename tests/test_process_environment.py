"""What surrounds the process: its directory, home, user, streams and profiles, broken in turn.

The commands run as a service or a container runs them: as console scripts, with an environment of
their own. Each test adds rows to the second table of docs/environment-faults.md.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import environment_faults
from environment_faults import Fault, FaultRecorder
from sirenflow import inbox, quarantine
from sirenflow.kafka.broker import embedded_broker
from watching import ROOT, SAMPLES, small_alert, store, wait_until, waiting

SCRIPTS = Path(sys.executable).parent
SUPEREVENTS = ("MS260926m", "MS260927b")
PATH = "/usr/bin:/bin"
HOME = {"HOME": "/nonexistent"}

# Modules that Sirenflow, its libraries or Snakemake import, early or late.
HOSTILE = (
    *("token", "random", "site", "sitecustomize", "usercustomize", "socket", "fractions", "code"),
    *("sirenflow", "snakemake", "numpy", "astropy", "pandas", "jinja2", "six", "hop", "tqdm"),
)


def make_project(directory: Path) -> Path:
    """Write an inbox with two superevents, and a configuration without sites."""
    for minute, superevent in enumerate(SUPEREVENTS):
        store(directory, small_alert(superevent, minute))
    (directory / "config").mkdir()
    (directory / "config/config.yaml").write_text("sites: []\n")
    (directory / "results").mkdir()
    (directory / ".snakemake").mkdir()
    return directory


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a directory in which nothing has been made yet."""
    return make_project(tmp_path)


def execute(
    directory: Path, *command: str | Path, environment: Mapping[str, str] = HOME
) -> subprocess.CompletedProcess[str]:
    """Run a command with an environment and no other."""
    return subprocess.run(
        [str(word) for word in command],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env={"PATH": PATH, **environment},
    )


def run(
    directory: Path, *arguments: str, environment: Mapping[str, str] = HOME
) -> subprocess.CompletedProcess[str]:
    """Run `sirenflow run`."""
    command = (SCRIPTS / "sirenflow", "run", "--cores=1", *arguments)
    return execute(directory, *command, environment=environment)


def snakemake(
    directory: Path, *arguments: str, environment: Mapping[str, str] = HOME
) -> subprocess.CompletedProcess[str]:
    """Run plain `snakemake` with the clone's Snakefile."""
    command = (SCRIPTS / "snakemake", "--snakefile", ROOT / "Snakefile", "--cores=1", *arguments)
    return execute(directory, *command, environment=environment)


def observe(
    directory: Path,
    situation: str,
    command: str,
    ended: subprocess.CompletedProcess[str],
    reported: str = "",
) -> Fault:
    """Count what there is after a command; the reported words must be in its output."""
    said = " ".join((ended.stdout + ended.stderr).split())
    assert reported in said, said
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


def assert_everything_is_made(fault: Fault, ended: subprocess.CompletedProcess[str]) -> None:
    assert (fault.pages, fault.catalogued, fault.exit_code) == (2, 2, 0), ended.stderr


# ------------------------------------------------------------- modules in the working directory


@pytest.fixture
def hostile(project: Path) -> Path:
    """Give a directory with modules that must not be executed; each leaves a mark if it is."""
    for name in HOSTILE:
        text = f"open({str(project / 'executed')!r}, 'a').write({name!r})\nraise SystemExit(9)\n"
        (project / f"{name}.py").write_text(text)
    return project


@pytest.mark.parametrize("command", [run, snakemake])
def test_run_executes_no_module_of_the_working_directory(
    hostile: Path,
    record_fault: FaultRecorder,
    command: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    ended = command(hostile)
    name = "sirenflow run" if command is run else "snakemake"
    fault = observe(hostile, "`token.py`, `random.py`, ... in the working directory", name, ended)
    assert_everything_is_made(fault, ended)
    assert not (hostile / "executed").exists()
    record_fault(fault)


@pytest.mark.parametrize("options", [(), ("--executor=local",)], ids=["threads", "subprocesses"])
def test_clone_as_working_directory_executes_no_module_of_it(
    hostile: Path, options: tuple[str, ...]
) -> None:
    """Snakemake puts the directory of the Snakefile first on the search path."""
    shutil.copy(ROOT / "Snakefile", hostile)
    shutil.copytree(ROOT / "workflow", hostile / "workflow")
    commands = [(SCRIPTS / "sirenflow", "run"), (SCRIPTS / "snakemake",)]
    for command in commands:
        shutil.rmtree(hostile / "results")
        ended = execute(hostile, *command, "--cores=1", *(("--", *options) if options else ()))
        assert ended.returncode == 0, ended.stderr
        assert environment_faults.count_pages(hostile / "results") == len(SUPEREVENTS)
        assert not (hostile / "executed").exists()


def test_ingest_executes_no_module_of_the_working_directory(hostile: Path) -> None:
    sample = SAMPLES / "MS260522k-02-retraction.avro"
    ended = execute(hostile, SCRIPTS / "sirenflow", "ingest", sample)
    assert (ended.returncode, ended.stdout[:8]) == (0, "1 stored"), ended.stderr
    assert not (hostile / "executed").exists()


def test_watch_executes_no_module_of_the_working_directory(hostile: Path) -> None:
    with waiting(hostile, "watch", program=[str(SCRIPTS / "sirenflow")]):
        wait_until(lambda: environment_faults.count_catalogued(hostile / "results") == 2)
    assert not (hostile / "executed").exists()


def test_listen_and_watch_execute_no_module_of_the_working_directory(hostile: Path) -> None:
    with embedded_broker() as address:
        options = ["--watch", "--no-auth", "--url", address.url]
        program = [str(SCRIPTS / "sirenflow")]
        with waiting(hostile, "listen", *options, program=program, ready=": connected"):
            sample = str(SAMPLES / "MS260522k-02-retraction.avro")
            execute(hostile, *program, "publish", "--no-auth", "--to", address.url, sample)
            wait_until(lambda: environment_faults.count_catalogued(hostile / "results") == 3)
    assert not (hostile / "executed").exists()


def test_modules_of_pythonpath_are_respected(project: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    text = f"open({str(tmp_path / 'imported')!r}, 'a').write('x')\n"
    (elsewhere / "sitecustomize.py").write_text(text)
    ended = run(project, environment={**HOME, "PYTHONPATH": str(elsewhere)})
    assert ended.returncode == 0, ended.stderr
    assert len((tmp_path / "imported").read_text()) > 1  # in the workers, too


# ------------------------------------------------------------------- a worker that cannot start


def broken_worker(directory: Path, is_broken: bool = True) -> Mapping[str, str]:
    """Give an environment in which interpreters start, and workers do not."""
    (directory / "broken").mkdir(exist_ok=True)
    text = "import sys\nif '-P' in sys.orig_argv: raise SystemExit('libm.so: cannot open')\n"
    (directory / "broken" / "sitecustomize.py").write_text(text if is_broken else "")
    return {**HOME, "PYTHONPATH": str(directory / "broken")}


def test_run_blames_no_alert_for_a_worker_that_cannot_start(
    project: Path, record_fault: FaultRecorder
) -> None:
    ended = run(project, environment=broken_worker(project))
    said = "no worker process can be started"
    fault = observe(project, "a worker process cannot start", "sirenflow run", ended, said)
    assert (fault.pages, fault.exit_code) == (0, 1)
    assert "libm.so: cannot open" in ended.stderr
    assert "rejected" not in ended.stdout + ended.stderr
    record_fault(fault)
    again = run(project, environment=broken_worker(project, is_broken=False))
    fixed = observe(project, "... and the next run, when it can", "sirenflow run", again)
    assert_everything_is_made(fixed, again)
    record_fault(fixed)


def test_ingest_accepts_nothing_where_no_worker_can_start(tmp_path: Path) -> None:
    sample = SAMPLES / "MS260522k-02-retraction.avro"
    command = (SCRIPTS / "sirenflow", "ingest", sample)
    ended = execute(tmp_path, *command, environment=broken_worker(tmp_path))
    assert ended.returncode == 1
    assert "sirenflow: no worker process can be started" in ended.stderr
    assert "libm.so: cannot open" in ended.stderr
    assert list((tmp_path / "inbox").rglob("*.bin")) == []
    again = execute(tmp_path, *command, environment=broken_worker(tmp_path, is_broken=False))
    assert (again.returncode, again.stdout[:8]) == (0, "1 stored"), again.stderr


def test_listener_blocks_until_its_worker_can_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", broken_worker(tmp_path)["PYTHONPATH"])
    sample = str(SAMPLES / "MS260522k-02-retraction.avro")
    program = [str(SCRIPTS / "sirenflow")]
    with embedded_broker() as address:
        options = ["--no-auth", "--url", address.url]
        execute(tmp_path, *program, "publish", "--no-auth", "--to", address.url, sample)
        with waiting(tmp_path, "listen", *options, program=program, ready=": blocked") as listener:
            wait_until(lambda: "blocked" in execute(tmp_path, *program, "health").stdout)
            health = execute(tmp_path, *program, "health")
            assert health.returncode == 1
            assert "blocked" in health.stdout
            assert "no worker process can be started" in health.stdout
            assert listener.said("worker process: SystemExit: libm.so: cannot open") == 1
            assert quarantine.entries(tmp_path / "inbox") == []
            broken_worker(tmp_path, is_broken=False)
            wait_until(lambda: listener.said(": stored "))
            assert listener.stop() == 0
    assert [*inbox.list_superevents(tmp_path / "inbox")] == ["MS260522k"]
    assert quarantine.entries(tmp_path / "inbox") == []
