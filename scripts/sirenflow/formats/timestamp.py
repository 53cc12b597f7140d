"""Times that others write: ISO 8601 and RFC 3339 text to an exact instant in UTC.

Accepted is what these standards allow and what has one meaning only:

- calendar, week and ordinal dates, extended (``2025-02-07``) or basic (``20250207``);
- ``T``, ``t`` or blanks between date and time;
- times without seconds or minutes, with a fraction (``.`` or ``,``) of the second or, where there
  is no second, of the minute;
- ``24:00`` for the end of a day, and a leap second, ``23:59:60`` in UTC;
- ``Z``, ``z``, ``UTC`` or an offset (``+01:00``, ``+0100``, ``+01``); without a zone, UTC is
  assumed and `Timestamp.zone_given` is False.

Rejected is a date without a time, which is not an instant, and a fraction of an hour: many write
12.30 for 12:30.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache

MAX_LENGTH = 200
"""Longest text that is read, in characters."""

_DATE = re.compile(
    r"(?P<year>[0-9]{4})"
    r"(?:-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})|(?P<monthday>[0-9]{4})"
    r"|-?W(?P<week>[0-9]{2})-?(?P<weekday>[1-7])|-?(?P<ordinal>[0-9]{3}))",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"(?P<hour>[0-9]{2})(?:(?P<colon>:?)(?P<minute>[0-9]{2})(?:(?P=colon)(?P<second>[0-9]{2}))?"
    r"(?:[.,](?P<fraction>[0-9]+))?)?"
)
_ZONE = re.compile(
    r"Z|UTC|(?P<sign>[+-])(?P<hours>[0-9]{2})(?::?(?P<minutes>[0-9]{2}))?", re.IGNORECASE
)
_TEXT = re.compile(
    rf"(?P<date>{_DATE.pattern})(?:T| +)(?P<time>{_TIME.pattern})(?: *(?P<zone>{_ZONE.pattern}))?",
    re.IGNORECASE,
)
_LEAP = ":60"


@dataclass(frozen=True, order=True)
class Timestamp:
    """An instant in UTC, exact to the last digit sent; instants sort in time.

    Attributes
    ----------
    utc
        ``YYYY-MM-DDTHH:MM:SS``, with a fraction without trailing zeros where there is one. A leap
        second is second 60. Texts of this form sort in time.
    zone_given
        Whether the text named its zone; otherwise UTC was assumed.
    """

    utc: str
    zone_given: bool = field(default=True, compare=False)

    @property
    def exact(self) -> str:
        """ISO 8601 text with every digit sent."""
        return f"{self.utc}Z"

    @property
    def in_file_name(self) -> str:
        """The second in which the instant lies, for file names: ``20250207T123000Z``."""
        return self.utc[:19].replace("-", "").replace(":", "") + "Z"

    def rounded(self, digits: int = 3) -> str:
        """Write ISO 8601 with `digits` decimals of the second, rounded half up.

        The year 9999 does not overflow: its last instants are cut off instead.
        """
        whole, _, fraction = self.utc.partition(".")
        kept = fraction[:digits].ljust(digits, "0")
        if fraction[digits : digits + 1] >= "5":
            kept = str(int(f"1{kept}") + 1)[1:] if digits else ""
            if not int(kept or 0):
                whole = _next_second(whole) or whole
        return f"{whole}.{kept}Z" if digits else f"{whole}Z"

    def display(self) -> str:
        """Write ISO 8601 with milliseconds, or without a fraction where it rounds to none."""
        return self.rounded().replace(".000Z", "Z")

    def to_datetime(self) -> datetime:
        """Convert for arithmetic, to the microsecond.

        A leap second counts as the second after it, as in POSIX time.
        """
        text = self.rounded(6).removesuffix("Z")
        if text[16:19] == _LEAP:
            text = (_next_second(text[:19]) or f"{text[:17]}59") + text[19:]
        return datetime.fromisoformat(text).replace(tzinfo=UTC)


def read_timestamp(text: str) -> Timestamp:
    """Read a time; blanks around it are ignored.

    Raise ValueError if the text is not a time with one meaning, or lies outside the years 1 to
    9999.
    """
    text = text.strip()
    try:
        # ISO 8601 prefers the typographic minus sign.
        return _timestamp(text[: MAX_LENGTH + 1].replace("\u2212", "-"))
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text[:64]!r} is not an ISO 8601 time: {error}") from error


@lru_cache(maxsize=4096)
def _timestamp(text: str) -> Timestamp:
    found = _TEXT.fullmatch(text) if len(text) <= MAX_LENGTH and text.isascii() else None
    if found is None:
        raise ValueError("expected a text like 2023-05-18T13:38:18Z")
    part = found.groupdict()
    second, fraction = _second_of_day(part)
    is_leap = part["second"] == "60"
    start = _day(part) + timedelta(seconds=second - is_leap) - _offset(part)
    if is_leap and (start.hour, start.minute) != (23, 59):
        raise ValueError("a leap second can only end a UTC day")
    utc = start.isoformat(timespec="seconds")
    utc = f"{utc[:-2]}60" if is_leap else utc
    return Timestamp(utc + (f".{fraction}" if fraction else ""), part["zone"] is not None)


def _day(part: dict[str, str | None]) -> datetime:
    year = int(part["year"] or 0)
    if part["week"]:
        return datetime.fromisocalendar(year, int(part["week"]), int(part["weekday"] or 0))
    if part["ordinal"]:
        day = datetime(year, 1, 1) + timedelta(days=int(part["ordinal"]) - 1)  # noqa: DTZ001 - UTC follows
        if day.year != year:
            raise ValueError(f"day {part['ordinal']} of {year}")
        return day
    month, day_of_month = part["month"], part["day"]
    if part["monthday"]:
        month, day_of_month = part["monthday"][:2], part["monthday"][2:]
    return datetime(year, int(month or 0), int(day_of_month or 0))  # noqa: DTZ001 - UTC follows


def _second_of_day(part: dict[str, str | None]) -> tuple[int, str]:
    """Return the whole second of the day, and the digits of its fraction."""
    hour, minute, second = (int(part[name] or 0) for name in ("hour", "minute", "second"))
    digits = part["fraction"] or ""
    unit = 1 if part["second"] else 60
    seconds, rest = divmod(int(digits or 0) * unit, 10 ** len(digits))
    fraction = f"{rest:0{len(digits)}d}".rstrip("0") if digits else ""
    is_end = (hour, minute, second, seconds, fraction) == (24, 0, 0, 0, "")
    if (hour > 23 and not is_end) or minute > 59 or second > 60:
        raise ValueError(f"{hour:02d}:{minute:02d}:{second:02d} is not a time of day")
    return 3600 * hour + 60 * minute + second + seconds, fraction


def _offset(part: dict[str, str | None]) -> timedelta:
    hours, minutes = int(part["hours"] or 0), int(part["minutes"] or 0)
    if hours > 23 or minutes > 59:
        raise ValueError(f"{part['zone']} is not an offset from UTC")
    return timedelta(hours=hours, minutes=minutes) * (-1 if part["sign"] == "-" else 1)


def _next_second(utc: str) -> str | None:
    """Return the second after one; None after the last of the year 9999."""
    is_leap = utc.endswith(_LEAP)
    start = datetime.fromisoformat(f"{utc[:-2]}59" if is_leap else utc)
    try:
        return (start + timedelta(seconds=1)).isoformat(timespec="seconds")
    except OverflowError:
        return None
