"""The system's limit on processes and threads: errors that it causes, and the message."""

import errno
import os
import threading

ADVICE = "raise the limit on processes (ulimit -u)"
MESSAGE = f"no process or thread can be started: {os.strerror(errno.EAGAIN)}; {ADVICE}"
_THREADS_OF_A_RUN = 4
_NO_THREAD = "can't start new thread"


def is_limit_text(text: str) -> bool:
    """Return whether the text of an error or a traceback is caused by the limit."""
    return _NO_THREAD in text or os.strerror(errno.EAGAIN) in text


def is_limit_error(error: BaseException) -> bool:
    """Return whether an error is caused by the limit."""
    if isinstance(error, OSError):
        return error.errno == errno.EAGAIN
    return isinstance(error, RuntimeError) and _NO_THREAD in str(error)


def check_threads() -> None:
    """Start as many threads as a run needs at least, and end them.

    Code that is not Python may crash where it can start no thread. Raise RuntimeError if they
    cannot be started.
    """
    end = threading.Event()
    threads = []
    try:
        for _ in range(_THREADS_OF_A_RUN):
            threads.append(threading.Thread(target=end.wait))
            threads[-1].start()
    except RuntimeError:
        threads.pop()
        raise
    finally:
        end.set()
        for thread in threads:
            thread.join()
