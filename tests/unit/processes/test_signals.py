"""Ctrl-C and SIGTERM stop what is being done, whoever takes them for his own."""

from __future__ import annotations

import subprocess
import sys

import pytest

BEGIN = "import os, signal, sys\nfrom sirenflow.processes import signals\n"


def tell(program: str) -> subprocess.CompletedProcess[str]:
    """Run a program that sends signals to itself."""
    return subprocess.run(
        [sys.executable, "-c", BEGIN + program], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_signal_interrupts(name: str) -> None:
    told = tell(
        "try:\n"
        f" with signals.raise_on_signals(): signal.raise_signal(signal.{name}); print('went on')\n"
        "except signals.Stopped as error: print(error, error.number)"
    )
    number = {"SIGINT": 2, "SIGTERM": 15}[name]
    assert told.stdout == f"{name} {number}\n"


def test_interrupt_that_somebody_swallowed_is_told_at_the_end() -> None:
    told = tell(
        "try:\n"
        " with signals.raise_on_signals():\n"
        "  try: signal.raise_signal(signal.SIGINT)\n"
        "  except KeyboardInterrupt: print('swallowed')\n"
        "except signals.Stopped: print('told')"
    )
    assert told.stdout == "swallowed\ntold\n"


def test_other_signal_after_the_first_changes_nothing_and_the_same_again_ends_at_once() -> None:
    told = tell(
        "with signals.raise_on_signals():\n"
        " try: signal.raise_signal(signal.SIGINT)\n"
        " except KeyboardInterrupt: pass\n"
        " signal.raise_signal(signal.SIGTERM)\n"
        " print('here', flush=True)\n"
        " signal.raise_signal(signal.SIGTERM)\n"
        " print('not here')"
    )
    assert (told.returncode, told.stdout, told.stderr) == (143, "here\n", "")


def test_without_a_signal_handlers_are_as_before_and_what_was_ignored_stays_so() -> None:
    told = tell(
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "with signals.raise_on_signals(): signal.raise_signal(signal.SIGINT)\n"
        "print(signal.getsignal(signal.SIGINT) == signal.SIG_IGN)\n"
        "print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL)"
    )
    assert told.stdout == "True\nTrue\n"


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_event_is_set_by_the_first_signal_and_the_second_ends_the_process(name: str) -> None:
    told = tell(
        "with signals.stop_event(lambda signal: print(signal.name)) as stopping:\n"
        f" signal.raise_signal(signal.{name})\n"
        " print(stopping.is_set(), flush=True)\n"
        " signal.raise_signal(signal.SIGTERM)\n"
        " print('not here')"
    )
    assert (told.returncode, told.stdout, told.stderr) == (143, f"{name}\nTrue\n", "")


def test_handlers_are_as_before_the_event() -> None:
    told = tell(
        "with signals.stop_event(): pass\n"
        "print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL)\n"
        "print(signal.getsignal(signal.SIGINT) == signal.default_int_handler)"
    )
    assert told.stdout == "True\nTrue\n"
