"""What has arrived and is not yet judged: on disk before it is looked at.

    .incoming/{crc32}-{deaths}-{token}.part

The file lives only while its bytes are judged. One that is found when a listener starts was left by
a process that died there: it is judged again, and after `MAX_CRASHES` it goes to quarantine unread,
so that bytes that kill whoever decodes them cannot stop the stream.
"""

from __future__ import annotations

import re
import secrets
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sirenflow.errors import InboxError
from sirenflow.files.durable import make_directories, write_synced

SPOOL_DIRECTORY = ".incoming"
MAX_CRASHES = 3

_NAME = re.compile(r"([0-9a-f]{8})-([0-9]+)-[0-9a-f]+\.part")


@contextmanager
def spooled(inbox: Path, data: bytes) -> Iterator[Path]:
    """Keep bytes in a file, synced to disk, as long as they are judged.

    Raises
    ------
    InboxError
        If the file cannot be written.
    """
    name = f"{_checksum(data)}-0-{secrets.token_hex(8)}.part"
    path = inbox / SPOOL_DIRECTORY / name
    try:
        try:
            make_directories(path.parent)
            write_synced(path, data)
        except OSError as error:
            raise InboxError(f"{path} cannot be written: {error.strerror}") from error
        yield path
    finally:  # not reached by the death of the process, which is what the file is for
        with suppress(OSError):
            path.unlink()


def orphaned(inbox: Path) -> Iterator[tuple[Path, bytes, int]]:
    """Give what processes that died have left: file, bytes, and how often it was so.

    Each file's own count is raised before it is given; whoever takes it deletes it. One that its
    writer did not finish is deleted: it was not accepted, and is delivered again.

    Raises
    ------
    InboxError
        If the directory cannot be read.
    """
    try:
        for path in sorted((inbox / SPOOL_DIRECTORY).glob("*.part")):
            named = _NAME.fullmatch(path.name)
            if named is None:
                continue
            data = path.read_bytes()
            if _checksum(data) != named[1]:
                path.unlink()
                continue
            deaths = int(named[2]) + 1
            yield path.rename(path.with_name(_renamed(named, deaths))), data, deaths
    except OSError as error:
        raise InboxError(f"{inbox / SPOOL_DIRECTORY} cannot be read: {error.strerror}") from error


def uncount_crash(path: Path) -> None:
    """Lower the count of a file by the death that was none: the disk failed."""
    named = _NAME.fullmatch(path.name)
    if named is not None:
        with suppress(OSError):
            path.rename(path.with_name(_renamed(named, int(named[2]) - 1)))


def _renamed(named: re.Match[str], deaths: int) -> str:
    return f"{named[1]}-{deaths}-{secrets.token_hex(8)}.part"


def _checksum(data: bytes) -> str:
    """Tell a whole file from one that a power cut has torn, or left with zeros in it."""
    return f"{zlib.crc32(data):08x}"
