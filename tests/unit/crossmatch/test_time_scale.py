"""Time columns with a scale, against astropy's own reading."""

from __future__ import annotations

import warnings
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.time import Time, TimeDelta
from astropy.utils import iers

from sirenflow.crossmatch.source_table import read_sources
from sirenflow.errors import TableError

COLUMNS = {"name": "n", "ra": "ra", "dec": "dec", "time": "t"}
TEXTS = ["2026-04-19T03:12:49.250", "2016-12-31T23:59:30", "1999-01-01T00:00:10"]


@pytest.fixture(autouse=True)
def _offline() -> None:
    iers.conf.auto_download = False
    iers.conf.auto_max_age = None


def table(time: Any) -> Table:
    return Table({"n": ["a", "b", "c"], "ra": [1.0] * 3, "dec": [1.0] * 3, "t": time})


def times(path: Path) -> tuple[datetime | None, ...]:
    problems: Counter[str] = Counter()
    (found,) = read_sources(path, COLUMNS, [], problems)
    assert not problems
    return found.time


def utc(time: Time) -> list[datetime]:
    in_utc = time.utc
    in_utc.precision = 6
    return [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in in_utc.isot]


def fits_file(path: Path, values: Any, unit: str = "", **header: Any) -> Path:
    """Write a FITS table by hand, with these cards in its header."""
    columns = [fits.Column(n, "1A", array=["a", "b", "c"]) for n in ("n",)]
    columns += [fits.Column(name, "D", array=[1.0] * 3) for name in ("ra", "dec")]
    values = np.asarray(values)
    code = f"{values.dtype.itemsize // 4}A" if values.dtype.kind == "U" else "D"
    columns.append(fits.Column("t", code, array=values, unit=unit or None))
    unit_ = fits.BinTableHDU.from_columns(columns)
    unit_.header.update({key.replace("_", "-"): value for key, value in header.items()})
    unit_.writeto(path)
    return path


def oracle(path: Path) -> list[datetime]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the observatory's place, which plays no part
        column = Table.read(path, format="fits", astropy_native=True)["t"]
        assert isinstance(column, Time)
        return utc(column)


@pytest.mark.parametrize("scale", ["utc", "tt", "tai", "tdb", "tcg", "tcb", "ut1"])
@pytest.mark.parametrize("ending", ["ecsv", "fits"])
def test_scale_of_an_astropy_column_is_converted_to_utc(
    scale: str, ending: str, tmp_path: Path
) -> None:
    path = tmp_path / f"t.{ending}"
    time = Time(TEXTS, scale=scale)
    table(time).write(path)
    assert times(path) == tuple(utc(time))


@pytest.mark.parametrize("ending", ["ecsv", "fits"])
def test_leap_second_counts_as_the_second_after_it(ending: str, tmp_path: Path) -> None:
    table(Time(["2016-12-31T23:59:60.5"] * 3, scale="utc").tai).write(tmp_path / f"t.{ending}")
    expected = datetime(2017, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)
    assert times(tmp_path / f"t.{ending}") == (expected,) * 3


def test_offsets_from_utc_are_those_of_the_scales(tmp_path: Path) -> None:
    """TAI is 37 s ahead of UTC since 2017, and TT another 32.184 s."""
    for scale, seconds in (("tai", 37.0), ("tt", 69.184)):
        path = tmp_path / f"{scale}.fits"
        table(Time(["2026-04-19T03:00:00"] * 3, scale=scale)).write(path)
        (first, *_) = times(path)
        assert first is not None
        assert (datetime(2026, 4, 19, 3, tzinfo=UTC) - first).total_seconds() == seconds


@pytest.mark.parametrize("method", ["jd1_jd2", "formatted_value"])
@pytest.mark.parametrize("format_", ["mjd", "jd", "isot", "unix", "decimalyear", "gps"])
def test_format_of_an_astropy_column_plays_no_part(
    method: str, format_: str, tmp_path: Path
) -> None:
    time = Time(TEXTS, scale="tai")
    time.format = format_
    written = table(time)
    written["t"].info.serialize_method["ecsv"] = method
    written.write(tmp_path / "t.ecsv")
    expected = utc(Table.read(tmp_path / "t.ecsv")["t"])
    assert times(tmp_path / "t.ecsv") == tuple(expected)


@pytest.mark.parametrize("ending", ["ecsv", "fits"])
def test_masked_times_are_missing(ending: str, tmp_path: Path) -> None:
    written = table(Time(TEXTS, scale="tt"))
    written["t"][1] = np.ma.masked
    written.write(tmp_path / f"t.{ending}")
    first, second, third = times(tmp_path / f"t.{ending}")
    assert second is None
    assert [first, third] == [utc(Time(TEXTS, scale="tt"))[i] for i in (0, 2)]


