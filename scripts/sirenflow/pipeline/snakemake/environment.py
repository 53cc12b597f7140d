"""The environment in which `sirenflow run` starts Snakemake.

Snakemake reads and writes in the home directory, asks for the user's name, and takes options from
the environment. A service has no home that it may write to, a container no entry in the table of
users, and what a user has set for other workflows must not decide which of our jobs are run.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROFILE_VARIABLE = "SNAKEMAKE_PROFILE"
"""The only variable that Snakemake takes options from; a test fails if there are others."""

_NO_HOME = "/nonexistent"  # as Debian has it for users without a home
_USER_VARIABLES = ("LOGNAME", "USER", "LNAME", "USERNAME")  # in the order of getpass.getuser


def prepare(private: Path) -> None:
    """Change this process's environment so that Snakemake needs nothing outside our directories.

    The jobs of a cluster inherit it.

    Parameters
    ----------
    private
        Directory of ours, in that of the results, for the cache and for temporary files.
    """
    set_home()
    os.environ.pop(PROFILE_VARIABLE, None)
    os.environ["PYTHONSAFEPATH"] = "1"
    os.environ["XDG_CACHE_HOME"] = str((private / "cache").absolute())
    if not any(os.environ.get(name) for name in _USER_VARIABLES):
        os.environ["USER"] = f"uid{os.getuid()}"
    try:
        tempfile.gettempdir()
    except FileNotFoundError:  # no directory that may be written to, not even the working directory
        directory = private / "tmp"
        directory.mkdir(parents=True, exist_ok=True)
        os.environ["TMPDIR"] = tempfile.tempdir = str(directory.absolute())


def set_home() -> None:
    """Name a home where there is none: without one Snakemake cannot parse its arguments."""
    os.environ.setdefault("HOME", _NO_HOME)


@contextmanager
def replace_which() -> Iterator[None]:
    """Answer the calls of `which` that are made within, where there is no such program.

    Reason: Snakemake imports every plugin that is installed. The executor plugin for Slurm (2.8)
    runs `which sacct` when it is imported, and raises an error if there is no `which`. Without it:
    no command of Snakemake works on such a machine.
    """
    if shutil.which("which") is not None:
        yield
        return
    real = subprocess.check_output

    def check_output(command: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(command, list) and command[:1] == ["which"]:
            found = shutil.which(command[-1])
            if found is None:
                raise subprocess.CalledProcessError(1, command)
            return f"{found}\n".encode()
        return real(command, *args, **kwargs)

    subprocess.check_output = check_output  # type: ignore[assignment]
    try:
        yield
    finally:
        subprocess.check_output = real
