"""Cache of the catalogue: what was read of each superevent by the previous build.

With thousands of superevents, one new alert changes one of them: all others are taken from a
private file, and not read again. That file is not a product. It holds nothing that cannot be
rebuilt, and is used only if it is whole, of this version of Sirenflow, with the same columns,
and for the same page. The rows of the page's script are in it, since writing them takes longer than
all else (1 of 1.7 s for 10,000 superevents); those of the tables are not.

A superevent's event.json is known by its inode, size and times, as Git knows its files: reading and
hashing thousands of files takes longer than all the rest. The time of the last change of status
(ctime) is one of them, which no program can set, so that a file cannot change and look the same;
unless twice in one tick of the file system's clock. What is younger than that is not kept.
"""

import json
import logging
import os
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from time import time_ns
from typing import NamedTuple

import msgspec

from sirenflow import __version__
from sirenflow.catalogue.page import CatalogueEntry, PageRow, page_row, script_row
from sirenflow.catalogue.row import CatalogueRow, catalogue_row
from sirenflow.errors import InboxError, SirenflowError
from sirenflow.files.durable import replace_file
from sirenflow.products.base import parse_product
from sirenflow.products.event import EventSummary
from sirenflow.report.html import relative_link

_LOG = logging.getLogger(__name__)

_FORMAT = 3
# The coarsest clock of a file system in use, that of FAT.
_TICK_NS = 2 * 10**9


class _CachedEntry(NamedTuple):
    """An entry, and the state of the event.json that it was read from."""

    state: str
    entry: CatalogueEntry


_DECODER = msgspec.msgpack.Decoder(dict[str, _CachedEntry])


def read_entries(
    events: Sequence[Path], page: Path, memory: Path | None = None
) -> list[CatalogueEntry]:
    """Read the superevents of the catalogue, from the cache where they have not changed.

    Raise SirenflowError if an event.json is of another version, or damaged, and there is no cache.

    Parameters
    ----------
    events
        The event.json of each; its page is index.html beside it.
    memory
        The cache, which is replaced. With it, files that are damaged or of another version are left
        out, and named in a warning; without it, every superevent is read.
    """
    if memory is None:
        return [_entry(event.read_bytes(), event, page) for event in events]
    known = _load(memory, page)
    entries, kept = [], {}
    for event in events:
        cached = known.get(str(event))
        if cached is None or cached.state != _state_of(event):
            try:
                state, data = _read(event)
                cached = _CachedEntry(state, _entry(data, event, page))
            except (SirenflowError, OSError) as error:
                _LOG.warning("catalogue: left out %s: %s", event, error)
                continue
        if cached.state:
            kept[str(event)] = cached
        entries.append(cached.entry)
    if kept != known:
        _save(memory, page, kept)
    return entries


def _entry(data: bytes, event: Path, page: Path) -> CatalogueEntry:
    content = parse_product(data, EventSummary, str(event))
    link = relative_link(event.with_name("index.html"), page)
    row = catalogue_row(content, link)
    return CatalogueEntry(row, script_row(page_row(row)))


def _read(event: Path) -> tuple[str, bytes]:
    """Read a file and its state before that; no state where it may yet change unseen."""
    with event.open("rb") as file:
        status = os.fstat(file.fileno())
        settled = max(status.st_mtime_ns, status.st_ctime_ns) < time_ns() - _TICK_NS
        return _state(status) if settled else "", file.read()


def _state_of(event: Path) -> str | None:
    try:
        return _state(event.stat())
    except OSError:
        return None


def _state(status: os.stat_result) -> str:
    return f"{status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def _head(page: Path, body: bytes) -> bytes:
    """Describe a cache; the checksum detects damage."""
    columns = [*CatalogueRow.__struct_fields__, *(field.name for field in fields(PageRow))]
    known = (_FORMAT, __version__, columns, str(page), len(body), zlib.crc32(body))
    return json.dumps(known).encode() + b"\n"


def _load(memory: Path, page: Path) -> dict[str, _CachedEntry]:
    """Return the entries by the path of their event.json; none where the file is not ours."""
    with suppress(OSError, msgspec.MsgspecError, RecursionError):
        head, _, body = memory.read_bytes().partition(b"\n")
        if head + b"\n" == _head(page, body):
            return _DECODER.decode(body)
    return {}


def _save(memory: Path, page: Path, kept: Mapping[str, _CachedEntry]) -> None:
    body = msgspec.msgpack.encode(kept)
    with suppress(InboxError):  # the products are none the worse
        replace_file(memory, _head(page, body) + body)
