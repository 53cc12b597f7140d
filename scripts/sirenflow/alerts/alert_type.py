"""Alert types: how the text that was sent becomes a known type, a rank and a file name."""

import re
from collections.abc import Iterable

ALERT_TYPES = ("EARLYWARNING", "PRELIMINARY", "INITIAL", "UPDATE", "RETRACTION")
"""The known alert types, in the order of a superevent's life."""

RETRACTION = "RETRACTION"
"""The only type that retracts a superevent."""

_SAFE = re.compile(r"[A-Z][A-Z0-9-]*")
_MAX_LENGTH = 64


def canonical_type(sent: str) -> str:
    """Return an alert type in upper case and without underscores, safe in a path.

    Types are compared in this form: ``EARLY_WARNING``, as samples of 2022 have it, and
    ``EarlyWarning`` are EARLYWARNING. Raise ValueError if the type has other characters than ASCII
    letters, digits, ``-`` and ``_``, does not begin with a letter, or is longer than 64 characters.
    """
    is_short = len(sent) <= _MAX_LENGTH
    canonical = sent.upper().replace("_", "") if sent.isascii() and is_short else ""
    if not _SAFE.fullmatch(canonical):
        raise ValueError(f"{sent[:64]!r} is not a word of letters, digits, '-' and '_'")
    return canonical


def read_type(sent: str) -> str:
    """Return a known type in the spelling of `ALERT_TYPES`, any other one as sent.

    Raise ValueError as `canonical_type`.
    """
    canonical = canonical_type(sent)
    return canonical if canonical in ALERT_TYPES else sent


def type_rank(alert_type: str) -> int:
    """Return a number that sorts the alerts of one instant by their types.

    Known types are in the order of a superevent's life. An unknown type comes before all of them,
    so that it never displaces a state that is understood.
    """
    return ALERT_TYPES.index(alert_type) if alert_type in ALERT_TYPES else -1


def is_retracted(alert_types: Iterable[str]) -> bool:
    """Return whether a superevent is retracted.

    It is where the last alert of a known type is a retraction: an unknown type neither retracts a
    superevent nor takes a retraction back.

    Parameters
    ----------
    alert_types
        Types of its alerts, in the order of the alerts, as `read_type` returns them.
    """
    known = [each for each in alert_types if each in ALERT_TYPES]
    return known[-1:] == [RETRACTION]
