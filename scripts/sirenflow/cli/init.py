"""The command that writes a working directory."""

import shlex
import sys
from pathlib import Path

import click

from sirenflow.cli.options import directory
from sirenflow.cli.terminal import printable
from sirenflow.processes import exit_codes

INIT_EXIT_CODES = (
    "Exit codes: 0 all files written; 1 stopped by an error; 2 wrong usage; 3 done, but files that "
    "existed were not changed."
)


@click.command(epilog=INIT_EXIT_CODES, short_help="Write a working directory.")
@click.option("--samples", is_flag=True, help="Copy sample alerts to samples/, too.")
@click.argument("where", metavar="[DIRECTORY]", type=directory, default=".")
def init(where: Path, samples: bool) -> None:
    """Write config/config.yaml, profiles, a Snakefile and a README to DIRECTORY.

    DIRECTORY is the working directory unless given, and is created if it does not exist. Files that
    exist are never changed; they are listed.

    Example: sirenflow init --samples superevents
    """
    from sirenflow.pipeline.working_directory import create_working_directory

    created = create_working_directory(where, with_samples=samples)
    for file in created.existing:
        click.echo(printable(f"sirenflow: {file} exists and was not changed"), err=True)
    click.echo(printable(f"{len(created.written)} files written to {where.resolve()}"))
    click.echo(_next_steps(where, samples))
    if created.existing:
        sys.exit(exit_codes.REJECTED)


def _next_steps(where: Path, samples: bool) -> str:
    """List the commands to run next."""
    steps = [
        *([] if where == Path() else [f"cd {shlex.quote(str(where))}"]),
        f"sirenflow ingest {'samples' if samples else 'PATH...'}  # or: sirenflow listen",
        "sirenflow run  # or: snakemake --cores 4",
    ]
    lines = "\n".join(printable(f"  {step}") for step in steps)
    return f"Next:\n{lines}\nThen open results/index.html; README.md describes the files."
