"""A warm process that runs commands: their exit codes, and what remains of the dead."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from watching import small_alert, store, wait_until

from sirenflow.files.lock import exclusive
from sirenflow.pipeline.watch import preloaded_server
from sirenflow.processes.prefork import PreforkServer

ENTRY_POINT = "sirenflow.cli:run_in_child"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[PreforkServer]:
    with preloaded_server(ENTRY_POINT) as server:
        yield server


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def the_process() -> int:
    """Find the one that this process has started."""
    (pid,) = (
        pid
        for pid in children(os.getpid())
        if b"sirenflow.processes.prefork" in Path(f"/proc/{pid}/cmdline").read_bytes()
    )
    return pid


@pytest.mark.parametrize(
    ("command", "code"),
    [(["--version"], 0), (["run", "--nonsense"], 2), (["show", "nowhere.avro"], 2)],
)
def test_exit_codes_are_those_of_the_commands(
    server: PreforkServer, command: list[str], code: int
) -> None:
    assert server.run(command) == code


def test_command_that_must_wait_exits_75(tmp_path: Path) -> None:
    store(tmp_path, small_alert())
    options = [f"--inbox={tmp_path / 'inbox'}", f"--results={tmp_path / 'results'}"]
    with exclusive(tmp_path / "results/.sirenflow/lock"), preloaded_server(ENTRY_POINT) as server:
        assert server.run(["run", *options]) == 75


def test_command_that_is_killed_is_told_and_harms_no_other(
    server: PreforkServer, tmp_path: Path
) -> None:
    came = during_a_command(server, tmp_path, lambda: children(the_process())[0])
    assert came == -signal.SIGKILL
    assert server.run(["--version"]) == 0


def test_process_that_is_killed_is_told_and_started_again(
    server: PreforkServer, tmp_path: Path
) -> None:
    lost = the_process()
    came = during_a_command(server, tmp_path, lambda: lost)
    assert isinstance(came, ConnectionError)
    assert server.run(["--version"]) == 0
    assert the_process() != lost


def during_a_command(server: PreforkServer, tmp_path: Path, whom: Callable[[], int]) -> object:
    """Kill a process during a command that reads what nobody writes; give what came of it."""
    os.mkfifo(tmp_path / "alert.avro")
    came: list[object] = []

    def run() -> None:
        try:
            came.append(server.run(["show", str(tmp_path / "alert.avro")]))
        except ConnectionError as error:
            came.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_until(lambda: children(the_process()))
    command = children(the_process())[0]
    os.kill(whom(), signal.SIGKILL)
    thread.join()
    with suppress(ProcessLookupError):  # what was the command of a process that is no more
        os.kill(command, signal.SIGKILL)
    return came[0]


def test_asked_to_terminate_it_passes_it_on_to_the_command(
    server: PreforkServer, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "alert.avro")
    timer = threading.Thread(
        target=lambda: (wait_until(lambda: children(the_process())), server.terminate())
    )
    timer.start()
    assert server.run(["show", str(tmp_path / "alert.avro")]) == -signal.SIGTERM
    timer.join()
    assert server.run(["--version"]) == 0


def test_closed_it_leaves_no_process() -> None:
    before = children(os.getpid())
    with preloaded_server(ENTRY_POINT) as server:
        assert server.run(["--version"]) == 0
        assert len(children(os.getpid())) == len(before) + 1
    assert children(os.getpid()) == before
