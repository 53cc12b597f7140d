"""`sirenflow broker`, with which the examples of listen and publish work."""

from __future__ import annotations

import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from commands import PROGRAM, example_of, run

from sirenflow.inbox import store

HOPSKOTCH = "kafka://kafka.scimma.org/igwn.gwalert"


@contextmanager
def running_broker() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run the help's example in a process; give the address that it prints."""
    command = [*PROGRAM, *shlex.split(example_of("broker"))]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().rstrip("\n"), process
        finally:
            process.kill()


@pytest.mark.slow
def test_examples_work_together() -> None:
    """As they are in the help, except for the server, which is the one on this machine."""
    with running_broker() as (url, _):
        sending = example_of("publish").replace("kafka://127.0.0.1:9092/igwn.gwalert", url)
        assert url in sending
        sent = run(*shlex.split(sending))
        assert (sent.returncode, sent.stderr) == (0, "")
        assert sent.stdout == f"20 sent to {url.removeprefix('kafka://')}\n"
        # `--start latest` of the example would wait for the next alert.
        listening = example_of("listen").replace(HOPSKOTCH, url).removesuffix("--start latest")
        assert url in listening
        heard = run(*shlex.split(listening), "--no-auth", "--until-eos")
        assert (heard.returncode, heard.stdout) == (0, ""), heard.stderr
    assert heard.stderr.count(": stored ") == 20
    assert len(store.list_superevents(Path("inbox"))) == 9


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_broker_tells_what_to_do_and_ends_well(number: signal.Signals) -> None:
    with running_broker() as (url, process):
        assert process.stderr is not None
        told = [process.stderr.readline() for _ in range(5)]
        process.send_signal(number)
        assert process.wait(30) == 0
        assert process.stderr.read() == ""
    assert url.startswith("kafka://127.0.0.1:")
    assert f"  sirenflow listen --no-auth --url {url}\n" in told
    assert f"  sirenflow publish samples --no-auth --to {url}\n" in told
