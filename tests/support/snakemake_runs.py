"""Runs of the workflow as a user starts them: `snakemake` in a process of its own."""

import hashlib
import re
import subprocess
from pathlib import Path

from paths import BIN, ROOT


def command(directory: Path, *arguments: str, cores: int = 4) -> list[str]:
    return [
        *(str(BIN / "snakemake"), "--snakefile", str(ROOT / "Snakefile")),
        *("--directory", str(directory), "--cores", str(cores), *arguments),
    ]


def snakemake(directory: Path, *arguments: str, cores: int = 4) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(directory, *arguments, cores=cores),
        cwd=directory,
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
    subprocess.run([BIN / "sirenflow", "ingest", "--inbox", inbox, *paths], check=True)


def checksums(results: Path) -> dict[str, str]:
    """Hash every product: not Snakemake's time stamps, nor what Sirenflow keeps for itself."""
    return {
        str(path.relative_to(results)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(results.rglob("*"))
        if path.is_file() and path.name != ".snakemake_timestamp" and ".sirenflow" not in path.parts
    }
