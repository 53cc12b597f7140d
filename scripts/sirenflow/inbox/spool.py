"""What has arrived and is not yet decoded: on disk before it is read.

    .incoming/{crc32}-{crashes}-{token}.part

The file lives only while its bytes are decoded. One that is found when a listener starts was left
by a process that was killed or crashed: it is decoded again. After `MAX_CRASHES` it is quarantined
without being decoded, so that bytes that crash every process cannot stop the stream.
"""

import re
import secrets
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from sirenflow.errors import InboxError, os_errors_as
from sirenflow.files.durable import make_directories, write_synced
from sirenflow.inbox.arrival import Arrival

SPOOL_DIRECTORY = ".incoming"
MAX_CRASHES = 3

_SPOOL_NAME = re.compile(r"([0-9a-f]{8})-([0-9]+)-[0-9a-f]+\.part")


@contextmanager
def spooled(inbox: Path, arrival: Arrival) -> Iterator[Arrival]:
    """Keep bytes in a file, synced to disk, while they are decoded.

    Raise InboxError if the file cannot be written.
    """
    name = f"{_checksum(arrival.data)}-0-{secrets.token_hex(8)}.part"
    path = inbox / SPOOL_DIRECTORY / name
    try:
        with os_errors_as(InboxError, path, "written"):
            make_directories(path.parent)
            write_synced(path, arrival.data)
        yield replace(arrival, spooled=path)
    finally:  # not reached if the process is killed, which is what the file is for
        with suppress(OSError):
            path.unlink()


def orphaned(inbox: Path) -> Iterator[tuple[Arrival, int]]:
    """Yield what processes that were killed have left, and how many have had it.

    The count of each file is raised before it is yielded; the caller deletes the file. One that its
    writer did not finish is deleted: it was not accepted, and is delivered again. Raise InboxError
    if the directory cannot be read.
    """
    directory = inbox / SPOOL_DIRECTORY
    with os_errors_as(InboxError, directory, "read"):
        for path in sorted(directory.glob("*.part")):
            named = _SPOOL_NAME.fullmatch(path.name)
            if named is None:
                continue
            data = path.read_bytes()
            if _checksum(data) != named[1]:
                path.unlink()
                continue
            crashes = int(named[2]) + 1
            counted = path.rename(path.with_name(_counted_name(named, crashes)))
            yield replace(Arrival.now(data, "recovered"), spooled=counted), crashes


def uncount_crash(arrival: Arrival) -> None:
    """Lower the count of a spooled file by one: the disk failed, and no process crashed."""
    path = arrival.spooled
    named = path and _SPOOL_NAME.fullmatch(path.name)
    if path and named:
        with suppress(OSError):
            path.rename(path.with_name(_counted_name(named, int(named[2]) - 1)))


def _counted_name(named: re.Match[str], crashes: int) -> str:
    return f"{named[1]}-{crashes}-{secrets.token_hex(8)}.part"


def _checksum(data: bytes) -> str:
    """Return what tells a whole file from one that a power cut has torn, or filled with zeros."""
    return f"{zlib.crc32(data):08x}"
