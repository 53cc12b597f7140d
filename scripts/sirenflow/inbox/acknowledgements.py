"""Which entries of the quarantine somebody has acknowledged, so that `health` reports them no more.

.listener/acknowledged.jsonl    a line of JSON for each: which entry, when, by whom

No product reads this file: products depend on what is in the inbox, never on who has seen it.

An acknowledgement is of one arrival. An entry that was dropped and is sent again is reported again.
"""

import json
import os
import pwd
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from sirenflow.errors import InboxError, os_errors_as
from sirenflow.files.durable import make_directories
from sirenflow.inbox import quarantine
from sirenflow.inbox.quarantine import QuarantineEntry

ACKNOWLEDGEMENTS_FILE = Path(".listener", "acknowledged.jsonl")
"""Where acknowledgements are, below the inbox."""


@dataclass(frozen=True)
class Acknowledgement:
    """A note that somebody has seen an entry.

    Attributes
    ----------
    time, by
        When it was acknowledged (ISO 8601, UTC), and by which user.
    """

    name: str
    time_received: str
    time: str
    by: str


def acknowledge(inbox: Path, entries: Iterable[QuarantineEntry], now: datetime) -> None:
    """Note that the user of this process has seen some entries.

    Raise InboxError if the file cannot be written.
    """
    time, by = now.isoformat(timespec="seconds"), _user_name()
    notes = (Acknowledgement(each.name, each.time_received, time, by) for each in entries)
    # A line that a crash has cut short is ended first, or it would spoil the next one.
    text = "".join(f"\n{json.dumps(asdict(note))}\n" for note in notes)
    path = inbox / ACKNOWLEDGEMENTS_FILE
    with os_errors_as(InboxError, path, "written"):
        make_directories(path.parent)
        with path.open("a", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())


def read_acknowledgements(inbox: Path) -> dict[tuple[str, str], Acknowledgement]:
    """Read the acknowledgements, by the name of the entry and when it came.

    What cannot be read acknowledges nothing: the entry is reported.
    """
    try:
        lines = (inbox / ACKNOWLEDGEMENTS_FILE).read_bytes().splitlines()
    except OSError:
        return {}
    notes = (_parse_line(line) for line in lines)
    return {(note.name, note.time_received): note for note in notes if note}


def list_unacknowledged(
    inbox: Path, entries: Iterable[QuarantineEntry] | None = None
) -> list[QuarantineEntry]:
    """List what came from a topic and nobody has acknowledged, in the order of arrival.

    Raise InboxError if the quarantine cannot be read.
    """
    seen = read_acknowledgements(inbox)
    return [
        entry
        for entry in (quarantine.list_entries(inbox) if entries is None else entries)
        if entry.is_live and (entry.name, entry.time_received) not in seen
    ]


def _parse_line(line: bytes) -> Acknowledgement | None:
    try:
        return Acknowledgement(**{key: str(value) for key, value in json.loads(line).items()})
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # as in a container
        return f"user {os.getuid()}"
