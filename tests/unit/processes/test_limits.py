"""What the death of a worker says of its task, and which limits hold while a task runs."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable

import pytest

from sirenflow.processes.limits import Limits, describe_death, enforced, is_external

LIMITS = Limits(wall_seconds=7, cpu_seconds=5, memory_bytes=3 * 2**29)


def status_of(act: Callable[[], object]) -> int:
    """Return the wait status of a child that does something and ends."""
    child = os.fork()
    if not child:
        for number in (signal.SIGSEGV, signal.SIGTERM, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        try:
            act()
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1]


@pytest.mark.parametrize(
    ("number", "cause", "externally"),
    [
        (signal.SIGALRM, "takes longer than 7 s", False),
        (signal.SIGXCPU, "takes more than 5 s of a processor's time", False),
        (signal.SIGKILL, "was killed, perhaps for want of memory (SIGKILL)", True),
        (signal.SIGTERM, "was killed (SIGTERM)", True),
        (signal.SIGSEGV, "crashes the program that works on it (SIGSEGV)", False),
    ],
)
def test_signal_is_the_reason(number: signal.Signals, cause: str, externally: bool) -> None:
    status = status_of(lambda: os.kill(os.getpid(), number))
    assert describe_death(status, LIMITS) == (cause, externally)
    assert is_external(status) == externally


def test_exit_code_is_the_reason() -> None:
    cause = "ended the program that works on it (exit code 3)"
    assert describe_death(status_of(lambda: os._exit(3)), LIMITS) == (cause, False)


@pytest.mark.parametrize(
    ("memory", "cause"),
    [
        (3 * 2**29, "takes more than 1.5 GiB of memory"),
        (None, "takes more memory than there is"),
    ],
)
def test_memory_that_is_missing_is_named(memory: int | None, cause: str) -> None:
    assert Limits(memory_bytes=memory).memory_text == cause


def test_limits_hold_within_and_not_beyond() -> None:
    def check() -> None:
        with enforced(Limits(wall_seconds=60, cpu_seconds=50, memory_bytes=2**40, file_bytes=10)):
            inside = [resource.getrlimit(kind)[0] for kind in kinds]
        outside = [resource.getrlimit(kind)[0] for kind in kinds]
        is_right = inside[0] >= 50 and inside[1] == 2**40 and outside == [-1, -1]
        os._exit(0 if is_right and signal.getitimer(signal.ITIMER_REAL)[0] == 0 else 1)

    kinds = (resource.RLIMIT_CPU, resource.RLIMIT_AS)
    assert status_of(check) == 0
