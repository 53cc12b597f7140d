"""Freed memory is kept, as the system's own count of page faults shows."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

COUNTED = """
import resource
import numpy as np
from sirenflow.processes.worker import keep_freed_memory
keep_freed_memory()

def make_and_free(size):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        arrays = [np.ones(size // 8) for _ in range(8)]
        del arrays
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
make_and_free(2**20)
print(make_and_free(2**20))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="settings of glibc")
def test_arrays_are_made_of_memory_that_was_used_before() -> None:
    """Of 160 MiB in all, next to none is new: a page is 4 KiB, or more."""
    done = subprocess.run([sys.executable, "-c", COUNTED], capture_output=True, check=True)
    assert int(done.stdout) < 100
