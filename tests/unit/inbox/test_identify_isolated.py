"""What no check foresaw costs itself: a hang, a bomb and a crash are reasons like any other."""

from __future__ import annotations

import faulthandler
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from arrivals import put_alert, put_in_quarantine, retry
from builders import avro_alert, json_alert, record
from disk import files_below
from watching import wait_until

from sirenflow.alerts.alert import Alert, Identity, parse_alert
from sirenflow.errors import AlertError, InboxError
from sirenflow.files.lock import exclusive
from sirenflow.inbox import quarantine, store
from sirenflow.inbox.arrival import Arrival
from sirenflow.inbox.identify_isolated import (
    IDENTIFY_CONFIG,
    IDENTIFY_POOL,
    hash_content_isolated,
    identify_isolated,
)
from sirenflow.inbox.ingest import ingest
from sirenflow.inbox.receiver import Receipt, Receiver
from sirenflow.processes.limits import Limits
from sirenflow.processes.pool import PoolConfig, SharedPool

ALERT = json_alert(record())
POISON = b"poison"


NewPool = Callable[[PoolConfig], SharedPool]
JudgedBy = Callable[[Callable[[bytes], Any]], SharedPool]


@pytest.fixture
def new_pool() -> Iterator[NewPool]:
    """Give a way to make workers, which end with the test."""
    pools: list[SharedPool] = []

    def make(config: PoolConfig) -> SharedPool:
        pools.append(SharedPool(config))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


@pytest.fixture
def judged_by(monkeypatch: pytest.MonkeyPatch, new_pool: NewPool) -> JudgedBy:
    """Give a way to make workers that do something else before they decode."""
    # These workers are forks of this process; it is larger than theirs.
    limits = Limits(wall_seconds=1, cpu_seconds=10, memory_bytes=4 * 2**30, file_bytes=0)
    config = replace(IDENTIFY_CONFIG, limits=limits, start_method="fork")

    def change(act: Callable[[bytes], Any]) -> SharedPool:
        def decode(data: bytes) -> Alert:
            act(data)
            return parse_alert(data)

        monkeypatch.setattr("sirenflow.alerts.identify.parse_alert", decode)
        return new_pool(config)

    return change


def take_in(receiver: Receiver, value: bytes) -> Receipt:
    return receiver.receive(Arrival.now(value, "listen"))


def hang() -> None:
    time.sleep(600)


def use_up_memory() -> None:
    bytearray(2**34)


def crash() -> None:
    faulthandler.disable()  # which pytest has enabled: a page of traceback, of what is meant
    signal.raise_signal(signal.SIGSEGV)


def write() -> None:
    Path("forbidden").write_text("x")


DEADLY = {
    hang: "takes longer than 1 s",
    use_up_memory: "takes more than 4 GiB of memory",
    crash: "crashes the program that works on it (SIGSEGV)",
}


# ----------------------------------------------------------------------------------- which it is


@pytest.mark.parametrize("data", [ALERT, avro_alert(record())])
def test_alert_is_what_it_is_to_whoever_decodes_it(data: bytes) -> None:
    assert identify_isolated(data, IDENTIFY_POOL) == parse_alert(data).identity
    assert hash_content_isolated(data, IDENTIFY_POOL) == parse_alert(data).content_sha256


@pytest.mark.parametrize(
    "data", [b"", b"no alert", b"{", json_alert(record(superevent_id="\udc80")), bytes(17 * 2**20)]
)
def test_no_alert_has_the_reason_and_kind_of_whoever_decodes_it(data: bytes) -> None:
    with pytest.raises(AlertError) as expected:
        parse_alert(data)
    with pytest.raises(AlertError) as error:
        identify_isolated(data, IDENTIFY_POOL)
    assert (str(error.value), error.value.kind) == (str(expected.value), expected.value.kind)


# ------------------------------------------------------------------------------ what kills or hangs


@pytest.mark.parametrize("act", DEADLY, ids=lambda act: act.__name__)
def test_deadly_bytes_go_to_quarantine_at_once_and_the_stream_goes_on(
    tmp_path: Path, judged_by: JudgedBy, act: Callable[[], None]
) -> None:
    pool = judged_by(lambda data: act() if data == POISON else None)
    receiver, alerts = Receiver(tmp_path, pool), [json_alert(record(n=n)) for n in range(2)]
    first, deadly, second = (take_in(receiver, data) for data in (alerts[0], POISON, alerts[1]))
    assert isinstance(first.content, Identity)
    assert isinstance(second.content, Identity)
    assert isinstance(deadly.content, AlertError)
    (entry,) = quarantine.list_entries(tmp_path)
    assert (entry.kind, entry.reason, entry.path.read_bytes()) == ("crash", DEADLY[act], POISON)
    (listed,) = store.list_superevents(tmp_path).values()
    assert sorted(path.read_bytes() for path in listed) == sorted(alerts)
    assert files_below(tmp_path / ".incoming") == {}


