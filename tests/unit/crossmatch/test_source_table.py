"""A user's own table, in each format: the same sources, and a reason for every row left out."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from astropy import units
from astropy.coordinates import Angle
from astropy.io import fits
from astropy.table import MaskedColumn, Table
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from sirenflow.crossmatch import table_reader
from sirenflow.crossmatch.source_table import Sources, read_sources
from sirenflow.errors import TableError
from sirenflow.observing.angles import dec_to_deg, ra_to_deg

COLUMNS = {"name": "Name", "ra": "RA", "dec": "Dec", "distance": "D", "weight": "L"}
CONTENT: dict[str, list[Any]] = {
    "Name": ["NGC 1", "M 31", "PGC 3"],
    "RA": [10.5, 359.25, 0.0],
    "Dec": [-90.0, 41.25, 90.0],
    "D": [40.0, 0.77, 120.5],
    "L": [1.0, 0.0, 2.5],
    "extra": ["a", "b", "c"],
}


def write(path: Path, content: Mapping[str, Sequence[Any]]) -> Path:
    match path.suffix:
        case ".csv":
            with path.open("w", newline="", encoding="utf-8") as stream:
                writer = csv.writer(stream)
                writer.writerow(content)
                writer.writerows(zip(*content.values(), strict=True))
        case ".ecsv":
            Table(dict(content)).write(path, format="ascii.ecsv")
        case ".fits":
            Table(dict(content)).write(path, format="fits")
        case _:
            parquet.write_table(pa.table(dict(content)), path)
    return path


def read(path: Path, columns: Mapping[str, str] = COLUMNS, *required: str) -> list[Sources]:
    return list(read_sources(path, columns, required, Counter()))


def problems(path: Path, columns: Mapping[str, str] = COLUMNS, *required: str) -> dict[str, int]:
    found: Counter[str] = Counter()
    list(read_sources(path, columns, required, found))
    return dict(found)


@pytest.mark.parametrize("ending", ["csv", "ecsv", "fits", "parquet"])
@pytest.mark.parametrize("block", [2, 100_000])
def test_every_format_gives_the_same_sources(
    ending: str, block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_reader, "BLOCK_ROWS", block)
    blocks = read(write(tmp_path / f"t.{ending}", CONTENT), COLUMNS, "distance")
    assert [name for found in blocks for name in found.name] == CONTENT["Name"]
    assert [row for found in blocks for row in found.row.tolist()] == [1, 2, 3]
    for field, column in (("ra_deg", "RA"), ("dec_deg", "Dec"), ("distance_mpc", "D")):
        assert np.concatenate([getattr(f, field) for f in blocks]).tolist() == CONTENT[column]
    assert np.concatenate([found.weight for found in blocks]).tolist() == CONTENT["L"]
    assert {time for found in blocks for time in found.time} == {None}


@pytest.mark.parametrize("ending", ["csv", "ecsv", "fits", "parquet"])
def test_missing_column_is_named_beside_those_found(ending: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"t.{ending}", CONTENT)
    with pytest.raises(TableError) as caught:
        read(path, {**COLUMNS, "ra": "ra", "weight": "mass"})
    assert str(caught.value) == (
        f"{path}: has no column 'ra', 'mass'; found Name, RA, Dec, D, L, extra"
    )


@pytest.mark.parametrize("ending", ["csv", "ecsv", "fits", "parquet"])
def test_missing_and_damaged_file_is_named(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"t.{ending}"
    with pytest.raises(TableError, match=r"t\.\w+ does not exist$"):
        read(path)
    path.write_bytes(b"")
    with pytest.raises(TableError, match=r"t\.\w+( cannot be read|: has no column)"):
        read(path)
    path.write_bytes(b"\x00\xff junk" * 400)
    with pytest.raises(TableError, match=r"t\.\w+( cannot be read|: has no column)"):
        read(path)


def test_column_that_the_table_has_twice_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("Name,RA,Dec,D,L,RA,other,other\na,1,1,1,1,2,0,0\n")
    with pytest.raises(TableError, match=r"has more than one column 'RA'; expected one of each"):
        read(path)


def test_decimal_comma_does_not_move_values_to_the_next_column(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("Name,RA,Dec,D,L\na,1,1,1,1,,\nb,12,5,1,40,1\n")
    with pytest.raises(TableError) as caught:
        read(path)
    assert str(caught.value) == (
        f"{path}: line 3 has 6 values for 5 columns; expected a point in decimal numbers, and "
        "quotes around a text with a comma"
    )


def test_other_ending_is_refused_and_nothing_is_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "t.pkl"
    path.write_bytes(b"cos\nsystem\n(S'touch pwned'\ntR.")
    with pytest.raises(TableError, match=r"expected a table that ends in \.csv, \.ecsv, \.fits"):
        read(path)


def test_fits_without_a_table_is_told(tmp_path: Path) -> None:
    fits.PrimaryHDU(np.zeros((4, 4))).writeto(tmp_path / "t.fits")
    with pytest.raises(TableError, match="has no binary table"):
        read(tmp_path / "t.fits")


@pytest.mark.parametrize("ending", ["ecsv", "fits"])
def test_stated_units_are_converted(ending: str, tmp_path: Path) -> None:
    table = Table({"Name": ["a"], "L": [1.0]})
    table["RA"] = [2.0] * units.hourangle if ending == "ecsv" else [np.pi / 6] * units.rad
    table["Dec"] = [-30 * 60.0] * units.arcmin
    table["D"] = [40_000.0] * units.kpc
    table.write(tmp_path / f"t.{ending}")
    (found,) = read(tmp_path / f"t.{ending}")
    assert (found.ra_deg[0], found.dec_deg[0]) == (pytest.approx(30), pytest.approx(-30))
    assert found.distance_mpc[0] == pytest.approx(40)


def test_unit_that_is_none_of_the_kind_is_refused(tmp_path: Path) -> None:
    table = Table({**{k: CONTENT[k] for k in ("Name", "RA", "Dec", "L")}})
    table["D"] = [1.0, 2.0, 3.0] * units.s
    table.write(tmp_path / "t.ecsv")
    with pytest.raises(TableError, match=r"a column is in 's'; expected a unit such as Mpc"):
        read(tmp_path / "t.ecsv")


def test_rows_that_cannot_be_used_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(
        "Name,RA,Dec,D,L\nok,-10,5,40,1\nra,361,0,1,1\nra,,0,1,1\nra,nan,0,1,1\ndec,1,-90.01,1,1\n"
        "dec,1,x,1,1\nfar,1,1,0,1\nfar,1,1,,1\nfar,1,1,inf,1\nheavy,1,1,1,-1\nheavy,1,1,1,nan\n"
        "short,1\n\nturn,360,0,1e-3,0\n"
    )
    (found,) = read(path, COLUMNS, "distance")
    assert found.name == ("ok", "turn")
    assert found.row.tolist() == [1, 13]
    assert found.ra_deg.tolist() == [350, 0]
    assert problems(path, COLUMNS, "distance") == {
        "left out: no right ascension between -180 and 360 deg": 3,
        "left out: no declination between -90 and 90 deg": 3,
        "left out: no distance above 0 and below a million Mpc": 3,
        "left out: no weight of 0 or more": 2,
    }


def test_source_that_may_do_without_distance_keeps_its_place(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("Name,RA,Dec,D,L\na,1,1,,1\nb,1,1,-5,1\nc,1,1,x,1\nd,1,1,5,1\n")
    (found,) = read(path)
    assert np.isnan(found.distance_mpc).tolist() == [True, True, True, False]
    assert problems(path) == {
        "used without distance: no distance above 0 and below a million Mpc": 2
    }


def test_numbers_of_python_only_are_not_numbers(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("Name,RA,Dec,D,L\na,1_0,1,4_0,1\nb,10,1,\uff14,1\nc,10,1,40,1\n")
    (found,) = read(path)
    assert found.name == ("b", "c")
    assert np.isnan(found.distance_mpc).tolist() == [True, False]


def test_masked_and_null_values_are_missing(tmp_path: Path) -> None:
    table = Table({name: MaskedColumn(values) for name, values in CONTENT.items()})
    for column, row in (("RA", 0), ("D", 1), ("Name", 2)):
        table[column].mask[row] = True
    table.write(tmp_path / "t.ecsv")
    table["whole"] = MaskedColumn([1, 2, 3], mask=[False, False, True])
    table.write(tmp_path / "t.fits")
    nulls = {**CONTENT, "RA": [None, 359.25, 0.0], "D": [40, None, 120], "Name": ["", "M 31", None]}
    parquet.write_table(pa.table(nulls), tmp_path / "t.parquet")
    for ending in ("ecsv", "fits", "parquet"):
        (found,) = read(tmp_path / f"t.{ending}")
        assert (found.row.tolist(), found.name) == ([2, 3], ("M 31", None)), ending
        assert np.isnan(found.distance_mpc).tolist() == [True, False]
    (found,) = read(tmp_path / "t.fits", {**COLUMNS, "distance": "whole"})
    assert np.isnan(found.distance_mpc).tolist() == [False, True]


@pytest.mark.parametrize("ending", ["csv", "ecsv", "fits", "parquet"])
def test_names_are_cleaned_and_cut(ending: str, tmp_path: Path) -> None:
    names = ["a\x1b[2J\tb", "x" * 200, "<b>&"]
    (found,) = read(write(tmp_path / f"t.{ending}", {**CONTENT, "Name": names}))
    assert found.name[0] is not None
    assert "\x1b" not in found.name[0]
    assert found.name[1] == "x" * 59 + "…"
    assert found.name[2] == "<b>&"


@pytest.mark.parametrize("ending", ["csv", "ecsv", "fits", "parquet"])
def test_numbers_may_be_names(ending: str, tmp_path: Path) -> None:
    names = [107530200118459, 2, 3]
    (found,) = read(write(tmp_path / f"t.{ending}", {**CONTENT, "Name": names}))
    assert found.name == ("107530200118459", "2", "3")


def test_file_begins_with_a_byte_order_mark_and_has_bytes_of_no_text(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xef\xbb\xbfName, RA ,Dec,D,L\r\n\xff\xfe,1,2,3,4\r\n")
    (found,) = read(path)
    assert found.name == ("\ufffd\ufffd",)
    assert found.ra_deg.tolist() == [1]


def test_no_rows_give_no_sources(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("Name,RA,Dec,D,L\n")
    assert sum(map(len, read(tmp_path / "t.csv"))) == 0


# ------------------------------------------------------------------------------ angles, times


@given(
    st.integers(0, 23), st.integers(0, 59), st.integers(0, 59), st.sampled_from([":", "hms", " "])
)
def test_hours_are_what_astropy_reads(h: int, m: int, s: int, style: str) -> None:
    text = (
        f"{h}h{m:02}m{s:02}.5s" if style == "hms" else style.join((f"{h:02}", f"{m:02}", f"{s}.5"))
    )
    assert ra_to_deg(text) == pytest.approx(Angle(text, unit="hourangle").deg, abs=1e-9)


@given(
    st.integers(0, 89), st.integers(0, 59), st.integers(0, 59), st.sampled_from([":", "dms", " "])
)
def test_degrees_and_minutes_are_what_astropy_reads(d: int, m: int, s: int, style: str) -> None:
    text = f"-{d}d{m:02}m{s:02}.5s" if style == "dms" else "-" + style.join(map(str, (d, m, s)))
    assert dec_to_deg(text) == pytest.approx(Angle(text, unit="deg").deg, abs=1e-9)
    assert dec_to_deg(text.replace("-", "−")) == dec_to_deg(text)


@pytest.mark.parametrize(
    ("text", "ra"),
    [
        ("360", 0),
        ("-10", 350),
        (" 12.5 ", 12.5),
        ("-0:00:01", 360 - 1 / 240),
        ("-1e-20", 0),
        ("10d30m00s", 10.5),
        ("24:00:00", 0),
        ("360.1", None),
        ("-181", None),
        ("25:00:00", None),
        ("nan", None),
        ("inf", None),
        ("", None),
        ("12:60:00", None),
        ("12:5", None),
        ("x", None),
        ("1.", 1),
        (".5E1", 5),
        ("+1e+1", 10),
        ("1_0", None),
        ("\uff11\uff12", None),  # full-width digits
        ("\u0661\u0662:30:00", None),  # Arabic-Indic digits
        ("12:30:0\u0661", None),
        ("0x10", None),
        ("1e", None),
        (".", None),
        ("1\n2", None),
    ],
)
def test_right_ascensions_in_and_out_of_bounds(text: str, ra: float | None) -> None:
    assert ra_to_deg(text) == (None if ra is None else pytest.approx(ra))


@pytest.mark.parametrize(
    ("text", "dec"),
    [
        ("-17.3", -17.3),
        ("+90", 90),
        ("-0:30:00", -0.5),
        ("90:00:01", None),
        ("-90.01", None),
        ("1h00m00s", None),
        ("nan", None),
        ("--1", None),
        ("1_0", None),
        ("\uff11", None),
    ],
)
def test_declinations_in_and_out_of_bounds(text: str, dec: float | None) -> None:
    assert dec_to_deg(text) == (None if dec is None else pytest.approx(dec))


def test_time_that_cannot_be_read_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(
        "Name,RA,Dec,t\na,1,1,2026-11-22\nb,1,1,soon\nc,1,1,\nd,1,1,04/05/2026\n"
        "e,1,1,03/05/2026\nf,1,1,2026-04-19.1339\n"
    )
    columns = {"name": "Name", "ra": "RA", "dec": "Dec", "time": "t"}
    (found,) = read(path, columns)
    assert [time is None for time in found.time] == [False, True, True, True, True, False]
    assert found.time[-1] == datetime(2026, 4, 19, 3, 12, 48, 960000, tzinfo=UTC)
    assert problems(path, columns) == {
        "used without time: neither ISO 8601 nor a decimal day nor an MJD, between 1900 and "
        "2100": 1,
        "used without time: a time with two readings: '04/05/2026' can be 2026-05-04 or "
        "2026-04-05; write it as 2026-04-19T03:12:49Z": 2,
    }


def test_column_of_two_numbers_per_row_is_an_error(tmp_path: Path) -> None:
    for ending in ("fits", "ecsv"):
        path = tmp_path / f"t.{ending}"
        Table({**CONTENT, "RA": np.ones((3, 2))}).write(path)
        with pytest.raises(TableError, match=r"a column has 2 values per row; expected one"):
            read(path)


def test_times_of_other_formats_are_read(tmp_path: Path) -> None:
    columns = {"name": "Name", "ra": "RA", "dec": "Dec", "time": "t"}
    when = datetime(2026, 11, 22, 3, tzinfo=UTC)
    parquet.write_table(pa.table({**CONTENT, "t": [when, None, when]}), tmp_path / "t.parquet")
    (found,) = read(tmp_path / "t.parquet", columns)
    assert found.time == (when, None, when)
    Table({**CONTENT, "t": Time(["2026-11-22T03:00:00"] * 3)}).write(tmp_path / "t.ecsv")
    (found,) = read(tmp_path / "t.ecsv", columns)
    assert found.time == (when,) * 3
