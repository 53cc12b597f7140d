"""The command that stores alerts from Kafka topics."""

import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from sirenflow.cli.options import inbox_option, is_debugging, no_auth_option, time_text
from sirenflow.cli.terminal import log_to_stderr, printable
from sirenflow.config.configuration import read_settings
from sirenflow.processes import exit_codes

_EXIT_CODES = (
    "Exit codes: 0 stopped by a signal, or at the end of the topic; 1 stopped by an error; 2 wrong "
    "usage; 75 another listener writes to the inbox. With --watch, a failed run is reported and "
    "retried, and does not change the exit code."
)


def _start(text: str) -> datetime | None:
    """Read a position in the stream: a time, or None for its beginning."""
    if text == "earliest":
        return None
    if text == "latest":
        return datetime.now(UTC)
    try:
        return time_text(text)
    except click.BadParameter as error:
        raise click.BadParameter(f"{error.message}, or `earliest` or `latest`") from None


@click.command(epilog=_EXIT_CODES, short_help="Store alerts in the inbox as they are sent.")
@click.option(
    "--url",
    "urls",
    metavar="URL",
    multiple=True,
    help="Topic, as kafka://[USER@]HOST[:PORT]/TOPIC; may be given more than once.  "
    "[default: `kafka: topics` of config/config.yaml, or SCiMMA's igwn.gwalert]",
)
@inbox_option
@click.option(
    "--group-id",
    metavar="ID",
    help="Kafka consumer group.  [default: one that is created for this inbox and kept]",
)
@no_auth_option
@click.option(
    "--until-eos", is_flag=True, help="Exit after reading all messages currently in the topic."
)
@click.option(
    "--start",
    type=_start,
    metavar="earliest|latest|TIME",
    default="earliest",
    show_default=True,
    help="Where to start if this group has read nothing yet (TIME is UTC, as 2026-11-22T17:00Z).",
)
@click.option("--watch", is_flag=True, help="Also make products of the alerts that arrive.")
@click.pass_context
def listen(
    ctx: click.Context,
    urls: tuple[str, ...],
    inbox: Path,
    group_id: str | None,
    no_auth: bool,
    until_eos: bool,
    start: datetime | None,
    watch: bool,
) -> None:
    """Store alerts in the inbox as they are sent.

    Each alert is on disk, unchanged, before it is acknowledged to the server, so none is lost; an
    alert that is delivered twice is stored once. Messages that are not valid alerts go to the
    inbox's quarantine/. A lost connection is retried without limit.

    The login for SCiMMA is the one stored by `hop auth add`; that for GCN is in the environment
    variables GCN_CLIENT_ID and GCN_CLIENT_SECRET. Only one listener can write to an inbox. After a
    restart it continues where it stopped; --start applies to the first start only. `sirenflow
    health` reports problems.

    With --watch, `sirenflow watch` runs as a second process; either one is restarted if it crashes,
    without affecting the other. With --until-eos too, it ends when all products are made.

    Example: sirenflow listen --url kafka://kafka.scimma.org/igwn.gwalert --start latest
    """
    log_to_stderr(is_debugging(ctx))
    if watch:
        options = _rewrite_options(urls, group_id, no_auth, until_eos, start)
        sys.exit(_listen_and_watch(ctx, inbox, options, until_eos))
    from sirenflow.kafka.address import parse_address
    from sirenflow.kafka.listener import listen as listen_to
    from sirenflow.kafka.topic_reader import Subscription

    settings = read_settings()
    addresses = [parse_address(url) for url in urls or settings.topics]
    subscriptions = [
        Subscription(
            address=address,
            group_id=group_id,
            start=start,
            has_login=not no_auth,
            until_end=until_eos,
            large_message_hosts=settings.large_message_hosts,
        )
        for address in addresses
    ]
    problem = listen_to(inbox, subscriptions)
    if problem is not None:
        click.echo(printable(f"sirenflow: {problem}"), err=True)
    logging.shutdown()
    sys.exit(0 if problem is None else exit_codes.ERROR)


def _rewrite_options(
    urls: Sequence[str],
    group_id: str | None,
    no_auth: bool,
    until_eos: bool,
    start: datetime | None,
) -> list[str]:
    """Return the options for a second process; `latest` becomes the time of the first start."""
    return [
        *(f"--url={url}" for url in urls),
        *([] if group_id is None else [f"--group-id={group_id}"]),
        *(["--no-auth"] if no_auth else []),
        *(["--until-eos"] if until_eos else []),
        f"--start={'earliest' if start is None else start.isoformat()}",
    ]


def _listen_and_watch(
    ctx: click.Context, inbox: Path, options: Sequence[str], until_eos: bool
) -> int:
    """Run the listener and the watcher as two processes; return the exit code."""
    from sirenflow.pipeline.project import find_project
    from sirenflow.processes.supervised_commands import supervise

    find_project(inbox)  # errors of the workflow are reported before the start
    debug = ["--debug"] if is_debugging(ctx) else []
    listener, watch, last = (
        [*debug, command, f"--inbox={inbox}"] for command in ("listen", "watch", "run")
    )
    # With exit code 0 the listener was stopped alone, and is restarted.
    final = {exit_codes.ERROR, exit_codes.USAGE, exit_codes.BUSY} | ({0} if until_eos else set())
    return supervise([*listener, *options], watch, last, final)
