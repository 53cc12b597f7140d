"""Logger plugin of Snakemake for `sirenflow run`: reports progress by function calls, not text.

Snakemake finds it by the name of this package, for ``--logger sirenflow``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from sirenflow.pipeline.progress import (
    PROGRESS_CALLBACK,
    JobFinished,
    ProgressEvent,
    RunError,
    RunPlanned,
)

__all__ = ["LogHandler"]


class LogHandler(LogHandlerBase):
    """Passes what Snakemake logs to the progress callback of the run, and writes nothing."""

    writes_to_stream = True  # so that Snakemake adds no handler that does
    writes_to_file = False
    has_filter = True
    has_formatter = True
    needs_rulegraph = False

    def __post_init__(self) -> None:
        """Take the callback of the run in whose thread this is called."""
        self._on_progress = PROGRESS_CALLBACK.get()
        self._started: dict[int, JobFinished] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Report a record; Snakemake calls this in a thread of its own."""
        for event in _to_events(record, self._started):
            self._on_progress(event)


def _to_events(
    record: logging.LogRecord, started: dict[int, JobFinished]
) -> Iterator[ProgressEvent]:
    fields = record.__dict__
    match fields.get("event"):
        case LogEvent.RUN_INFO:
            yield RunPlanned(fields["stats"]["total"])
        case LogEvent.JOB_INFO:
            superevent = (fields["wildcards"] or {}).get("superevent")
            log = next(iter(fields["log"]), None)
            started[fields["jobid"]] = JobFinished(fields["rule_name"], superevent, log=log)
        case LogEvent.JOB_FINISHED:
            job = started[fields["job_id"]]
            if job.log is not None:  # a rule without a log only names products
                yield job
        case LogEvent.JOB_ERROR:
            job = started[fields["jobid"]]
            yield JobFinished(job.stage, job.superevent, failed=True, log=job.log)
        case _ if record.levelno >= logging.ERROR:
            yield RunError(record.getMessage())
