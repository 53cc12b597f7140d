"""Modules that a process imports, and functions that it calls, before it is asked for work.

Both are named as in an entry point: ``package.module`` or ``package.module:function``.
"""

import os
import sys
import threading
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

SINGLE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL")}
"""Environment in which numerical libraries start no threads: a process with threads cannot fork."""


def preload(names: Sequence[str]) -> None:
    """Import modules and call functions; no numerical library starts threads."""
    os.environ.update(SINGLE_THREAD)
    for name in names:
        if ":" in name:
            load_function(name)()
        else:
            import_module(name)


def load_function(name: str) -> Callable[..., Any]:
    """Import the function ``package.module:function``."""
    module, _, function = name.partition(":")
    loaded: Callable[..., Any] = getattr(import_module(module), function)
    return loaded


def can_fork(names: Sequence[str]) -> bool:
    """Return whether this process has imported all modules of the names, and has no threads."""
    is_imported = all(name.partition(":")[0] in sys.modules for name in names)
    is_single = SINGLE_THREAD.items() <= os.environ.items() and threading.active_count() == 1
    return is_imported and is_single
