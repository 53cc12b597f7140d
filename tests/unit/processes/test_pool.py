"""A task may fail, hang, starve or die: it costs itself, and nothing else."""

from __future__ import annotations

import faulthandler
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from paths import SAMPLES
from watching import wait_until

from sirenflow.errors import BusyError, WorkerUnavailableError
from sirenflow.files.lock import exclusive
from sirenflow.processes import interpreter, worker
from sirenflow.processes.channel import Connection
from sirenflow.processes.limits import Limits
from sirenflow.processes.pool import Pool, PoolConfig, SharedPool, TaskDied, TaskError

SAMPLE = next(SAMPLES.glob("MS260926m-01-*.json"))


def use_up_memory(**_: Any) -> None:
    bytearray(2**34)


def compute_for_ever(**_: Any) -> None:
    while True:
        pass


def hang(seconds: float = 600, **_: Any) -> None:
    time.sleep(seconds)


def hang_deaf(**_: Any) -> None:
    """Hang in what no signal handler of Python's can end."""
    signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals) - {signal.SIGALRM})
    time.sleep(600)


def die(number: int = 0, **_: Any) -> None:
    faulthandler.disable()  # which pytest has enabled: a page of traceback, of what is meant
    signal.raise_signal(number)


def leave(**_: Any) -> None:
    os._exit(7)


def fail(**_: Any) -> None:
    raise ValueError("as foreseen")


def write_much(out: Path, **_: Any) -> None:
    with out.open("wb") as file:
        file.truncate(2**40)


def say(out: Path, expression: str = "", **_: Any) -> None:
    import resource

    out.write_text(str(eval(expression, {"os": os, "sys": sys, "resource": resource})))  # noqa: S307


LIMITS = Limits(wall_seconds=1, cpu_seconds=60, memory_bytes=4 * 2**30, file_bytes=2**20)
PRELOAD = ("sirenflow.stages.self_check", "sirenflow.stages.extract")
SELF_CHECK = "sirenflow.stages.self_check:self_check"


def forked(limits: Limits = LIMITS) -> PoolConfig:
    """Configure workers that are forks of this process, which has what the test has changed."""
    return PoolConfig(PRELOAD, limits, start_method="fork")


def named(function: Callable[..., None]) -> str:
    return f"{__name__}:{function.__name__}"


@pytest.fixture
def pool() -> Iterator[Pool]:
    made = Pool(1, forked())
    yield made
    made.close()


def ask(pool: Pool, directory: Path, expression: str) -> str:
    """Evaluate an expression in a worker."""
    answer = directory / "answer"
    pool.run(named(say), {"out": str(answer)}, {"expression": expression})
    return answer.read_text()


def assert_next_task_works(pool: Pool, directory: Path) -> None:
    assert ask(pool, directory, "6 * 7") == "42"


