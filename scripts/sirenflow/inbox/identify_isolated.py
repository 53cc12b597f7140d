"""Which alert some bytes are, found out in a process that may die of it.

Whatever arrives is decoded in a worker with limits, so that what no check foresaw, a hang, a bomb
or a crash, is a reason like any other, and the stream goes on.

A fault of the machine is no reason. If no worker starts, or if it fails on an alert that is known
to be good too, nothing is decided: `InboxError`, as for a full disk. If the worker is killed from
outside `MAX_CRASHES` times, and works on the known alert each time, the bytes are quarantined with
the kind ``killed``: on a machine with little memory it is the bytes that exhaust it, and one
message must not stop the stream. `sirenflow quarantine retry` tries such entries again.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sirenflow.alerts.alert import Identity
from sirenflow.alerts.self_test_inputs import SELF_TEST_ALERT
from sirenflow.errors import AlertError, InboxError, SirenflowError, WorkerUnavailableError
from sirenflow.inbox.spool import MAX_CRASHES
from sirenflow.processes.limits import Limits
from sirenflow.processes.pool import PoolConfig, SharedPool, TaskDied, TaskError

IDENTIFY_CONFIG = PoolConfig(
    preload=("sirenflow.alerts.identify",),
    limits=Limits(wall_seconds=60, cpu_seconds=8, memory_bytes=2**30, file_bytes=0),
)
"""Workers that decode what arrives; the largest alert takes less than a second and 100 MB.

What hangs while it decodes uses up a processor's time. Only a machine that does nothing else for a
while makes it take longer, and is no fault of the alert's.
"""

IDENTIFY_POOL = SharedPool(IDENTIFY_CONFIG)
"""The worker of this process, for all its topics and files, unless another one is passed."""


def start_worker(pool: SharedPool) -> None:
    """Start the worker, so that the first alert need not wait for it.

    Raise InboxError if no process can be started.
    """
    try:
        pool.start(1)
    except WorkerUnavailableError as error:
        raise InboxError(str(error)) from error


def identify_isolated(data: bytes, pool: SharedPool) -> Identity:
    """Decode bytes in a worker process, and return the identity of their alert.

    Raise AlertError if they are not one alert with a valid key, of kind ``crash`` if the worker
    died of them; the message is the reason. Of kind ``killed`` if it was killed, each time, from
    outside, which is no verdict. Raise TaskError if there is an error in Sirenflow. Raise
    InboxError if no worker can be started, or workers fail on a known good alert too: nothing is
    decided.
    """
    return Identity(**_judged(data, pool, by_content=False))


def hash_content_isolated(data: bytes, pool: SharedPool) -> str:
    """Return the hash of an alert's content: see `Alert.content_sha256`, `identify_isolated`."""
    content: str = _judged(data, pool, by_content=True)["content_sha256"]
    return content


def _judged(data: bytes, pool: SharedPool, *, by_content: bool) -> dict[str, Any]:
    try:
        answer = _ask(data, pool, by_content=by_content)
    except (TaskDied, TaskError) as failure:
        _check_workers(failure, pool)
        if isinstance(failure, TaskError):
            raise
        kind = "killed" if failure.externally else "crash"
        raise AlertError(str(failure), kind) from failure
    except (WorkerUnavailableError, OSError) as error:
        raise InboxError(str(error)) from error
    if "reason" in answer:
        raise AlertError(answer["reason"], answer["kind"], answer["claims"])
    return answer


def _check_workers(failure: SirenflowError, pool: SharedPool) -> None:
    """Raise InboxError if a worker fails on an alert that is known to be good."""
    try:
        answer = _ask(SELF_TEST_ALERT, pool, by_content=False)
    except (TaskDied, TaskError, WorkerUnavailableError, OSError) as error:
        cause = _last_line(error)
    else:
        if "reason" not in answer:
            return
        cause = answer["reason"]
    raise InboxError(
        f"workers fail on a known good alert too, so this machine cannot check alerts: {cause}"
    ) from failure


def _last_line(error: Exception) -> str:
    """Return the last line of a message: that of a traceback names the error."""
    return str(error).strip().rpartition("\n")[2]


def _ask(data: bytes, pool: SharedPool, **arguments: bool) -> dict[str, Any]:
    deaths = 0
    with _in_memory(data) as file:
        while True:
            try:
                answer: dict[str, Any] = pool.start(1).run(
                    "sirenflow.alerts.identify:identify", {"file": file}, arguments
                )
            except TaskDied as death:
                deaths += 1
                if not death.externally or deaths == MAX_CRASHES:
                    raise
            else:
                return answer


@contextmanager
def _in_memory(data: bytes) -> Iterator[str]:
    """Return the path of a file with some bytes that is on no disk.

    Not all that is judged is in a file of its own, such as the members of an archive; and megabytes
    in the worker's socket would be taken for its next task, if it were killed amid them.
    """
    with open(os.memfd_create("alert"), "wb") as file:  # noqa: PTH123 - it has no name
        file.write(data)
        file.flush()
        yield f"/proc/{os.getpid()}/fd/{file.fileno()}"
