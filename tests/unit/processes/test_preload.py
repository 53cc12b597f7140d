"""Names of modules and functions, as in an entry point."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sirenflow.processes.preload import SINGLE_THREAD, can_fork, load_function


def test_function_is_loaded_by_name() -> None:
    assert load_function("os.path:join") is os.path.join


@pytest.mark.parametrize("name", ["nowhere:join", "os.path:nothing"])
def test_name_of_nothing_is_an_error(name: str) -> None:
    with pytest.raises((ImportError, AttributeError)):
        load_function(name)


def test_preload_imports_modules_calls_functions_and_allows_to_fork(tmp_path: Path) -> None:
    (tmp_path / "task.py").write_text("def prepare(): print('prepared')\n")
    program = (
        "import os, threading\n"
        "from sirenflow.processes.preload import can_fork, preload\n"
        "names = ['colorsys', 'task:prepare']\n"
        "print(can_fork(names)); preload(names); print(can_fork(names))\n"
        "end = threading.Event(); threading.Thread(target=end.wait).start()\n"
        "print(can_fork(names)); end.set()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert done.stdout.split() == ["False", "prepared", "True", "False"]


def test_process_cannot_fork_whose_libraries_may_start_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in SINGLE_THREAD:
        monkeypatch.delenv(name, raising=False)
    assert not can_fork(["os"])
