"""Superevent identifiers: which texts are accepted, and what an identifier says.

The published alert schema says only that ``superevent_id`` is a string. Accepted is every text that
is safe as the name of a directory and that our own directories do not use, so that a change of
LVK's naming does not hide a candidate. The usual grammar, as the LIGO/Virgo/KAGRA Public Alerts
User Guide has it, is ``S``, ``MS`` or ``TS``, a date (YYMMDD) and lower-case letters.
"""

import re
from collections.abc import Iterable
from typing import Literal

Kind = Literal["real", "mock", "test"]

PATTERN = r"[A-Za-z][A-Za-z0-9_-]{0,63}"
"""Identifiers that are accepted; to be matched in full."""

RESERVED = frozenset(
    {"logs", "quarantine", "con", "prn", "aux", "nul"}
    | {f"{device}{digit}" for device in ("com", "lpt") for digit in range(10)}
)
"""Names in lower case that are not identifiers.

`logs` is a directory of the results and `quarantine` one of the inbox; the others are devices on
Windows, where a copy of the results could not be written.
"""

_USUAL = re.compile(r"(?P<kind>[MT]?)S(?P<year>[0-9]{2})(?P<month>[0-9]{2})[0-9]{2}[a-z]+")
_ACCEPTED = re.compile(PATTERN)
_KINDS: dict[str, Kind] = {"M": "mock", "T": "test"}


def is_identifier(name: str) -> bool:
    """Return whether a text is accepted as a superevent identifier, or a directory as named so."""
    return bool(_ACCEPTED.fullmatch(name)) and name.lower() not in RESERVED


def is_usual(identifier: str) -> bool:
    """Return whether an identifier follows the usual grammar."""
    return bool(_USUAL.fullmatch(identifier))


def superevent_kind(identifier: str) -> Kind:
    """Return what an identifier stands for: the first character decides.

    ``M`` is mock, ``T`` is test; every other beginning counts as real, since a candidate with an
    unexpected name must not be overlooked.
    """
    return _KINDS.get(identifier[:1], "real")


def superevent_month(identifier: str) -> str | None:
    """Return the month of the signal, ``2024-11`` for S241102br; None if the name has no date."""
    found = _USUAL.fullmatch(identifier)
    return f"20{found['year']}-{found['month']}" if found else None


def same_but_for_case(identifier: str, names: Iterable[str]) -> str | None:
    """Return the first of `names`, sorted, that differs from an identifier only in case."""
    folded = identifier.lower()
    return min((n for n in names if n != identifier and n.lower() == folded), default=None)
