"""File systems: whether one is shared between machines, and whether a directory was replaced."""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sirenflow.errors import InboxError

_MOUNTS = Path("/proc/self/mountinfo")
# inotify reports only what this machine writes to these, or nothing.
_SHARED = {
    *("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "gpfs", "beegfs"),
    *("panfs", "orangefs", "pvfs2", "ocfs2", "gfs2", "virtiofs", "vboxsf", "prl_fs"),
}
_ESCAPE = re.compile(r"\\([0-7]{3})")  # of a space, a tab, a newline and a backslash


def is_shared(directory: Path) -> bool:
    """Return whether other machines may write there without a notification on this one."""
    kind = _file_system_type(directory.resolve())
    return kind in _SHARED or kind.startswith("fuse")


def directory_identity(directory: Path) -> tuple[int, int] | None:
    """Return the device and the inode of a directory; None if there is none.

    They differ after a directory was moved away, restored, or mounted over.
    """
    try:
        found = directory.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISDIR(found.st_mode) else None


class DirectoryGuard:
    """Check that a path still leads to the directory that was there at the start."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._identity = directory_identity(directory)

    def is_replaced(self) -> bool:
        """Return whether another directory is in its place."""
        return directory_identity(self._directory) not in (None, self._identity)

    def problem(self) -> str | None:
        """Return what is wrong, as a sentence for a log; None if it is the same directory."""
        identity = directory_identity(self._directory)
        if identity == self._identity:
            return None
        if identity is None:
            return (
                f"inbox {self._directory} does not exist any more; nothing is stored until it is "
                "back"
            )
        return (
            f"inbox {self._directory} was replaced by another directory, which the listener's lock "
            "does not protect; nothing is stored there until the listener is restarted"
        )

    def check(self) -> None:
        """Raise InboxError if it is not the same directory."""
        if problem := self.problem():
            raise InboxError(problem)


Snapshot = dict[str, tuple[tuple[str, int, int], ...]]
"""Path, modification time in ns and size in bytes of what is in each entry of a directory."""

_SNAPSHOT_DEPTH = 2


def snapshot(directory: Path) -> Snapshot:
    """List names, times and sizes two levels below each entry of a directory.

    What cannot be read counts as empty. Links are followed, so the depth is bounded.
    """
    return {
        Path(state[0]).name: (state, *_list_states(state[0], _SNAPSHOT_DEPTH))
        for state in _list_states(str(directory), 1)
    }


def _list_states(directory: str, depth: int) -> Iterator[tuple[str, int, int]]:
    try:
        with os.scandir(directory) as opened:
            entries = sorted(opened, key=lambda entry: entry.name)
    except OSError:  # a file, or it cannot be read
        return
    for entry in entries:
        with suppress(OSError):
            found = entry.stat(follow_symlinks=False)
            yield entry.path, found.st_mtime_ns, found.st_size
            if depth > 1:
                yield from _list_states(entry.path, depth - 1)


def _file_system_type(directory: Path) -> str:
    """Return the type of the file system that a path is on; empty if it is unknown."""
    try:
        lines = _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    best, kind = -1, ""
    for line in lines:
        # id parent major:minor root mount-point options ... - type source options
        before, _, after = line.partition(" - ")
        place = _ESCAPE.sub(lambda code: chr(int(code[1], 8)), before.split(" ")[4])
        if directory.is_relative_to(place) and len(place) >= best:
            best, kind = len(place), after.split(" ")[0]
    return kind
