"""Progress and outcome of a run."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(frozen=True)
class RunPlanned:
    """Snakemake has planned its jobs."""

    jobs: int


@dataclass(frozen=True)
class JobFinished:
    """A job has ended.

    Attributes
    ----------
    message
        Snakemake's message on a failure, in case the log could not be written.
    """

    stage: str
    superevent: str | None
    failed: bool = False
    log: str | None = None
    message: str = ""


@dataclass(frozen=True)
class RunError:
    """An error that concerns no single job."""

    text: str


ProgressEvent = RunPlanned | JobFinished | RunError
ProgressCallback = Callable[[ProgressEvent], None]


def _ignore(event: ProgressEvent) -> None:
    """Report nothing: the callback of `snakemake --logger sirenflow` on a command line."""


PROGRESS_CALLBACK: ContextVar[ProgressCallback] = ContextVar("PROGRESS_CALLBACK", default=_ignore)
"""Callback of the run in this thread.

Snakemake makes the handler of a logger plugin itself: this is how the handler finds its run.
"""


@dataclass
class RunOutcome:
    """What a run did, and what went wrong.

    Attributes
    ----------
    rejected
        Superevent, file and reason of each alert that this run rejected.
    left_out
        Sentences on what could not be used, and is missing on pages that were built.
    """

    superevents: int = 0
    alerts: int = 0
    jobs_done: int = 0
    stages: dict[str, set[str]] = field(default_factory=dict)
    rejected: list[tuple[str, str, str]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    failed: list[JobFinished] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def succeeded(self) -> bool:
        """Whether everything was built."""
        return not self.failed and not self.errors

    @property
    def failed_superevents(self) -> set[str | None]:
        """Superevents of the jobs that failed; None for a job on all superevents."""
        return {job.superevent for job in self.failed}

    def add(self, event: ProgressEvent) -> None:
        """Count an event."""
        match event:
            case JobFinished(failed=True):
                self.failed.append(event)
            case JobFinished(stage, superevent):
                self.jobs_done += 1
                if superevent is not None:
                    self.stages.setdefault(superevent, set()).add(stage)
            case RunError():
                self.errors.append(event.text)
