"""State of files that others write, kept in small files of ours.

Snakemake compares the times of a rule's inputs and outputs. It ends the whole run if an input is
missing, and fails a job whose input is dated in the future. Alerts and tables come from other
programs and machines, so they are no inputs of rules. A rule's input is a file of ours instead. It
holds a digest of their names, sizes and times, and is replaced only when that changes. So only
times of our own files are compared, all of them given by the file system of the results.
"""

import hashlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from sirenflow.errors import InboxError
from sirenflow.files.durable import replace_file

TABLES = ("galaxies", "candidates")
"""Keys of the configuration that name a user's table."""


def files_digest(files: Iterable[Path]) -> str:
    """Digest the names, sizes and modification times of files, and whether they may be read.

    Neither the inode nor the time of its last change (ctime) is part of it. Storing an alert gives
    a file a second name for a moment and removes the first: its ctime changes after a run may have
    read it. Backups by hard links, restores and remounts change one or both of many files. All of
    these would rebuild products that stay the same. The name of an alert in the inbox holds a hash
    of its content, so only a damaged file can differ with the same name, size and time; `touch` it,
    and the next run reads it again and checks the hash.
    """
    listed = [[file.parent.name, file.name, *_stat(file)] for file in files]
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()[:32]


def _stat(file: Path) -> tuple[int, int, bool]:
    try:
        stat = file.stat()
    except OSError:  # missing, or a loop of links: whoever reads it says so
        return (0, 0, False)
    return (stat.st_size, stat.st_mtime_ns, os.access(file, os.R_OK))


def write_state(private: Path, name: str, digest: str) -> list[str]:
    """Bring the file with the state of some inputs up to date.

    Return the file; empty if it cannot be written, so that the run goes on.
    """
    file = private / "inputs" / name
    with suppress(OSError):
        if file.read_text() == digest:
            return [str(file)]
    try:
        replace_file(file, digest.encode())
    except InboxError:  # the disk is full, for instance; the jobs report it
        return []
    return [str(file)]


def table_digest(config: Mapping[str, Any], key: str) -> str:
    """Digest the state of a user's table.

    After an error of the machine, such as a server that did not answer, it differs from that which
    was read, so that the next run reads the table again.
    """
    product = Path(config["results"], f"{key}.json")
    read = table_facts(config, key)
    unsettled = [product] if read.get("read_again") else []
    return files_digest([Path(config[key]["table"]), *unsettled])


def table_facts(config: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Read what the rule that read a user's table found; nothing if it has not run."""
    try:
        content = json.loads(Path(config["results"], f"{key}.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def date_not_after_now(products: Iterable[str | Path]) -> None:
    """Set the time of products that are dated in the future to the present.

    They are so if the clock was set back after they were made, or is behind that of the machine
    which made them. Snakemake would fail every job that reads them.
    """
    now = time.time()
    for product in products:
        # Of a directory Snakemake takes the time of the file that it puts there.
        for file in (Path(product), Path(product, ".snakemake_timestamp")):
            with suppress(OSError):
                if file.stat().st_mtime > now:
                    os.utime(file)


def is_dated_after_now(directory: Path) -> bool:
    """Return whether some product in a directory is dated in the future.

    Then times do not tell which products are older than what they are made of.
    """
    now = time.time()
    with suppress(OSError):
        return any(entry.stat().st_mtime > now for entry in os.scandir(directory))
    return False