def run_script(path: Path, text: str) -> str:
    """Run a program as a user would; return what it prints."""
    path.write_text(text)
    command = [sys.executable, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_stage_runs_in_another_process_that_stays(pool: Pool, tmp_path: Path) -> None:
    first = ask(pool, tmp_path, "os.getpid()")
    assert first != str(os.getpid())
    assert ask(pool, tmp_path, "os.getpid()") == first


def test_exception_of_the_stage_is_told_with_its_traceback(pool: Pool, tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"(?s)Traceback.*ValueError: as foreseen"):
        pool.run(named(fail), {}, {})
    assert_next_task_works(pool, tmp_path)


@pytest.mark.parametrize(
    ("task", "arguments", "cause"),
    [
        pytest.param(hang, {}, "takes longer than 1 s", marks=pytest.mark.slow),
        pytest.param(hang_deaf, {}, "takes longer than 1 s", marks=pytest.mark.slow),
        (use_up_memory, {}, "takes more than 4 GiB of memory"),
        (die, {"number": signal.SIGSEGV}, r"crashes the program .*\(SIGSEGV\)"),
        (die, {"number": signal.SIGABRT}, r"crashes the program .*\(SIGABRT\)"),
        (die, {"number": signal.SIGKILL}, r"was killed, .*memory \(SIGKILL\)"),
        (leave, {}, r"ended the program .*\(exit code 7\)"),
    ],
)
def test_task_that_takes_too_much_or_dies_costs_itself(
    pool: Pool, tmp_path: Path, task: Callable[..., None], arguments: dict[str, Any], cause: str
) -> None:
    for _ in range(2):
        with pytest.raises(TaskDied, match=cause) as death:
            pool.run(named(task), {}, arguments)
        assert death.value.externally == ("SIGKILL" in cause)
        assert_next_task_works(pool, tmp_path)


@pytest.mark.slow
def test_task_that_computes_for_ever_is_ended(tmp_path: Path) -> None:
    pool = Pool(1, forked(Limits(wall_seconds=60, cpu_seconds=1)))
    with pytest.raises(TaskDied, match="takes more than 1 s of a processor's time"):
        pool.run(named(compute_for_ever), {}, {})
    assert_next_task_works(pool, tmp_path)
    pool.close()


@pytest.mark.slow
def test_task_may_have_its_own_limits(pool: Pool, tmp_path: Path) -> None:
    """As one that reads a large table: much memory, but not for ever."""
    large = Limits(wall_seconds=60, cpu_seconds=None, memory_bytes=None)
    limits = "[resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_CPU)]"
    answer = {"out": str(tmp_path / "answer")}
    pool.run(named(say), answer, {"expression": limits}, large)
    assert (tmp_path / "answer").read_text() == "[-1, -1]"
    assert ask(pool, tmp_path, limits).startswith(f"[{4 * 2**30}, ")
    with pytest.raises(TaskDied, match=r"^takes longer than 2 s$") as death:
        pool.run(named(hang), {}, {}, replace(large, wall_seconds=2))
    assert not death.value.externally
    assert_next_task_works(pool, tmp_path)


def test_shared_pool_is_started_once_and_again_after_its_end(tmp_path: Path) -> None:
    shared = SharedPool(forked())
    with ThreadPoolExecutor(4) as threads:
        pools = {*threads.map(shared.start, [2] * 4)}
    (pool,) = pools
    (first, *_) = pool.pids
    shared.close()
    assert not Path("/proc", str(first)).exists()
    again = shared.start(1)
    assert again is not pool
    assert_next_task_works(again, tmp_path)
    shared.close()
    shared.close()


@pytest.mark.slow
def test_limits_are_of_a_task_and_not_of_all_that_a_worker_does(tmp_path: Path) -> None:
    pool = Pool(1, forked(Limits(wall_seconds=2, cpu_seconds=60)))
    start = time.monotonic()
    while time.monotonic() < start + 3:
        pool.run(named(hang), {}, {"seconds": 0.5})
    time.sleep(2.5)  # nor of waiting for the next
    assert_next_task_works(pool, tmp_path)
    pool.close()


def test_file_beyond_the_limit_is_an_error(pool: Pool, tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="File too large"):
        pool.run(named(write_much), {"out": str(tmp_path / "much")}, {})
    assert_next_task_works(pool, tmp_path)


def test_worker_leaves_no_core_file(pool: Pool, tmp_path: Path) -> None:
    assert ask(pool, tmp_path, "resource.getrlimit(resource.RLIMIT_CORE)").startswith("(0,")


def test_death_of_one_task_does_not_touch_another() -> None:
    pool = Pool(2, forked())
    with ThreadPoolExecutor(2) as threads:
        slow = threads.submit(pool.run, named(hang), {}, {"seconds": 0.5})
        with pytest.raises(TaskDied):
            threads.submit(pool.run, named(die), {}, {"number": signal.SIGSEGV}).result()
        slow.result()
    pool.close()


def test_more_tasks_than_workers_wait_for_their_turn(tmp_path: Path) -> None:
    pool = Pool(2, forked())
    outs = [tmp_path / str(number) for number in range(40)]
    with ThreadPoolExecutor(8) as threads:
        for out in outs:
            threads.submit(pool.run, named(say), {"out": str(out)}, {"expression": "os.getpid()"})
    assert len({out.read_text() for out in outs}) == 2
    pool.close()


@pytest.mark.slow
def test_even_the_loss_of_a_keeper_costs_one_task(pool: Pool, tmp_path: Path) -> None:
    worker, keeper = eval(ask(pool, tmp_path, "os.getpid(), os.getppid()"))  # noqa: S307
    for process in (keeper, worker):  # in this order: a keeper would fork another worker
        os.kill(process, signal.SIGKILL)
    with pytest.raises(TaskDied, match="lost the process"):
        pool.run(named(hang), {}, {"seconds": 0})
    sample = {"files": [str(SAMPLE)], **{n: str(tmp_path / n) for n in ("alerts", "skymaps")}}
    files = {**sample, "localization": str(tmp_path / "localization")}
    pool.run(
        "sirenflow.stages.extract:extract", files, {"levels_percent": [50, 90]}
    )  # by a fresh interpreter
    assert (tmp_path / "alerts").exists()


def broken_interpreter(directory: Path) -> str:
    """Write an interpreter that cannot start, as one does whose library is missing."""
    program = directory / "python"
    program.write_text(
        "#!/bin/sh\necho 'a warning' >&2\necho 'libm.so: cannot open' >&2\nexit 127\n"
    )
    program.chmod(0o755)
    return str(program)


@pytest.mark.slow
def test_interpreter_that_cannot_start_is_no_death_and_the_next_try_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(interpreter, "COMMAND", (broken_interpreter(tmp_path),))
        broken = Pool(2, PoolConfig(PRELOAD, LIMITS, start_method="spawn"))
        for _ in range(3):
            with pytest.raises(WorkerUnavailableError, match=r"\(libm.so: cannot open\)") as no:
                broken.run(SELF_CHECK, {}, {})
            assert no.value.output == ("a warning", "libm.so: cannot open")
        assert caplog.text.count("worker process: a warning") == 1
    for _ in range(3):
        broken.run(SELF_CHECK, {}, {})
    broken.close()


def test_what_an_interpreter_writes_while_it_starts_is_not_lost(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; print('a warning', file=sys.stderr)")
    program = (
        "from sirenflow.processes.pool import Pool, PoolConfig\n"
        f"Pool(1, PoolConfig()).run({SELF_CHECK!r}, {{}}, {{}})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(tmp_path)},  # not that of this process, which may allow forks
    )
    assert (done.returncode, done.stderr) == (0, "a warning\na warning\n")


@pytest.mark.slow
def test_worker_that_ends_before_it_takes_a_task_is_no_death(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool.close()

    def end(*_: object) -> None:
        os._exit(3)

    with monkeypatch.context() as patch:
        patch.setattr(worker, "work", end)
        broken = Pool(1, forked())
        with pytest.raises(WorkerUnavailableError, match=r"before its first task \(status 3\)"):
            broken.run(named(say), {}, {})
    broken.run(SELF_CHECK, {}, {})  # by a fresh interpreter
    broken.close()


@pytest.mark.slow
def test_system_that_forks_no_further_worker_is_no_death(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As at the limit of processes, after the worker has died of its task."""
    real, forks = os.fork, tmp_path / "forks"
    forks.mkdir()

    def fork() -> int:
        if len(list(forks.iterdir())) >= 2:  # the keeper, and its first worker
            raise BlockingIOError(11, "Resource temporarily unavailable")
        (forks / str(time.monotonic_ns())).touch()
        return real()

    monkeypatch.setattr(os, "fork", fork)
    pool = Pool(1, forked())
    with pytest.raises(TaskDied, match="SIGSEGV"):
        pool.run(named(die), {}, {"number": signal.SIGSEGV})
    with pytest.raises(WorkerUnavailableError, match="cannot fork: Resource temporarily"):
        pool.run(named(hang), {}, {"seconds": 0})
    pool.run(SELF_CHECK, {}, {})  # by a fresh interpreter
    pool.close()


@pytest.mark.slow
def test_worker_that_is_killed_while_it_reads_a_task_loses_no_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The caller would wait for ever, or until its patience is over."""
    parent, receive = os.getpid(), Connection.receive

    def receive_or_die(connection: Connection) -> dict[str, Any]:
        if os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return receive(connection)

    with monkeypatch.context() as patch:
        patch.setattr(Connection, "receive", receive_or_die)
        pool = Pool(1, forked())
        with pytest.raises(TaskDied, match="lost the process") as death:
            pool.run(named(hang), {}, {"seconds": 0})
        assert death.value.externally
    pool.run(SELF_CHECK, {}, {})  # by a fresh interpreter
    pool.close()


@pytest.mark.slow
def test_workers_of_a_program_that_has_imported_nothing(tmp_path: Path) -> None:
    """Of another interpreter, which does not run the program once more."""
    files = {"alerts": "a", "skymaps": "s", "localization": "l"}
    script = (
        "print('once', flush=True)\n"
        "import os, sys, threading; from sirenflow.pipeline import stage_workers\n"
        f"os.chdir({str(tmp_path)!r})\n"
        f"files = {{'files': [{str(SAMPLE)!r}], **{files!r}}}\n"
        "def job():\n"
        "    pools.add(pool := stage_workers.start(2))\n"
        "    stage_workers.run_stage(pool, 'extract', files, {'levels_percent': [50, 90]})\n"
        "pools = set()\n"
        "threads = [threading.Thread(target=job) for _ in range(4)]\n"
        "[thread.start() for thread in threads]; [thread.join() for thread in threads]\n"
        "print(len(pools), len(pools.pop().pids), 'numpy' in sys.modules)\n"
    )
    assert run_script(tmp_path / "main.py", script) == "once\n1 1 False\n"
    assert (tmp_path / "l").exists()


def test_workers_end_with_the_program_that_started_them(tmp_path: Path) -> None:
    """However it ends."""
    script = (
        "import os, signal; from pathlib import Path\n"
        "from sirenflow.processes.pool import Pool\n"
        "pool = Pool(3)\n"
        f"Path({str(tmp_path / 'root')!r}).write_text(str([*pool.pids][0]))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    (tmp_path / "main.py").write_text(script)
    subprocess.run([sys.executable, tmp_path / "main.py"], check=False)
    root = Path("/proc", (tmp_path / "root").read_text())
    deadline = time.monotonic() + 60
    while root.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not root.exists()


@pytest.mark.slow
def test_lock_is_held_while_a_worker_of_a_dead_run_goes_on(tmp_path: Path) -> None:
    """Or the next run would write the same files at the same time."""
    (tmp_path / "main.py").write_text(
        "import os, signal, sys; from pathlib import Path\n"
        "from sirenflow.files import lock\n"
        "from sirenflow.pipeline import stage_workers\n"
        "stage_workers.RUN_LOCKS.hold(Path(sys.argv[1]))\n"
        "pool = stage_workers.start(1)\n"
        "files = {'files': [sys.argv[2]], 'alerts': 'a', 'skymaps': 's', 'localization': 'l'}\n"
        "stage_workers.run_stage(pool, 'extract', files, {'levels_percent': [50]})\n"
        "Path('root').write_text(str([*pool.pids][0]))\n"
        "os.kill([*pool.pids][0], signal.SIGSTOP)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "main.py", "lock", str(SAMPLE)], cwd=tmp_path, check=False)
    root = (tmp_path / "root").read_text()
    try:
        with pytest.raises(BusyError), exclusive(tmp_path / "lock"):
            pass
    finally:
        os.kill(int(root), signal.SIGCONT)
    wait_until(lambda: not Path("/proc", root).exists())
    with exclusive(tmp_path / "lock"):
        pass


def test_pools_end_in_any_order() -> None:
    first, second = Pool(1, forked()), Pool(1, forked())
    first.close()
    second.close()


def test_task_that_cannot_be_told_costs_no_worker(pool: Pool, tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        pool.run(named(say), {}, {"expression": object()})
    assert_next_task_works(pool, tmp_path)