def test_deadly_bytes_that_come_again_are_not_judged_again(
    tmp_path: Path, judged_by: JudgedBy
) -> None:
    receiver = Receiver(tmp_path, judged_by(lambda data: crash() if data == POISON else None))
    assert take_in(receiver, POISON).new is True
    pool = judged_by(lambda data: hang() if data == POISON else None)
    begin = time.monotonic()
    for again in (receiver, Receiver(tmp_path, pool)):
        receipt = take_in(again, POISON)
        assert isinstance(receipt.content, AlertError)
        assert (receipt.content.kind, receipt.new) == ("crash", False)
    assert time.monotonic() < begin + 1


def test_deadly_file_beside_hides_no_alert(tmp_path: Path, judged_by: JudgedBy) -> None:
    """It was stored by a version that it did not kill, and has the same second."""
    deadly = json_alert(record(n=1))
    put_alert(tmp_path, deadly)
    pool = judged_by(lambda data: crash() if data == deadly else None)
    receipt = take_in(Receiver(tmp_path, pool), ALERT)
    assert (receipt.new, receipt.same_alert_as) == (True, ())


def test_ingest_goes_on_after_deadly_bytes(tmp_path: Path, judged_by: JudgedBy) -> None:
    pool = judged_by(lambda data: crash() if data == POISON else None)
    for name, data in {"a.json": ALERT, "b.json": POISON, "c.avro": avro_alert(record())}.items():
        (tmp_path / name).write_bytes(data)
    outcomes = list(ingest([tmp_path], tmp_path / "inbox", pool))
    assert [outcome.result for outcome in outcomes] == ["stored", "rejected", "stored"]
    assert outcomes[1].reason == DEADLY[crash]


def test_retry_of_deadly_bytes_leaves_them_where_they_are(
    tmp_path: Path, judged_by: JudgedBy
) -> None:
    put_in_quarantine(tmp_path, POISON, AlertError("no good"), {})
    pool = judged_by(lambda data: crash() if data == POISON else None)
    (entry,) = quarantine.list_entries(tmp_path)
    with pytest.raises(AlertError, match="SIGSEGV"):
        retry(tmp_path, entry, pool)
    assert quarantine.list_entries(tmp_path) == [entry]


def test_worker_can_write_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, judged_by: JudgedBy
) -> None:
    monkeypatch.chdir(tmp_path)
    pool = judged_by(lambda data: write() if data == ALERT else None)
    receipt = take_in(Receiver(tmp_path / "inbox", pool), ALERT)
    assert isinstance(receipt.content, AlertError)
    assert receipt.content.kind == "internal_error"
    assert str(receipt.content).startswith("error in Sirenflow: OSError: [Errno 27] File too large")
    assert (tmp_path / "forbidden").read_bytes() == b""


# ------------------------------------------------------------------------- what is no alert's fault


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP])
def test_worker_that_was_killed_from_outside_is_replaced_and_the_alert_stored(
    tmp_path: Path, judged_by: JudgedBy, number: signal.Signals
) -> None:
    deaths = tmp_path / "deaths"
    deaths.mkdir()

    def die_twice(_: bytes) -> None:
        if len(list(deaths.iterdir())) < 2:
            (deaths / str(os.getpid())).mkdir()
            os.kill(os.getpid(), number)

    receiver = Receiver(tmp_path / "inbox", judged_by(die_twice))
    assert isinstance(take_in(receiver, ALERT).content, Identity)
    assert len(list(deaths.iterdir())) == 2


def test_bytes_whose_workers_are_all_killed_are_kept_and_judged_when_they_come_again(
    tmp_path: Path, judged_by: JudgedBy
) -> None:
    """As by a system that is out of memory, because of them or of others."""
    pool = judged_by(lambda data: os.kill(os.getpid(), signal.SIGKILL) if data == ALERT else None)
    receiver, other = Receiver(tmp_path, pool), avro_alert(record())
    take_in(receiver, ALERT)
    assert isinstance(take_in(receiver, other).content, Identity)
    (entry,) = quarantine.list_entries(tmp_path)
    assert (entry.kind, entry.path.read_bytes()) == ("killed", ALERT)
    assert "was killed" in entry.reason
    receiver = Receiver(tmp_path, judged_by(lambda _: None))
    assert isinstance(take_in(receiver, ALERT).content, Identity)


def stop_working() -> None:
    raise ModuleNotFoundError("No module named 'zlib'")


