"""Which alert some bytes are, found out in a process that may die of it.

Whatever arrives is decoded in a worker with limits, so that what no check foresaw, a hang, a bomb
or a crash, is a reason like any other, and the stream goes on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sirenflow import workers
from sirenflow.alert import Identity
from sirenflow.errors import AlertError, InboxError
from sirenflow.incoming import MOST_DEATHS
from sirenflow.workers import Crew, Limits, TaskKilled

JUDGES = Crew(
    preload=("identify",),
    limits=Limits(wall_seconds=60, cpu_seconds=8, memory_bytes=2**30, file_bytes=0),
)
"""Workers that decode what arrives; the largest alert takes less than a second and 100 MB.

What hangs while it decodes uses up a processor's time. Only a machine that does nothing else for a
while makes it take longer, and is no fault of the alert's.
"""


def prepare() -> None:
    """Start the worker, so that the first alert need not wait for it.

    Raises
    ------
    InboxError
        If no process can be started.
    """
    try:
        workers.start(1, JUDGES)
    except OSError as error:
        raise _cannot_judge(error) from error


def judge(data: bytes) -> Identity:
    """Tell which alert some bytes are.

    Parameters
    ----------
    data
        The bytes that arrived.

    Raises
    ------
    AlertError
        If they are not one alert with a valid key, of kind ``crash`` if the worker died of them;
        the message is the reason. Of kind ``killed`` if it was killed, each time, from outside,
        which is no verdict.
    TaskError
        If there is an error in Sirenflow.
    InboxError
        If no process can be had to judge them.
    """
    return Identity(**_judged(data, by_content=False))


def judge_content(data: bytes) -> str:
    """Give the hash of what an alert says: see `Alert.content_sha256`, and `judge`."""
    content: str = _judged(data, by_content=True)["content_sha256"]
    return content


def _judged(data: bytes, *, by_content: bool) -> dict[str, Any]:
    try:
        with _in_memory(data) as file:
            answer = _ask(file, by_content=by_content)
    except TaskKilled as death:
        kind = "killed" if death.from_outside else "crash"
        raise AlertError(str(death), kind) from death
    except OSError as error:
        raise _cannot_judge(error) from error
    if "reason" in answer:
        raise AlertError(answer["reason"], answer["kind"], answer["claims"])
    return answer


def _ask(file: str, **arguments: bool) -> dict[str, Any]:
    deaths = 0
    while True:
        try:
            judges = workers.start(1, JUDGES)
            answer: dict[str, Any] = judges.run("identify", {"file": file}, arguments)
        except TaskKilled as death:
            deaths += 1
            if not death.from_outside or deaths == MOST_DEATHS:
                raise
        else:
            return answer


@contextmanager
def _in_memory(data: bytes) -> Iterator[str]:
    """Give the path of a file with some bytes that is on no disk.

    Not all that is judged is in a file of its own, such as the members of an archive; and megabytes
    in the worker's socket would be taken for its next task, if it were killed amid them.
    """
    with open(os.memfd_create("alert"), "wb") as file:  # noqa: PTH123 - it has no name
        file.write(data)
        file.flush()
        yield f"/proc/{os.getpid()}/fd/{file.fileno()}"


def _cannot_judge(error: OSError) -> InboxError:
    return InboxError(f"no process can be had to judge alerts: {error.strerror}")
