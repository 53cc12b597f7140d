"""Every spelling of an instant gives that instant, exactly; what has no one meaning is rejected."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sirenflow.formats.timestamp import read_timestamp


@pytest.mark.parametrize(
    "text",
    [
        "2025-02-07T12:30:00Z",
        "2025-02-07t12:30:00z",
        "2025-02-07 12:30:00",
        "2025-02-07 12:30:00Z",
        "2025-02-07 12:30:00 UTC",
        "  2025-02-07T12:30:00Z\n",
        "2025-02-07T12:30:00+00:00",
        "2025-02-07T12:30:00-00:00",
        "2025-02-07T13:30:00+01:00",
        "2025-02-07T13:30:00+0100",
        "2025-02-07T13:30:00+01",
        "2025-02-07T13:30:00 +01:00",
        "2025-02-07T18:00:00+05:30",
        "2025-02-08T01:30:00+13:00",
        "2025-02-06T23:30:00-13:00",
        "2025-02-07T07:30:00\u221205:00",
        "2025-02-07T12:30Z",
        "2025-02-07T12:30:00.000Z",
        "2025-02-07T12:30:00,000Z",
        "2025-02-07T12:30:00." + "0" * 100 + "Z",
        "2025-02-07T12:30.0Z",
        "20250207T123000Z",
        "20250207T1230Z",
        "20250207T123000+0000",
        "2025-W06-5T12:30:00Z",
        "2025W065T123000Z",
        "2025-038T12:30:00Z",
        "2025038T123000Z",
    ],
)
def test_every_spelling_is_one_instant(text: str) -> None:
    assert read_timestamp(text).exact == "2025-02-07T12:30:00Z"


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:60Z"),
        ("2017-01-01T08:59:60+09:00", "2016-12-31T23:59:60Z"),
        ("2016-12-31T18:59:60.25-05:00", "2016-12-31T23:59:60.25Z"),
        ("2016-12-31T24:00:00Z", "2017-01-01T00:00:00Z"),
        ("2025-02-07T12:30:00.1234567890123456789Z", "2025-02-07T12:30:00.1234567890123456789Z"),
        ("2025-02-07T12:30,5Z", "2025-02-07T12:30:30Z"),
        ("2025-02-07T12:30:00.50Z", "2025-02-07T12:30:00.5Z"),
        ("2024-366T00:00Z", "2024-12-31T00:00:00Z"),
        ("2020-W53-7T00:00Z", "2021-01-03T00:00:00Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ],
)
def test_instant_is_exact(text: str, utc: str) -> None:
    assert read_timestamp(text).exact == utc


@pytest.mark.parametrize(
    "text",
    [
        *("", "yesterday", "2025-02-07", "20250207", "12:30:00Z", "1738931400", "2025-02"),
        *("2025-02-30T00:00:00Z", "2025-13-01T00:00:00Z", "2025-366T00:00Z", "2025-000T00:00Z"),
        *("2025-W54-1T00:00Z", "2025-W06-0T00:00Z", "07.02.2025 12:30", "02/07/2025 12:30:00"),
        *("2025-02-07T25:00:00Z", "2025-02-07T24:00:01Z", "2025-02-07T12:60:00Z"),
        *("2025-02-07T12:30:60Z", "2025-02-07T12:30:61Z", "2016-12-31T23:59:60+01:00"),
        *("2025-02-07T12:30:00+24:00", "2025-02-07T12:30:00+01:60", "2025-02-07T12:30:00 EST"),
        *("2025-02-07T12:30:00Zulu", "2025-02-07T1:30:00Z", "2025-2-7T12:30:00Z", "2025-02-07T"),
        *("2025-02-07T12.5Z", "2025-02-07T12:3000Z", "2025-02-07T1230:00Z", "2025-02-07T12:30+01:"),
        *("0000-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"),
        *("\uff12025-02-07T12:30:00Z", "\u0662025-02-07T12:30:00Z", "+02025-02-07T12:30:00Z"),
        *("2025-02-07T12:30:00.Z", "2025-02-07T12:30:00.5.5Z", "2025-02-07T12:30:00." + "1" * 300),
        *("2025-02-07\n12:30:00Z", "2025-02-07T12:30:00\0Z", "../x", "\ud800"),
    ],
)
def test_text_without_one_meaning_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="is not an ISO 8601 time"):
        read_timestamp(text)


def test_missing_zone_is_noted() -> None:
    assert not read_timestamp("2018-11-01 22:36:25").zone_given
    assert all(read_timestamp(f"2018-11-01 22:36:25{zone}").zone_given for zone in ("Z", "+01"))
    assert read_timestamp("2018-11-01 22:36:25") == read_timestamp("2018-11-01T22:36:25Z")


def test_instants_sort_in_time_to_the_last_digit() -> None:
    texts = [
        "2016-12-31T23:59:59Z",
        "2016-12-31T23:59:59.9999999999999999999Z",
        "2016-12-31T23:59:60Z",
        "2016-12-31T23:59:60.5Z",
        "2017-01-01T00:00:00Z",
        "2017-01-01T00:00:00.0000000000000000001Z",
        "2017-01-01T00:00:00.02Z",
        "2017-01-01T01:00:00.1+01:00",
        "2017-01-01T00:00:01Z",
    ]
    instants = [read_timestamp(text) for text in texts]
    backwards = instants[::-1]
    assert sorted(backwards) == instants


@pytest.mark.parametrize(
    ("text", "digits", "rounded"),
    [
        ("2025-02-07T12:00:00.753906Z", 3, "2025-02-07T12:00:00.754Z"),
        ("2025-02-07T12:00:00.753906Z", 0, "2025-02-07T12:00:01Z"),
        ("2025-02-07T12:00:00.4999Z", 0, "2025-02-07T12:00:00Z"),
        ("2025-02-07T12:00:00.0995Z", 3, "2025-02-07T12:00:00.100Z"),
        ("2025-02-07T12:00:00.9995Z", 3, "2025-02-07T12:00:01.000Z"),
        ("2025-12-31T23:59:59.9996Z", 3, "2026-01-01T00:00:00.000Z"),
        ("2016-12-31T23:59:60.9996Z", 3, "2017-01-01T00:00:00.000Z"),
        ("2016-12-31T23:59:60.123Z", 3, "2016-12-31T23:59:60.123Z"),
        ("9999-12-31T23:59:59.9996Z", 0, "9999-12-31T23:59:59Z"),
        ("2025-02-07T12:00:00Z", 3, "2025-02-07T12:00:00.000Z"),
    ],
)
def test_rounding_goes_to_the_nearest(text: str, digits: int, rounded: str) -> None:
    assert read_timestamp(text).rounded(digits) == rounded


def test_display_has_milliseconds_only_where_there_is_a_fraction() -> None:
    assert read_timestamp("2025-02-07T12:00:00.7539Z").display() == "2025-02-07T12:00:00.754Z"
    assert read_timestamp("2025-02-07T12:00:00.0001Z").display() == "2025-02-07T12:00:00Z"


def test_file_names_floor_to_the_second_in_utc() -> None:
    assert read_timestamp("2025-02-07 13:30:00.999+01:00").in_file_name == "20250207T123000Z"
    assert read_timestamp("2016-12-31T23:59:60.5Z").in_file_name == "20161231T235960Z"


def test_leap_second_counts_as_the_next_in_arithmetic() -> None:
    midnight = datetime(2017, 1, 1, tzinfo=UTC)
    assert read_timestamp("2016-12-31T23:59:60Z").to_datetime() == midnight
    assert read_timestamp("2016-12-31T23:59:60.5Z").to_datetime() == midnight + timedelta(
        seconds=0.5
    )
    assert read_timestamp("9999-12-31T23:59:60Z").to_datetime().year == 9999


@given(
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)),  # noqa: DTZ001
    st.integers(-1439, 1439),
    st.sampled_from(["T", "t", " "]),
)
def test_python_s_own_spelling_is_read_back(naive: datetime, minutes: int, between: str) -> None:
    time = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    read = read_timestamp(time.isoformat(sep=between))
    assert read.to_datetime() == time
    assert read_timestamp(read.exact) == read


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_a_value_error(text: str) -> None:
    try:
        read = read_timestamp(text)
    except ValueError:
        return
    assert read.exact.isascii()
