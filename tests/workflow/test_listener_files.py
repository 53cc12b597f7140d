"""A listener clears away what its kind has left, and nothing else."""

from __future__ import annotations

import os
import time
from pathlib import Path

from sirenflow.kafka.listener import _delete_abandoned_files

OLD = time.time() - 3600
OWN = [
    "MS260522k/UPDATE/.20260522T112109Z-0123456789ab.avro.0123456789abcdef.tmp",
    "quarantine/.0123456789ab.bin.0123456789abcdef.tmp",
    ".listener/.health.json.01234567.tmp",
]
OTHERS = [
    ".mozilla/.precious.tmp",
    ".precious.tmp",
    "MS260522k/UPDATE/.notes.tmp",
    "MS260522k/notes/.x.avro.0123456789abcdef.tmp",
    ".listener/health.json",
]


def test_only_own_temporary_files_that_are_old_go(tmp_path: Path) -> None:
    for name in (*OWN, *OTHERS):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (OLD, OLD))
    young = tmp_path / "quarantine" / ".ffffffffffff.bin.0123456789abcdef.tmp"
    young.touch()
    _delete_abandoned_files(tmp_path)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {*OTHERS, str(young.relative_to(tmp_path))}
