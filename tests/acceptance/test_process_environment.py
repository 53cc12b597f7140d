"""What surrounds the process: its directory, home, user, streams and profiles, broken in turn.

The commands run as a service or a container runs them: as console scripts, with an environment of
their own. Each test adds rows to the second table of docs/environment-faults.md.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import environment_faults
import pytest
from commands import PROGRAM
from environment_faults import Fault, FaultRecorder
from paths import ROOT, SAMPLES
from snakemake.cli import get_argument_parser
from watching import small_alert, store, wait_until, waiting

from sirenflow.inbox import quarantine
from sirenflow.inbox.store import list_superevents
from sirenflow.kafka.broker import embedded_broker
from sirenflow.pipeline.snakemake.driver import keeps_targets, options_in_effect
from sirenflow.pipeline.snakemake.environment import PROFILE_VARIABLE

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
    (directory / "config/config.yaml").write_text("visibility: {sites: []}\n")
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


observe = partial(environment_faults.observe, superevents=len(SUPEREVENTS))
"""Count what there is after a command."""


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


@pytest.mark.parametrize("command", ["sirenflow run", "snakemake results/MS260926m/alerts.json"])
def test_clone_as_working_directory_executes_no_module_of_it(hostile: Path, command: str) -> None:
    """Snakemake puts the directory of the Snakefile first on the search path.

    Without a profile it runs each job as a process, in which it is the working directory.
    """
    shutil.copy(ROOT / "Snakefile", hostile)
    shutil.copytree(ROOT / "workflow", hostile / "workflow")
    program, *arguments = command.split()
    if program == "sirenflow":
        shutil.copytree(ROOT / "profiles", hostile / "profiles")
    ended = execute(hostile, SCRIPTS / program, *arguments, "--cores=1")
    assert ended.returncode == 0, ended.stderr
    assert (hostile / "results/MS260926m/alerts.json").exists()
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
            assert quarantine.list_entries(tmp_path / "inbox") == []
            broken_worker(tmp_path, is_broken=False)
            wait_until(lambda: listener.said(": stored "))
            assert listener.stop() == 0
    assert [*list_superevents(tmp_path / "inbox")] == ["MS260522k"]
    assert quarantine.list_entries(tmp_path / "inbox") == []


# -------------------------------------------------------------------- home, user and programs

SERVICE = """
mount --make-rprivate /
for place in inbox results .snakemake; do mkdir -p $place; mount --bind $place $place; done
mount -o remount,ro,bind /
for place in inbox results .snakemake; do mount -o remount,rw,bind $place; done
exec "$@"
"""
# The interpreter and the clone may be below a directory that only root may enter, such as /root.
OPENED = """
mount --make-rprivate /
number=0
for place in "$PREFIX" "$CLONE"; do
  number=$((number + 1)); mkdir -p "$KEPT/$number"; mount --bind "$place" "$KEPT/$number"
done
for closed in $CLOSED; do mount -t tmpfs -o mode=755 none "$closed"; done
number=0
for place in "$PREFIX" "$CLONE"; do
  number=$((number + 1)); mkdir -p "$place"; mount --bind "$KEPT/$number" "$place"
done
unset PREFIX CLONE KEPT CLOSED
exec setpriv --reuid=54321 --regid=54321 --clear-groups "$@"
"""
FOREIGN = 54321
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts and other users are root's to make")


@pytest.fixture
def open_project() -> Iterator[Path]:
    """Give a directory that any user may enter, and that belongs to a user without an entry."""
    directory = Path(tempfile.mkdtemp(prefix="sirenflow-"))
    make_project(directory)
    for path in (directory, *directory.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.chown(path, FOREIGN, FOREIGN)
    yield directory
    shutil.rmtree(directory)


def foreign(directory: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command as a user without an entry in the table of users, and without HOME."""
    above = {place for path in (Path(sys.base_prefix), ROOT) for place in path.parents}
    closed = {place for place in above if not place.stat().st_mode & stat.S_IXOTH}
    outermost = sorted(str(place) for place in closed if not closed & set(place.parents))
    with tempfile.TemporaryDirectory() as kept:
        settings = {"PREFIX": sys.base_prefix, "CLONE": str(ROOT), "CLOSED": " ".join(outermost)}
        unit = ("/usr/bin/unshare", "-m", "/bin/sh", "-ec", OPENED, "sh")
        return execute(directory, *unit, *command, environment={**settings, "KEPT": kept})


