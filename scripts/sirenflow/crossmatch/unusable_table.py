"""Reason why a user's table cannot be used, for the products that depend on it."""

import errno
from pathlib import Path
from typing import Any

from sirenflow.errors import TableError

# Errors of a file itself. Every other one is of the machine, and may be over at the next run.
_OF_THE_FILE = frozenset(
    {errno.ENOENT, errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR, errno.ELOOP}
)


def unusable(kind: str, table: Path, error: BaseException | str) -> dict[str, Any]:
    """Describe why a table cannot be used, for the product of the rule that reads it.

    Return ``unusable_reason``, a sentence without its first capital and its full stop, and
    ``read_again``: whether the next run shall read the table even if it does not change.

    Parameters
    ----------
    error
        What reading it raised, or a reason that completes a sentence on it.
    """
    reason = error if isinstance(error, str) else _error_reason(error)
    reason = " ".join(reason.split()).replace(str(table), table.name)
    is_passing = isinstance(error, BaseException) and _may_pass(error)
    return {
        "unusable_reason": f"the table of {kind} could not be read: {reason}",
        "read_again": is_passing,
    }


USABLE: dict[str, Any] = {"unusable_reason": None, "read_again": False}
"""The same keys, of a table that can be used."""


def _error_reason(error: BaseException) -> str:
    if isinstance(error, TableError):
        return str(error)
    return f"an error in Sirenflow: {type(error).__name__}: {error}; please report it"


def _may_pass(error: BaseException) -> bool:
    """Return whether an error, or what caused it, is one of reading that may pass."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, TableError) and cause.may_pass:
            return True
        if isinstance(cause, OSError) and cause.errno is not None:
            return cause.errno not in _OF_THE_FILE
        cause = cause.__cause__
    return False
