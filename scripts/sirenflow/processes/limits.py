"""What a task may use at most, and what the death of its process says."""

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

# Signals that a task cannot cause by itself: another process sent them.
_EXTERNAL = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGKILL, signal.SIGTERM)


@dataclass(frozen=True)
class Limits:
    """The most that a task may use; None is no limit.

    Attributes
    ----------
    file_bytes
        Size of each file that it writes. With 0 it cannot write any.
    """

    wall_seconds: int = 600
    cpu_seconds: int | None = 300
    memory_bytes: int | None = 2 * 2**30
    file_bytes: int = 4 * 2**30

    @property
    def memory_text(self) -> str:
        """Reason of death of a task that needs more memory."""
        if self.memory_bytes is None:
            return "takes more memory than there is"
        return f"takes more than {self.memory_bytes / 2**30:g} GiB of memory"


@contextmanager
def enforced(limits: Limits) -> Iterator[None]:
    """Have the system end this process when it exceeds a limit, whatever it is doing.

    A file that grows too large is an `OSError`, memory that is not to be had a `MemoryError`.
    """
    _set_limit(resource.RLIMIT_CORE, 0)
    _set_limit(resource.RLIMIT_FSIZE, limits.file_bytes)
    if limits.cpu_seconds is not None:
        _set_limit(resource.RLIMIT_CPU, _cpu_seconds() + limits.cpu_seconds)
    if limits.memory_bytes is not None:
        _set_limit(resource.RLIMIT_AS, limits.memory_bytes)
    signal.setitimer(signal.ITIMER_REAL, limits.wall_seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for kind in (resource.RLIMIT_CPU, resource.RLIMIT_AS):
            _set_limit(kind, resource.RLIM_INFINITY)


def describe_death(status: int, limits: Limits) -> tuple[str, bool]:
    """Say why a worker died of a task, and whether another process killed it.

    Return a predicate, whose subject is the task; and whether the task may succeed if tried again.
    """
    if not os.WIFSIGNALED(status):
        return f"ended the program that works on it (exit code {os.WEXITSTATUS(status)})", False
    number = signal.Signals(os.WTERMSIG(status))
    match number:
        case signal.SIGALRM:
            return f"takes longer than {limits.wall_seconds} s", False
        case signal.SIGXCPU:
            return f"takes more than {limits.cpu_seconds} s of a processor's time", False
        case signal.SIGKILL:
            return "was killed, perhaps for want of memory (SIGKILL)", True
        case _ if is_external(status):
            return f"was killed ({number.name})", True
    return f"crashes the program that works on it ({number.name})", False


def is_external(status: int) -> bool:
    """Return whether a process died of a signal that it cannot cause itself."""
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) in _EXTERNAL


def _cpu_seconds() -> int:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return int(used.ru_utime + used.ru_stime) + 1


def _set_limit(kind: int, most: int) -> None:
    """Set a limit, as far as the system's own allows."""
    _, hard = resource.getrlimit(kind)
    allowed = min((limit for limit in (most, hard) if limit >= 0), default=resource.RLIM_INFINITY)
    resource.setrlimit(kind, (allowed, hard))
