"""What Snakemake has no documented way for: code in our Snakefile that changes how it runs.

Each hook uses private parts of Snakemake, in the versions that pyproject.toml allows; a test fails
if one is gone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any


def is_module(workflow: Any) -> bool:
    """Return whether the Snakefile that is being read is a `module` of another workflow."""
    return workflow.modifier.base_snakefile is not None


def has_config(workflow: Any) -> bool:
    """Return whether the `module` has a `config:`, even an empty one."""
    return bool(workflow.modifier.skip_configfile)


def has_prefix(workflow: Any) -> bool:
    """Return whether the `module` has a `prefix:` or a `replace_prefix:`."""
    paths = workflow.modifier.path_modifier
    return paths.prefix is not None or bool(paths.modifies_prefixes)


def protect_subprocesses() -> None:
    """Keep modules of the working directory out of the jobs that Snakemake runs as processes.

    It starts them as ``python -m snakemake``, which searches the working directory first. In a
    module of another workflow that is the other workflow's affair: its scripts may rely on it.
    """
    os.environ["PYTHONSAFEPATH"] = "1"


def before_first_job(workflow: Any, act: Callable[[], object]) -> None:
    """Call a function when the jobs are planned and before the first one is run; not in a dry run.

    The directive `onstart:` does this in the main Snakefile only: Snakemake ignores it in a module.
    What the main Snakefile registers there, before or after the module, is called as well.
    """
    register = workflow.onstart

    def registered(function: Callable[..., object]) -> None:
        before = workflow._onstart
        register(function)
        if workflow._onstart is not before:
            workflow._onstart = _both(act, workflow._onstart)

    workflow._onstart = _both(act, workflow._onstart)
    workflow.onstart = registered


def _both(first: Callable[[], object], second: Callable[..., object]) -> Callable[..., None]:
    def call(log: object) -> None:
        first()
        second(log)

    return call
