"""What all commands share: exit codes, safe text, logs."""

from __future__ import annotations

import logging
import time
from datetime import datetime
from pathlib import Path
from types import TracebackType

import click

from sirenflow.config.user_path import UserPathError, expand_home

EXIT_CODES = "Exit codes: 0 done; 1 stopped by an error; 2 wrong usage."
REJECTED_EXIT_CODES = (
    "Exit codes: 0 done; 1 stopped by an error; 2 wrong usage; 3 done, but some were rejected."
)
COMPARED_EXIT_CODES = (
    "Exit codes: 0 nothing changed, rounding aside; 1 stopped by an error, or a file could not be "
    "compared; 2 wrong usage; 4 done, and values changed."
)


def directory(text: str) -> Path:
    """Read a directory's path, which need not exist yet."""
    if not text:  # as of a variable that is not set; it would be the working directory
        raise click.BadParameter("expected a directory, found nothing")
    try:
        text = expand_home(text)  # the shell does not for --inbox=~/alerts
    except UserPathError as error:
        raise click.BadParameter(f"{text!r}: {error}") from None
    if Path(text).exists() and not Path(text).is_dir():
        raise click.BadParameter(f"{text!r} is a file; expected a directory")
    return Path(text)


def time_text(text: str) -> datetime:
    """Read a time, UTC."""
    from sirenflow.crossmatch.source_time import TimeTextError, time_from

    try:
        return time_from(text)
    except TimeTextError as error:
        raise click.BadParameter(str(error)) from None


inbox_option = click.option(
    "--inbox",
    metavar="DIRECTORY",
    type=directory,
    help="Directory to keep alerts in.  [default: `inbox` of config/config.yaml, or ./inbox]",
)


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
