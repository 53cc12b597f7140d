"""The inbox's quarantine: what arrived and is no alert, byte for byte, and why.

quarantine/{sha256[:12]}.bin            the bytes that arrived
quarantine/{sha256[:12]}.reason.json    why they are no alert; how and when they came
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sirenflow import inbox as alerts
from sirenflow.durable import link_durably, sync_directory, write_durably
from sirenflow.errors import AlertError, InboxError
from sirenflow.judge import judge

DIRECTORY = "quarantine"

_NAME = re.compile(r"[0-9a-f]{12}|[0-9a-f]{64}")
_OWN_NOTES = {"sha256", "size_bytes", "kind", "reason"}

Recover = Callable[[bytes, Mapping[str, Any]], bytes]
"""From what was kept and how it came, the bytes to judge: fetches what was sent by reference."""


@dataclass(frozen=True)
class Entry:
    """Something in quarantine.

    Attributes
    ----------
    name
        By which commands know it: the start of its SHA-256.
    path
        The file with the bytes that arrived.
    kind, reason
        Why it is no alert: in a word (see `AlertError`) and in a line.
    size_bytes
        Size of the bytes that arrived.
    how
        How and when it came.
    """

    name: str
    path: Path
    kind: str
    reason: str
    size_bytes: int
    how: Mapping[str, Any] = field(default_factory=dict)


def keep(
    inbox: Path,
    data: bytes,
    error: AlertError,
    how: Mapping[str, Any],
    synced: Path | None = None,
) -> bool:
    """Keep bytes that are no alert, with the reason; return False if they are there already.

    Parameters
    ----------
    inbox
        The inbox directory.
    data
        The bytes that arrived, kept unchanged.
    error
        Why they are no alert.
    how
        How and when they came.
    synced
        A file in the inbox with these bytes, on disk already; only its name is to be given.

    Raises
    ------
    InboxError
        If they cannot be written.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    path = inbox / DIRECTORY / f"{sha256[: alerts.HASH_DIGITS]}.bin"
    if alerts.is_taken(path, data):
        path = path.with_name(f"{sha256}.bin")
        alerts.refuse_if_taken(path, data)
    new = link_durably(synced, path) if synced else write_durably(path, data)
    note = {
        "sha256": sha256,
        "size_bytes": len(data),
        "kind": error.kind,
        "reason": str(error),
        **how,
    }
    write_durably(_reason_file(path), alerts.notes(note))
    return new


def entries(inbox: Path) -> list[Entry]:
    """List what is in quarantine, in the order of arrival."""
    files = sorted((inbox / DIRECTORY).glob("*.bin"))
    listed = []
    for file in files:
        with suppress(FileNotFoundError):  # deleted meanwhile
            if _NAME.fullmatch(file.stem):
                listed.append(_entry(file))
    return sorted(listed, key=lambda entry: (str(entry.how.get("time_received", "")), entry.name))


def find(inbox: Path, name: str) -> Entry:
    """Find an entry by the start of its name.

    Raises
    ------
    InboxError
        If none, or more than one, begins so.
    """
    found = [entry for entry in entries(inbox) if name and entry.name.startswith(name)]
    # A name of all digits may begin with another's twelve.
    found = [entry for entry in found if entry.name == name] or found
    if len(found) == 1:
        return found[0]
    if not found:
        raise InboxError(f"nothing in {inbox / DIRECTORY} begins with {name!r}")
    raise InboxError(f"{name!r} is the start of {', '.join(entry.name for entry in found)}")


def read(entry: Entry) -> bytes:
    """Give the bytes that arrived.

    Raises
    ------
    InboxError
        If they cannot be read.
    """
    try:
        return entry.path.read_bytes()
    except OSError as error:
        raise InboxError(f"{entry.path} cannot be read: {error.strerror}") from error


def retry(inbox: Path, entry: Entry, recover: Recover) -> alerts.Stored:
    """Judge an entry again: an alert moves to its place, anything else stays with its reason.

    Raises
    ------
    AlertError
        If it is still no alert.
    InboxError
        If it cannot be read, or moved.
    """
    kept = read(entry)
    data = recover(kept, entry.how)
    alert = judge(data)
    how = {**entry.how, "quarantined_because": entry.reason}
    # What was sent by reference is other bytes than the reference kept.
    synced = entry.path if data == kept else None
    stored = alerts.store(inbox, alert, data, how, synced)
    drop(entry)
    return stored


def drop(entry: Entry) -> None:
    """Delete an entry for good.

    Raises
    ------
    InboxError
        If it cannot be deleted.
    """
    try:
        entry.path.unlink()
        _reason_file(entry.path).unlink(missing_ok=True)
        sync_directory(entry.path.parent)
    except OSError as error:
        raise InboxError(f"{entry.path} cannot be deleted: {error.strerror}") from error


def _entry(file: Path) -> Entry:
    try:
        note = json.loads(_reason_file(file).read_bytes())
    except (OSError, ValueError):
        note = None
    if not isinstance(note, dict):  # whoever wrote it was stopped before, or somebody changed it
        note = {}
    return Entry(
        name=file.stem,
        path=file,
        kind=str(note.get("kind", "unknown")),
        reason=str(note.get("reason", "the file with the reason is missing or damaged")),
        size_bytes=file.stat().st_size,
        how={key: value for key, value in note.items() if key not in _OWN_NOTES},
    )


def _reason_file(path: Path) -> Path:
    return path.with_suffix(".reason.json")
