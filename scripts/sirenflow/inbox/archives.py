"""What archives hold: tar, compressed or not, and zip.

Nobody vouches for an archive either. It is read once, in order, and not unpacked to disk; names of
members decide nothing. What is unpacked is bounded, by members and in all.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
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
from sirenflow.inbox import store

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_COMPRESSED_TAR_SUFFIXES = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst")
ARCHIVE_SUFFIXES = (".zip", ".tar", *_COMPRESSED_TAR_SUFFIXES, ".tzst")
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
_EXPANDS = f"it expands to more than {_MAX_EXPANSION} times its size"


@dataclass(frozen=True)
class SourceItem:
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


def read_bounded(source: str, file: IO[bytes]) -> SourceItem:
    """Read a file up to the size that an alert may have."""
    data = file.read(MAX_ALERT_BYTES + 1)
    if len(data) > MAX_ALERT_BYTES:
        return SourceItem(source, None, f"larger than {MAX_ALERT_BYTES} bytes; left where it is")
    return SourceItem(source, data)


def archive_items(path: Path) -> Iterator[SourceItem]:
    """Find what an archive holds, as archived; what cannot be read is told, and ends it."""
    members = _zip_items(path) if path.name.lower().endswith(".zip") else _tar_items(path)
    try:
        for item in members:
            yield replace(item, source=f"{path}!{item.source}")
    except _BROKEN_ARCHIVE as error:
        yield SourceItem(str(path), None, f"archive cannot be read any further: {error}")


def _zip_items(path: Path) -> Iterator[SourceItem]:
    room = _room(path)
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if store.is_alert_name(member.filename):
                # Members may share their bytes, so that there is no end of them.
                room -= min(member.file_size, MAX_ALERT_BYTES)
                if room < 0:
                    raise zipfile.BadZipFile(_EXPANDS)
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
            return read_bounded(member.filename, file)
    except _BROKEN_ARCHIVE as error:
        return SourceItem(member.filename, None, f"cannot be read: {error}")


def _tar_items(path: Path) -> Iterator[SourceItem]:
    with _open_tar(path) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            if file is not None and store.is_alert_name(member.name):
                yield read_bounded(member.name, file)
            elif not member.isdir():
                yield SourceItem(member.name, None)


@contextmanager
def _open_tar(path: Path) -> Iterator[tarfile.TarFile]:
    """Open a tar archive to be read once, in order."""
    try:
        with (
            _decompressed(path) as stream,
            tarfile.open(
                fileobj=cast("IO[bytes]", _Bounded(stream, _room(path))),
                mode="r|",
                tarinfo=_TarMember,
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


def _room(archive: Path) -> int:
    """Give the most that an archive may expand to, bytes."""
    return max(_MAX_EXPANSION * archive.stat().st_size, _MIN_ROOM_BYTES)


@dataclass
class _Bounded:
    """A stream from which so many bytes are read at most."""

    stream: IO[bytes]
    room: int

    def read(self, size: int) -> bytes:
        data = self.stream.read(size)
        self.room -= len(data)
        if self.room < 0:
            raise tarfile.ReadError(_EXPANDS)
        return data


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

    def _refuse(self, *_: object) -> NoReturn:
        raise tarfile.ReadError(f"{self.name[:64]!r} is sparse; pack it anew")

    # Their lists of holes have no end that tarfile would look for.
    _proc_sparse = _proc_gnusparse_00 = _proc_gnusparse_01 = _proc_gnusparse_10 = _refuse
