"""The `snakemake` command in this process.

`snakemake.cli.main` is used rather than `snakemake.api.SnakemakeApi`: profiles, and the arguments
that users pass after ``--``, are known to the command line only. With the API the 90 options would
have to be translated here, as `snakemake.cli.args_to_api` does in 400 lines, in every version anew.
"""

import io
import os
import re
from collections.abc import Sequence
from contextlib import redirect_stderr, suppress
from dataclasses import replace
from importlib import import_module

from sirenflow.pipeline.fatal_superevents import Attempt
from sirenflow.pipeline.progress import (
    PROGRESS_CALLBACK,
    JobFinished,
    ProgressCallback,
    ProgressEvent,
    RunError,
)
from sirenflow.pipeline.snakemake.environment import replace_which, set_home
from sirenflow.processes import process_limit, signals

# Of numpy, which Snakemake imports: it raises SIGINT where it cannot start its threads.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
with replace_which():  # Snakemake imports its plugins when it is imported itself
    from snakemake import cli

# Options that change neither which jobs are run, nor with what configuration.
_NEUTRAL_OPTIONS = re.compile(
    r"--(workflow-)?profile|--executor|-e|--jobs|--cores|-[jc]\d*|--local-cores|--latency-wait|-w"
    r"|--(default-|set-)?resources|--set-threads|--groups|--group-components|--keep-going|-k"
    r"|--retries|-T|--max-.*|--scheduler.*|--(slurm|htcondor|kubernetes)-.*|--shared-fs-usage"
    r"|--verbose|--quiet|-q|--printshellcmds|-p|--show-failed-logs"
    # The other ones of profiles/default and profiles/slurm.
    r"|--force-use-threads|--rerun-incomplete|--keep-incomplete"
)
_LOGGER_PLUGIN = "sirenflow"
# The destinations of the options that name the workflow, and of our own.
_OWN_OPTIONS = ("snakefile", "workflow_profile", "profile", "lock", "nolock", "logger", "targets")
IMPORTED_LATE = (
    *("jsonschema.validators", "pandas", "smart_open", "snakemake.report"),
    *("snakemake.scheduling.job_scheduler", "snakemake.executors.local"),
)
"""Modules that Snakemake imports when it needs them."""


def run_snakemake(arguments: Sequence[str], on_progress: ProgressCallback) -> Attempt:
    """Run the `snakemake` command.

    Return whether everything was built, and the errors. Raise Stopped if a signal stopped it.

    Parameters
    ----------
    on_progress
        Is called with each event, in another thread, and always before this returns. Errors that
        concern no job are returned instead.
    """
    errors: list[RunError] = []
    failed: list[JobFinished] = []

    def record(event: ProgressEvent) -> None:
        match event:
            case RunError():
                errors.append(event)
            case JobFinished(failed=True):
                message = errors.pop().text if errors else ""  # Snakemake reports the reason first
                failed.append(replace(event, message=message))
                on_progress(failed[-1])
            case _:
                on_progress(event)

    replace_signal_handler()
    token = PROGRESS_CALLBACK.set(record)
    # Before its log is set up it prints: which profile it uses, and what is wrong with arguments.
    with redirect_stderr(io.StringIO()) as printed:
        try:
            cli.main([*arguments, "--logger", _LOGGER_PLUGIN])
        except SystemExit as end:
            succeeded = end.code == 0
        finally:
            PROGRESS_CALLBACK.reset(token)
    signals.check()  # after Ctrl-C Snakemake says only that it failed
    if succeeded or failed:  # the log of a job that failed says more than Snakemake
        return Attempt(succeeded)
    return Attempt(succeeded, _reasons(printed.getvalue(), errors))


def _reasons(printed: str, errors: Sequence[RunError]) -> tuple[RunError, ...]:
    """Return why Snakemake ended before its first job failed."""
    texts = (printed, *(error.text for error in errors))
    if any(map(process_limit.is_limit_text, texts)):  # in a traceback of Snakemake
        return (RunError(process_limit.MESSAGE),)
    last = printed.strip().rpartition("\n")[2]
    return tuple(errors) or (RunError(last or "stopped before everything was made"),)


def replace_signal_handler() -> None:
    """Have SIGTERM raise `Stopped` while Snakemake runs.

    Reason: the scheduler's own handler waits for a lock that the thread which it interrupts may
    hold, and the process never ends. Hook: `JobScheduler.exit_gracefully`, which the scheduler
    registers as the handler; its module has this name since Snakemake 9.10. Without it: a run
    that is stopped may hang until it is killed.
    """
    job_scheduler = import_module("snakemake.scheduling.job_scheduler")
    job_scheduler.JobScheduler.exit_gracefully = staticmethod(signals.interrupt)


def options_in_effect(arguments: Sequence[str]) -> list[str]:
    """List Snakemake's options that differ from their defaults, also those that a profile sets.

    Reason: a profile may ask for a dry run or for some targets only, and then not all superevents
    are up to date after the run. Hook: `cli.parse_args`, `cli.get_argument_parser` and the parser's
    list of options. Without it: superevents would be recorded as built that are not.

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
        if action.option_strings and action.dest not in (*_OWN_OPTIONS, "help", "version")
        if _differ(getattr(found, action.dest, None), getattr(default, action.dest, None))
    ]


def _differ(one: object, other: object) -> bool:
    # Snakemake's own types cannot be compared with None.
    return one is not other if one is None or other is None else one != other


def keeps_targets(arguments: Sequence[str]) -> bool:
    """Return whether Snakemake builds all targets with these arguments: no dry run, for example.

    Options that are not known here count as if they would not.
    """
    options = [word.partition("=")[0] for word in arguments if word.startswith("-")]
    return all(_NEUTRAL_OPTIONS.fullmatch(option) for option in options)


def preload() -> None:
    """Import what Snakemake imports only when it needs it, and find its plugins.

    A module that a version of Snakemake lacks is left out: it costs only time.
    """
    for module in IMPORTED_LATE:
        with suppress(ImportError):
            import_module(module)
    set_home()
    cli.get_argument_parser()
