"""Which files a command and all its processes write, make, move or delete.

Python tells an audit hook of each, and one is in every interpreter that a command starts: as
`sitecustomize` on its PYTHONPATH. What C libraries write by themselves is not told, so the command
has directories of its own for home and temporary files, to be looked at afterwards.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from commands import PROGRAM

import sirenflow

_HOOK = """
import json, os, sys
log = os.open(os.environ["TRACE"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
writes = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Where in an event's arguments are paths, and the directories to which they are relative.
places = {
    "open": [(0, None)], "os.mkdir": [(0, 2)], "os.rmdir": [(0, 1)], "os.remove": [(0, 1)],
    "os.rename": [(0, 2), (1, 3)], "os.link": [(1, 3)], "os.symlink": [(1, 2)],
    "os.truncate": [(0, None)], "os.chmod": [(0, 2)], "os.chown": [(0, 3)], "os.utime": [(0, 3)],
    "os.setxattr": [(0, None)], "sqlite3.connect": [(0, None)],
}
def note(event, arguments):
    if event not in places or event == "open" and not (arguments[2] or 0) & writes:
        return
    for place, at in places[event]:
        if isinstance(arguments[place], int):  # a file that was opened before
            continue
        relative = -1 if at is None else arguments[at]
        base = os.getcwd() if relative == -1 else os.readlink(f"/proc/self/fd/{relative}")
        path = os.path.normpath(os.path.join(base, os.fsdecode(arguments[place])))
        os.write(log, json.dumps([event, path]).encode() + b"\\n")
sys.addaudithook(note)
"""


@dataclass(frozen=True)
class Traced:
    """How a command ended, what it said, and the paths that it has changed."""

    exit_code: int
    output: str
    changed: set[Path]


def traced(folder: Path, *arguments: str | Path, umask: int = 0o022) -> Traced:
    """Run the command in a directory, with its home, its temporary files and our hook in it."""
    hook, log = folder / "hook", folder / "hook/changes.jsonl"
    for directory in (hook, folder / "home", folder / "tmp"):
        directory.mkdir(exist_ok=True)
    (hook / "sitecustomize.py").write_text(_HOOK)
    log.write_bytes(b"")
    done = subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        cwd=folder,
        umask=umask,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
        env={
            "PATH": os.environ["PATH"],
            # Of this process's own sirenflow, which need not be the one that is installed.
            "PYTHONPATH": os.pathsep.join([str(hook), str(Path(sirenflow.__file__).parents[1])]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TRACE": str(log),
            "HOME": str(folder / "home"),
            "TMPDIR": str(folder / "tmp"),
        },
    )
    changed = {Path(json.loads(line)[1]) for line in log.read_text().splitlines()}
    return Traced(done.returncode, done.stdout, changed)
