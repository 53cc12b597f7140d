"""Commands that make products of the alerts in the inbox."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from tqdm import tqdm

from sirenflow.cli.terminal import (
    directory,
    inbox_option,
    log_to_stderr,
    printable,
    time_text,
)
from sirenflow.pipeline.progress import JobFinished, ProgressEvent, RunError, RunPlanned
from sirenflow.processes import exit_codes, signals

if TYPE_CHECKING:  # slow to import for the commands beside these
    from sirenflow.pipeline.build_plan import Selection
    from sirenflow.pipeline.outcome import RunOutcome
    from sirenflow.pipeline.project import Project

RUN_EXIT_CODES = (
    "Exit codes: 0 done; 1 something failed, the rest is done; 2 wrong usage; 3 done, but alerts "
    "were rejected by this run, or a directory of the inbox, the quarantine or a table is left "
    "out, also when nothing is new; 75 another run works on these results; 130 stopped by Ctrl-C, "
    "143 by SIGTERM."
)

WATCH_EXIT_CODES = (
    "Exit codes: 0 stopped by a signal; 1 stopped by an error; 2 wrong usage; 75 another watch "
    "works on these results."
)

_SETTING = re.compile(r"--(config|directory|snakefile)|-[Cds]")

results_option = click.option(
    "--results",
    metavar="DIRECTORY",
    type=directory,
    help="Directory for products.  [default: `results` of config/config.yaml, or ./results]",
)
cores_option = click.option(
    "--cores",
    metavar="N",
    type=click.IntRange(1, 1024),
    default=lambda: len(os.sched_getaffinity(0)),
    show_default="as the machine has",
    help="How many jobs at a time.",
)
log_option = click.option(
    "--log",
    "log",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="text: one line at the end, and a bar on a terminal. json: a line of JSON for each job.",
)


def _without_settings(
    _ctx: click.Context, _argument: click.Parameter, given: tuple[str, ...]
) -> tuple[str, ...]:
    """Refuse what would have Snakemake work on other files than those that we look at."""
    for word in given:
        if _SETTING.match(word):
            raise click.UsageError(f"no {word} here: settings stand in config/config.yaml")
    return given


snakemake_arguments = click.argument(
    "snakemake", nargs=-1, type=click.UNPROCESSED, callback=_without_settings
)


class Report:
    """Tells a terminal, a mail from cron or another program how a run goes."""

    def __init__(self, log: str) -> None:
        self._json = log == "json"
        self._start = time.monotonic()
        self._bar: tqdm[Any] | None = None
        self._jobs = 0

    def tell(self, event: ProgressEvent) -> None:
        """Tell what happens."""
        match event:
            case RunPlanned(jobs) if sys.stderr.isatty() and not self._json:
                self._end_bar()
                self._bar = tqdm(total=jobs, unit=" jobs", leave=False, delay=0.5)
            case JobFinished(failed=failed):
                self._jobs += not failed
                if self._bar is not None:
                    self._bar.update()
                state = "failed" if failed else "done"
                self._line(event=state, stage=event.stage, superevent=event.superevent)
            case RunError(text):
                self._line(event="error", text=text)

    def _line(self, **content: object) -> None:
        if self._json:
            seconds = round(time.monotonic() - self._start, 3)
            click.echo(json.dumps({**content, "seconds": seconds}))

    def _end_bar(self) -> None:
        if self._bar is not None:
            self._bar.close()

    def close(self, project: Project, outcome: RunOutcome) -> int:
        """Sum up; return the exit code."""
        self._end_bar()
        code = _exit_code(outcome)
        if self._json:
            self._line(
                event="summary",
                superevents=outcome.superevents,
                alerts=outcome.alerts,
                jobs=outcome.jobs_done,
                rejected=[list(rejected) for rejected in outcome.rejected],
                left_out=outcome.left_out,
                failed=[[job.superevent, job.stage, _why(job)] for job in outcome.failed],
                exit_code=code,
            )
            return code
        for superevent, file, reason in outcome.rejected:
            # A superevent's own directory has the superevent's name.
            where = superevent if file == superevent else f"{superevent}/{file}"
            _complain(f"rejected {where}: {reason}")
        for text in outcome.left_out:
            _complain(text)
        for job in outcome.failed:
            see = f"; see {job.log}" if _logged(job) else ""
            _complain(f"{job.superevent or 'all'}: {job.stage} failed: {_why(job)}{see}")
        for text in outcome.errors:
            _complain(text)
        click.echo(printable(self._summary(project, outcome)))
        return code

    def close_stopped(self, number: int) -> int:
        """Tell that a signal ended the run; return the exit code."""
        self._end_bar()
        name, code = signal.Signals(number).name, exit_codes.of_signal(number)
        self._line(event="stopped", signal=name, jobs=self._jobs, exit_code=code)
        _complain(
            f"stopped by {name} after {_counted(self._jobs, 'job')}; "
            "the next run goes on where this one stopped"
        )
        return code

    def _summary(self, project: Project, outcome: RunOutcome) -> str:
        if not outcome.superevents and not outcome.jobs_done and outcome.succeeded:
            return "nothing new"
        seconds = time.monotonic() - self._start
        said = [
            f"{_counted(outcome.superevents, 'superevent')} considered, of "
            f"{_counted(outcome.alerts, 'alert')}: {_counted(outcome.jobs_done, 'job')} done "
            f"in {seconds:.1f} s"
        ]
        if outcome.failed:
            said.append(f"{_counted(len(outcome.failed), 'job')} failed")
        if outcome.rejected:
            said.append(f"{_counted(len(outcome.rejected), 'alert')} rejected")
        if (catalogue := project.results / "index.html").exists():
            said.append(f"catalogue: {catalogue}")
        return "; ".join(said)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _complain(text: str) -> None:
    click.echo(printable(f"sirenflow: {' '.join(text.split())}"), err=True)


def _why(job: JobFinished) -> str:
    """Find the last words of a job's log, or of Snakemake if the log could not be written."""
    said = [line for line in job.message.splitlines() if line and not line.startswith(" ")]
    return (_logged(job) or said or ["it says nothing"])[-1]


