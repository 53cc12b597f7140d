"""Archived alerts into the inbox: from files, directories, tar and zip archives."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sirenflow.errors import AlertError
from sirenflow.inbox import store
from sirenflow.inbox.archives import ARCHIVE_SUFFIXES, SourceItem, archive_items, read_bounded
from sirenflow.inbox.receiver import Receiver


@dataclass(frozen=True)
class Outcome:
    """What became of an item; `reason` is set when it was rejected."""

    source: str
    result: Literal["stored", "duplicate", "rejected", "left alone"]
    reason: str | None = None


def ingest(sources: Iterable[Path], directory: Path) -> Iterator[Outcome]:
    """Bring every alert of the sources into an inbox, and what is none into its quarantine.

    Parameters
    ----------
    sources
        Alert files, directories, tar and zip archives. Below directories and in archives, files
        named ``*.avro`` and ``*.json`` are taken for alerts. Archives below directories are opened,
        archives in archives are not.
    directory
        The inbox.

    Yields
    ------
    Outcome
        One an item, as soon as it is safe on disk.

    Raises
    ------
    InboxError
        If the inbox cannot be written.
    """
    receiver = Receiver(directory)
    for source in sources:
        for item in items(source):
            yield _take_in(item, receiver)


def _take_in(item: SourceItem, receiver: Receiver) -> Outcome:
    if item.data is None:
        return Outcome(item.source, "rejected" if item.problem else "left alone", item.problem)
    receipt = receiver.receive_copy(item.data, item.source)
    if isinstance(receipt.content, AlertError):
        return Outcome(item.source, "rejected", str(receipt.content))
    return Outcome(item.source, "stored" if receipt.new else "duplicate")


def items(source: Path) -> Iterator[SourceItem]:
    """Find what a file, a directory or an archive holds, in order of names or as archived."""
    try:
        if source.is_dir():
            yield from _directory_items(source)
        elif source.name.lower().endswith(ARCHIVE_SUFFIXES):
            yield from archive_items(source)
        else:
            with source.open("rb") as file:
                yield read_bounded(str(source), file)
    except OSError as error:
        yield _unreadable(source, error)


def _directory_items(directory: Path) -> Iterator[SourceItem]:
    unlisted: list[OSError] = []
    for parent, directories, names in os.walk(directory, onerror=unlisted.append):
        directories.sort()
        for name in sorted(names):
            path = Path(parent, name)
            if not _is_wanted(name):
                yield SourceItem(str(path), None)
            elif _is_pipe(path):  # might never be written to
                yield SourceItem(str(path), None, "is a named pipe; expected a file")
            else:
                yield from items(path)
    for error in unlisted:
        yield _unreadable(error.filename, error)


def _is_wanted(name: str) -> bool:
    return store.is_alert_name(name) or name.lower().endswith(ARCHIVE_SUFFIXES)


def _is_pipe(path: Path) -> bool:
    try:
        return path.is_fifo()
    except OSError:  # to read it fails too, and says why
        return False


def _unreadable(source: Path | str, error: OSError) -> SourceItem:
    return SourceItem(str(source), None, f"cannot be read: {error.strerror}")
