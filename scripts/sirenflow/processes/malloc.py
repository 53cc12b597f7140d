"""How the C library keeps memory between the arrays of one map and those of the next.

glibc gives the memory of large arrays back to the system as they are freed, and the system hands it
out again a page at a time, each cleared: with arrays of some hundred kilobytes, made and freed some
hundred times a map, that is a tenth of the time.
https://man7.org/linux/man-pages/man3/mallopt.3.html
"""

from __future__ import annotations

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
# An array of an ordinary map has 0.2 MB, an alert 1 MB. A map of millions has arrays of 25 MB, and
# those shall go back.
_LARGE_BYTES = 4 * 2**20
_KEPT_BYTES = 64 * 2**20


def keep_freed_memory() -> None:
    """Have this process keep up to 64 MiB that it has freed, but of arrays over 4 MiB.

    Does nothing where the C library has no such settings.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
