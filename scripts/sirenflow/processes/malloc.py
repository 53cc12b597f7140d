"""Settings of the C library's memory allocator.

glibc returns the memory of large arrays to the system as they are freed, and the system hands it
out again page by page, each cleared. A map needs hundreds of arrays of some hundred kilobytes: that
is a tenth of its time.
https://man7.org/linux/man-pages/man3/mallopt.3.html
"""

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
# An array of an ordinary map has 0.2 MB, an alert 1 MB. Those of a map with millions of cells have
# 25 MB, and are returned.
_LARGE_BYTES = 4 * 2**20
_KEPT_BYTES = 64 * 2**20


def keep_freed_memory() -> None:
    """Keep up to 64 MiB of freed memory in this process; arrays over 4 MiB are returned.

    Without effect where the C library has no such settings.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
