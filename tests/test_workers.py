"""A worker may fail, hang, starve or die: it costs its task, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pebble import ProcessExpired

from sirenflow import workers


def run_script(path: Path, text: str, *arguments: str | Path) -> str:
    """Run a program as a user would; return what it prints."""
    path.write_text(text)
    command = [sys.executable, str(path), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def in_worker(directory: Path, expression: str) -> str:
    """Evaluate an expression in a worker."""
    answer = directory / "answer"
    task = (
        "import os, resource, sys; from pathlib import Path\n"
        f"Path({str(answer)!r}).write_text(str({expression}))"
    )
    workers.run(1, exec, task)
    return answer.read_text()


def assert_next_task_works(directory: Path) -> None:
    assert in_worker(directory, "6 * 7") == "42"


def test_function_runs_in_another_process(tmp_path: Path) -> None:
    assert in_worker(tmp_path, "os.getpid()") != str(os.getpid())


def test_worker_stays_warm_for_the_next_task(tmp_path: Path) -> None:
    assert in_worker(tmp_path, "os.getpid()") == in_worker(tmp_path, "os.getpid()")
    loaded = in_worker(tmp_path, "'sirenflow.stages.extract' in sys.modules")
    assert loaded == "True"


def test_arguments_are_passed_by_place_and_name(tmp_path: Path) -> None:
    workers.run(1, Path.write_text, tmp_path / "x", "text", newline="")
    assert (tmp_path / "x").read_text() == "text"


def test_exception_of_the_function_is_raised(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"invalid literal for int\(\) with base 10: 'seven'"):
        workers.run(1, int, "seven")
    assert_next_task_works(tmp_path)


def test_worker_that_exits_costs_one_task(tmp_path: Path) -> None:
    with pytest.raises(ProcessExpired) as caught:
        workers.run(1, os._exit, 7)
    assert caught.value.exitcode == 7
    assert_next_task_works(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_worker_that_is_killed_costs_one_task(tmp_path: Path, number: signal.Signals) -> None:
    with pytest.raises(ProcessExpired) as caught:
        workers.run(1, signal.raise_signal, number)
    assert caught.value.exitcode == -number
    assert_next_task_works(tmp_path)


def test_task_that_hangs_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(workers, "TASK_SECONDS", 0.2)
        with pytest.raises(TimeoutError):
            workers.run(1, time.sleep, 5)
    assert_next_task_works(tmp_path)


def test_memory_beyond_the_limit_is_a_memory_error(tmp_path: Path) -> None:
    with pytest.raises(MemoryError):
        workers.run(1, bytearray, workers.WORKER_BYTES)
    assert_next_task_works(tmp_path)


def test_worker_leaves_no_core_file(tmp_path: Path) -> None:
    assert in_worker(tmp_path, "resource.getrlimit(resource.RLIMIT_CORE)") == "(0, 0)"


@pytest.mark.parametrize("library", ["OPENBLAS", "OMP", "MKL"])
def test_libraries_use_one_thread(tmp_path: Path, library: str) -> None:
    """Sums must not depend on how many share them."""
    assert in_worker(tmp_path, f"os.environ['{library}_NUM_THREADS']") == "1"


def test_script_that_starts_workers_is_not_run_again_in_them(tmp_path: Path) -> None:
    """It has no `if __name__ == "__main__"`, as Snakemake's command has none that would help."""
    script = (
        "print('once', flush=True)\n"
        "import os; from sirenflow import workers\n"
        "workers.run(2, os.chdir, '.')\n"
        "workers.run(2, os.chdir, '.')\n"
    )
    assert run_script(tmp_path / "main.py", script) == "once\n"


def test_jobs_that_begin_together_share_one_pool(tmp_path: Path) -> None:
    """Snakemake calls from a thread a job; a pool each would be many times too many workers."""
    script = (
        "import builtins, sys, time; from concurrent.futures import ThreadPoolExecutor\n"
        "from pathlib import Path; from threading import Barrier; from sirenflow import workers\n"
        "class SlowPool(workers.ProcessPool):\n"
        "    def __init__(self, *args, **kwargs):\n"
        "        print('pool', flush=True); time.sleep(0.2); super().__init__(*args, **kwargs)\n"
        "workers.ProcessPool = SlowPool\n"
        "barrier = Barrier(4)\n"
        "def job(_): barrier.wait(); workers.run(1, time.sleep, 0)\n"
        "with ThreadPoolExecutor(4) as threads: list(threads.map(job, range(4)))\n"
    )
    assert run_script(tmp_path / "main.py", script) == "pool\n"


def test_workers_end_with_the_program_that_started_them(tmp_path: Path) -> None:
    task = "import os; open('pid', 'w').write(str(os.getpid()))"
    script = (
        "import os; from sirenflow import workers\n"
        f"os.chdir({str(tmp_path)!r})\nworkers.run(1, exec, {task!r})\n"
    )
    run_script(tmp_path / "main.py", script)
    assert not Path("/proc", (tmp_path / "pid").read_text()).exists()
