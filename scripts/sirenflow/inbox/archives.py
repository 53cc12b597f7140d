"""Alerts in files, directories and archives: tar, compressed or not, and zip.

Archives are untrusted input, too. An archive is read once, in order, and not unpacked to disk;
names of members decide no path. What is unpacked is bounded, per member and in all.
"""

import bz2
import gzip
import lzma
import os
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, NoReturn, Self, cast

from sirenflow.alerts.decoding import MAX_ALERT_BYTES
from sirenflow.inbox.store import is_alert_name

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

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
# The time that older versions of Python take for one grows with its square: for 64 KiB 20 s.
_MAX_EXTENSION_BYTES = 8 * 2**10
# Alerts are compressed to two thirds, or, without sky maps, to a tenth.
_MAX_EXPANSION, _MIN_ROOM_BYTES = 100, 256 * 2**20
# Others unpack as much as they hold before anything can be said against it.
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
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
_EXPANDS_TOO_FAR = f"it expands to more than {_MAX_EXPANSION} times its size"


@dataclass(frozen=True)
class SourceItem:
    """A file or a member of an archive: its bytes, or why it has none.

    Attributes
    ----------
    source
        Where it was: a path, or ``archive!member``.
    problem
        Why there are no bytes; None for a file that is skipped because of its name.
    """

    source: str
    data: bytes | None
    problem: str | None = None


def source_items(source: Path) -> Iterator[SourceItem]:
    """Yield what a file, a directory or an archive holds, in order of names or as archived."""
    try:
        if source.is_dir():
            yield from _directory_items(source)
        elif source.name.lower().endswith(_ARCHIVE_SUFFIXES):
            yield from _archive_items(source)
        else:
            with source.open("rb") as file:
                yield _read_bounded(str(source), file)
    except OSError as error:
        yield _unreadable_item(source, error)


def _directory_items(directory: Path) -> Iterator[SourceItem]:
    unlisted: list[OSError] = []
    for parent, directories, names in os.walk(directory, onerror=unlisted.append):
        directories.sort()
        for name in sorted(names):
            path = Path(parent, name)
            if not _is_alert_or_archive_name(name):
                yield SourceItem(str(path), None)
            elif _is_pipe(path):  # might never be written to
                yield SourceItem(str(path), None, "is a named pipe; expected a file")
            else:
                yield from source_items(path)
    for error in unlisted:
        yield _unreadable_item(error.filename, error)


def _is_alert_or_archive_name(name: str) -> bool:
    return is_alert_name(name) or name.lower().endswith(_ARCHIVE_SUFFIXES)


def _is_pipe(path: Path) -> bool:
    try:
        return path.is_fifo()
    except OSError:  # to read it fails too, and says why
        return False


def _unreadable_item(source: Path | str, error: OSError) -> SourceItem:
    return SourceItem(str(source), None, f"cannot be read: {error.strerror}")


def _read_bounded(source: str, file: IO[bytes]) -> SourceItem:
    """Read a file up to the size that an alert may have."""
    data = file.read(MAX_ALERT_BYTES + 1)
    if len(data) > MAX_ALERT_BYTES:
        return SourceItem(source, None, f"larger than {MAX_ALERT_BYTES} bytes; left where it is")
    return SourceItem(source, data)


def _archive_items(path: Path) -> Iterator[SourceItem]:
    """Yield what an archive holds, in its order, up to what cannot be read, with the reason."""
    members = _zip_items(path) if path.name.lower().endswith(".zip") else _tar_items(path)
    try:
        for item in members:
            yield replace(item, source=f"{path}!{item.source}")
    except _BROKEN_ARCHIVE as error:
        yield SourceItem(str(path), None, f"archive cannot be read any further: {error}")


def _zip_items(path: Path) -> Iterator[SourceItem]:
    room = _max_expanded_bytes(path)
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if is_alert_name(member.filename):
                # Members may share their bytes, so that there is no end of them.
                room -= min(member.file_size, MAX_ALERT_BYTES)
                if room < 0:
                    raise zipfile.BadZipFile(_EXPANDS_TOO_FAR)
                yield _zip_item(archive, member)
            elif not member.filename.endswith("/"):
                yield SourceItem(member.filename, None)


def _zip_item(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> SourceItem:
    if member.flag_bits & _ENCRYPTED:
        return SourceItem(member.filename, None, "is encrypted; decrypt the archive first")
    if member.compress_type not in _ZIP_METHODS:
        return SourceItem(member.filename, None, "is not compressed by deflate; pack it anew")
    try:
        with archive.open(member) as file:
            return _read_bounded(member.filename, file)
    except _BROKEN_ARCHIVE as error:
        return SourceItem(member.filename, None, f"cannot be read: {error}")


def _tar_items(path: Path) -> Iterator[SourceItem]:
    with _open_tar(path) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            if file is not None and is_alert_name(member.name):
                yield _read_bounded(member.name, file)
            elif not member.isdir():
                yield SourceItem(member.name, None)


@contextmanager
def _open_tar(path: Path) -> Iterator[tarfile.TarFile]:
    """Open a tar archive to be read once, in order."""
    try:
        with (
            _decompressed(path) as stream,
            tarfile.open(
                fileobj=cast("IO[bytes]", _BoundedStream(stream, _max_expanded_bytes(path))),
                mode="r|",
                tarinfo=_CheckedTarInfo,
            ) as archive,
        ):
            yield archive
    except zstd.ZstdError as error:
        raise tarfile.ReadError(str(error)) from error


def _decompressed(path: Path) -> IO[bytes]:
    """Open a file, unpacked by what it begins with, through all pieces it was compressed in."""
    with path.open("rb") as file:
        start = file.read(6)
    if start.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.open(path))
    if start.startswith(b"BZh"):
        return bz2.open(path)
    if start == b"\xfd7zXZ\0":
        return lzma.open(path)
    if start.startswith(b"\x28\xb5\x2f\xfd"):
        return cast("IO[bytes]", zstd.open(path))
    return path.open("rb")


def _max_expanded_bytes(archive: Path) -> int:
    """Return the most bytes that an archive may expand to."""
    return max(_MAX_EXPANSION * archive.stat().st_size, _MIN_ROOM_BYTES)


@dataclass
class _BoundedStream:
    """A stream that raises an error after a number of bytes."""

    stream: IO[bytes]
    room: int

    def read(self, size: int) -> bytes:
        data = self.stream.read(size)
        self.room -= len(data)
        if self.room < 0:
            raise tarfile.ReadError(_EXPANDS_TOO_FAR)
        return data


class _CheckedTarInfo(tarfile.TarInfo):
    """A member whose broken header is an error; tarfile takes it for the end of the archive."""

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

    def _reject_sparse(self, *_: object) -> NoReturn:
        raise tarfile.ReadError(f"{self.name[:64]!r} is sparse; pack it anew")

    # Their lists of holes have no end that tarfile would look for.
    _proc_sparse = _proc_gnusparse_00 = _proc_gnusparse_01 = _proc_gnusparse_10 = _reject_sparse
