"""`sirenflow run` and `snakemake` in children of a process that has everything imported.

A cold run spends most of its time in imports. Tests that are not about the start of a program use
this instead; each command still has a process and a working directory to itself.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from unittest import mock

from paths import ROOT

from sirenflow.pipeline import stage_workers
from sirenflow.pipeline.watch import preloaded_server
from sirenflow.processes.prefork import PreforkServer


def warm_run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `sirenflow run` in a directory."""
    return _run(directory, "sirenflow", "run", *arguments)


def warm_snakemake(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run plain `snakemake` with our Snakefile in a directory; all its output is in `stdout`."""
    options = ("--snakefile", str(ROOT / "Snakefile"), "--cores", "4", *arguments)
    return _run(directory, "snakemake", *options)


def _run(directory: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    with NamedTemporaryFile("r") as out, NamedTemporaryFile("r") as error:
        outputs = (out.name, out.name if program == "snakemake" else error.name)
        code = _server().run([str(directory), *outputs, program, *arguments])
        return subprocess.CompletedProcess(arguments, code, out.read(), error.read())


@cache
def _server() -> PreforkServer:
    with mock.patch.dict(os.environ, PYTHONPATH=str(Path(__file__).parent)):
        server = preloaded_server(f"{__name__}:execute")
    atexit.register(server.close)
    return server


def execute(arguments: Sequence[str]) -> None:
    """Run a command; called in the child.

    Parameters
    ----------
    arguments
        The working directory, the files for standard output and error, and the command.
    """
    from snakemake import cli

    from sirenflow.cli import run_in_child

    directory, *outputs, program = arguments[:4]
    del os.environ["PYTHONPATH"]
    os.chdir(directory)
    for number, name in enumerate(outputs, start=1):
        os.dup2(os.open(name, os.O_WRONLY | os.O_APPEND), number)
    sys.argv[:] = arguments[3:]
    if program == "sirenflow":
        run_in_child(arguments[4:])
    try:
        cli.main(arguments[4:])
    finally:
        stage_workers.stop()
