"""What a run of the workflow reports: text for readers, or lines of JSON for programs."""

import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from tqdm import tqdm

from sirenflow.pipeline.progress import JobFinished, ProgressEvent, RunError, RunOutcome, RunPlanned
from sirenflow.processes import exit_codes, signals

if TYPE_CHECKING:  # slow to import for the commands beside these
    from sirenflow.pipeline.project import Project
from sirenflow.cli.terminal import printable


class RunReport:
    """Progress and result of a run: for a terminal, a mail from cron or a program."""

    def __init__(self, output_format: str) -> None:
        self._json = output_format == "json"
        self._start = time.monotonic()
        self._bar: tqdm[Any] | None = None
        self._jobs = 0

    def add(self, event: ProgressEvent) -> None:
        """Report an event of the run."""
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

    def close(self, project: "Project", outcome: RunOutcome) -> int:
        """Write the summary; return the exit code."""
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
            _warn(f"rejected {where}: {reason}")
        for text in outcome.left_out:
            _warn(text)
        for job in outcome.failed:
            see = f"; see {job.log}" if _logged(job) else ""
            _warn(f"{job.superevent or 'all'}: {job.stage} failed: {_why(job)}{see}")
        for text in outcome.errors:
            _warn(text)
        click.echo(printable(self._summary(project, outcome)))
        return code

    def close_stopped(self, number: int) -> int:
        """Report that a signal ended the run; return the exit code."""
        self._end_bar()
        name, code = signal.Signals(number).name, exit_codes.of_signal(number)
        self._line(event="stopped", signal=name, jobs=self._jobs, exit_code=code)
        _warn(f"stopped by {name} after {_counted(self._jobs, 'job')}; the next run continues")
        return code

    def _summary(self, project: "Project", outcome: RunOutcome) -> str:
        if not outcome.superevents and not outcome.jobs_done and outcome.succeeded:
            return "nothing new"
        seconds = time.monotonic() - self._start
        parts = [
            f"{_counted(outcome.superevents, 'superevent')} considered, of "
            f"{_counted(outcome.alerts, 'alert')}: {_counted(outcome.jobs_done, 'job')} done "
            f"in {seconds:.1f} s"
        ]
        if outcome.failed:
            parts.append(f"{_counted(len(outcome.failed), 'job')} failed")
        if outcome.rejected:
            parts.append(f"{_counted(len(outcome.rejected), 'alert')} rejected")
        if (catalogue := project.results / "index.html").exists():
            parts.append(f"catalogue: {catalogue}")
        return "; ".join(parts)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _warn(text: str) -> None:
    click.echo(printable(f"sirenflow: {' '.join(text.split())}"), err=True)


def _why(job: JobFinished) -> str:
    """Return the last line of a job's log, or of Snakemake if the log could not be written."""
    said = [line for line in job.message.splitlines() if line and not line.startswith(" ")]
    return (_logged(job) or said or ["no message"])[-1]


def _logged(job: JobFinished) -> list[str]:
    try:
        return Path(job.log or "").read_text(errors="replace").strip().splitlines()
    except OSError:
        return []


def _exit_code(outcome: RunOutcome) -> int:
    if not outcome.succeeded:
        return 1
    return exit_codes.REJECTED if outcome.rejected or outcome.left_out else 0


@contextmanager
def stoppable(report: RunReport) -> Iterator[None]:
    """Report a signal that stops the run, and exit with its code."""
    try:
        with signals.raise_on_signals():
            yield
    except signals.Stopped as stopped:
        sys.exit(report.close_stopped(stopped.number))
