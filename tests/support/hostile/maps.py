"""Maps that break a rule of FITS, of multi-order maps, or of probability; and some that do not."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from io import BytesIO
from typing import Any

import numpy as np
from astropy.table import Table
from builders import (
    PRIMARY,
    SPHERE_SR,
    all_cells,
    cell_area_sr,
    distance_columns,
    fits_map,
    header,
    padded,
    same_distance_columns,
)
from hostile import bombs
from hostile.bombs import MIB
from hostile.case import MU_MPC, SIGMA_MPC, Case, Make, Outcome, good_map, with_map

from fuzz.mutations import Raw

_DISTANCE = {"DISTMEAN": MU_MPC, "DISTSTD": SIGMA_MPC}


def _columns() -> dict[str, Any]:
    return same_distance_columns(MU_MPC, SIGMA_MPC, level=1)


def _cards(**cards: object) -> Make:
    """Write the good map with other cards; None takes one out."""
    return lambda: fits_map(_columns(), {**_DISTANCE, **cards})


def _with(name: str, row: int, value: float) -> Make:
    """Write the good map with another value in one row."""

    def make() -> bytes:
        columns = _columns()
        columns[name][row] = value
        return fits_map(columns, _DISTANCE)

    return make


def _as(change: Callable[[dict[str, Any]], Mapping[str, Any]]) -> Make:
    """Write the good map with its columns changed."""
    return lambda: fits_map(change(_columns()), _DISTANCE)


def _rows(chosen: Callable[[np.ndarray[Any, Any]], Any]) -> Make:
    """Write the good map with some of its rows only, or in another order."""

    def make() -> bytes:
        columns = _columns()
        rows = chosen(np.arange(len(columns["UNIQ"])))
        return fits_map({name: column[rows] for name, column in columns.items()}, _DISTANCE)

    return make


def _scaled(factor: float) -> Make:
    return _as(lambda columns: {**columns, "PROBDENSITY": columns["PROBDENSITY"] * factor})


def _cells(cells: Callable[[], np.ndarray[Any, Any]]) -> Make:
    """Write a map of some cells, with as much probability in all as there is."""

    def make() -> bytes:
        uniq = cells()
        n = len(uniq)
        density = np.full(n, 1 / cell_area_sr(uniq).sum())
        distance = distance_columns([MU_MPC] * n, [SIGMA_MPC] * n)
        return fits_map({"UNIQ": uniq, "PROBDENSITY": density, **distance}, _DISTANCE)

    return make


def _gzip_bomb(mebibytes: int) -> bytes:
    return bombs.deflate(mebibytes, start=good_map(), wbits=16 + zlib.MAX_WBITS)


def _gzipped(data: bytes) -> bytes:
    return gzip.compress(data, 6, mtime=0)


def _bomb_of_zeros() -> bytes:
    """Compress a table of 255 MiB, all zero."""
    zeros = np.zeros(255 * MIB // 40, np.int64)
    return _gzipped(fits_map({name: zeros.astype(c.dtype) for name, c in _columns().items()}))


def _bomb_of_cells(rows: int) -> bytes:
    """Compress a table of which every row is a cell, the same twelve again and again."""
    uniq = np.resize(all_cells(0).astype("i4"), rows)
    return _gzipped(
        fits_map({"UNIQ": uniq, "PROBDENSITY": np.full(rows, 1 / SPHERE_SR, "f4")}, _DISTANCE)
    )


def _large() -> bytes:
    """Compress a map of as many rows as are measured: the sphere at level 9, all the same."""
    uniq = all_cells(9).astype("i4")
    values = {"PROBDENSITY": 1 / SPHERE_SR, **distance_columns([MU_MPC], [SIGMA_MPC])}
    columns = {name: np.full(len(uniq), value, "f4") for name, value in values.items()}
    return _gzipped(fits_map({"UNIQ": uniq, **columns}, _DISTANCE))


def _votable() -> bytes:
    """Write the good map as a VOTable, which astropy would read if it were asked to guess."""
    stream = BytesIO()
    Table(_columns()).write(stream, format="votable")
    return stream.getvalue()


def _image() -> bytes:
    """Write an image in the table's place."""
    cards = [("XTENSION", "IMAGE"), ("BITPIX", 8), ("NAXIS", 1), ("NAXIS1", 1)]
    return PRIMARY + header([*cards, ("PCOUNT", 0), ("GCOUNT", 1)]) + padded(b"\0")


