"""What commands write to the terminal: safe text, logs."""

import logging
import time
from types import TracebackType


def printable(text: str) -> str:
    """Escape what would move a terminal's cursor or forge a line of a log."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def log_to_stderr(debug: bool) -> None:
    """Log a line a matter, with its time (UTC); with `debug`, what the libraries say too."""
    handler = logging.StreamHandler()
    formatter = _OneLine("%(asctime)sZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.DEBUG if debug else logging.WARNING, handlers=[handler])
    logging.getLogger("sirenflow").setLevel(logging.DEBUG if debug else logging.INFO)
    if not debug:
        # They repeat each attempt to connect; what changes is told by us.
        for name in ("librdkafka", "adc-streaming", "hop"):
            logging.getLogger(name).setLevel(logging.CRITICAL)


class _OneLine(logging.Formatter):
    """Escapes what a message or traceback holds, so that no sender can forge a line."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        record.message = printable(record.message)
        return super().formatMessage(record)

    def formatException(  # noqa: N802 - logging's name
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        lines = super().formatException(ei).splitlines()
        return "\n".join(f"  {printable(line)}" for line in lines)