def be_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("act", "cause"),
    [
        (crash, "crashes the program that works on it (SIGSEGV)"),
        (be_killed, "was killed, perhaps for want of memory (SIGKILL)"),
        (stop_working, "ModuleNotFoundError: No module named 'zlib'"),
    ],
    ids=["crash", "killed", "error"],
)
def test_workers_that_fail_on_every_alert_accept_nothing_and_reject_nothing(
    tmp_path: Path, judged_by: JudgedBy, act: Callable[[], None], cause: str
) -> None:
    receiver = Receiver(tmp_path, judged_by(lambda _: act()))
    with pytest.raises(InboxError, match="known good alert too") as error:
        take_in(receiver, ALERT)
    assert str(error.value).endswith(cause)
    assert quarantine.list_entries(tmp_path) == []
    receiver = Receiver(tmp_path, judged_by(lambda _: None))
    assert isinstance(take_in(receiver, ALERT).content, Identity)


def test_loss_of_all_its_processes_costs_no_alert_and_leaves_no_zombie(
    tmp_path: Path, new_pool: NewPool
) -> None:
    pool = new_pool(IDENTIFY_CONFIG)
    receiver = Receiver(tmp_path, pool)
    for number in range(3):
        assert isinstance(take_in(receiver, json_alert(record(n=number))).content, Identity)
        (child,) = pool.start(1).pids
        for process in (child, *descendants(child)):
            os.kill(process, signal.SIGKILL)
        assert isinstance(take_in(receiver, json_alert(record(n=-number))).content, Identity)
        assert not Path("/proc", str(child)).exists()


def test_machine_that_starts_no_process_accepts_nothing_and_the_next_try_works(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    new_pool: NewPool,
) -> None:
    pool = new_pool(IDENTIFY_CONFIG)
    receiver = Receiver(tmp_path, pool)
    take_in(receiver, json_alert(record(n=1)))
    (child,) = pool.start(1).pids
    for process in (child, *descendants(child)):
        os.kill(process, signal.SIGKILL)
    with monkeypatch.context() as patch:

        def refuse(*_: object, **__: object) -> None:
            raise BlockingIOError(11, "Resource temporarily unavailable")

        patch.setattr(subprocess, "Popen", refuse)
        for _ in range(2):
            with pytest.raises(InboxError, match="no worker process can be started: Resource"):
                take_in(receiver, ALERT)
    assert quarantine.list_entries(tmp_path) == []
    assert isinstance(take_in(receiver, ALERT).content, Identity)


def descendants(process: int) -> list[int]:
    tasks = Path("/proc", str(process), "task").glob("*/children")
    children = [int(child) for task in tasks for child in task.read_text().split()]
    return [*children, *(found for child in children for found in descendants(child))]


# ----------------------------------------------------------------------------- a program of its own

# What every interpreter runs when it starts, also the workers'.
SLOW = """
import time
from sirenflow.alerts import identify
decode = identify.parse_alert
def decode_slowly(data):
    open("/dev/fd/2", "w").write("judging\\n")
    time.sleep({seconds})
    return decode(data)
identify.parse_alert = decode_slowly
"""
PROGRAM = """
import signal, sys; from pathlib import Path; from sirenflow.files.lock import exclusive
from sirenflow.inbox.arrival import Arrival
from sirenflow.inbox.receiver import Receiver
signal.signal(signal.SIGTERM, lambda *_: None)
signal.signal(signal.SIGINT, lambda *_: None)
with exclusive(Path("lock")):
    receiver = Receiver(Path("inbox"))
    receipt = receiver.receive(Arrival.now(Path("alert").read_bytes(), "listen"))
print(type(receipt.content).__name__)
"""


@pytest.fixture
def program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[float], subprocess.Popen[str]]:
    """Give a way to start a program that judges slowly, up to the moment when it does."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alert").write_bytes(ALERT)

    def start(seconds: float) -> subprocess.Popen[str]:
        Path("sitecustomize.py").write_text(SLOW.format(seconds=seconds))
        path = os.pathsep.join([str(tmp_path), *sys.path])
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONPATH": path},
            stdout=pipe,
            stderr=pipe,
            text=True,
            start_new_session=True,
        )
        assert process.stderr is not None
        assert process.stderr.readline() == "judging\n"
        return process

    return start


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_to_the_whole_group_ends_no_judgement(
    program: Callable[[float], subprocess.Popen[str]], number: signal.Signals
) -> None:
    process = program(1)
    for _ in range(2):
        os.killpg(process.pid, number)
    said, problems = process.communicate()
    assert (said, problems, process.returncode) == ("Identity\n", "", 0)


@pytest.mark.slow
def test_workers_end_with_a_program_that_is_killed_and_hold_nothing_of_it(
    program: Callable[[float], subprocess.Popen[str]],
) -> None:
    process = program(2)
    left = descendants(process.pid)
    assert left
    process.kill()
    process.communicate()
    with exclusive(Path("lock")):  # the next may begin at once
        pass
    wait_until(lambda: not any(Path("/proc", str(each)).exists() for each in left))
    assert list(files_below(Path("inbox")).values()) == [ALERT]
    (receipt,) = Receiver(Path("inbox")).recover()
    assert isinstance(receipt.content, Identity)
