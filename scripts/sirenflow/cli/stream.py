"""Commands on alerts as they are sent."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from tqdm import tqdm

from sirenflow.cli.terminal import (
    EXIT_CODES,
    REJECTED_EXIT_CODES,
    inbox_option,
    log_to_stderr,
    printable,
    time_text,
)
from sirenflow.config.configuration import read_settings
from sirenflow.formats.sanitize import number_from_text
from sirenflow.processes import exit_codes, signals

_LISTEN_EXIT_CODES = (
    "Exit codes: 0 stopped by a signal, or at the end of the topic; 1 stopped by an error; 2 wrong "
    "usage; 75 another listener writes to the inbox. With --watch, a run that fails is told and "
    "tried again, and does not change the exit code."
)
_HEALTH_EXIT_CODES = "Exit codes: 0 healthy; 1 not healthy, with the reasons; 2 wrong usage."

_no_auth = click.option("--no-auth", is_flag=True, help="The server wants no login.")


def _start(text: str) -> datetime | None:
    """Read a place in the stream: a time, or None for its beginning."""
    if text == "earliest":
        return None
    if text == "latest":
        return datetime.now(UTC)
    try:
        return time_text(text)
    except click.BadParameter as error:
        raise click.BadParameter(f"{error.message}, or `earliest` or `latest`") from None


def _positive(text: str) -> float:
    """Read a number above 0; click's own range lets NaN pass."""
    try:
        number = number_from_text(str(text))  # click also passes the default
    except ValueError:
        number = 0.0
    if not 0 < number <= 1e6:
        raise click.BadParameter(f"{text!r}; expected a number above 0, and no more than a million")
    return number


@click.command(epilog=_LISTEN_EXIT_CODES)
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
    help="Kafka consumer group.  [default: one made for this inbox, and kept]",
)
@_no_auth
@click.option("--until-eos", is_flag=True, help="Stop at the present end of the topic.")
@click.option(
    "--start",
    type=_start,
    metavar="earliest|latest|TIME",
    default="earliest",
    show_default=True,
    help="Where to begin when this group has read nothing yet (TIME is UTC, as 2026-11-22T17:00Z).",
)
@click.option("--watch", is_flag=True, help="Also make products of what arrives.")
@click.pass_context
def listen(
    ctx: click.Context,
    urls: tuple[str, ...],
    inbox: Path | None,
    group_id: str | None,
    no_auth: bool,
    until_eos: bool,
    start: datetime | None,
    watch: bool,
) -> None:
    """Store alerts in the inbox as they are sent.

    Each alert is on disk, unchanged, before the server is told so: whatever happens, none is lost,
    and one that is delivered twice is stored once. What is no alert goes to the inbox's
    quarantine/. A connection that is lost is made again, for ever.

    The login for SCiMMA is the one that `hop auth add` has stored; that for GCN is in the variables
    GCN_CLIENT_ID and GCN_CLIENT_SECRET. Only one listener can write to an inbox. After a restart it
    goes on where it was; --start is for the first time. `sirenflow health` tells how it is.

    With --watch, `sirenflow watch` runs beside it, in a process of its own: whichever dies is
    started again, and the other one goes on. With --until-eos too, it ends when everything is made.

    Example: sirenflow listen --url kafka://kafka.scimma.org/igwn.gwalert --start latest
    """
    log_to_stderr(_is_debugging(ctx))
    settings = read_settings()
    if watch:
        options = _as_given(urls, group_id, no_auth, until_eos, start)
        sys.exit(_listen_and_watch(ctx, inbox or settings.inbox, options, until_eos))
    from sirenflow.kafka.address import parse_address
    from sirenflow.kafka.listener import listen as take_in
    from sirenflow.kafka.source import Subscription

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
    problem = take_in(inbox or settings.inbox, subscriptions)
    if problem is not None:
        click.echo(printable(f"sirenflow: {problem}"), err=True)
    logging.shutdown()
    sys.exit(0 if problem is None else 1)


def _as_given(
    urls: Sequence[str],
    group_id: str | None,
    no_auth: bool,
    until_eos: bool,
    start: datetime | None,
) -> list[str]:
    """Write options of `sirenflow listen` anew; `latest` stays the time when it was first said."""
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
    from sirenflow.pipeline.project import find_project
    from sirenflow.processes.supervisor import supervise

    find_project(inbox)  # what is wrong with the workflow is told at once
    debug = ["--debug"] if _is_debugging(ctx) else []
    listener, watch, last = (
        [*debug, command, f"--inbox={inbox}"] for command in ("listen", "watch", "run")
    )
    # Whoever stops the listener alone does not want this to be the end of both.
    final = {exit_codes.ERROR, exit_codes.USAGE, exit_codes.BUSY} | ({0} if until_eos else set())
    return supervise([*listener, *options], watch, last, final)


