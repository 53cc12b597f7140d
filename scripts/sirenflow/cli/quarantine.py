"""Commands on what arrived and is no alert."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from sirenflow.cli.terminal import (
    EXIT_CODES,
    REJECTED_EXIT_CODES,
    inbox_option,
    printable,
)
from sirenflow.config.configuration import Settings, read_settings
from sirenflow.errors import AlertError, InboxError, StreamError
from sirenflow.inbox import acknowledgements
from sirenflow.inbox import quarantine as kept
from sirenflow.inbox.acknowledgements import Acknowledgement
from sirenflow.inbox.quarantine import QuarantineEntry
from sirenflow.inbox.receiver import OFFLOADED, looks_like_reference
from sirenflow.processes import exit_codes

_SHOWN_BYTES = 256


@click.group(epilog=EXIT_CODES)
def quarantine() -> None:
    """List, retry, acknowledge or delete messages that could not be read.

    They are kept byte for byte in the inbox's quarantine/, each with its reason. NAME is the start
    of an entry's name, as `list` gives it. `sirenflow health` reports each one that came from a
    topic until it is retried with success, acknowledged or dropped. The catalogue's page, and the
    page of the superevent that the message claims to be about, name it as long as it is there.

    Example: sirenflow quarantine list
    """


@quarantine.command("list", epilog=EXIT_CODES)
@inbox_option
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each entry.")
def list_(inbox: Path | None, as_json: bool) -> None:
    """List what is in quarantine, oldest first.

    The columns are name, time of arrival (UTC), size in bytes, status and reason. The status is
    `new` for a message from a topic that `sirenflow health` reports, `acknowledged`, or `ingested`
    for a file, which `health` does not report.

    Example: sirenflow quarantine list
    """
    directory = inbox or read_settings().inbox
    if not directory.is_dir():
        raise InboxError(f"inbox {str(directory)!r} does not exist; name another with --inbox")
    entries = kept.list_entries(directory)
    seen = acknowledgements.read_acknowledgements(directory)
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
    return printable(f"{entry.name}  {time:19}  {entry.size_bytes:>9}  {status:12}  {entry.reason}")


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
def show(inbox: Path | None, name: str) -> None:
    """Print why an entry is in quarantine, how it came, and how it begins.

    Example: sirenflow quarantine show 9b0a4c
    """
    directory = inbox or read_settings().inbox
    entry = kept.find_entry(directory, name)
    note = acknowledgements.read_acknowledgements(directory).get((entry.name, entry.time_received))
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
def retry(inbox: Path | None, names: tuple[str, ...]) -> None:
    """Judge entries again, all by default: after an update, or when a server is back.

    What is an alert now moves to its place in the inbox. What was sent by reference to another
    server is fetched. The rest stays, with the reason it had. What was fatal to the process that
    judged it (kind crash) is tried by name only.

    Example: sirenflow quarantine retry
    """
    settings = read_settings()
    directory = inbox or settings.inbox
    entries = [kept.find_entry(directory, name) for name in names] or [
        entry for entry in kept.list_entries(directory) if entry.kind != "crash"
    ]

    def recover(data: bytes, how: Mapping[str, Any]) -> bytes:
        return _fetched(data, how, settings)

    moved = 0
    for entry in entries:
        try:
            stored = kept.retry(directory, entry, recover)
        except AlertError as error:
            click.echo(printable(f"sirenflow: {entry.name} stays: {error}"), err=True)
        else:
            moved += 1
            click.echo(printable(f"{entry.name} is now {stored.path}"))
    click.echo(printable(f"{moved} moved, {len(entries) - moved} stay (inbox: {directory})"))
    if moved < len(entries):
        sys.exit(exit_codes.REJECTED)


@quarantine.command(epilog=EXIT_CODES)
@inbox_option
@click.option("--all", "everything", is_flag=True, help="Acknowledge all that `health` reports.")
@click.argument("names", metavar="[NAME...]", nargs=-1)
def acknowledge(inbox: Path | None, everything: bool, names: tuple[str, ...]) -> None:
    """Note that you have seen entries, so that `sirenflow health` reports them no more.

    They stay in quarantine, and on the pages. A message that is dropped and is sent again is
    reported again.

    Example: sirenflow quarantine acknowledge 9b0a4c
    """
    if bool(names) == everything:
        raise click.UsageError("give either NAME... or --all")
    directory = inbox or read_settings().inbox
    entries = (
        acknowledgements.list_unacknowledged(directory)
        if everything
        else [kept.find_entry(directory, name) for name in names]
    )
    acknowledgements.acknowledge(directory, entries, datetime.now(UTC))
    for entry in () if everything else entries:
        click.echo(f"{entry.name} is acknowledged")
    if everything:
        click.echo(printable(f"{len(entries)} acknowledged (inbox: {directory})"))


@quarantine.command(epilog=EXIT_CODES)
@inbox_option
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
def drop(inbox: Path | None, names: tuple[str, ...]) -> None:
    """Delete entries for good.

    Example: sirenflow quarantine drop 9b0a4c
    """
    directory = inbox or read_settings().inbox
    for entry in [kept.find_entry(directory, name) for name in names]:
        kept.drop_entry(entry)
        click.echo(f"{entry.name} is deleted")


def _fetched(data: bytes, how: Mapping[str, Any], settings: Settings) -> bytes:
    """Fetch what a message only names; anything else, and what was fetched before, is itself."""
    headers = how.get("headers")
    is_marked = isinstance(headers, list) and ["_format", OFFLOADED] in headers
    if "reference" in how or not is_marked or not looks_like_reference(data):
        return data
    from sirenflow.kafka.address import parse_address
    from sirenflow.kafka.credentials import find_credential
    from sirenflow.kafka.large_messages import fetch

    try:
        login = find_credential(parse_address(f"kafka://{how.get('source')}"), os.environ)
    except StreamError:  # the server that holds it decides whether it wants one
        login = None
    return fetch(data, settings.large_message_hosts, login)
