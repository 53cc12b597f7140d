"""Hooks for the Snakefile, which use private attributes of Snakemake's `workflow`."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sirenflow.errors import SirenflowError
from sirenflow.processes import interpreter

_NODE_OPTIONS = ["--executor", "local", "--force-use-threads", "--keep-going"]


def is_module(workflow: Any) -> bool:
    """Return whether the Snakefile that is being read is a `module` of another workflow.

    Reason: a module must not take configuration and environment from the working directory, which
    are the other workflow's. Hook: `workflow.modifier.base_snakefile`, set for modules only.
    """
    return workflow.modifier.base_snakefile is not None


def has_config(workflow: Any) -> bool:
    """Return whether the `module` has a `config:`, even an empty one.

    Reason: without one Snakemake passes the other workflow's configuration. Hook:
    `workflow.modifier.skip_configfile`, true if there is a `config:`.
    """
    return bool(workflow.modifier.skip_configfile)


def has_prefix(workflow: Any) -> bool:
    """Return whether the `module` has a `prefix:` or a `replace_prefix:`.

    Reason: it would move the products, but not the files that our rules name by functions. Hook:
    `workflow.modifier.path_modifier`.
    """
    paths = workflow.modifier.path_modifier
    return paths.prefix is not None or bool(paths.modifies_prefixes)


def protect_subprocesses() -> None:
    """Keep modules of the working directory out of the jobs that Snakemake runs as processes.

    Reason: it starts them as ``python -m snakemake``, which searches the working directory first.
    In a module of another workflow this stays: its scripts may rely on it.
    """
    os.environ["PYTHONSAFEPATH"] = "1"


def share_one_process(workflow: Any) -> None:
    """On the node of a cluster, replace this process by one that runs all jobs in its threads.

    Reason: the jobs of a submission share its worker processes then, instead of starting a
    Snakemake each, one after another, and one that fails does not stop the others; executors pass
    neither option on to the node. Hook: `workflow.remote_exec`, and that the command line of a
    node's job can be repeated with more options. Without it: 50 superevents take minutes, not one.
    """
    if workflow.remote_exec and sys.argv[-len(_NODE_OPTIONS) :] != _NODE_OPTIONS:
        command = [*interpreter.COMMAND, "-m", "snakemake", *sys.argv[1:], *_NODE_OPTIONS]
        os.execv(command[0], command)  # noqa: S606 - this program, with its own arguments


def disable_rate_limit(workflow: Any) -> None:
    """Start jobs on this machine without a limit per second.

    Reason: Snakemake's limit of 100 jobs per second is for clusters, and no option disables it.
    Each round of the scheduler that starts a job also arms a timer that starts one more round, so
    the cost grows with the length of a run. Hook: `workflow.scheduler.job_rate_limiter`, None for
    no limit. Without it: long runs are slower.
    """
    if workflow.local_exec and hasattr(workflow.scheduler, "job_rate_limiter"):
        workflow.scheduler.job_rate_limiter = None


class _OfOneOutput:
    """A job, as if it had only one of its outputs."""

    def __init__(self, job: Any, output: Any) -> None:
        self._job = job
        self.output = [output]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._job, name)

    def __hash__(self) -> int:
        return hash(self._job)


def record_jobs_once(workflow: Any) -> None:
    """Write the marks and records of a job's outputs once, and links to them.

    Reason: for each output Snakemake writes a mark when the job starts and a record when it ends,
    which takes 40 % of the driver's time in a long run. All outputs of a job have the same record
    but for the time of the file, of which `snakemake --report` shows the first. Hook:
    `workflow.persistence.started` and `.finished`, which go through `job.output`, and where they
    write: `_record_path`, `_incomplete_path`, `_metadata_path`. Without it: long runs are slower.
    """
    persistence = workflow.persistence
    if not workflow.local_exec or not hasattr(persistence, "_metadata_path"):  # in a database
        return
    started, finished = persistence.started, persistence.finished

    def path(directory: str, output: Any) -> Path:
        return Path(persistence._record_path(directory, output))

    def link(directory: str, outputs: Sequence[Any]) -> list[Any]:
        """Link the files of all outputs but the first to its; return those that cannot be."""
        failed = []
        for output in outputs[1:]:
            try:
                path(directory, output).unlink(missing_ok=True)
                path(directory, output).hardlink_to(path(directory, outputs[0]))
            except OSError:  # no links on this file system, or the name is too long for one
                failed.append(output)
        return failed

    def start(job: Any, external_jobid: str | None = None) -> None:
        outputs = list(job.output)
        for output in outputs[:1]:
            started(_OfOneOutput(job, output), external_jobid)
        for output in link(persistence._incomplete_path, outputs):
            started(_OfOneOutput(job, output), external_jobid)

    async def finish(job: Any) -> None:
        outputs = list(job.output)
        for output in outputs[:1]:
            await finished(_OfOneOutput(job, output))
        for output in link(persistence._metadata_path, outputs):
            await finished(_OfOneOutput(job, output))
        for output in outputs:
            path(persistence._incomplete_path, output).unlink(missing_ok=True)

    persistence.started, persistence.finished = start, finish


def before_first_job(workflow: Any, act: Callable[[], object]) -> None:
    """Call a function when the jobs are planned and before the first one is run; not in a dry run.

    Reason: the directive `onstart:` does this in the main Snakefile only; Snakemake ignores it in a
    module. What the main Snakefile registers there, before or after the module, is called as well.
    Hook: `workflow.onstart` registers, `workflow._onstart` is called. Without it: two runs of
    another workflow could write the same products at once.
    """
    register = workflow.onstart

    def registered(function: Callable[..., object]) -> None:
        before = workflow._onstart
        register(function)
        if workflow._onstart is not before:
            workflow._onstart = _call_both(act, workflow._onstart)

    workflow._onstart = _call_both(act, workflow._onstart)
    workflow.onstart = registered


def _call_both(first: Callable[[], object], second: Callable[..., object]) -> Callable[..., None]:
    def call(log: object) -> None:
        first()
        second(log)

    return call


@contextmanager
def workflow_errors() -> Iterator[None]:
    """Turn errors of Sirenflow into `WorkflowError`, which Snakemake prints without a traceback."""
    from snakemake.exceptions import WorkflowError

    try:
        yield
    except SirenflowError as error:
        raise WorkflowError(str(error)) from None