@as_root
def test_service_of_the_readme_makes_pages(project: Path, record_fault: FaultRecorder) -> None:
    """With what its unit file says: the root, the home and /tmp are read-only."""
    with embedded_broker() as address:
        sirenflow = str(SCRIPTS / "sirenflow")
        url = ("--no-auth", "--url", address.url)
        sample = SAMPLES / "MS260522k-02-retraction.avro"
        execute(project, sirenflow, "publish", "--no-auth", "--to", address.url, sample)
        unit = ("/usr/bin/unshare", "-m", "/bin/sh", "-c", SERVICE, "sh")
        ended = execute(project, *unit, sirenflow, "listen", "--watch", "--until-eos", *url)
    command = "sirenflow listen --watch"
    fault = observe(project, "read-only root, home and `/tmp` (systemd unit)", command, ended)
    assert (fault.pages, fault.catalogued, fault.exit_code) == (3, 3, 0), ended.stderr
    record_fault(replace(fault, superevents=3))


@as_root
def test_user_without_an_entry_and_without_home(
    open_project: Path, record_fault: FaultRecorder
) -> None:
    """As in a container with `--user 54321`."""
    sample = SAMPLES / "MS260522k-02-retraction.avro"
    ingested = foreign(open_project, SCRIPTS / "sirenflow", "ingest", sample)
    assert ingested.returncode == 0, ingested.stderr
    ended = foreign(open_project, SCRIPTS / "sirenflow", "run", "--cores=1")
    situation = "user id without an entry, no HOME"
    fault = observe(open_project, situation, "sirenflow run", ended)
    assert (fault.pages, fault.catalogued, fault.exit_code) == (3, 3, 0), ended.stderr
    left = {"config", "inbox", "results", ".snakemake"}
    assert {path.name for path in open_project.iterdir()} == left
    record_fault(replace(fault, superevents=3))


@as_root
@pytest.mark.parametrize(
    "command", [("run", "--cores=2"), ("watch", "--cores=2")], ids=lambda c: c[0]
)
def test_limit_on_processes_is_named(open_project: Path, command: tuple[str, ...]) -> None:
    """Each process and thread that is needed is once the first one that cannot be started."""
    for most in (2, 3, 4, 5, 8) if command[0] == "run" else (2, 3, 4):
        # The limit is inside of timeout, which must be able to start its command.
        limited = ("timeout", "--foreground", "20", "prlimit", f"--nproc={most}:{most}")
        ended = foreign(open_project, *limited, SCRIPTS / "sirenflow", *command)
        assert "Traceback" not in ended.stderr, ended.stderr
        assert "panicked" not in ended.stderr
        assert ended.returncode == 1, (most, ended.stderr)
        assert "ulimit -u" in ended.stderr


@as_root
def test_warm_process_starts_without_an_entry_and_without_home(open_project: Path) -> None:
    program = (
        "from sirenflow.pipeline.watch import preloaded_server\n"
        "exit(preloaded_server('sirenflow.cli:run_in_child').run(['--version']))"
    )
    ended = foreign(open_project, SCRIPTS / "python", "-P", "-c", program)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr


def test_no_program_on_the_path_and_no_home(project: Path, record_fault: FaultRecorder) -> None:
    """The executor plugin for Slurm is installed, and calls `which` when it is imported."""
    (project / "programs").mkdir()
    ended = run(project, environment={"PATH": str(project / "programs")})
    fault = observe(project, "no `which` on PATH, no HOME", "sirenflow run", ended)
    assert_everything_is_made(fault, ended)
    record_fault(fault)


# --------------------------------------------------------------------------------- profiles


def until_extract(directory: Path) -> str:
    """Write a profile that leaves out most jobs."""
    (directory / "profile").mkdir(parents=True)
    (directory / "profile/config.yaml").write_text("until: extract\n")
    return str(directory / "profile")


def test_profile_in_the_environment_is_not_inherited(
    project: Path, record_fault: FaultRecorder
) -> None:
    profile = until_extract(project)
    ended = run(project, environment={**HOME, "SNAKEMAKE_PROFILE": profile})
    fault = observe(project, "SNAKEMAKE_PROFILE with `until: extract`", "sirenflow run", ended)
    assert_everything_is_made(fault, ended)
    record_fault(fault)


def test_profiles_of_the_user_and_of_the_working_directory_are_not_inherited(project: Path) -> None:
    home = project / "home"
    for place in (home / ".config/snakemake", project):
        shutil.copytree(until_extract(place / "templates"), place / "default")
    shutil.copytree(project / "default", project / "profiles/default")
    ended = run(project, environment={"HOME": str(home)})
    assert ended.returncode == 0, ended.stderr
    assert environment_faults.count_catalogued(project / "results") == len(SUPEREVENTS)


def test_profile_that_is_given_counts_and_leaves_superevents_due(project: Path) -> None:
    profile = until_extract(project)
    part = run(project, "--", "--profile", profile)
    assert environment_faults.count_pages(project / "results") == 0, part.stderr
    again = run(project)
    assert again.returncode == 0, again.stderr
    assert environment_faults.count_catalogued(project / "results") == len(SUPEREVENTS)


