"""The commands on messages and files that are not valid alerts."""

import json
import os
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from sirenflow.cli.options import EXIT_CODES, REJECTED_EXIT_CODES, format_option, inbox_option
from sirenflow.cli.terminal import printable
from sirenflow.config.configuration import read_settings
from sirenflow.errors import AlertError
from sirenflow.inbox import acknowledgements
from sirenflow.inbox.acknowledgements import Acknowledgement
from sirenflow.inbox.quarantine import (
    QuarantineEntry,
    drop_entry,
    find_entry,
    list_entries,
    read_entry,
)
from sirenflow.inbox.store import check_inbox_exists
from sirenflow.processes import exit_codes

_SHOWN_BYTES = 256


@click.group(epilog=EXIT_CODES, short_help="Manage messages that could not be read.")
def quarantine() -> None:
    """List, retry, acknowledge or delete messages that could not be read.

    The inbox's quarantine/ holds them byte for byte, each with its reason. NAME is the beginning of
    an entry's name as shown by `list`. `sirenflow health` reports each message from a topic until
    it is retried successfully, acknowledged or dropped. As long as it is in quarantine it is shown
    on the catalogue's page and on the page of the superevent that it claims to belong to.

    Example: sirenflow quarantine list
    """


@quarantine.command("list", epilog=EXIT_CODES)
@inbox_option
@format_option("one line per entry", "one line of JSON per entry")
def list_(inbox: Path, output_format: str) -> None:
    """List the entries in quarantine, oldest first.

    The columns are name, time of arrival (UTC), size in bytes, status, the superevent that the
    message claims to belong to, the topic or file that it came from, and the reason. The status is
    `new` for a message from a topic that `sirenflow health` reports, `acknowledged`, or `ingested`
    for a file, which `health` does not report.

    Example: sirenflow quarantine list
    """
    check_inbox_exists(inbox)
    as_json = output_format == "json"
    entries = list_entries(inbox)
    seen = acknowledgements.read_acknowledgements(inbox)
    for entry in entries:
        note = seen.get((entry.name, entry.time_received))
        click.echo(_json_line(entry, note) if as_json else _line(entry, note))
    if not entries and not as_json:
        click.echo("the quarantine is empty")


def _status(entry: QuarantineEntry, note: Acknowledgement | None) -> str:
    if note:
        return "acknowledged"
    return "new" if entry.is_live else "ingested"


def _line(entry: QuarantineEntry, note: Acknowledgement | None) -> str:
    time, status = entry.time_received[:19], _status(entry, note)
    superevent, source = entry.claims.superevent_id or "-", entry.how.get("source") or "-"
    return printable(
        f"{entry.name}  {time:19}  {entry.size_bytes:>9}  {status:12}  {superevent:10}  {source}  "
        f"{entry.reason}"
    )


def _json_line(entry: QuarantineEntry, note: Acknowledgement | None) -> str:
    described = {
        "name": entry.name,
        "time_received": entry.time_received or None,
        "size_bytes": entry.size_bytes,
        "status": _status(entry, note),
        "kind": entry.kind,
        "reason": entry.reason,
        "way": entry.how.get("way"),
        "source": entry.how.get("source"),
        "claims": asdict(entry.claims),
        "acknowledged_time": note.time if note else None,
        "acknowledged_by": note.by if note else None,
    }
    return json.dumps(described)


@quarantine.command(epilog=EXIT_CODES)
@inbox_option
@click.argument("name")
def show(inbox: Path, name: str) -> None:
    """Print the reason, the origin and the first bytes of an entry.

    Example: sirenflow quarantine show 9b0a4c
    """
    entry = find_entry(inbox, name)
    note = acknowledgements.read_acknowledgements(inbox).get((entry.name, entry.time_received))
    facts = {"file": entry.path, "bytes": entry.size_bytes, "kind": entry.kind}
    claimed = {f"claims {key}": value for key, value in asdict(entry.claims).items() if value}
    seen = {"acknowledged": f"{note.time} by {note.by}"} if note else {}
    for key, value in {**facts, "reason": entry.reason, **claimed, **seen, **entry.how}.items():
        click.echo(printable(f"{key}: {value}"))
    with entry.path.open("rb") as file:
        click.echo(f"begins with: {file.read(_SHOWN_BYTES)!r}")


@quarantine.command(epilog=REJECTED_EXIT_CODES)
@inbox_option
@click.argument("names", metavar="[NAME...]", nargs=-1)
def retry(inbox: Path, names: tuple[str, ...]) -> None:
    """Decode entries again, all by default: after an update, or when a server is available again.

    Entries that are valid alerts now are moved to their place in the inbox; messages that were sent
    by reference are fetched. All others stay, with the reason they had. Entries that crashed the
    decoding process (kind crash) are retried by name only.

    Example: sirenflow quarantine retry
    """
    from sirenflow.inbox.receiver import retry_entry
    from sirenflow.kafka.large_messages import with_content

    hosts = read_settings().large_message_hosts
    entries = [find_entry(inbox, name) for name in names] or [
        entry for entry in list_entries(inbox) if entry.kind != "crash"
    ]
    moved = 0
    for entry in entries:
        try:
            arrival = with_content(read_entry(entry), hosts, os.environ)
            stored = retry_entry(inbox, entry, arrival)
        except AlertError as error:
            click.echo(printable(f"sirenflow: {entry.name} stays: {error}"), err=True)
        else:
            moved += 1
            click.echo(printable(f"{entry.name} is now {stored.path}"))
    click.echo(printable(f"{moved} moved, {len(entries) - moved} stay (inbox: {inbox})"))
    if moved < len(entries):
        sys.exit(exit_codes.REJECTED)


@quarantine.command(epilog=EXIT_CODES)
@inbox_option
@click.option(
    "--all", "everything", is_flag=True, help="Acknowledge all entries that `health` reports."
)
@click.argument("names", metavar="[NAME...]", nargs=-1)
def acknowledge(inbox: Path, everything: bool, names: tuple[str, ...]) -> None:
    """Mark entries as seen, so that `sirenflow health` no longer reports them.

    They stay in quarantine and on the pages. A message that is dropped and then sent again is
    reported again.

    Example: sirenflow quarantine acknowledge 9b0a4c
    """
    if bool(names) == everything:
        raise click.UsageError("give either NAME... or --all")
    entries = (
        acknowledgements.list_unacknowledged(inbox)
        if everything
        else [find_entry(inbox, name) for name in names]
    )
    acknowledgements.acknowledge(inbox, entries, datetime.now(UTC))
    for entry in () if everything else entries:
        click.echo(f"{entry.name} is acknowledged")
    if everything:
        click.echo(printable(f"{len(entries)} acknowledged (inbox: {inbox})"))


@quarantine.command(epilog=EXIT_CODES)
@inbox_option
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
def drop(inbox: Path, names: tuple[str, ...]) -> None:
    """Delete entries permanently.

    Example: sirenflow quarantine drop 9b0a4c
    """
    for entry in [find_entry(inbox, name) for name in names]:
        drop_entry(entry)
        click.echo(f"{entry.name} is deleted")