def _changed(old: bytes, new: bytes) -> Make:
    """Change some bytes of the good map."""

    def make() -> bytes:
        good = good_map()
        assert good.count(old) == 1
        assert len(old) == len(new)
        return good.replace(old, new)

    return make


def _longer_header(cards: int) -> Make:
    return lambda: fits_map(_columns(), _DISTANCE, [("COMMENTX", "x" * 60)] * cards)


def _finest() -> np.ndarray[Any, Any]:
    """Give cells of every level: of twelve one is split, then one of its children, and so on."""
    uniq = list(all_cells(0))
    for level in range(29):
        cell = uniq.pop() if level else uniq.pop(3)
        uniq += [4 * cell + child for child in range(4)]
    return np.array(uniq, dtype=np.int64)


def _unsigned() -> bytes:
    """Write the good map as a writer of unsigned integers would."""
    columns = _columns()
    columns["UNIQ"] = columns["UNIQ"] ^ -(2**63)
    return fits_map(columns, {**_DISTANCE, "TZERO1": 2**63})


def _case(name: str, make: Make, outcome: Outcome, reason: str = "") -> Case:
    sent_as = "Avro and JSON, GW and combined map"
    return Case(name, sent_as, lambda: with_map(make()), outcome, reason)


CASES = (
    # No FITS file, or none that can be read.
    _case("nothing", lambda: b"", "no map", "expected a FITS file"),
    _case("zeros", lambda: bytes(5760), "no map", "expected a FITS file"),
    _case("a VOTable", _votable, "no map", "expected a FITS file"),
    _case("CSV", lambda: b"UNIQ,PROBDENSITY\n4,1\n", "no map", "expected a FITS file"),
    _case("HDF5", lambda: b"\x89HDF\r\n\x1a\n" + bytes(2048), "no map", "expected a FITS file"),
    _case("a pickle", lambda: b"\x80\x04\x8c\x02os.", "no map", "expected a FITS file"),
    _case("its first block only", lambda: good_map()[:2880], "no map", "no HDU 1"),
    _case("its first 100 bytes only", lambda: good_map()[:100], "no map", "no END"),
    _case("truncated in the header", lambda: good_map()[:4000], "no map", "no END"),
    _case(
        "truncated in the table",
        lambda: good_map()[:6000],
        "no map",
        "cut short: 6,000 of 8,640 bytes",
    ),
    _case("no END", lambda: good_map().replace(b"END     ", b"ENX     "), "no map", "no END"),
    _case(
        "header of 64 MB, gzipped",
        lambda: _gzipped(PRIMARY[:320] + b" " * (64 * MIB)),
        "no map",
        "blocks long",
    ),
    _case(
        "header of 10 MB of blanks",
        lambda: PRIMARY[:320] + b" " * (10 * MIB // 2880 * 2880),
        "no map",
        "blocks long",
    ),
    _case("100,000 cards", _longer_header(100_000), "no map", "blocks long"),
    _case("gzip bomb, 1 GiB", lambda: _gzip_bomb(1024), "no map", "holds more than"),
    _case("gzip bomb, 10 GiB", lambda: _gzip_bomb(10 * 1024), "no map", "holds more than"),
    _case(
        "gzip in gzip",
        lambda: _gzipped(_gzipped(good_map())),
        "no map",
        "expected a FITS file",
    ),
    _case(
        "gzip, truncated",
        lambda: _gzipped(good_map())[:-20],
        "no map",
        "cut short",
    ),
    _case(
        "gzip, a wrong checksum",
        lambda: _gzipped(good_map())[:-8] + bytes(8),
        "no map",
        "cannot be decompressed",
    ),
    _case(
        "gzip, bytes after it",
        lambda: _gzipped(good_map()) + b"xyz",
        "no map",
        "cannot be decompressed",
    ),
    _case("an image", _image, "no map", "expected BINTABLE"),
    _case(
        "an image in the primary HDU",
        _changed(b"NAXIS   =                    0", b"NAXIS   =                    2"),
        "no map",
        "primary HDU has NAXIS",
    ),
    _case("NAXIS2 = 2^40", _cards(NAXIS2=2**40), "no map", "cut short"),
    _case("NAXIS2 = 2^63", _cards(NAXIS2=2**63), "no map", "cut short"),
    _case("NAXIS2 = -1", _cards(NAXIS2=-1), "no map", "NAXIS2"),
    _case("NAXIS2 = 1.5", _cards(NAXIS2=1.5), "no map", "NAXIS2"),
    _case("NAXIS2 = T", _cards(NAXIS2=True), "no map", "NAXIS2"),
    _case("no NAXIS2", _cards(NAXIS2=None), "no map", "NAXIS2"),
    _case("NAXIS1 = 2^40", _cards(NAXIS1=2**40), "no map", "NAXIS1"),
    _case("NAXIS1 = 0", _cards(NAXIS1=0), "no map", "NAXIS1"),
    _case("NAXIS1 = 39", _cards(NAXIS1=39), "no map", "NAXIS1"),
    _case("TFIELDS = 2^40", _cards(TFIELDS=2**40), "no map", "TFIELDS"),
    _case("TFIELDS = 0", _cards(TFIELDS=0), "no map", "TFIELDS"),
    _case("TFIELDS = 6", _cards(TFIELDS=6), "no map", "TFORM6"),
    _case("TFORM = 999999999D", _cards(TFORM2="999999999D"), "no map", "columns|NAXIS1"),
    _case("TFORM = 2147483648D", _cards(TFORM2="2147483648D"), "no map", "TFORM2"),
    _case("TFORM = Z", _cards(TFORM2="Z"), "no map", "TFORM2"),
    _case(
        "variable-length PROBDENSITY", _cards(TFORM2="1PD(3)"), "numbers withheld", "PROBDENSITY"
    ),
    _case("two columns UNIQ", _cards(TTYPE2="UNIQ"), "no map", "2 columns are named"),
    # A table that is no multi-order map in ICRS.
    _case("zero rows", _rows(lambda rows: rows[:0]), "numbers withheld", "has 0 rows"),
    _case("NAXIS2 = 0", _cards(NAXIS2=0), "numbers withheld", "has 0 rows"),
    _case("UNIQ of another name", _cards(TTYPE1="UNIQUE"), "numbers withheld", "lacks UNIQ"),
    _case(
        "PROBDENSITY of another name",
        _cards(TTYPE2="PROB"),
        "numbers withheld",
        "lacks PROBDENSITY",
    ),
    _case(
        "names in small letters",
        _cards(TTYPE1="uniq", TTYPE2="probdensity"),
        "numbers withheld",
        "lacks",
    ),
    _case(
        "names with markup", _cards(TTYPE1="<script>", TTYPE2="=1+1"), "numbers withheld", "lacks"
    ),
    _case(
        "a name with an escape sequence",
        _changed(b"'PROBDENSITY'", b"'PROB\x1b[2JSIT'"),
        "numbers withheld",
        "lacks PROBDENSITY",
    ),
    _case("COORDSYS = G", _cards(COORDSYS="G"), "numbers withheld", "COORDSYS = 'G'"),
    _case("COORDSYS = 7", _cards(COORDSYS=7), "numbers withheld", "COORDSYS = 7"),
    _case(
        "COORDSYS = without quotes",
        _changed(b"COORDSYS= 'C       '", b"COORDSYS= G         "),
        "numbers withheld",
        "COORDSYS",
    ),
    _case("ORDERING = NESTED", _cards(ORDERING="NESTED"), "numbers withheld", "ORDERING"),
    _case("ORDERING = RING", _cards(ORDERING="RING"), "numbers withheld", "ORDERING"),
    _case("PROBDENSITY in 1/deg2", _cards(TUNIT2="deg-2"), "numbers withheld", "PROBDENSITY is in"),
    _case("PROBDENSITY in pix-1", _cards(TUNIT2="pix-1"), "numbers withheld", "PROBDENSITY is in"),
    _case("DISTMU in kpc", _cards(TUNIT3="kpc"), "numbers withheld", "DISTMU is in"),
    _case(
        "DISTMU in a unit that cannot be read",
        _changed(b"TUNIT3  = 'Mpc     '", b"TUNIT3  = kpc       "),
        "numbers withheld",
        "DISTMU is in",
    ),
    _case("TSCAL of PROBDENSITY = -1", _cards(TSCAL2=-1), "numbers withheld", "scaled"),
    _case("TSCAL of UNIQ = 2", _cards(TSCAL1=2), "numbers withheld", "scaled"),
    _case("TZERO of UNIQ = 4", _cards(TZERO1=4), "numbers withheld", "scaled"),
    _case("TZERO of DISTMU = 100", _cards(TZERO3=100), "numbers withheld", "scaled"),
    _case(
        "TZERO of UNIQ = a complex number",
        _cards(TZERO1=Raw("(9223372036854775808, 0)")),
        "numbers withheld",
        "scaled",
    ),
    _case("TSCAL of DISTMU = NaN", _cards(TSCAL3="NaN"), "numbers withheld", "scaled"),
    _case(
        "UNIQ as floats",
        _as(lambda c: {**c, "UNIQ": c["UNIQ"].astype(float)}),
        "numbers withheld",
        "one integer",
    ),
    _case(
        "UNIQ as text",
        _as(lambda c: {**c, "UNIQ": c["UNIQ"].astype("S8")}),
        "numbers withheld",
        "one integer",
    ),
    _case(
        "PROBDENSITY as text",
        _as(lambda c: {**c, "PROBDENSITY": np.full(48, b"0.0795")}),
        "numbers withheld",
        "one floating-point",
    ),
    _case(
        "PROBDENSITY as integers",
        _as(lambda c: {**c, "PROBDENSITY": np.ones(48, ">i4")}),
        "numbers withheld",
        "one floating-point",
    ),
    _case(
        "PROBDENSITY of two dimensions",
        _as(lambda c: {**c, "PROBDENSITY": np.stack([c["PROBDENSITY"]] * 2, axis=1)}),
        "numbers withheld",
        "one floating-point",
    ),
    _case(
        "UNIQ of two dimensions",
        _as(lambda c: {**c, "UNIQ": np.stack([c["UNIQ"]] * 2, axis=1)}),
        "numbers withheld",
        "one integer",
    ),
    _case(
        "DISTMU of two dimensions",
        _as(lambda c: {**c, "DISTMU": np.stack([c["DISTMU"]] * 2, axis=1)}),
        "numbers withheld",
        "one floating-point",
    ),
    # Values that are no probability.
    _case(
        "PROBDENSITY +inf",
        _with("PROBDENSITY", 5, np.inf),
        "numbers withheld",
        "PROBDENSITY is inf",
    ),
    _case(
        "PROBDENSITY -inf",
        _with("PROBDENSITY", 5, -np.inf),
        "numbers withheld",
        "PROBDENSITY is negative .-inf.",
    ),
    _case(
        "PROBDENSITY NaN",
        _with("PROBDENSITY", 47, np.nan),
        "numbers withheld",
        "PROBDENSITY is not a number",
    ),
    _case("PROBDENSITY all NaN", _scaled(np.nan), "numbers withheld", "not a number in 48 of 48"),
    _case(
        "PROBDENSITY negative",
        _with("PROBDENSITY", 0, -1e-9),
        "numbers withheld",
        "PROBDENSITY is negative .-1e-09.",
    ),
    _case("PROBDENSITY all negative", _scaled(-1), "numbers withheld", "in 48 of 48"),
    _case("PROBDENSITY all zero", _scaled(0), "numbers withheld", "sums to 0"),
    _case(
        "PROBDENSITY 1e308", _scaled(1e309), "numbers withheld", "sums to|PROBDENSITY is infinite"
    ),
    _case("integral 0.5 % too high", _scaled(1.005), "numbers withheld", "sums to 1.005"),
    _case("integral 0.5 % too low", _scaled(0.995), "numbers withheld", "sums to 0.995"),
    _case(
        "a probability each, not a density", _scaled(SPHERE_SR / 48), "numbers withheld", "sums to"
    ),
    # Cells that are no partition of the sphere.
    *(
        _case(f"UNIQ = {value}", _with("UNIQ", 7, value), "numbers withheld", "not a HEALPix cell")
        for value in (0, 1, 2, 3, -1, -(2**63), 2**62 + 5, 2**63 - 1)
    ),
    _case("a missing cell", _rows(lambda rows: rows[:-1]), "numbers withheld", "missing"),
    _case(
        "a missing cell, the rest made up for it",
        _cells(lambda: all_cells(1)[1:]),
        "numbers withheld",
        "missing",
    ),
    _case(
        "some missing cells of many",
        _cells(lambda: np.delete(all_cells(3), [5, 100, 700])),
        "numbers withheld",
        "missing",
    ),
    _case(
        "a cell twice",
        _rows(lambda rows: np.append(rows, 5)),
        "numbers withheld",
        "1 of them overlaps",
    ),
    _case(
        "a cell in place of another", _with("UNIQ", 7, 20), "numbers withheld", "1 of them overlaps"
    ),
    _case(
        "a cell and its children",
        _cells(lambda: np.append(all_cells(1), [4, 5])),
        "numbers withheld",
        "overlap",
    ),
    _case(
        "half of the sphere",
        _cells(lambda: all_cells(2)[:96]),
        "numbers withheld",
        "50 % of it is missing",
    ),
    _case(
        "a cell of level 29, alone",
        _cells(lambda: np.array([2**61])),
        "numbers withheld",
        "missing",
    ),
    # Large tables in small files.
    _case(
        "gzip bomb of 6 million rows, all zero",
        _bomb_of_zeros,
        "numbers withheld",
        "6,684,672 rows",
    ),
    _case(
        "gzip bomb of 33 million rows, the same twelve cells",
        partial(_bomb_of_cells, 255 * MIB // 8),
        "numbers withheld",
        "33,423,360 rows",
    ),
    _case(
        "gzip bomb of 3 million rows, the same twelve cells",
        partial(_bomb_of_cells, 12 * 4**9),
        "numbers withheld",
        "overlap",
    ),
    # As good as any.
    _case("nothing wrong", good_map, "shown"),
    _case("gzipped", lambda: _gzipped(good_map()), "shown"),
    _case("rows in another order", _rows(lambda rows: rows[::-1]), "shown"),
    _case("UNIQ unsigned", _unsigned, "shown"),
    _case(
        "single precision",
        _as(lambda c: {**c, "PROBDENSITY": c["PROBDENSITY"].astype("f4")}),
        "shown",
    ),
    _case("one column more", _as(lambda c: {**c, "<script>": np.zeros(48)}), "shown"),
    _case("cells of every level", _cells(_finest), "shown"),
    _case(
        "cards that repeat others",
        lambda: fits_map(_columns(), _DISTANCE, [("COORDSYS", "G"), ("NAXIS2", 1)]),
        "shown",
    ),
    _case(
        "a card that cannot be read",
        _changed(b"PIXTYPE = 'HEALPIX '", b"PIXTYPE = \xff\xfe'\xe9\x1b[2J\0 "),
        "shown",
    ),
    _case("no integral of the distance", _cards(DISTMEAN="<b>", DISTSTD=-1), "shown"),
    _case("gzip of 3 million rows, a whole map", _large, "shown"),
    _case("bytes after the table", lambda: good_map() + b"\x1b[2J" * 1000, "shown"),
)