def test_options_that_choose_jobs_are_found_wherever_they_are_set(tmp_path: Path) -> None:
    whole = ["--snakefile", str(ROOT / "Snakefile"), "--cores", "2", "--workflow-profile"]
    for profile in ("default", "slurm"):
        options = options_in_effect([*whole, str(ROOT / "profiles" / profile)])
        assert "--rerun-incomplete" in options
        assert keeps_targets(options), options
    for part in ("until: extract", "dry-run: true", "omit-from: report", "batch: tables=1/2"):
        (tmp_path / "config.yaml").write_text(f"{part}\n")
        options = options_in_effect([*whole, str(tmp_path)])
        assert f"--{part.partition(':')[0]}" in options
        assert not keeps_targets(options)


def test_snakemake_takes_options_from_one_variable_only() -> None:
    actions = get_argument_parser()._actions
    assert {action.env_var for action in actions if getattr(action, "env_var", None)} == {
        PROFILE_VARIABLE
    }


# ------------------------------------------------------------------------- standard streams

STREAMS = {
    "standard error closed": "2>&-",
    "standard error full": "2>/dev/full",
    "all standard streams closed": "<&- >&- 2>&-",
}


def redirected(
    directory: Path, redirection: str, *command: str | Path
) -> subprocess.CompletedProcess[str]:
    """Run a command with standard streams as a shell redirects them."""
    return execute(directory, "/bin/sh", "-c", f'exec "$@" {redirection}', "sh", *command)


@pytest.mark.parametrize("situation", STREAMS)
def test_ingest_stores_whatever_its_streams_are(tmp_path: Path, situation: str) -> None:
    (tmp_path / "alerts").mkdir()
    (tmp_path / "alerts/1-bad.json").write_text("{}")
    (tmp_path / "alerts/2-good.json").write_bytes(small_alert())
    command = (SCRIPTS / "sirenflow", "ingest", "alerts")
    ended = redirected(tmp_path, STREAMS[situation], *command)
    assert ended.returncode == 3
    (stored,) = list_superevents(tmp_path / "inbox").values()
    assert stored[0].read_bytes() == small_alert()
    assert len(quarantine.list_entries(tmp_path / "inbox")) == 1


@pytest.mark.parametrize("situation", STREAMS)
def test_run_makes_pages_whatever_its_streams_are(
    project: Path, record_fault: FaultRecorder, situation: str
) -> None:
    command = (SCRIPTS / "sirenflow", "run", "--cores=1")
    ended = redirected(project, STREAMS[situation], *command)
    fault = observe(project, situation, "sirenflow run", ended)
    assert_everything_is_made(fault, ended)
    assert not any(path.name.isdigit() for path in project.iterdir())
    record_fault(fault)


def test_output_that_is_lost_is_an_error(project: Path) -> None:
    sample = SAMPLES / "MS260522k-02-retraction.avro"
    ended = redirected(project, ">/dev/full", SCRIPTS / "sirenflow", "show", sample)
    assert (ended.returncode, ended.stderr) == (
        *(1, "sirenflow: standard output cannot be written\n"),
    )


# ------------------------------------------------------------------------------------ the table


@pytest.mark.parametrize("polling", [False, True])
def test_watch_with_an_unreadable_directory(
    project: Path, record_fault: FaultRecorder, polling: bool
) -> None:
    """It makes all other pages, and goes on watching; the directory is reported."""
    (project / "inbox/MS260902b").mkdir()
    (project / "inbox/MS260902b").chmod(0)
    shared = (
        f"import sirenflow.pipeline.watch as w; w.is_shared = lambda _: {polling}; {PROGRAM[2]}"
    )
    without_capabilities = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
    reported = "MS260902b: directory cannot be read: Permission denied"
    program = [*without_capabilities, sys.executable, "-c", shared]
    with waiting(project, "watch", program=program) as watch:
        wait_until(lambda: watch.said(reported))
        wait_until(lambda: environment_faults.count_catalogued(project / "results") == 3)
        code = watch.stop()
    where = " (inbox on NFS)" if polling else ""
    fault = Fault(
        situation=f"a superevent's directory cannot be read{where}",
        command="sirenflow watch",
        pages=environment_faults.count_pages(project / "results"),
        superevents=len(SUPEREVENTS) + 1,
        catalogued=environment_faults.count_catalogued(project / "results"),
        exit_code=code,
        reported=reported,
    )
    assert (fault.pages, fault.catalogued, fault.exit_code) == (3, 3, 0)
    record_fault(fault)


def test_table_agrees_with_this_run(
    request: pytest.FixtureRequest, record_fault: FaultRecorder
) -> None:
    environment_faults.compare_with_table(request, record_fault.rows)
