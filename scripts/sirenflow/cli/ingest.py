"""The command that stores archived alerts in the inbox."""

import sys
from collections import Counter
from pathlib import Path

import click
from tqdm import tqdm

from sirenflow.cli.options import REJECTED_EXIT_CODES, inbox_option
from sirenflow.cli.terminal import printable
from sirenflow.processes import exit_codes


@click.command(epilog=REJECTED_EXIT_CODES, short_help="Store archived alerts in the inbox.")
@inbox_option
@click.argument(
    "paths",
    metavar="PATH...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, path_type=Path),
)
def ingest(inbox: Path, paths: tuple[Path, ...]) -> None:
    """Store archived alerts in the inbox.

    PATH is an alert (Avro or GCN JSON), a directory, or an archive (.zip, .tar, .tar.gz, .tar.bz2,
    .tar.xz, .tar.zst). In directories and archives, files named *.avro or *.json are read; others
    are skipped and counted. Links to directories are not followed.

    Each alert is on disk, unchanged, before the next one is read. An alert that the inbox already
    holds is not stored again. Files that are not valid alerts are copied to the inbox's quarantine/
    with the reason.

    Example: sirenflow ingest samples
    """
    from sirenflow.inbox.ingest import ingest as ingest_paths

    results: Counter[str] = Counter()
    with tqdm(unit=" alerts", disable=not sys.stderr.isatty(), leave=False) as progress:
        for outcome in ingest_paths(paths, inbox):
            results[outcome.result] += 1
            progress.update()
            if outcome.reason is not None:
                line = printable(f"sirenflow: rejected {outcome.source}: {outcome.reason}")
                progress.write(line, file=sys.stderr)
    names = ["stored", "duplicate", "rejected", *(["skipped"] if results["skipped"] else [])]
    counts = ", ".join(f"{results[name]} {name}" for name in names)
    click.echo(printable(f"{counts} (inbox: {inbox})"))
    if results["rejected"]:
        sys.exit(exit_codes.REJECTED)
