"""Snakemake in this process: its own command, and what it says told to a function."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr
from dataclasses import replace
from importlib import import_module
from types import ModuleType

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry

from sirenflow.pipeline.isolate_superevents import Attempt
from sirenflow.pipeline.progress import Event, Job, Observer, Planned, Trouble
from sirenflow.pipeline.snakemake_environment import set_home, without_which
from sirenflow.processes import process_limit, signals

# Of numpy, which Snakemake imports: it raises SIGINT where it cannot start its threads.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
with without_which():  # Snakemake imports its plugins when it is imported itself
    from snakemake import cli

_PLUGIN = "sirenflow"
# The destinations of the options that name the workflow, and of our own.
_OURS = ("snakefile", "workflow_profile", "profile", "lock", "nolock", "logger", "targets")
_IMPORTED_LATE = (
    *("jsonschema.validators", "pandas", "smart_open", "snakemake.report"),
    *("snakemake.scheduling.job_scheduler", "snakemake.executors.local"),
)


def run_snakemake(arguments: Sequence[str], observe: Observer) -> Attempt:
    """Run the `snakemake` command.

    Parameters
    ----------
    arguments
        Its arguments.
    observe
        Is called with what happens, from another thread, and always before this returns. Troubles
        are returned instead.

    Returns
    -------
    Attempt
        What came of it.

    Raises
    ------
    Stopped
        If it was told to stop.
    """
    troubles: list[Trouble] = []
    failed: list[Job] = []

    def note(event: Event) -> None:
        match event:
            case Trouble():
                troubles.append(event)
            case Job(failed=True):
                said = troubles.pop().text if troubles else ""  # it says why first
                failed.append(replace(event, said=said))
                observe(failed[-1])
            case _:
                observe(event)

    _listen_in(note)
    # Its own handler of SIGTERM may wait for a lock that the thread which it interrupts holds.
    job_scheduler = import_module("snakemake.scheduling.job_scheduler")
    job_scheduler.JobScheduler.exit_gracefully = staticmethod(signals.interrupt)
    # Before its log is set up it prints: which profile it uses, and what is wrong with arguments.
    with redirect_stderr(io.StringIO()) as printed:
        try:
            cli.main([*arguments, "--logger", _PLUGIN])
        except SystemExit as end:
            made = end.code == 0
    signals.check()  # of Ctrl-C it says no more than that it failed
    if made or failed:  # the log of a job that failed says more than Snakemake
        return Attempt(made)
    texts = (printed.getvalue(), *(trouble.text for trouble in troubles))
    if any(map(process_limit.is_limit_text, texts)):  # in a traceback of Snakemake
        return Attempt(made, (Trouble(process_limit.MESSAGE),))
    last = printed.getvalue().strip().rpartition("\n")[2]
    return Attempt(made, tuple(troubles or [Trouble(last or "stopped before everything was made")]))


def options_in_effect(arguments: Sequence[str]) -> list[str]:
    """List Snakemake's options that differ from their defaults, also those that a profile sets.

    Parameters
    ----------
    arguments
        Of `snakemake`, with which it can be run; those that name the workflow are not listed.
    """
    with redirect_stderr(io.StringIO()):
        parser, found = cli.parse_args([*arguments, "--nolock"])
        default = cli.get_argument_parser().parse_args([])
    return [
        max(action.option_strings, key=len)
        for action in parser._actions
        if action.option_strings and action.dest not in (*_OURS, "help", "version")
        if _differ(getattr(found, action.dest, None), getattr(default, action.dest, None))
    ]


def _differ(one: object, other: object) -> bool:
    # Snakemake's own types cannot be compared with None.
    return one is not other if one is None or other is None else one != other


def preload() -> None:
    """Import what Snakemake imports only when it needs it, and find its plugins."""
    for module in _IMPORTED_LATE:
        import_module(module)
    set_home()
    cli.get_argument_parser()


def _listen_in(observe: Observer) -> None:
    """Have what Snakemake says told to a function, and written nowhere."""
    plugin = ModuleType(_PLUGIN)
    plugin.LogHandler = _handler(observe)  # type: ignore[attr-defined]
    registry = LoggerPluginRegistry()
    registry.plugins.pop(_PLUGIN, None)
    registry.register_plugin(_PLUGIN, plugin)


def _handler(observe: Observer) -> type[LogHandlerBase]:
    started: dict[int, Job] = {}

    class Handler(LogHandlerBase):
        writes_to_stream = True  # so that Snakemake adds no handler that does
        writes_to_file = False
        has_filter = True
        has_formatter = True
        needs_rulegraph = False

        def emit(self, record: logging.LogRecord) -> None:
            for event in _events(record, started):
                observe(event)

    return Handler


def _events(record: logging.LogRecord, started: dict[int, Job]) -> Iterator[Event]:
    said = record.__dict__
    match said.get("event"):
        case LogEvent.RUN_INFO:
            yield Planned(said["stats"]["total"])
        case LogEvent.JOB_INFO:
            superevent = (said["wildcards"] or {}).get("superevent")
            log = next(iter(said["log"]), None)
            started[said["jobid"]] = Job(said["rule_name"], superevent, log=log)
        case LogEvent.JOB_FINISHED:
            job = started[said["job_id"]]
            if job.log is not None:  # what has no log does nothing but name products
                yield job
        case LogEvent.JOB_ERROR:
            job = started[said["jobid"]]
            yield Job(job.stage, job.superevent, failed=True, log=job.log)
        case _ if record.levelno >= logging.ERROR:
            yield Trouble(record.getMessage())
