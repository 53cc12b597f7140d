"""Progress of a run: what Snakemake does, as values."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass


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
