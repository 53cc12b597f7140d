"""Read values that others sent: missing, null, of the wrong type, or hostile.

Every function gives a clean value or None, and never raises. Nothing here judges what a value
means: the callers do.
"""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sirenflow.formats.timestamp import Timestamp, read_timestamp

TEXT_LIMIT = 160
# Control characters, line breaks, bidirectional controls and lone surrogates: each of them can
# make a page, a terminal or a CSV cell show something else than what it holds.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def text_or_none(value: object, limit: int = TEXT_LIMIT) -> str | None:
    """Return a string of at most `limit` visible characters; unsafe ones become U+FFFD."""
    if not isinstance(value, str) or not value.strip():
        return None
    clean = _UNSAFE.sub("\ufffd", value[: limit + 1])
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def number_or_none(value: object) -> float | None:
    """Return a finite float; booleans, texts ("NaN") and numbers beyond a double give None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def positive_or_none(value: object) -> float | None:
    """Return a finite float above zero."""
    number = number_or_none(value)
    return number if number is not None and number > 0 else None


def number_from_text(text: str) -> float:
    """Read a number in ASCII digits, such as a user writes.

    Raise ValueError if the text is not a number. `1_0` is not, though Python's float reads it as
    10.
    """
    if "_" in text or not text.isascii():
        raise ValueError(f"{text!r} is not a number")
    return float(text)


def integer_or_none(value: object) -> int | None:
    """Return an integer that fits 64 bits; booleans give None."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if abs(value) < 2**63 else None


def boolean_or_none(value: object) -> bool | None:
    """Return a boolean; 0, 1 and texts give None."""
    return value if isinstance(value, bool) else None


def mapping_or_empty(value: object) -> Mapping[str, Any]:
    """Return a mapping, an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def texts(value: object, limit: int = 8) -> tuple[str, ...]:
    """Return the texts of a sequence, at most `limit` of them."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        return ()
    clean = (text_or_none(item, 24) for item in value[:limit])
    return tuple(item for item in clean if item is not None)


def numbers(value: object, limit: int = 100) -> tuple[float, ...]:
    """Return the numbers of a sequence, or () if an item is no number or there are over `limit`."""
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) > limit:
        return ()
    clean = [number for item in value if (number := number_or_none(item)) is not None]
    return tuple(clean) if len(clean) == len(value) else ()


def probabilities(value: object, limit: int = 12) -> dict[str, float]:
    """Return the entries that are probabilities, as sent and in their order, at most `limit`."""
    clean: dict[str, float] = {}
    for key, item in mapping_or_empty(value).items():
        name, number = text_or_none(key, 24), number_or_none(item)
        if name is not None and number is not None and 0 <= number <= 1 and len(clean) < limit:
            clean[name] = number
    return clean


def timestamp_or_none(value: object) -> Timestamp | None:
    """Return an instant as sent: exact, in UTC; see `read_timestamp`."""
    if not isinstance(value, str):
        return None
    try:
        return read_timestamp(value)
    except ValueError:
        return None


def time_or_none(value: object) -> datetime | None:
    """Return an instant for arithmetic, in UTC, to the microsecond."""
    timestamp = timestamp_or_none(value)
    return timestamp.to_datetime() if timestamp else None


def time_to_text(time: datetime | None, timespec: str = "seconds") -> str | None:
    """Write a UTC time as ISO 8601 with Z; the inverse of `time_or_none`."""
    return None if time is None else time.isoformat(timespec=timespec).replace("+00:00", "Z")


def https_url_or_none(value: object) -> str | None:
    """Return an http or https address; None for any other scheme, or if it is not safe as sent."""
    url = text_or_none(value, 400)
    if url is None or url != value or not re.match(r"https?://[^\s/]", url, re.IGNORECASE):
        return None
    return url
