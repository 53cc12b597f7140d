"""How much memory the processes of a program take at most."""

from __future__ import annotations

import os
import re
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self

_EVERY_S = 0.005


class PeakMemory:
    """Watches all descendants of this process for a while; the kernel keeps the peak of each.

    It is asked time and again, as one that dies takes its peak along.
    """

    def __init__(self) -> None:
        self._megabytes = 0.0
        self._is_over = threading.Event()
        self._watch = threading.Thread(target=self._look_on)

    def __enter__(self) -> Self:
        for process in _descendants(os.getpid()):
            with suppress(OSError):
                (process / "clear_refs").write_text("5")  # the peak is what it has now
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._watch.join()

    def _look_on(self) -> None:
        while not self._is_over.wait(_EVERY_S):
            self._look()
        self._look()

    def _look(self) -> None:
        for process in _descendants(os.getpid()):
            with suppress(OSError):
                found = re.search(r"VmHWM:\s+(\d+) kB", (process / "status").read_text())
                self._megabytes = max(self._megabytes, int(found[1]) * 1024e-6 if found else 0)

    @property
    def megabytes(self) -> float:
        """Largest resident memory of any of them so far, MB."""
        return self._megabytes


def _descendants(process: int) -> list[Path]:
    found = []
    with suppress(OSError):
        for children in Path(f"/proc/{process}/task").glob("*/children"):
            for child in map(int, children.read_text().split()):
                found += [Path(f"/proc/{child}"), *_descendants(child)]
    return found
