"""Archived alerts into the inbox: from files, directories, tar and zip archives."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Literal, Self, cast

from sirenflow import inbox
from sirenflow.alert import MAX_ALERT_BYTES
from sirenflow.errors import AlertError
from sirenflow.receive import Receiver

_COMPRESSED_TAR_SUFFIXES = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst")
_ARCHIVE_SUFFIXES = (".zip", ".tar", *_COMPRESSED_TAR_SUFFIXES, ".tzst")
# What tarfile reads into memory as a whole: a long name or the like.
_TAR_EXTENSIONS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_MAX_EXTENSION_BYTES = 2**20
_BROKEN_ARCHIVE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,  # a zip member compressed in a way unknown
    OSError,
    EOFError,
    ValueError,
)
_ENCRYPTED = 0x1


@dataclass(frozen=True)
class Item:
    """Something found on the way through the sources: bytes, or why there are none.

    Attributes
    ----------
    source
        Where it was: a path, or ``archive!member``.
    data
        Its bytes, or None.
    problem
        Why there are no bytes; None for what is left alone because of its name.
    """

    source: str
    data: bytes | None
    problem: str | None = None


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


def _take_in(item: Item, receiver: Receiver) -> Outcome:
    if item.data is None:
        return Outcome(item.source, "rejected" if item.problem else "left alone", item.problem)
    receipt = receiver.receive_copy(item.data, item.source)
    if isinstance(receipt.content, AlertError):
        return Outcome(item.source, "rejected", str(receipt.content))
    return Outcome(item.source, "stored" if receipt.new else "duplicate")


def items(source: Path) -> Iterator[Item]:
    """Find what a file, a directory or an archive holds, in order of names or as archived."""
    try:
        if source.is_dir():
            yield from _directory_items(source)
        elif source.name.lower().endswith(_ARCHIVE_SUFFIXES):
            yield from _archive_items(source)
        else:
            with source.open("rb") as file:
                yield _bounded(str(source), file)
    except OSError as error:
        yield _unreadable(source, error)


def _directory_items(directory: Path) -> Iterator[Item]:
    unlisted: list[OSError] = []
    for parent, directories, names in os.walk(directory, onerror=unlisted.append):
        directories.sort()
        for name in sorted(names):
            path = Path(parent, name)
            if not _is_wanted(name):
                yield Item(str(path), None)
            elif _is_pipe(path):  # might never be written to
                yield Item(str(path), None, "is a named pipe; expected a file")
            else:
                yield from items(path)
    for error in unlisted:
        yield _unreadable(error.filename, error)


def _is_wanted(name: str) -> bool:
    return inbox.is_alert_name(name) or name.lower().endswith(_ARCHIVE_SUFFIXES)


def _is_pipe(path: Path) -> bool:
    try:
        return path.is_fifo()
    except OSError:  # to read it fails too, and says why
        return False


def _unreadable(source: Path | str, error: OSError) -> Item:
    return Item(str(source), None, f"cannot be read: {error.strerror}")


def _bounded(source: str, file: IO[bytes]) -> Item:
    """Read a file up to the size that an alert may have."""
    data = file.read(MAX_ALERT_BYTES + 1)
    if len(data) > MAX_ALERT_BYTES:
        return Item(source, None, f"larger than {MAX_ALERT_BYTES} bytes; left where it is")
    return Item(source, data)


def _archive_items(path: Path) -> Iterator[Item]:
    members = _zip_items(path) if path.name.lower().endswith(".zip") else _tar_items(path)
    try:
        for item in members:
            yield replace(item, source=f"{path}!{item.source}")
    except _BROKEN_ARCHIVE as error:
        yield Item(str(path), None, f"archive cannot be read any further: {error}")


def _zip_items(path: Path) -> Iterator[Item]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if inbox.is_alert_name(member.filename):
                yield _zip_item(archive, member)
            elif not member.is_dir():
                yield Item(member.filename, None)


def _zip_item(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Item:
    if member.flag_bits & _ENCRYPTED:
        return Item(member.filename, None, "is encrypted; decrypt the archive first")
    try:
        with archive.open(member) as file:
            return _bounded(member.filename, file)
    except _BROKEN_ARCHIVE as error:
        return Item(member.filename, None, f"cannot be read: {error}")


def _tar_items(path: Path) -> Iterator[Item]:
    with _open_tar(path) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            if file is not None and inbox.is_alert_name(member.name):
                yield _bounded(member.name, file)
            elif not member.isdir():
                yield Item(member.name, None)


@contextmanager
def _open_tar(path: Path) -> Iterator[tarfile.TarFile]:
    """Open a tar archive to be read once, in order."""
    import zstandard

    try:
        with (
            _decompressed(path) as stream,
            tarfile.open(fileobj=stream, mode="r|", tarinfo=_TarMember) as archive,
        ):
            yield archive
    except zstandard.ZstdError as error:
        raise tarfile.ReadError(str(error)) from error


def _decompressed(path: Path) -> IO[bytes]:
    """Open a file, unpacked by what it begins with, through all pieces it was compressed in."""
    import zstandard

    with path.open("rb") as file:
        start = file.read(6)
    if start.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.open(path))
    if start.startswith(b"BZh"):
        return bz2.open(path)
    if start == b"\xfd7zXZ\0":
        return lzma.open(path)
    if start.startswith(zstandard.FRAME_HEADER):
        unpacker = zstandard.ZstdDecompressor()
        return cast("IO[bytes]", unpacker.stream_reader(path.open("rb"), read_across_frames=True))
    return path.open("rb")


class _TarMember(tarfile.TarInfo):
    """A member, whose broken header tarfile would take for the end of the archive."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            member = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if buf and not any(buf):  # zeros: the proper end
                raise
            raise tarfile.ReadError(f"{error}, and no end-of-archive mark") from error
        if member.type in _TAR_EXTENSIONS and member.size > _MAX_EXTENSION_BYTES:
            raise tarfile.ReadError(f"header of {member.size} bytes")
        return member
