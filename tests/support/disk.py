"""Disks that fail, processes that die, and what is found on the disk afterwards."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

DISK_ERRORS = [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT]


def files_below(directory: Path) -> dict[str, bytes]:
    """Give the files of a directory, by path."""
    found = (path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in found}


def run_python(script: str, *arguments: Path) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own, which may die."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


class Disk:
    """The calls that write to disk, recorded; one of them can be made to fail.

    Attributes
    ----------
    calls
        What was done, in order: like ``link x.avro``, ``sync 5 bytes``, ``sync directory MS1a``.
    number
        The error of the call that fails.
    fails_at
        Which call fails, counted from 0; None for none. Those after it work.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self.number = errno.EIO
        self.fails_at: int | None = None
        self._open, self._fsync, self._link, self._mkdir = io.open, os.fsync, os.link, os.mkdir
        monkeypatch.setattr(io, "open", self._opened)
        monkeypatch.setattr(os, "fsync", self._synced)
        monkeypatch.setattr(os, "link", self._linked)
        monkeypatch.setattr(os, "mkdir", self._made)

    def do(self, call: str) -> None:
        """Record a call, or let it fail."""
        self.calls.append(call)
        if len(self.calls) - 1 == self.fails_at:
            raise OSError(self.number, os.strerror(self.number))

    def _opened(self, file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if mode != "xb":
            return self._open(file, mode, *args, **kwargs)
        self.do("open")
        return io.BufferedWriter(_File(self, file))

    def _synced(self, descriptor: int) -> None:
        target = Path(f"/proc/self/fd/{descriptor}").readlink()
        size = f"{target.stat().st_size} bytes"
        self.do(f"sync directory {target.name}" if target.is_dir() else f"sync {size}")
        self._fsync(descriptor)

    def _linked(self, source: Path, target: Path) -> None:
        self.do(f"link {target.name}")
        self._link(source, target)

    def _made(self, path: Path, *args: Any, **kwargs: Any) -> None:
        self.do(f"make {Path(path).name}")
        self._mkdir(path, *args, **kwargs)


class _File(io.FileIO):
    """A file of which only a part is written before the disk fails."""

    def __init__(self, disk: Disk, path: Path) -> None:
        super().__init__(path, "xb")
        self._disk = disk

    def write(self, data: Any) -> int:
        try:
            self._disk.do(f"write {len(data)} bytes")
        except OSError:
            super().write(memoryview(data)[: len(data) // 2])
            raise
        return super().write(data) or 0
