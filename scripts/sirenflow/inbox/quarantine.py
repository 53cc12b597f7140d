"""The inbox's quarantine: what arrived and is no alert, byte for byte, and why.

quarantine/{sha256[:12]}.bin            the bytes that arrived
quarantine/{sha256[:12]}.reason.json    why they are no alert, what they claim to be,
                                        how and when they came
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sirenflow.alerts.claimed_identity import (
    ClaimedIdentity,
    read_claimed_identity,
    search_claimed_identity,
)
from sirenflow.errors import AlertError, InboxError
from sirenflow.files.durable import link_durably, replace_file, sync_directory, write_durably
from sirenflow.inbox import store as alerts
from sirenflow.inbox.identify_isolated import identify_isolated

QUARANTINE_DIRECTORY = "quarantine"

_NAME = re.compile(r"[0-9a-f]{12}|[0-9a-f]{64}")
_OWN_NOTES = {"sha256", "size_bytes", "kind", "reason", "claims"}
_MOST_NOTE_BYTES = 2**20
# Of an entry without claims; the key of an alert is at its beginning, or at its end.
_SEARCHED_BYTES = (64 * 2**10, 4 * 2**10)

Recover = Callable[[bytes, Mapping[str, Any]], bytes]
"""From what was kept and how it came, the bytes to judge: fetches what was sent by reference."""


@dataclass(frozen=True)
class QuarantineEntry:
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
    noted_claims
        What it claims to be, as noted when it came; None where it was not, as by Sirenflow 0.2.
    """

    name: str
    path: Path
    kind: str
    reason: str
    size_bytes: int
    how: Mapping[str, Any] = field(default_factory=dict)
    noted_claims: ClaimedIdentity | None = None

    @property
    def is_live(self) -> bool:
        """Whether it may have come from a topic; what is not known to be from a file may have."""
        return self.how.get("way") != "ingest"

    @property
    def time_received(self) -> str:
        """When it came (ISO 8601, UTC); empty if that is not known."""
        return str(self.how.get("time_received", ""))

    @property
    def claims(self) -> ClaimedIdentity:
        """What it claims to be; searched for in its beginning and end where it is not noted."""
        return _search(self.path) if self.noted_claims is None else self.noted_claims


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
    path = inbox / QUARANTINE_DIRECTORY / f"{sha256[: alerts.HASH_DIGITS]}.bin"
    if alerts.holds_other_bytes(path, data):
        path = path.with_name(f"{sha256}.bin")
        alerts.check_name_is_free(path, data)
    new = link_durably(synced, path) if synced else write_durably(path, data)
    note = {
        "sha256": sha256,
        "size_bytes": len(data),
        "kind": error.kind,
        "reason": str(error),
        "claims": asdict(_claims(error, data)),
        **how,
    }
    written = write_durably(_reason_file(path), alerts.encode_notes(note))
    if not written and not _entry(path).is_live and how.get("way") != "ingest":
        # Ingested before, and sent now: that must be told.
        replace_file(_reason_file(path), alerts.encode_notes(note), synced=True)
    return new


def list_entries(inbox: Path) -> list[QuarantineEntry]:
    """List what is in quarantine, in the order of arrival.

    Raises
    ------
    InboxError
        If the directory cannot be read.
    """
    directory = inbox / QUARANTINE_DIRECTORY
    listed = []
    try:
        with os.scandir(directory) as found:
            for file in found:
                stem, _, suffix = file.name.partition(".")
                if suffix == "bin" and _NAME.fullmatch(stem):
                    with _no_file_suppressed():
                        listed += [_entry(directory / file.name)] if file.is_file() else []
    except FileNotFoundError as error:
        if directory.is_symlink():
            raise InboxError(f"{directory} is a link that leads nowhere") from error
        return []
    except OSError as error:
        raise InboxError(f"{directory} cannot be read: {error.strerror}") from error
    return sorted(listed, key=lambda entry: (entry.time_received, entry.name))


@contextmanager
def _no_file_suppressed() -> Iterator[None]:
    """Suppress the errors of a file that was deleted meanwhile, or is a link to no file.

    Any other error, such as a missing permission, would hide a message: it is raised.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ELOOP):
            raise


def find_entry(inbox: Path, name: str) -> QuarantineEntry:
    """Find an entry by the start of its name.

    Raises
    ------
    InboxError
        If none, or more than one, begins so.
    """
    found = [entry for entry in list_entries(inbox) if name and entry.name.startswith(name)]
    # A name of all digits may begin with another's twelve.
    found = [entry for entry in found if entry.name == name] or found
    if len(found) == 1:
        return found[0]
    if not found:
        raise InboxError(f"nothing in {inbox / QUARANTINE_DIRECTORY} begins with {name!r}")
    raise InboxError(f"{name!r} is the start of {', '.join(entry.name for entry in found)}")


def read_entry(entry: QuarantineEntry) -> bytes:
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


def retry(inbox: Path, entry: QuarantineEntry, recover: Recover) -> alerts.Stored:
    """Judge an entry again: an alert moves to its place, anything else stays with its reason.

    Raises
    ------
    AlertError
        If it is still no alert.
    InboxError
        If it cannot be read, or moved.
    """
    kept = read_entry(entry)
    data = recover(kept, entry.how)
    alert = identify_isolated(data)
    how = {**entry.how, "quarantined_because": entry.reason}
    # What was sent by reference is other bytes than the reference kept.
    synced = entry.path if data == kept else None
    stored = alerts.store(inbox, alert, data, how, synced)
    drop_entry(entry)
    return stored


def drop_entry(entry: QuarantineEntry) -> None:
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


def _entry(file: Path) -> QuarantineEntry:
    note = _note(_reason_file(file))
    noted = note.get("claims")
    return QuarantineEntry(
        name=file.stem,
        path=file,
        kind=str(note.get("kind", "unknown")),
        reason=str(note.get("reason", "the file with the reason is missing or damaged")),
        size_bytes=file.stat().st_size,
        how={key: value for key, value in note.items() if key not in _OWN_NOTES},
        noted_claims=read_claimed_identity(noted) if isinstance(noted, dict) else None,
    )


def _note(file: Path) -> dict[str, Any]:
    """Read a reason file; empty if its writer was stopped before it, or somebody changed it."""
    try:
        with file.open("rb") as stream:
            # To read more than there is costs the memory of it, ten thousand times.
            size = min(_MOST_NOTE_BYTES, os.fstat(stream.fileno()).st_size)
            note = json.loads(stream.read(size))
    except (OSError, ValueError, RecursionError):
        return {}
    return note if isinstance(note, dict) else {}


def _claims(error: AlertError, data: bytes) -> ClaimedIdentity:
    """Give the claims of the decoded record, or search the bytes where nothing was decoded.

    Other identifiers in the bytes of a decoded record, as in its links, are not its own.
    """
    return (
        search_claimed_identity(data)
        if error.claims is None
        else read_claimed_identity(error.claims)
    )


def _search(file: Path) -> ClaimedIdentity:
    begin, end = _SEARCHED_BYTES
    try:
        with file.open("rb") as stream:
            found = search_claimed_identity(stream.read(begin))
            stream.seek(max(begin, file.stat().st_size - end))
            return found.or_else(search_claimed_identity(stream.read(end)))
    except OSError:
        return ClaimedIdentity()


def _reason_file(path: Path) -> Path:
    return path.with_suffix(".reason.json")
