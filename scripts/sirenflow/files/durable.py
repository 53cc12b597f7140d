"""Files that survive a power cut, and of which readers see the whole or nothing."""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sirenflow.errors import InboxError, os_errors_as


def write_durably(path: Path, data: bytes) -> bool:
    """Write a file so that, on return, it survives a power cut; never replace one.

    A temporary file in the same directory is written and synced, then linked to its name: readers
    see the whole file or none. Return False if the path exists already. Raise InboxError if it
    cannot be written; no temporary file is left behind.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    with os_errors_as(InboxError, path, "written"), _removed_at_end(temporary):
        if not path.exists():
            make_directories(path.parent)
            write_synced(temporary, data)
        return _link_new(temporary, path)


def link_durably(synced: Path, path: Path) -> bool:
    """Link a file whose bytes are on disk to a path; return False if the path exists already.

    Raise InboxError if it cannot be linked.
    """
    with os_errors_as(InboxError, path, "written"):
        make_directories(path.parent)
        return _link_new(synced, path)


def replace_file(path: Path, data: bytes, *, synced: bool = False) -> None:
    """Write a file, or replace it; with `synced`, it survives a power cut.

    Raise InboxError if it cannot be written.
    """
    with os_errors_as(InboxError, path, "written"):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacement(path) as temporary, temporary.open("xb") as file:
            file.write(data)
            file.flush()
            if synced:
                os.fsync(file.fileno())
        if synced:
            sync_directory(path.parent)


@contextmanager
def replacement(path: Path) -> Iterator[Path]:
    """Yield the path of a new file that replaces another at the end; readers see one or the other.

    If the block raises, the old file stays.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    with _removed_at_end(temporary):
        yield temporary
        temporary.replace(path)


def write_synced(path: Path, data: bytes) -> None:
    """Write a new file and its bytes to disk; its name is not yet safe."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def make_directories(directory: Path) -> None:
    """Create a directory and its parents, each synced into the one that holds it."""
    if directory.is_dir():
        return
    make_directories(directory.parent)
    with suppress(FileExistsError):
        directory.mkdir()
    sync_directory(directory.parent)


def sync_directory(directory: Path) -> None:
    """Write a directory's names to disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _removed_at_end(temporary: Path) -> Iterator[None]:
    """Remove a temporary file at the end, if it is still there."""
    try:
        yield
    finally:
        with suppress(OSError):
            temporary.unlink()


def _link_new(synced: Path, path: Path) -> bool:
    new = not path.exists() and _link_if_missing(synced, path)
    sync_directory(path.parent)  # also if it exists: its writer may have been stopped here
    return new


def _link_if_missing(synced: Path, path: Path) -> bool:
    try:
        os.link(synced, path)
    except FileExistsError:  # another writer was faster, with the same bytes
        return False
    except OSError as error:
        if error.errno in (errno.EPERM, errno.ENOTSUP):
            raise InboxError(
                f"{path} cannot be written: its file system has no hard links; put the inbox on "
                "another"
            ) from error
        raise
    return True


def refuse_others() -> None:
    """Forbid users outside the group to write to files that this process creates from now on.

    Whether they may read, and whether the group may write, stays as the umask says. Child processes
    inherit it.
    """
    before = os.umask(0o077)
    os.umask(before | stat.S_IWOTH)
