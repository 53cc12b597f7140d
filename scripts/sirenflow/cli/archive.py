"""Commands on alerts in files."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import click
from tqdm import tqdm

from sirenflow.alerts.alert import parse_alert
from sirenflow.cli.terminal import (
    EXIT_CODES,
    REJECTED_EXIT_CODES,
    inbox_option,
    printable,
)
from sirenflow.errors import AlertError
from sirenflow.processes import exit_codes


@click.command(epilog=REJECTED_EXIT_CODES)
@inbox_option
@click.argument(
    "paths",
    metavar="PATH...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, path_type=Path),
)
def ingest(inbox: Path | None, paths: tuple[Path, ...]) -> None:
    """Bring archived alerts into the inbox.

    PATH is an alert (Avro, or GCN JSON), a directory, or an archive (.zip, .tar, .tar.gz, .tar.bz2,
    .tar.xz, .tar.zst). Below directories and in archives, *.avro and *.json are taken for alerts.
    Other files are left alone, and counted. Links to directories are not followed.

    An alert is on disk, unchanged, when its turn is over. One that the inbox holds already is not
    stored twice. What is no alert goes to the inbox's quarantine/ with its reason.

    Example: sirenflow ingest samples
    """
    from sirenflow.config.configuration import read_settings
    from sirenflow.inbox.ingest import ingest as bring_in

    directory = inbox or read_settings().inbox
    results: Counter[str] = Counter()
    with tqdm(unit=" alerts", disable=not sys.stderr.isatty(), leave=False) as progress:
        for outcome in bring_in(paths, directory):
            results[outcome.result] += 1
            progress.update()
            if outcome.reason is not None:
                line = printable(f"sirenflow: rejected {outcome.source}: {outcome.reason}")
                progress.write(line, file=sys.stderr)
    names = ["stored", "duplicate", "rejected", *(["left alone"] if results["left alone"] else [])]
    counts = ", ".join(f"{results[name]} {name}" for name in names)
    click.echo(printable(f"{counts} (inbox: {directory})"))
    if results["rejected"]:
        sys.exit(exit_codes.REJECTED)


@click.command(epilog=EXIT_CODES, short_help="Print what one alert says.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def show(file: Path) -> None:
    """Print what an alert says: most probable position, distance, record.

    The position (deg, ICRS) is the centre of the sky map's most probable cell, the distance (Mpc)
    the mean and standard deviation of the map's header. FILE is an Avro or GCN JSON alert.

    Example: sirenflow show samples/MS260522k-02-retraction.avro
    """
    from sirenflow.superevent.alert_text import describe

    try:
        alert = parse_alert(file.read_bytes())
    except AlertError as error:
        raise AlertError(f"{file}: {error}") from error
    click.echo(describe(alert))