@pytest.mark.parametrize(
    ("values", "unit", "header"),
    [
        ([61149.25, 57753.0, 51179.5], "d", {"TCTYP4": "TT"}),
        ([61149.25, 57753.0, 51179.5], "d", {"TCTYP4": "TIME", "TIMESYS": "TAI"}),
        ([61149.25, 57753.0, 51179.5], "d", {"TCUNI4": "d", "TIMESYS": "TDB"}),
        ([61149.25, 57753.0, 51179.5], "d", {"TRPOS4": "GEOCENTER", "TIMESYS": "TDT"}),
        ([2461149.75, 2457753.5, 2451180.0], "d", {"TCTYP4": "TT", "JDREF": 0.0}),
        ([7.8e8, 5e8, 1.0], "s", {"TCTYP4": "TT", "MJDREF": 51910.0007428703684}),
        ([7e3, 5e3, 1.5], "d", {"TCTYP4": "TDB", "JDREF": 2451910.5, "TIMESYS": "UTC"}),
        ([7.8e8, 5e8, 1.0], "s", {"TCTYP4": "TAI", "DATEREF": "2001-01-01T00:00:00"}),
        ([7.8e8, 5e8, 1.0], "s", {"TCTYP4": "UTC", "DATEREF": "2001-01-01"}),
        (TEXTS, "", {"TCTYP4": "TT"}),
        (TEXTS, "", {"TCTYP4": "TIME", "TIMESYS": "TAI"}),
        (TEXTS, "", {"TCTYP4": "UTC", "TIMESYS": "TAI"}),
    ],
)
def test_fits_time_column_is_what_astropy_reads(
    values: Any, unit: str, header: dict[str, Any], tmp_path: Path
) -> None:
    path = fits_file(tmp_path / "t.fits", values, unit, **header)
    for found, expected in zip(times(path), oracle(path), strict=True):
        assert found is not None
        assert abs((found - expected).total_seconds()) < 2e-6


def test_reference_may_be_split_into_integer_and_fraction(tmp_path: Path) -> None:
    """As event files of Fermi and Swift have it; astropy reads MJDREF only."""
    reference = {"MJDREFI": 51910, "MJDREFF": 7.428703703703703e-4, "TIMESYS": "TT"}
    path = fits_file(tmp_path / "t.fits", [7.8e8, 5e8, 1.0], "s", **reference)
    start = Time(51910, 7.428703703703703e-4, format="mjd", scale="tt")
    assert times(path) == tuple(utc(start + TimeDelta([7.8e8, 5e8, 1.0], format="sec")))


@pytest.mark.parametrize(("unit", "seconds"), [("s", 1.0), ("d", 86400.0)])
@pytest.mark.parametrize("split", [True, False])
def test_timeunit_holds_for_a_column_without_a_unit(
    unit: str, seconds: float, split: bool, tmp_path: Path
) -> None:
    reference = {"MJDREFI": 51910, "MJDREFF": 0.25} if split else {"MJDREF": 51910.25}
    counts = np.array([7.8e8, 5e8, 0.0]) / seconds
    path = fits_file(tmp_path / "t.fits", counts, TIMEUNIT=unit, TIMESYS="TT", **reference)
    start = Time(51910, 0.25, format="mjd", scale="tt")
    expected = utc(start + TimeDelta([7.8e8, 5e8, 0.0], format="sec"))
    for found, wanted in zip(times(path), expected, strict=True):
        assert found is not None
        assert abs((found - wanted).total_seconds()) < 2e-6


def test_timeoffs_is_added_to_the_reference_time(tmp_path: Path) -> None:
    """Rots et al. 2015: in TIMEUNIT, and added to the reference time."""
    cards = {"TIMESYS": "TT", "TIMEUNIT": "d", "TIMEOFFS": 0.5}
    start = Time(51910, 0.5, format="mjd", scale="tt")
    path = fits_file(tmp_path / "t.fits", [7.8e8, 5e8, 0.0], "s", MJDREF=51910.0, **cards)
    assert times(path) == tuple(utc(start + TimeDelta([7.8e8, 5e8, 0.0], format="sec")))
    mjd = [61149.25, 57753.0, 51179.5]
    path = fits_file(tmp_path / "mjd.fits", mjd, "d", MJDREF=0.0, TCTYP4="UTC", **cards)
    assert times(path) == tuple(utc(Time(np.add(mjd, 0.5), format="mjd", scale="utc")))


def test_pair_with_one_number_is_no_time(tmp_path: Path) -> None:
    path = tmp_path / "t.fits"
    table([[61149.0, np.nan], [np.nan, 0.25], [61149.0, 0.25]]).write(path)
    expected = datetime(2026, 4, 19, 6, tzinfo=UTC)
    assert times(path) == (None, None, expected)


