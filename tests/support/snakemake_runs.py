"""Runs of the workflow as a user starts them: `snakemake` in a process of its own."""

import hashlib
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from commands import sirenflow
from paths import BIN, ROOT

_PRIVATE = {".snakemake_timestamp", "logs", ".sirenflow"}


def command(directory: Path, *arguments: str, cores: int = 4) -> list[str]:
    return [
        *(str(BIN / "snakemake"), "--snakefile", str(ROOT / "Snakefile")),
        *("--directory", str(directory), "--cores", str(cores), *arguments),
    ]


def snakemake(
    directory: Path, *arguments: str, cores: int = 4, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the workflow; all its output is in `stdout`. `environment` is set in addition."""
    return subprocess.run(
        command(directory, *arguments, cores=cores),
        cwd=directory,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def jobs(run: subprocess.CompletedProcess[str]) -> dict[str, int]:
    """Read how many jobs of each rule a run had from its table of them."""
    assert run.returncode == 0, run.stdout
    table = re.search(r"^job +count\n[- ]+\n(.*?)^total", run.stdout, re.MULTILINE | re.DOTALL)
    lines = table[1].splitlines() if table else []
    return {rule: int(count) for rule, count in map(str.split, lines)}


def ingest(inbox: Path, *paths: Path) -> None:
    """Store alerts as the command does, in this process."""
    done = sirenflow("ingest", "--inbox", inbox, *paths)
    assert done.exit_code == 0, done.output


def checksums(results: Path) -> dict[str, str]:
    """Hash every product: not time stamps and logs, nor what Sirenflow keeps for itself.

    Empty while a product is being replaced.
    """
    try:
        return {
            str(path.relative_to(results)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(results.rglob("*"))
            if path.is_file() and not _PRIVATE & set(path.relative_to(results).parts)
        }
    except FileNotFoundError:
        return {}
