"""Commands on what arrived and is no alert."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from sirenflow import quarantine as kept
from sirenflow.cli.terminal import (
    EXIT_CODES,
    EXIT_REJECTED,
    REJECTED_EXIT_CODES,
    inbox_option,
    printable,
)
from sirenflow.config import Settings, read_settings
from sirenflow.errors import AlertError, InboxError, StreamError
from sirenflow.receive import OFFLOADED, looks_like_reference

_SHOWN_BYTES = 256


@click.group(epilog=EXIT_CODES)
def quarantine() -> None:
    """Look after what arrived and is no alert.

    It is kept byte for byte in the inbox's quarantine/, with the reason beside it. NAME is the
    start of an entry's name, as `list` gives it.

    Example: sirenflow quarantine list
    """


@quarantine.command("list", epilog=EXIT_CODES)
@inbox_option
def list_(inbox: Path | None) -> None:
    """List what is in quarantine, oldest first: name, when it came, bytes, reason.

    Example: sirenflow quarantine list
    """
    directory = inbox or read_settings().inbox
    if not directory.is_dir():
        raise InboxError(f"inbox {str(directory)!r} does not exist; name another with --inbox")
    entries = kept.entries(directory)
    for entry in entries:
        time = str(entry.how.get("time_received", ""))[:19]
        click.echo(printable(f"{entry.name}  {time:19}  {entry.size_bytes:>9}  {entry.reason}"))
    if not entries:
        click.echo("the quarantine is empty")


@quarantine.command(epilog=EXIT_CODES)
@inbox_option
@click.argument("name")
def show(inbox: Path | None, name: str) -> None:
    """Print why an entry is in quarantine, how it came, and how it begins.

    Example: sirenflow quarantine show 9b0a4c
    """
    entry = kept.find(inbox or read_settings().inbox, name)
    facts = {"file": entry.path, "bytes": entry.size_bytes, "kind": entry.kind}
    for key, value in {**facts, "reason": entry.reason, **entry.how}.items():
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
    entries = [kept.find(directory, name) for name in names] or [
        entry for entry in kept.entries(directory) if entry.kind != "crash"
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
        sys.exit(EXIT_REJECTED)


@quarantine.command(epilog=EXIT_CODES)
@inbox_option
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
def drop(inbox: Path | None, names: tuple[str, ...]) -> None:
    """Delete entries for good.

    Example: sirenflow quarantine drop 9b0a4c
    """
    directory = inbox or read_settings().inbox
    for entry in [kept.find(directory, name) for name in names]:
        kept.drop(entry)
        click.echo(f"{entry.name} is deleted")


def _fetched(data: bytes, how: Mapping[str, Any], settings: Settings) -> bytes:
    """Fetch what a message only names; anything else, and what was fetched before, is itself."""
    headers = how.get("headers")
    is_marked = isinstance(headers, list) and ["_format", OFFLOADED] in headers
    if "reference" in how or not is_marked or not looks_like_reference(data):
        return data
    from sirenflow.kafka.address import parse_address
    from sirenflow.kafka.credentials import find_credential
    from sirenflow.kafka.offload import fetch

    try:
        login = find_credential(parse_address(f"kafka://{how.get('source')}"), os.environ)
    except StreamError:  # the server that holds it decides whether it wants one
        login = None
    return fetch(data, settings.large_message_hosts, login)
