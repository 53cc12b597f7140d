"""`sirenflow listen --watch`: two processes, and what becomes of one when the other dies."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import run
from confluent_kafka import Producer
from watching import Waiting, is_told, small_alert, wait_until, waiting

from sirenflow.files.lock import exclusive
from sirenflow.kafka.address import Address
from sirenflow.kafka.broker import embedded_broker

LISTENER, WATCH = " listen --inbox", " watch --inbox"


@pytest.fixture
def topic() -> Iterator[Address]:
    with embedded_broker() as address:
        yield address


def send(topic: Address, data: bytes) -> None:
    producer = Producer({"bootstrap.servers": f"{topic.host}:{topic.port}", "log_level": 0})
    producer.produce(topic.topic, data)
    producer.flush()


def both(topic: Address) -> list[str]:
    return ["listen", "--watch", "--no-auth", "--url", topic.url]


def killed(command: Waiting, words: str) -> int:
    pid = command.pid_of(words)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    return pid


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_alert_that_is_sent_becomes_a_page_until_a_signal(
    tmp_path: Path, topic: Address, number: signal.Signals
) -> None:
    data = small_alert()
    with waiting(tmp_path, *both(topic)) as command:
        send(topic, data)
        wait_until(lambda: is_told(tmp_path, data))
        assert command.stop(number) == 0
        assert command.left() == []
        assert command.said("Traceback") == 0


def test_at_the_end_of_the_topic_it_ends_when_everything_is_made(
    tmp_path: Path, topic: Address
) -> None:
    data = [small_alert(f"MS26090{day}a") for day in range(1, 6)]
    for alert in data:
        send(topic, alert)
    with waiting(tmp_path, *both(topic), "--until-eos") as command:
        assert command.process.wait() == 0
        assert command.left() == []
    assert all(is_told(tmp_path, alert) for alert in data)


def test_whichever_dies_is_started_again_and_the_other_goes_on(
    tmp_path: Path, topic: Address
) -> None:
    with waiting(tmp_path, *both(topic)) as command:
        for number, (words, other) in enumerate([(LISTENER, WATCH), (WATCH, LISTENER)]):
            wait_until(lambda words=words: command.pid_of(words))
            unhurt, lost = command.pid_of(other), killed(command, words)
            data = small_alert(minute=number)
            send(topic, data)
            wait_until(lambda data=data: is_told(tmp_path, data))
            assert command.pid_of(other) == unhurt
            wait_until(lambda words=words, lost=lost: command.pid_of(words) not in (None, lost))
        assert command.said("listen ended (SIGKILL); starting it again in 1 s") == 1
        assert command.said("watch ended (SIGKILL); starting it again in 1 s") == 1
        assert command.stop() == 0


def test_neither_lives_on_when_what_started_them_is_killed(tmp_path: Path, topic: Address) -> None:
    with waiting(tmp_path, *both(topic)) as command:
        command.process.kill()
        command.process.wait()
        wait_until(lambda: command.left() == [])


def test_listener_that_cannot_begin_ends_it_with_its_exit_code(
    tmp_path: Path, topic: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with exclusive(tmp_path / "inbox/.listener/lock"):
        busy = run(*both(topic))
    assert busy.returncode == 75
    assert "inbox/.listener/lock is locked by" in busy.stderr
    no_login = run("listen", "--watch", "--url", topic.url, HOME=str(tmp_path))
    assert no_login.returncode == 1
    assert "auth.toml does not exist" in no_login.stderr


def test_workflow_that_is_wrong_is_told_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config").mkdir()
    Path("config/config.yaml").write_text("skymaps: {flat_nside: 3}\n")
    done: subprocess.CompletedProcess[str] = run("listen", "--watch", "--no-auth")
    assert done.returncode == 1
    assert "flat_nside" in done.stderr
    assert not Path("inbox").exists()
