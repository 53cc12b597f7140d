"""The command that sends archived alerts to a topic."""

import os
import sys
from pathlib import Path

import click
from tqdm import tqdm

from sirenflow.cli.options import REJECTED_EXIT_CODES, no_auth_option, positive, renamed_option
from sirenflow.cli.terminal import printable
from sirenflow.config.configuration import read_settings
from sirenflow.processes import exit_codes


@click.command(epilog=REJECTED_EXIT_CODES, short_help="Send archived alerts to a topic.")
@click.option("--to", "url", metavar="URL", required=True, help="Topic, as kafka://HOST/TOPIC.")
@no_auth_option
@click.option(
    "--speed",
    metavar="FACTOR",
    type=positive,
    help="Keep the original intervals divided by FACTOR: 1 in real time, 60 an hour per minute.  "
    "[default: without pause]",
)
@renamed_option("--pace", "--speed")
@click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, path_type=Path),
)
def publish(url: str, no_auth: bool, speed: float | None, files: tuple[Path, ...]) -> None:
    """Send archived alerts to a topic of yours: drills, tests, replays.

    FILE is an alert, a directory, or an archive, as for `sirenflow ingest`. The bytes are sent
    unchanged, in order of the alerts' creation. The public topics of real alerts are refused.

    Example: sirenflow publish samples --no-auth --to kafka://127.0.0.1:9092/igwn.gwalert
    """
    from sirenflow.kafka.address import parse_address
    from sirenflow.kafka.credentials import find_credential
    from sirenflow.kafka.publish import publish as send
    from sirenflow.kafka.publish import refuse_public

    read_settings()  # a wrong configuration is an error of every command
    address = parse_address(url)
    refuse_public(address)
    login = None if no_auth else find_credential(address, os.environ)
    sent = unread = 0
    with tqdm(unit=" alerts", disable=not sys.stderr.isatty(), leave=False) as progress:
        for published in send(files, address, login, speed):
            progress.total = published.total
            progress.update()
            sent += published.problem is None
            if published.problem is not None:
                unread += 1
                line = printable(f"sirenflow: not sent {published.source}: {published.problem}")
                progress.write(line, file=sys.stderr)
    click.echo(printable(f"{sent} sent to {address.name}"))
    if unread:
        sys.exit(exit_codes.REJECTED)