@click.command(epilog=_HEALTH_EXIT_CODES, short_help="Report what is wrong with the listener.")
@inbox_option
@click.option(
    "--silence",
    metavar="HOURS",
    type=_positive,
    default=2.0,
    show_default=True,
    help="For how long there may be no alert; mock alerts are sent every hour.",
)
def health(inbox: Path | None, silence: float) -> None:
    """Report what is wrong with the listener of the inbox, a line for each problem.

    The listener does not run or has no connection, cannot write or commit, is behind, or has
    received no alert for too long; messages were deleted on the server before they were read; or a
    message from a topic is in quarantine. The last one stays a problem until `sirenflow quarantine`
    retry, acknowledge or drop, whether or not the listener runs.

    Example: sirenflow health
    """
    from sirenflow.monitoring import health as heartbeats

    directory = inbox or read_settings().inbox
    heartbeat = heartbeats.read_heartbeat(directory)
    now = datetime.now(UTC)
    described: list[str] = []
    if heartbeat is None:
        problems = [f"no listener has written its state to {directory.resolve()}; start one there"]
    else:
        problems = list(heartbeats.listener_problems(heartbeat, now, timedelta(hours=silence)))
        described = list(heartbeats.describe_listener(heartbeat, now))
    unread = heartbeats.quarantine_problem(directory, inbox)
    problems += [unread] if unread else []
    for line in problems or described:
        click.echo(printable(line))
    sys.exit(1 if problems else 0)


@click.command(epilog=REJECTED_EXIT_CODES, short_help="Send archived alerts to a topic.")
@click.option("--to", "url", metavar="URL", required=True, help="Topic, as kafka://HOST/TOPIC.")
@_no_auth
@click.option(
    "--pace",
    metavar="FACTOR",
    type=_positive,
    help="Keep the original spacing (1), or that many times faster.  [default: without pause]",
)
@click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, path_type=Path),
)
def publish(url: str, no_auth: bool, pace: float | None, files: tuple[Path, ...]) -> None:
    """Send archived alerts to a topic of your own: drills, tests, replays.

    FILE is an alert, a directory, or an archive, as for `sirenflow ingest`. The bytes are sent as
    they are, in the order in which the alerts were made. The topics of the real alerts are refused.

    Example: sirenflow publish samples --no-auth --to kafka://127.0.0.1:9092/igwn.gwalert
    """
    import os

    from sirenflow.kafka.address import parse_address
    from sirenflow.kafka.credentials import find_credential
    from sirenflow.kafka.publish import publish as send
    from sirenflow.kafka.publish import refuse_public

    address = parse_address(url)
    refuse_public(address)
    login = None if no_auth else find_credential(address, os.environ)
    sent = unread = 0
    with tqdm(unit=" alerts", disable=not sys.stderr.isatty(), leave=False) as progress:
        for published in send(files, address, login, pace):
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


@click.command(epilog=EXIT_CODES, short_help="Run a Kafka server to try things with.")
def broker() -> None:
    """Run a small Kafka server on this machine, until Ctrl-C: to try the listener without account.

    It has no login, forgets everything when it ends, and keeps only the latest 20 MiB. Its first
    line of output is the address for `sirenflow listen --no-auth --url` and
    `sirenflow publish --no-auth --to`.

    Example: sirenflow broker
    """
    from sirenflow.kafka.broker import embedded_broker

    with signals.stop_event() as stopping, embedded_broker() as address:
        click.echo(address.url)
        _explain(address.url)
        stopping.wait()


def _explain(url: str) -> None:
    lines: Sequence[str] = (
        "In another terminal, store what is sent to it:",
        f"  sirenflow listen --no-auth --url {url}",
        "In a third, send to it:",
        f"  sirenflow publish samples --no-auth --to {url}",
        "Ctrl-C ends it.",
    )
    for line in lines:
        click.echo(line, err=True)


def _is_debugging(ctx: click.Context) -> bool:
    return bool(ctx.find_root().params["debug"])