@pytest.mark.parametrize(
    ("cards", "problem"),
    [
        ({"TIMEZERO": 100.0, "MJDREF": 51910.0}, "is shifted by TIMEZERO = 100.0, which is not of"),
        ({"MJDREF": "noon"}, "the FITS card MJDREF is 'noon'; expected a number"),
        ({"MJDREFI": 51910, "MJDREFF": "x"}, "the FITS card MJDREFF is 'x'; expected a number"),
        ({"DATEREF": "in 2001"}, "the FITS card DATEREF is 'in 2001'; expected a date such as"),
        ({"MJDREF": 5e4, "TIMEOFFS": "x"}, "the FITS card TIMEOFFS is 'x'; expected a number"),
        (
            {"MJDREF": 5e4, "TIMEOFFS": 1.0, "TIMEUNIT": "a"},
            "TIMEOFFS is in TIMEUNIT 'a'; expected",
        ),
    ],
)
def test_card_that_cannot_be_used_is_named(
    cards: dict[str, Any], problem: str, tmp_path: Path
) -> None:
    path = fits_file(tmp_path / "t.fits", [7.8e8] * 3, "s", **cards)
    with pytest.raises(TableError, match=r"t\.fits: ") as caught:
        times(path)
    assert problem in str(caught.value)
    assert "cannot be read" not in str(caught.value)


def test_reference_plays_no_part_for_texts(tmp_path: Path) -> None:
    cards = {"MJDREF": "noon", "TIMEZERO": 1.0, "TIMEUNIT": "s"}
    path = fits_file(tmp_path / "t.fits", TEXTS, **cards)
    assert times(path) == tuple(utc(Time(TEXTS, scale="utc")))


def test_timesys_holds_for_columns_without_time_keywords(tmp_path: Path) -> None:
    for number, values in enumerate([[61149.25, 57753.0, 51179.5], TEXTS]):
        path = fits_file(tmp_path / f"{number}.fits", values, TIMESYS="TT")
        format_ = "mjd" if number == 0 else "isot"
        assert times(path) == tuple(utc(Time(values, format=format_, scale="tt")))


def test_mjd_beside_an_astropy_time_column_counts_from_zero(tmp_path: Path) -> None:
    """Astropy writes JDREF = 0 for its own columns only."""
    written = table([61149.25, 57753.0, 51179.5])
    written["other"] = Time(TEXTS, scale="tt")
    written.write(tmp_path / "t.fits")
    expected = Time([61149.25, 57753.0, 51179.5], format="mjd", scale="utc")
    assert times(tmp_path / "t.fits") == tuple(utc(expected))


@pytest.mark.parametrize(
    ("unit", "header", "problem"),
    [
        ("d", {"TCTYP4": "LOCAL"}, "a time column is in 'LOCAL'; expected one of the time scales"),
        ("d", {"TIMESYS": "GPS"}, "a time column is in 'GPS'; expected one of the time scales UTC"),
        ("s", {}, "a time column is in 's'; expected days (MJD), or a header with MJDREF"),
        ("yr", {"MJDREF": 5e4}, "a time column is in 'yr'; expected days (MJD), or a header with"),
        ("d", {"TRPOS4": "BARYCENTER"}, "has the reference position 'BARYCENTER'; expected times"),
        ("d", {"TREFPOS": "HELIOCENTER"}, "has the reference position 'HELIOCENTER'; expected"),
    ],
)
def test_times_that_cannot_be_converted_are_an_error(
    unit: str, header: dict[str, Any], problem: str, tmp_path: Path
) -> None:
    path = fits_file(tmp_path / "t.fits", [61149.25] * 3, unit, **header)
    with pytest.raises(TableError, match=r"t\.fits: a time column ") as caught:
        times(path)
    assert problem in str(caught.value)


@pytest.mark.parametrize("ending", ["ecsv", "fits"])
def test_three_numbers_per_time_are_an_error(ending: str, tmp_path: Path) -> None:
    table(np.full((3, 3), 61149.25)).write(tmp_path / f"t.{ending}")
    with pytest.raises(TableError, match="per row"):
        times(tmp_path / f"t.{ending}")


def test_column_of_durations_is_an_error(tmp_path: Path) -> None:
    table(TimeDelta([1.0, 2.0, 3.0], format="jd")).write(tmp_path / "t.ecsv")
    with pytest.raises(TableError, match="column 't' is of the type TimeDelta"):
        times(tmp_path / "t.ecsv")


def test_unit_other_than_days_is_an_error(tmp_path: Path) -> None:
    written = table([1.0, 2.0, 3.0])
    written["t"].unit = "yr"
    written.write(tmp_path / "t.ecsv")
    with pytest.raises(TableError, match=r"a time column is in 'yr'; expected days \(MJD\)"):
        times(tmp_path / "t.ecsv")


def test_times_outside_the_years_of_the_table_are_counted(tmp_path: Path) -> None:
    problems: Counter[str] = Counter()
    for ending in ("ecsv", "fits"):
        path = tmp_path / f"t.{ending}"
        table(Time([1e6, 2461149.5, 9e6], format="jd", scale="tt")).write(path)
        (found,) = read_sources(path, COLUMNS, [], problems)
        assert [time is None for time in found.time] == [True, False, True]
    assert list(problems.values()) == [4]
