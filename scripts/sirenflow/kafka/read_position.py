"""Read position of a topic: kept for restarts, and to find messages that were never read."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sirenflow.errors import InboxError, os_errors_as
from sirenflow.files.durable import replace_file

_MOST_GAPS = 100
_PAGE = 4096


@dataclass(frozen=True)
class Gap:
    """Messages that the server deleted before they were read, or that cannot be read.

    Transactions and compaction leave holes too; topics of alerts have neither.

    Attributes
    ----------
    partition
        Where they were.
    first, last
        Their offsets.
    time_found
        When that was found.
    """

    partition: int
    first: int
    last: int
    time_found: str

    @property
    def size(self) -> int:
        """How many offsets are missing."""
        return self.last - self.first + 1


class ReadPosition:
    """Position of a source in each partition of its topic, in a file.

    It is written after a message is stored and before that is told to the server. So what the
    server remembers is never ahead of it, and a message whose offset is ahead of it comes after a
    gap. A file lost in a power cut costs a new start, in which what is there already is recognised.

    Attributes
    ----------
    is_damaged
        Whether there is a file, and it cannot be read: something was known once.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._is_page = False
        kept = _load(file)
        self.is_damaged = not kept and file.exists()
        group_id = kept.get("group_id")
        self.group_id: str | None = group_id if isinstance(group_id, str) else None
        self.last_alert = _time(kept.get("last_alert"))
        self._positions: dict[str, int] = dict(kept.get("positions", {}))
        self.gaps = tuple(Gap(**gap) for gap in kept.get("gaps", []))

    def position(self, partition: int) -> int | None:
        """Return the offset after the last message read; None before the first."""
        return self._positions.get(str(partition))

    def begin(self, group_id: str) -> None:
        """Begin anew, in another group.

        Raise InboxError if the file cannot be written.
        """
        before = (self.group_id, self._positions)
        self.group_id, self._positions = group_id, {}
        try:
            self._write(synced=True)
            self.is_damaged = False
        except InboxError:
            self.group_id, self._positions = before
            raise

    def advance(self, partition: int, offset: int, is_alert: bool) -> Gap | None:
        """Record that a message is stored; tell whether others before it are missing.

        Raise InboxError if the file cannot be written.
        """
        expected = self.position(partition)
        gap = None
        if expected is not None and offset > expected:
            gap = Gap(partition, expected, offset - 1, _now().isoformat(timespec="seconds"))
        self._move(partition, offset, gap, _now() if is_alert else self.last_alert)
        return gap

    def leave_out(self, partition: int, offset: int) -> None:
        """Record that nothing could be had of a message.

        Raise InboxError if the file cannot be written.
        """
        gap = Gap(partition, offset, offset, _now().isoformat(timespec="seconds"))
        self._move(partition, offset, gap, self.last_alert)

    def _move(
        self, partition: int, offset: int, gap: Gap | None, last_alert: datetime | None
    ) -> None:
        before = (self._positions, self.gaps, self.last_alert)
        self._positions = {**self._positions, str(partition): offset + 1}
        self.gaps = (*self.gaps, gap)[-_MOST_GAPS:] if gap else self.gaps
        self.last_alert = last_alert
        try:
            self._write(synced=False)
        except InboxError:  # the message comes again
            self._positions, self.gaps, self.last_alert = before
            raise

    def _write(self, synced: bool) -> None:
        kept = {
            "group_id": self.group_id,
            "last_alert": self.last_alert and self.last_alert.isoformat(),
            "positions": self._positions,
            "gaps": [asdict(gap) for gap in self.gaps],
        }
        data = json.dumps(kept).encode().ljust(_PAGE)
        # To replace a file takes a millisecond. A page that is there already is written as a whole
        # or not at all, whatever kills this process, and needs no room on the disk.
        # The file is missing if the inbox was replaced.
        is_page = self._is_page and self._file.exists()
        if synced or len(data) > _PAGE or not is_page:
            replace_file(self._file, data, synced=synced or not is_page)
        else:
            _overwrite(self._file, data)
        self._is_page = len(data) == _PAGE


def _overwrite(path: Path, data: bytes) -> None:
    with os_errors_as(InboxError, path, "written"), path.open("r+b", buffering=0) as file:
        file.write(data)


def _load(file: Path) -> Mapping[str, Any]:
    """Read what was kept; nothing, if it is not there or not whole."""
    try:
        kept = json.loads(file.read_bytes())
        gaps = [Gap(**gap) for gap in kept["gaps"]]
        numbers = [number for gap in gaps for number in (gap.partition, gap.first, gap.last)]
        numbers += kept["positions"].values()
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}
    is_whole = all(type(number) is int for number in numbers)
    return kept if is_whole and all(_time(gap.time_found) for gap in gaps) else {}


def _now() -> datetime:
    return datetime.now(UTC)


def _time(value: object) -> datetime | None:
    """Read a time; one without zone is none, as it cannot be compared with the present."""
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return time if time and time.tzinfo else None
