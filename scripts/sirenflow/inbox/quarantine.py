"""The inbox's quarantine: arrivals that are not valid alerts, byte for byte, with the reason.

quarantine/{sha256[:12]}.bin            the bytes that arrived
quarantine/{sha256[:12]}.reason.json    why they were rejected, what they claim to be,
                                        how and when they came
"""

import errno
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sirenflow.alerts.claimed_identity import (
    ClaimedIdentity,
    read_claimed_identity,
    search_claimed_identity,
)
from sirenflow.errors import AlertError, InboxError, os_errors_as
from sirenflow.files.durable import replace_file, sync_directory, write_durably
from sirenflow.inbox.arrival import Arrival
from sirenflow.inbox.store import (
    HASH_DIGITS,
    check_name_is_free,
    encode_notes,
    holds_other_bytes,
    store_bytes,
)

QUARANTINE_DIRECTORY = "quarantine"

_ENTRY_NAME = re.compile(r"[0-9a-f]{12}|[0-9a-f]{64}")
_ENTRY_KEYS = {"sha256", "size_bytes", "kind", "reason", "claims"}
_MAX_NOTES_BYTES = 2**20
# Of an entry without claims; the key of an alert is at its beginning, or at its end.
_SEARCHED_BYTES = (64 * 2**10, 4 * 2**10)


@dataclass(frozen=True)
class QuarantineEntry:
    """Something in quarantine.

    Attributes
    ----------
    name
        By which commands know it: the start of its SHA-256.
    kind, reason
        Why it is no alert: in a word (see `AlertError`) and in a line.
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
        return _search_file(self.path) if self.noted_claims is None else self.noted_claims


def quarantine_arrival(inbox: Path, arrival: Arrival, error: AlertError) -> bool:
    """Keep an arrival with the reason; return False if its bytes are in quarantine already.

    Raise InboxError if it cannot be written.
    """
    path = inbox / QUARANTINE_DIRECTORY / f"{arrival.sha256[:HASH_DIGITS]}.bin"
    if holds_other_bytes(path, arrival):
        path = path.with_name(f"{arrival.sha256}.bin")
        check_name_is_free(path, arrival)
    new = store_bytes(path, arrival)
    notes = {
        "sha256": arrival.sha256,
        "size_bytes": len(arrival.data),
        "kind": error.kind,
        "reason": str(error),
        "claims": asdict(_claims(error, arrival.data)),
        **arrival.how,
    }
    written = write_durably(_reason_file(path), encode_notes(notes))
    if not written and not _read_entry_notes(path).is_live and arrival.how.get("way") != "ingest":
        # Ingested before, and sent now: `health` must report it.
        replace_file(_reason_file(path), encode_notes(notes), synced=True)
    return new


def list_entries(inbox: Path) -> list[QuarantineEntry]:
    """List what is in quarantine, in the order of arrival.

    Raise InboxError if the directory cannot be read.
    """
    directory = inbox / QUARANTINE_DIRECTORY
    with os_errors_as(InboxError, directory, "read"):
        try:
            entries = [*_scan_entries(directory)]
        except FileNotFoundError as error:
            if directory.is_symlink():
                raise InboxError(f"{directory} is a link that leads nowhere") from error
            return []
    return sorted(entries, key=lambda entry: (entry.time_received, entry.name))


def _scan_entries(directory: Path) -> Iterator[QuarantineEntry]:
    with os.scandir(directory) as found:
        for file in found:
            stem, _, suffix = file.name.partition(".")
            if suffix == "bin" and _ENTRY_NAME.fullmatch(stem):
                with _no_file_suppressed():
                    if file.is_file():
                        yield _read_entry_notes(directory / file.name)


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
    """Find an entry by the start of its name, or by its file or that with its reason.

    Raise InboxError if none, or more than one, matches.
    """
    name = Path(name).name.removesuffix(".reason.json")
    found = [
        entry
        for entry in list_entries(inbox)
        if name and (entry.name.startswith(name) or entry.path.name == name)
    ]
    # A name of all digits may begin with another's twelve.
    found = [entry for entry in found if entry.name == name] or found
    if len(found) == 1:
        return found[0]
    if not found:
        raise InboxError(f"nothing in {inbox / QUARANTINE_DIRECTORY} begins with {name!r}")
    raise InboxError(f"{name!r} is the start of {', '.join(entry.name for entry in found)}")


def read_entry(entry: QuarantineEntry) -> Arrival:
    """Return what arrived, to be received again; it is spooled where it is.

    Raise InboxError if it cannot be read.
    """
    with os_errors_as(InboxError, entry.path, "read"):
        data = entry.path.read_bytes()
    return Arrival(data, {**entry.how, "quarantined_because": entry.reason}, spooled=entry.path)


def drop_entry(entry: QuarantineEntry) -> None:
    """Delete an entry for good.

    Raise InboxError if it cannot be deleted.
    """
    with os_errors_as(InboxError, entry.path, "deleted"):
        entry.path.unlink()
        _reason_file(entry.path).unlink(missing_ok=True)
        sync_directory(entry.path.parent)


def _read_entry_notes(file: Path) -> QuarantineEntry:
    note = _read_reason_file(_reason_file(file))
    noted = note.get("claims")
    return QuarantineEntry(
        name=file.stem,
        path=file,
        kind=str(note.get("kind", "unknown")),
        reason=str(note.get("reason", "the file with the reason is missing or damaged")),
        size_bytes=file.stat().st_size,
        how={key: value for key, value in note.items() if key not in _ENTRY_KEYS},
        noted_claims=read_claimed_identity(noted) if isinstance(noted, dict) else None,
    )


def _read_reason_file(file: Path) -> dict[str, Any]:
    """Read a reason file; empty if its writer was stopped before it, or somebody changed it."""
    try:
        with file.open("rb") as stream:
            # To read more than there is costs the memory of it, ten thousand times.
            size = min(_MAX_NOTES_BYTES, os.fstat(stream.fileno()).st_size)
            note = json.loads(stream.read(size))
    except (OSError, ValueError, RecursionError):
        return {}
    return note if isinstance(note, dict) else {}


def _claims(error: AlertError, data: bytes) -> ClaimedIdentity:
    """Return the claims of the decoded record, or search the bytes where nothing was decoded.

    Other identifiers in the bytes of a decoded record, as in its links, are not its own.
    """
    return (
        search_claimed_identity(data)
        if error.claims is None
        else read_claimed_identity(error.claims)
    )


def _search_file(file: Path) -> ClaimedIdentity:
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
