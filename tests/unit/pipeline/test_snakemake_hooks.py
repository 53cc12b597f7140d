"""Presence of Snakemake's private parts that `sirenflow.pipeline.snakemake` uses.

What the hooks do is tested in tests/workflow; these tests name the part that a version of Snakemake
lacks, and the function that needs it.
"""

from __future__ import annotations

import inspect
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import snakemake
from snakemake import cli
from snakemake.modules import WorkflowModifier
from snakemake.path_modifier import PathModifier
from snakemake.scheduling.job_scheduler import JobScheduler
from snakemake.workflow import Workflow
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry

from sirenflow.pipeline.snakemake import driver, environment, snakemake_dir, workflow_hooks
from snakemake_logger_plugin_sirenflow import LogHandler

pytestmark = pytest.mark.snakemake


def in_source(words: str, part: Any) -> bool:
    """Return whether words stand in the source of a part of Snakemake."""
    return words in inspect.getsource(part)


def _persistence() -> Any:
    """Return the class that keeps metadata in files; a module of its own since Snakemake 9.20."""
    try:
        return import_module("snakemake.persistence.file").FilePersistence
    except ImportError:
        return import_module("snakemake.persistence").Persistence


ATTRIBUTES: list[tuple[str, Callable[[], bool], Callable[..., Any]]] = [
    (
        "JobScheduler.exit_gracefully as the handler of SIGTERM",
        lambda: in_source("signal.signal(signal.SIGTERM, self.exit_gracefully)", JobScheduler),
        driver.replace_signal_handler,
    ),
    (
        "JobScheduler.job_rate_limiter that may be None",
        lambda: in_source("if self.job_rate_limiter is None", JobScheduler),
        workflow_hooks.disable_rate_limit,
    ),
    (
        "Persistence.started that marks job.output",
        lambda: in_source("for f in job.output", _persistence().started),
        workflow_hooks.record_jobs_once,
    ),
    (
        "Persistence._record_path of a mark",
        lambda: (
            in_source("self._incomplete_path", _persistence())
            and hasattr(_persistence(), "_record_path")
        ),
        workflow_hooks.record_jobs_once,
    ),
    (
        "Workflow.local_exec",
        lambda: hasattr(Workflow, "local_exec"),
        workflow_hooks.disable_rate_limit,
    ),
    (
        "Workflow.remote_exec",
        lambda: hasattr(Workflow, "remote_exec"),
        workflow_hooks.share_one_process,
    ),
    (
        "Workflow.onstart that sets _onstart",
        lambda: in_source("self._onstart = func", Workflow.onstart),
        workflow_hooks.before_first_job,
    ),
    (
        "Workflow._onstart that is called with the log file",
        lambda: in_source("self._onstart(", Workflow),
        workflow_hooks.before_first_job,
    ),
    (
        "WorkflowModifier.base_snakefile",
        lambda: in_source("self.base_snakefile = base_snakefile", WorkflowModifier),
        workflow_hooks.is_module,
    ),
    (
        "WorkflowModifier.skip_configfile that means `config:`",
        lambda: in_source("self.skip_configfile = config is not None", WorkflowModifier),
        workflow_hooks.has_config,
    ),
    (
        "WorkflowModifier.path_modifier",
        lambda: in_source("self.path_modifier = ", WorkflowModifier),
        workflow_hooks.has_prefix,
    ),
    (
        "PathModifier.prefix and PathModifier.modifies_prefixes",
        lambda: (
            in_source("self.prefix = ", PathModifier) and hasattr(PathModifier, "modifies_prefixes")
        ),
        workflow_hooks.has_prefix,
    ),
    (
        "cli.parse_args, and a parser with a list of options",
        lambda: hasattr(cli, "parse_args") and bool(cli.get_argument_parser()._actions),
        driver.options_in_effect,
    ),
    (
        "cli.main that takes a list of arguments",
        lambda: [*inspect.signature(cli.main).parameters] == ["argv"],
        driver.run_snakemake,
    ),
]


@pytest.mark.parametrize(
    ("part", "is_present", "user"), ATTRIBUTES, ids=[part for part, _, _ in ATTRIBUTES]
)
def test_private_part_is_present(
    part: str, is_present: Callable[[], bool], user: Callable[..., Any]
) -> None:
    assert is_present(), (
        f"Snakemake {snakemake.__version__} has no {part}: read what it is for in "
        f"{user.__module__}.{user.__name__}, and adapt that or the version bound in pyproject.toml"
    )


def test_late_imports_exist() -> None:
    """One that is gone costs half a second of each run."""
    for name in driver.IMPORTED_LATE:
        __import__(name)


def test_logger_plugin_is_found_by_its_name() -> None:
    registry = LoggerPluginRegistry()
    assert registry.get_plugin("sirenflow").log_handler is LogHandler


def test_events_of_the_logger_are_documented_ones() -> None:
    names = {event.name for event in LogEvent}
    assert names >= {"RUN_INFO", "JOB_INFO", "JOB_FINISHED", "JOB_ERROR"}


@pytest.mark.slow
def test_snakemake_is_importable_without_home_and_which(tmp_path: Path) -> None:
    """As in a minimal container; `environment` says what needs them."""
    assert shutil.which("which", path=str(tmp_path)) is None
    code = "from sirenflow.pipeline.snakemake import driver; driver.preload()"
    clean = {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**clean, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{environment.__name__}: {done.stderr}"


@pytest.mark.slow
def test_locks_and_metadata_are_in_the_directory_that_we_look_at(tmp_path: Path) -> None:
    """A job of a plain workflow lists its directory while Snakemake holds its locks."""
    (tmp_path / "Snakefile").write_text(
        "rule all:\n    output: 'listed'\n    shell: 'grep -r . .snakemake/locks > {output}'\n"
    )
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--quiet", "all"]
    subprocess.run(command, cwd=tmp_path, check=True)
    listed = (tmp_path / "listed").read_text().split()
    assert any(line.endswith(".output.lock:listed") for line in listed), (
        f"{snakemake_dir.remove_stale_locks.__name__} knows no locks such as {listed}"
    )