def _logged(job: JobFinished) -> list[str]:
    try:
        return Path(job.log or "").read_text(errors="replace").strip().splitlines()
    except OSError:
        return []


def _exit_code(outcome: RunOutcome) -> int:
    if not outcome.succeeded:
        return 1
    return exit_codes.REJECTED if outcome.rejected or outcome.left_out else 0


def _since(_ctx: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    """Read a time; write it as in the file names of alerts."""
    return None if text is None else f"{time_text(text):%Y%m%dT%H%M%S}"


@click.command(epilog=RUN_EXIT_CODES, short_help="Bring products up to date with the inbox.")
@inbox_option
@results_option
@cores_option
@click.option("--all", "everything", is_flag=True, help="Consider every superevent.")
@click.option("--event", "events", metavar="ID", multiple=True, help="Consider this superevent.")
@click.option(
    "--since",
    metavar="TIME",
    callback=_since,
    help="Consider superevents with an alert created since then: UTC, as 2026-11-22T17:00Z or "
    "2026-11-22.7 (decimal day).",
)
@log_option
@snakemake_arguments
def run(
    inbox: Path | None,
    results: Path | None,
    cores: int,
    everything: bool,
    events: tuple[str, ...],
    since: str | None,
    log: str,
    snakemake: tuple[str, ...],
) -> None:
    """Make reports of superevents with new alerts, and the catalogue: by hand, or from cron.

    What has been done already costs nothing, so it can be called every minute; when nothing is new
    it ends at once. Without --all, --event or --since, superevents are considered whose alerts
    changed since they were made, and all of them after a change of the configuration or of
    Sirenflow. What the last run left half done, as when it was stopped, is done again. A superevent
    that fails is tried again by the next run, and keeps nobody from the others. Alerts that were
    rejected are told by the run that reads them, and then on their superevent's page. Pages of a
    superevent whose alerts are removed stay, but not in the catalogue. If the inbox is empty and
    the last run knew superevents, as where a file system is not mounted, it reports
    that, keeps the catalogue and exits with 1; --all accepts it.

    Only one run works on the same results; a second one leaves with exit code 75. Arguments after
    -- are Snakemake's.

    Example: sirenflow run

    In a crontab: * * * * * cd /home/me/sirenflow && .venv/bin/sirenflow run
    """
    if sum([everything, bool(events), since is not None]) > 1:
        raise click.UsageError("choose one of --all, --event and --since")
    report = Report(log)
    with _stoppable(report):
        from sirenflow.pipeline.build_plan import Selection

        selection = Selection(everything, tuple(events), since)
        sys.exit(_make(inbox, results, selection, cores, report, snakemake))


@contextmanager
def _stoppable(report: Report) -> Iterator[None]:
    """Have a command that is told to stop say so, and exit as a shell expects."""
    try:
        with signals.raise_on_signals():
            yield
    except signals.Stopped as told:
        sys.exit(report.close_stopped(told.number))


def _make(
    inbox: Path | None,
    results: Path | None,
    selection: Selection,
    cores: int,
    report: Report,
    snakemake: tuple[str, ...],
) -> int:
    """Run the workflow once; return the exit code."""
    from sirenflow.pipeline.project import find_project
    from sirenflow.pipeline.run import run as run_workflow

    project = find_project(inbox, results)
    outcome = run_workflow(project, selection, cores, report.tell, snakemake)
    return report.close(project, outcome)


@click.command(epilog=WATCH_EXIT_CODES, short_help="Make products as alerts arrive.")
@inbox_option
@results_option
@cores_option
@log_option
@snakemake_arguments
@click.pass_context
def watch(
    ctx: click.Context,
    inbox: Path | None,
    results: Path | None,
    cores: int,
    log: str,
    snakemake: tuple[str, ...],
) -> None:
    """Make reports and the catalogue whenever alerts arrive in the inbox, until Ctrl-C.

    What is new already is made at once. Then it waits, with everything loaded, for what the
    listener or `sirenflow ingest` store, and does what `sirenflow run` would; alerts that come
    together are made together. After a change of the configuration, the next alert's superevent is
    made first, and then all others; without an alert, within five minutes. On file systems that
    other machines write to it looks every two seconds. A run that fails is told, and tried again
    with the next alert, or after five minutes.

    Arguments after -- are Snakemake's. `sirenflow listen --watch` does this and listens.

    Example: sirenflow watch
    """
    from sirenflow.files import lock
    from sirenflow.pipeline.build_plan import Selection, plan_build
    from sirenflow.pipeline.build_state import global_digest
    from sirenflow.pipeline.project import find_project
    from sirenflow.pipeline.watch import Watch

    log_to_stderr(ctx.find_root().params["debug"])
    project = find_project(inbox, results)
    options = [f"--cores={cores}", f"--log={log}"]
    options += [f"--{key}={value}" for key, value in project.changed.items()]
    command = ["run", *options, *(["--", *snakemake] if snakemake else [])]
    with lock.exclusive(project.private / "watch"):
        watching = Watch(
            project.inbox,
            command,
            lambda: plan_build(find_project(inbox, results), Selection()).is_anything_due,
            lambda: global_digest(find_project(inbox, results).config),
            "sirenflow.cli:run_in_child",
        )
        watching.until_stopped()


@click.command(epilog=RUN_EXIT_CODES, short_help="Make all products anew, somewhere else.")
@inbox_option
@click.option(
    "--results",
    metavar="DIRECTORY",
    type=directory,
    required=True,
    help="New directory for products; one that is half made is completed.",
)
@cores_option
@log_option
@snakemake_arguments
def reprocess(
    inbox: Path | None,
    results: Path,
    cores: int,
    log: str,
    snakemake: tuple[str, ...],
) -> None:
    """Make the products of all alerts anew, with this version and configuration.

    The alerts are those of the inbox, or of another one, such as an archive. Then
    `sirenflow compare OLD NEW` tells which numbers changed, and by how much. Arguments after -- are
    Snakemake's: `-- --workflow-profile profiles/slurm --jobs 20` has a cluster do it.

    Example: sirenflow reprocess --results results-2027
    """
    report = Report(log)
    with _stoppable(report):
        from sirenflow.errors import ConfigError
        from sirenflow.pipeline.build_plan import Selection
        from sirenflow.pipeline.project import find_project

        if results.resolve() == find_project(inbox).results.resolve():
            raise ConfigError(f"{results} holds the present products; name a new directory")
        sys.exit(_make(inbox, results, Selection(everything=True), cores, report, snakemake))
