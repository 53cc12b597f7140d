"""The command that reports what is wrong with the listener."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from sirenflow.cli.options import inbox_setting, positive, renamed_option
from sirenflow.cli.terminal import printable
from sirenflow.config.configuration import read_settings

_EXIT_CODES = "Exit codes: 0 healthy; 1 not healthy, with the reasons; 2 wrong usage."


@click.command(epilog=_EXIT_CODES, short_help="Report what is wrong with the listener.")
@inbox_setting
@click.option(
    "--max-silence",
    metavar="HOURS",
    type=positive,
    default=2.0,
    show_default=True,
    help="Report a problem after this many hours without an alert; mock alerts are sent hourly.",
)
@renamed_option("--silence", "--max-silence")
def health(inbox: Path | None, max_silence: float) -> None:
    """Report what is wrong with the listener of the inbox, one line per problem.

    Problems are: the listener does not run or has no connection, cannot write or commit, is behind,
    or has received no alert for too long; the server deleted messages before they were read; a
    message from a topic is in quarantine. The last one remains, whether or not the listener runs,
    until `sirenflow quarantine` retry, acknowledge or drop.

    Example: sirenflow health --max-silence 3
    """
    from sirenflow.monitoring import health as heartbeats

    configured = read_settings().inbox
    directory = inbox or configured
    heartbeat = heartbeats.read_heartbeat(directory)
    now = datetime.now(UTC)
    described: list[str] = []
    if heartbeat is None:
        problems = [f"no listener has written its state to {directory.resolve()}; start one there"]
    else:
        problems = list(heartbeats.listener_problems(heartbeat, now, timedelta(hours=max_silence)))
        described = list(heartbeats.describe_listener(heartbeat, now))
    unread = heartbeats.quarantine_problem(directory, inbox)
    problems += [unread] if unread else []
    for line in problems or described:
        click.echo(printable(line))
    sys.exit(1 if problems else 0)
