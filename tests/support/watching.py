"""Commands that wait for alerts, in processes of their own, and what comes of them."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from arrivals import put_alert
from commands import PROGRAM
from paths import SAMPLES

from sirenflow.alerts.alert import parse_alert

PATIENCE_SECONDS = 240
"""No test is of speed: so long a loaded machine may take for anything."""

_RETRACTION = SAMPLES / "MS260926m-01-retraction-alone.json"


def wait_until(condition: Callable[[], object], what: str = "") -> None:
    """Wait for what is to come about."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, what or "it did not come about"
        time.sleep(0.02)


def small_alert(superevent: str = "MS260926m", minute: int = 0) -> bytes:
    """Make an alert that is processed fast, as it has no map."""
    record = json.loads(_RETRACTION.read_bytes())
    changed = {"superevent_id": superevent, "time_created": f"2026-09-27T00:{minute:02}:00Z"}
    return json.dumps(record | changed).encode()


def store(directory: Path, data: bytes) -> None:
    """Have an alert in the inbox, as the listener does."""
    put_alert(directory / "inbox", data)


def is_told(directory: Path, data: bytes) -> bool:
    """Tell whether the page of an alert's superevent, and the catalogue, know of it."""
    superevent = parse_alert(data).superevent_id
    results = directory / "results"
    try:
        page = (results / superevent / "index.html").read_text()
        catalogue = (results / "catalogue.csv").read_text()
    except FileNotFoundError:
        return False
    return hashlib.sha256(data).hexdigest() in page and superevent in catalogue


@dataclass(frozen=True)
class Waiting:
    """A command that waits for alerts."""

    process: subprocess.Popen[bytes]
    output: Path

    def said(self, words: str) -> int:
        """Count what it has said."""
        return self.output.read_text().count(words)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Stop it; give its exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)

    def left(self) -> list[int]:
        """List the processes of it, and those that it started, that are there."""
        return [pid for pid, (session, _) in _processes().items() if session == self.process.pid]

    def pid_of(self, words: str) -> int | None:
        """Find the process of it with these words in its command, if there is one."""
        mine = {pid: line for pid, (_, line) in _processes().items() if pid in self.left()}
        return next((pid for pid, line in sorted(mine.items()) if words in line), None)


@contextmanager
def waiting(
    directory: Path, *arguments: str, program: list[str] = PROGRAM, ready: str = "INFO watching "
) -> Iterator[Waiting]:
    """Have a command of `sirenflow` wait for alerts, and go on when it does."""
    output = directory / "output"
    with output.open("wb") as out:
        process = subprocess.Popen(
            [*program, *arguments],
            cwd=directory,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    waiting_ = Waiting(process, output)
    try:
        wait_until(lambda: waiting_.said(ready) or process.poll() is not None, ready)
        yield waiting_
    except BaseException:
        sys.stderr.write(output.read_text())  # which pytest shows where the test fails
        raise
    finally:
        while left := waiting_.left():
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
        process.wait()


def _processes() -> dict[int, tuple[int, str]]:
    """Give the session and the command line of each process that runs."""
    found = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, session = (place / "stat").read_text().rpartition(") ")[2].split()[:4]
            line = (place / "cmdline").read_text(errors="replace").replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state not in "ZX":
            found[int(place.name)] = (int(session), line)
    return found
