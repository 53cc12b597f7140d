"""Times as users write them: one reading, or an error that names what was found."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from astropy.time import Time, TimeDelta
from hypothesis import given
from hypothesis import strategies as st

from sirenflow.crossmatch.source_time import AmbiguousTimeError, TimeTextError, time_from


@given(st.floats(15020, 88068.9))
def test_modified_julian_dates_are_what_astropy_reads(mjd: float) -> None:
    # Days of 86,400 s; astropy spreads a leap second over its day.
    assert abs(Time(mjd, format="mjd", scale="utc").unix - time_from(mjd).timestamp()) < 1.001


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-22T03:08:33Z", "2026-11-22T03:08:33"),
        ("2026-11-22t03:08:33z", "2026-11-22T03:08:33"),
        ("2026-11-22 03:08:33", "2026-11-22T03:08:33"),
        ("2026-11-22 03:08", "2026-11-22T03:08:00"),
        ("2026-11-22T04:08:33+01:00", "2026-11-22T03:08:33"),
        ("2026-11-22 04:08:33 +0100", "2026-11-22T03:08:33"),
        ("2026-11-22T03:08:33.25Z", "2026-11-22T03:08:33.250000"),
        (b"20261122T030833", "2026-11-22T03:08:33"),
        ("2026-11-22 03:08:33 UTC", "2026-11-22T03:08:33"),
        ("2016-12-31T23:59:60.5Z", "2017-01-01T00:00:00.500000"),
        ("2026-11-22T03", "2026-11-22T03:00:00"),
        ("2026-11-22", "2026-11-22T00:00:00"),
        ("20261122", "2026-11-22T00:00:00"),
        (20261122, "2026-11-22T00:00:00"),
        (date(2026, 11, 22), "2026-11-22T00:00:00"),
        (datetime(2026, 11, 22, 3, 8, 33), "2026-11-22T03:08:33"),  # noqa: DTZ001
        ("61366.1309375", "2026-11-22T03:08:33"),
        (61366.1309375, "2026-11-22T03:08:33"),
    ],
)
def test_times_are_read_in_many_ways(value: object, expected: str) -> None:
    assert time_from(value) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-04-19.1339", "2026-04-19T03:12:48.960000"),
        ("2026-04-19.12", "2026-04-19T02:52:48"),
        ("2026-04-19.5", "2026-04-19T12:00:00"),
        ("2026-04-19.123456", "2026-04-19T02:57:46.598400"),
        ("2026-04-19.0000", "2026-04-19T00:00:00"),
        ("2026-04-19.99999999999", "2026-04-19T23:59:59.999999"),
        ("2026-04-19.999999999999", "2026-04-20T00:00:00"),
        ("2026 04 19.1339", "2026-04-19T03:12:48.960000"),
        ("2026 Apr 19.1339", "2026-04-19T03:12:48.960000"),
        ("2026 Apr. 19.1339 UT", "2026-04-19T03:12:48.960000"),
        ("2026-Apr-19.1339", "2026-04-19T03:12:48.960000"),
        ("2026 April 9.5", "2026-04-09T12:00:00"),
        ("2026/4/9.5", "2026-04-09T12:00:00"),
        ("20260419.1339", "2026-04-19T03:12:48.960000"),
        (20260419.5, "2026-04-19T12:00:00"),
        ("2024-02-29.25", "2024-02-29T06:00:00"),
    ],
)
def test_decimal_days_are_fractions_of_a_day(text: object, expected: str) -> None:
    assert time_from(text) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@given(
    st.dates(date(1900, 1, 1), date(2099, 12, 30)),
    st.decimals(0, Decimal("0.99999999"), places=8),
)
def test_decimal_day_is_what_astropy_computes(day: date, fraction: Decimal) -> None:
    text = f"{day}{str(f'{fraction:f}')[1:]}"
    midnight = Time(f"{day}T00:00:00", scale="tai")  # days of 86,400 s
    expected = (
        (midnight + TimeDelta(float(fraction), format="jd")).to_datetime().replace(tzinfo=UTC)
    )
    assert abs((time_from(text) - expected).total_seconds()) < 2e-6


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("04/05/2026", "2026-05-04 or 2026-04-05"),
        ("4.5.2026", "2026-05-04 or 2026-04-05"),
        ("04-05-2026 12:00", "2026-05-04 or 2026-04-05"),
        ("2026-04-19-05:00", "2026-04-19 at 05:00 or 2026-04-19 at an offset of -05:00 from UTC"),
        ("2026-04-19+05", "2026-04-19 at 05 or 2026-04-19 at an offset of +05 from UTC"),
        ("2026-04-19 1339", "2026-04-19T1339 or the decimal day 2026-04-19.1339"),
        ("2026-04-19 13", "2026-04-19T13 or the decimal day 2026-04-19.13"),
        ("20260419 133912", "20260419T133912 or the decimal day 20260419.133912"),
        ("080319.5", "2008-03-19.5 or MJD 80319.5"),
    ],
)
def test_ambiguous_text_is_an_error_that_names_both_readings(text: str, readings: str) -> None:
    with pytest.raises(AmbiguousTimeError) as caught:
        time_from(text)
    assert str(caught.value) == f"{text!r} can be {readings}; write it as 2026-04-19T03:12:49Z"


@pytest.mark.parametrize(
    "value",
    [
        *("", "yesterday", None, "2460000.5", 2026, -1.0, math.nan, math.inf, b"\xff", True, []),
        *(
            "2026-04-31",
            "2026-04-31.5",
            "2026-13-01.5",
            "2026 Foo 19.5",
            "2026 Ju 19.5",
            "26-04-19.5",
        ),
        *("2026-04-19.", "2026-04-19.13:39", "2026-04-19.5T03:00", "2026-04-19T25:00:00"),
        *("2026-04 19.5", "2026-4-190", "19/04/2026", "1899-12-31", "2100-01-01", "2026-109"),
        *("\uff12026-04-19.5", "2026-04-19\n.5", "1_0", "0001-01-01T00:00:00+05:00"),
        datetime.max.replace(tzinfo=UTC),
    ],
)
def test_what_is_no_time_is_an_error_that_says_what_is_expected(value: object) -> None:
    with pytest.raises(TimeTextError, match=r"expected a time in UTC between 1900 and 2100"):
        time_from(value)
