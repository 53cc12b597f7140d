"""Times as users write them: ISO 8601, decimal days or Modified Julian Dates, in UTC.

============================  =====================================================================
2026-04-19T03:12:49.5Z        ISO 8601, as `sirenflow.formats.timestamp` reads it for alerts
2026-04-19.1339               decimal day, as the IAU, TNS and ATels write: 03:12:48.96
2026 04 19.1339               the same; also 2026/04/19.1339, 20260419.1339, 2026 Apr 19.1339
61149.1339                    Modified Julian Date
============================  =====================================================================

UT or UTC may follow. A text that can be read in two ways is an error that names both.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sirenflow.formats.timestamp import read_timestamp

EXPECTED = (
    "expected a time in UTC between 1900 and 2100, as ISO 8601 (2026-04-19T03:12:49Z), decimal day "
    "(2026-04-19.1339) or MJD (61149.1339)"
)
_MJD_ZERO = datetime(1858, 11, 17, tzinfo=UTC)
# 1900 to 2100: any other number is a Julian Date or a year, not a Modified Julian Date.
_FIRST_MJD, _LAST_MJD = 15020, 88069
_MICROSECONDS_PER_DAY = 86_400_000_000
_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
    *("october", "november", "december"),
)


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.ASCII | re.IGNORECASE | re.VERBOSE)


_NUMBER = _pattern(r"[+-]? (\d+\.?\d*|\.\d+) (e[+-]?\d+)?")
_DATE = _pattern(r"(\d{4}) ([-/ ]) (\d{1,2}|[a-z]{3,9}\.?) \2 (\d{1,2}) (\.\d{1,20})?")
_BASIC_DATE = _pattern(r"(\d{4}) () (\d\d) (\d\d) (\.\d{1,20})?")
_DAY_OR_MONTH_FIRST = _pattern(r"(\d{1,2}) ([-/.\ ]) (\d{1,2}) \2 (\d{4}) .*")
_TIME_OR_OFFSET = _pattern(r"(\d{4}-\d\d-\d\d) ([+-]\d\d (?: :?\d\d)?)")
_CLOCK_OR_DECIMALS = _pattern(r"(\d{4}-?\d\d-?\d\d) \ + (\d\d (?: \d\d){0,2})")
_DATE_OR_MJD = _pattern(r"(\d\d) (\d\d) (\d\d) (\.\d*)?")


class TimeTextError(ValueError):
    """A value is not a time that can be read."""


class AmbiguousTimeError(TimeTextError):
    """A text has two readings."""


def time_from(value: object) -> datetime:
    """Read a time that a user wrote.

    Return UTC, 1900 to 2100. Decimal days are rounded to the microsecond, MJD to the millisecond.
    Raise AmbiguousTimeError if the text can be read in two ways. The message names both. Raise
    TimeTextError if it is anything else. The message says what was expected.

    Parameters
    ----------
    value
        Text (str, or bytes in UTF-8), a number, or a datetime (UTC where it has no zone).

    Examples
    --------
    >>> time_from("2026-04-19.5").isoformat()
    '2026-04-19T12:00:00+00:00'
    """
    if isinstance(value, datetime):
        time = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return _in_bounds(time, value)
    shown = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    text = re.sub(r"\s+UTC?$", "", shown.strip(), flags=re.IGNORECASE)
    _refuse_ambiguous(text)
    for read in _READERS:
        try:
            time_read = read(text)
        except (ValueError, OverflowError):
            break
        if time_read is not None:
            return _in_bounds(time_read, shown)
    raise TimeTextError(f"{shown!r}; {EXPECTED}")


def _in_bounds(time: datetime, value: object) -> datetime:
    if not 1900 <= time.year < 2100:
        raise TimeTextError(f"{str(value)!r}; {EXPECTED}")
    return time


def _read_mjd(text: str) -> datetime | None:
    if not _NUMBER.fullmatch(text) or not _FIRST_MJD <= (mjd := float(text)) <= _LAST_MJD:
        return None
    return _MJD_ZERO + timedelta(milliseconds=round(mjd * 86_400_000))


def _read_date(text: str) -> datetime | None:
    """Read a date, with or without a decimal day."""
    found = _DATE.fullmatch(text) or _BASIC_DATE.fullmatch(text)
    if found is None:
        return None
    year, _, month, day, fraction = found.groups()
    midnight = datetime(int(year), _month(month), int(day), tzinfo=UTC)
    passed = round(Decimal(f"0{fraction or ''}") * _MICROSECONDS_PER_DAY)
    return midnight + timedelta(microseconds=passed)


def _month(text: str) -> int:
    if text.isdecimal():
        return int(text)
    name = text.rstrip(".").lower()
    numbers = [number for number, month in enumerate(_MONTHS, 1) if month.startswith(name)]
    if len(numbers) != 1:
        raise ValueError(text)
    return numbers[0]


def _read_iso(text: str) -> datetime | None:
    return read_timestamp(text).to_datetime()


_READERS: tuple[Callable[[str], datetime | None], ...] = (_read_mjd, _read_date, _read_iso)


def _refuse_ambiguous(text: str) -> None:
    """Raise an error for a text with two readings, as common programs and people read it."""
    if found := _DAY_OR_MONTH_FIRST.fullmatch(text):
        first, _, second, year = found.groups()
        if first != second and max(int(first), int(second)) <= 12:
            day_first = f"{year}-{second:0>2}-{first:0>2}"
            _raise_ambiguous(text, day_first, f"{year}-{first:0>2}-{second:0>2}")
    if found := _TIME_OR_OFFSET.fullmatch(text):
        date, rest = found.groups()
        _raise_ambiguous(text, f"{date} at {rest[1:]}", f"{date} at an offset of {rest} from UTC")
    if found := _CLOCK_OR_DECIMALS.fullmatch(text):
        date, digits = found.groups()
        _raise_ambiguous(text, f"{date}T{digits}", f"the decimal day {date}.{digits}")
    if (found := _DATE_OR_MJD.fullmatch(text)) and float(text) >= _FIRST_MJD:
        year, month, day, fraction = found.groups("")
        if 1 <= int(month) <= 12 and 1 <= int(day) <= 31 and float(text) <= _LAST_MJD:
            _raise_ambiguous(text, f"20{year}-{month}-{day}{fraction}", f"MJD {text.lstrip('0')}")


def _raise_ambiguous(text: str, one: str, other: str) -> None:
    raise AmbiguousTimeError(f"{text!r} can be {one} or {other}; write it as 2026-04-19T03:12:49Z")
