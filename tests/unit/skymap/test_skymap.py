"""FITS bytes become a map that covers the sphere once, or a reason; never anything else."""

from __future__ import annotations

import gzip
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from builders import (
    PRIMARY,
    SPHERE_SR,
    all_cells,
    fits_map,
    flat_columns,
    flat_map,
    header,
    padded,
    same_distance_columns,
)
from hypothesis import given
from hypothesis import strategies as st
from tilings import Tiling, tilings

from sirenflow.errors import SkymapError, SkymapValueError
from sirenflow.skymap import fits_table
from sirenflow.skymap.localization import measure_skymap
from sirenflow.skymap.skymap import Skymap, read_skymap

FLAT = flat_map()
ROWS = len(all_cells(0))


def changed(name: str, values: Any, **cards: object) -> bytes:
    """Write the flat map with another column."""
    return fits_map({**flat_columns(), name: np.asarray(values)}, cards)


def one_value(value: float) -> list[float]:
    """PROBDENSITY with another value in one row."""
    return [value, *[1 / SPHERE_SR] * (ROWS - 1)]


def map_or_reason(data: bytes) -> Skymap | str:
    """Read and measure; whatever is neither a map nor a SkymapError fails the test."""
    try:
        skymap = read_skymap(data)
    except SkymapError as error:
        return str(error)
    measure_skymap(skymap, [50, 90])
    return skymap


# ---------------------------------------------------------------------------- what is accepted


def test_columns_and_cards_are_as_sent(tmp_path: Path) -> None:
    """Astropy reads the same file, so the builder writes FITS and not merely what we read."""
    columns = same_distance_columns(40.0, 8.0, level=1)
    data = fits_map(columns, {"DISTMEAN": 41.5, "CREATOR": "BAYESTAR"})
    (tmp_path / "map.fits").write_bytes(data)
    skymap = read_skymap(data)
    with fits.open(tmp_path / "map.fits") as hdus:
        for name in columns:
            assert np.array_equal(getattr(skymap, name.lower()), hdus[1].data[name])
        assert skymap.header["DISTMEAN"] == hdus[1].header["DISTMEAN"] == 41.5
        assert skymap.header["CREATOR"] == "BAYESTAR"


@pytest.mark.parametrize("level", range(30))
def test_uniq_identity_at_every_level(level: int) -> None:
    ipix = sorted({0, 1, 4**level, 12 * 4**level // 2, 12 * 4**level - 1})
    uniq = np.array([4 ** (level + 1) + i for i in ipix], np.int64)
    none = np.ones(len(ipix))
    skymap = Skymap(uniq, none, None, None, None, {})
    assert skymap.level.tolist() == [level] * len(ipix)
    assert skymap.ipix.tolist() == ipix
    assert skymap.area_sr == pytest.approx(SPHERE_SR / (12 * 4**level), rel=1e-15)


def test_map_down_to_the_deepest_level_is_read() -> None:
    """One cell is split again and again; the last four are of level 29."""
    uniq = list(range(5, 16))
    last = 4
    for _ in range(29):
        uniq += [4 * last + 1, 4 * last + 2, 4 * last + 3]
        last *= 4
    skymap = read_skymap(
        fits_map({"UNIQ": [*uniq, last], "PROBDENSITY": [1 / SPHERE_SR] * (len(uniq) + 1)})
    )
    assert (skymap.level.min(), skymap.level.max()) == (0, 29)
    assert skymap.probability.sum() == pytest.approx(1, rel=1e-14)


def test_order_of_rows_does_not_matter() -> None:
    columns = flat_columns(2)
    shuffled = np.random.default_rng(1).permutation(columns["UNIQ"])
    skymap = read_skymap(fits_map({**columns, "UNIQ": shuffled}))
    assert skymap.uniq.tolist() == shuffled.tolist()


@pytest.mark.parametrize(
    ("dtype", "zero"),
    [
        (">i2", None),
        (">i4", None),
        (">i8", None),
        (">i2", 2**15),
        (">i4", 2**31),
        (">i8", 2**63),
        (">i8", 9.223372036854775808e18),
    ],
)
def test_uniq_of_every_integer_type_is_read(dtype: str, zero: float | None) -> None:
    stored = np.array([u - int(zero or 0) for u in range(4, 16)], np.int64).astype(dtype)
    cards = {} if zero is None else {"TSCAL1": 1, "TZERO1": zero}
    assert read_skymap(changed("UNIQ", stored, **cards)).uniq.tolist() == list(range(4, 16))


def test_single_precision_is_read() -> None:
    density = np.full(ROWS, 1 / SPHERE_SR, np.float32)
    skymap = read_skymap(changed("PROBDENSITY", density))
    assert skymap.probdensity.tolist() == density.astype(float).tolist()
    assert skymap.probdensity.dtype == np.float64


@pytest.mark.parametrize("total", [0.999, 0.9995, 1.0005, 1.001])
def test_probability_may_miss_one_by_a_thousandth(total: float) -> None:
    read_skymap(changed("PROBDENSITY", np.full(ROWS, total / SPHERE_SR)))


@pytest.mark.parametrize("unit", ["sr-1", "1/sr", "sr^-1", "sr**-1", "1 / sr", None])
def test_spellings_of_the_unit_are_taken(unit: str | None) -> None:
    read_skymap(flat_map(TUNIT2=unit))


@pytest.mark.parametrize("name", ["ORDERING", "COORDSYS", "PIXTYPE", "INDXSCHM"])
def test_convention_left_unsaid_is_the_usual_one(name: str) -> None:
    read_skymap(flat_map(**{name: None}))


def test_first_of_a_repeated_card_counts() -> None:
    data = fits_map(flat_columns(), {"DISTMEAN": 40.0}, extra=[("DISTMEAN", 50.0)])
    assert read_skymap(data).header["DISTMEAN"] == 40.0


def test_columns_that_nobody_asked_for_are_ignored() -> None:
    more = {"NOTE": np.array([b"text"] * ROWS), "PAIR": np.zeros((ROWS, 2)), "N": np.arange(ROWS)}
    skymap = read_skymap(fits_map({**more, **flat_columns()}, {"TSCAL3": -2, "TZERO3": 7}))
    assert skymap.distmu is None
    assert len(skymap) == ROWS


def test_distance_needs_all_three_columns() -> None:
    columns = same_distance_columns(40.0, 8.0)
    del columns["DISTNORM"]
    assert read_skymap(fits_map(columns)).distmu is None


def test_distance_columns_may_be_infinite_or_nan() -> None:
    columns = same_distance_columns(40.0, 8.0)
    columns["DISTMU"][:2] = [np.inf, np.nan]
    assert np.isnan(read_skymap(fits_map(columns)).distmu[1])


# ----------------------------------------------------------------------------- order of rows


@given(tilings(), st.randoms(use_true_random=False))
def test_rows_rank_by_density_and_then_along_the_curve(tiling: Tiling, random: object) -> None:
    for cells in (tiling, tiling.shuffled(random), tiling.level_out().shuffled(random)):
        skymap = cells.skymap
        density, level = skymap.probdensity.tolist(), skymap.level.tolist()
        leaf = [i * 4 ** (29 - at) for i, at in zip(skymap.ipix.tolist(), level, strict=True)]
        expected = sorted(range(len(skymap)), key=lambda row: (-density[row], leaf[row]))
        assert skymap.first_leaf.tolist() == leaf
        assert skymap.rank.tolist() == expected


@pytest.mark.parametrize("level", [0, 3])
def test_rows_in_the_order_of_the_curve_keep_it_where_they_tie(level: int) -> None:
    skymap = read_skymap(flat_map(level))
    assert skymap.rank.tolist() == list(range(len(skymap)))


# --------------------------------------------------- FITS, but no numbers can be trusted


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (changed("PROBDENSITY", np.full(ROWS, np.nan)), "is not a number in 12 of 12 rows"),
        (changed("PROBDENSITY", one_value(np.nan)), "is not a number in 1 of 12 rows"),
        (changed("PROBDENSITY", one_value(np.inf)), "is infinite in 1 of 12 rows"),
        (changed("PROBDENSITY", one_value(-0.01)), r"is negative \(-0.01\) in 1 of 12 rows"),
        (changed("PROBDENSITY", np.full(ROWS, 0.9 / SPHERE_SR)), "sums to 0.9;"),
        (changed("PROBDENSITY", np.full(ROWS, 1.002 / SPHERE_SR)), "sums to 1.002;"),
        (changed("PROBDENSITY", np.full(ROWS, 1e308)), "sums to inf;"),
        (changed("PROBDENSITY", np.zeros(ROWS)), "sums to 0;"),
        (changed("PROBDENSITY", np.array([b"0.07958"] * ROWS)), "floating-point number"),
        (changed("PROBDENSITY", np.ones((ROWS, 2)) / SPHERE_SR), "floating-point number"),
        (changed("PROBDENSITY", np.ones(ROWS, int)), "floating-point number"),
        (changed("UNIQ", np.arange(4.0, 16.0)), "UNIQ .* one integer"),
        (changed("UNIQ", range(5, 17)), "exactly once"),
        (
            changed("UNIQ", [4, 4, *range(6, 16)]),
            "exactly once: 1 of them overlaps others, 8.33 % of it is missing",
        ),
        (changed("UNIQ", [16, *range(5, 16)]), "exactly once: 6.25 % of it is missing"),
        (changed("UNIQ", [4, 16, *range(6, 16)]), "exactly once: 1 of them overlaps others"),
        (
            changed("UNIQ", np.full(ROWS, 4)),
            "exactly once: 11 of them overlap others, 91.7 % of it is missing",
        ),
        (changed("UNIQ", [-1, *range(5, 16)]), "UNIQ = -1 is not a HEALPix cell; expected 4 to"),
        (changed("UNIQ", [0, *range(5, 16)]), "UNIQ = 0 is not a"),
        (changed("UNIQ", [3, *range(5, 16)]), "UNIQ = 3 is not a"),
        (changed("UNIQ", [2**62 + 5, *range(5, 16)]), "is not a HEALPix cell"),
        (changed("UNIQ", [-(2**63), *range(5, 16)]), "is not a HEALPix cell"),
        (changed("UNIQ", [2**63 - 1, *range(5, 16)]), "is not a HEALPix cell"),
        (flat_map(COORDSYS="G"), "COORDSYS = 'G'; expected C"),
        (flat_map(ORDERING="RING"), "ORDERING = 'RING'; expected NUNIQ"),
        (flat_map(ORDERING="NESTED"), "ORDERING = 'NESTED'; expected NUNIQ"),
        (flat_map(TTYPE2="PROB"), r"lacks PROBDENSITY \(found UNIQ, PROB\)"),
        (flat_map(TTYPE1="PIX", TTYPE2="PROB"), "lacks UNIQ and PROBDENSITY"),
        (flat_map(TUNIT2="deg-2"), "PROBDENSITY is in 'deg-2'; expected 'sr-1'"),
        (flat_map(TUNIT2="pix-1"), "PROBDENSITY is in 'pix-1'; expected 'sr-1'"),
        (fits_map(same_distance_columns(40.0, 8.0), {"TUNIT3": "kpc"}), "DISTMU is in 'kpc'"),
        (fits_map(same_distance_columns(40.0, 8.0), {"TUNIT5": "Mpc"}), "DISTNORM is in 'Mpc'"),
        (flat_map(TSCAL2=-1), "PROBDENSITY is scaled"),
        (flat_map(TZERO1=1), "UNIQ is scaled"),
        (flat_map(TSCAL1=2, TZERO1=2**63), "UNIQ is scaled"),
        (fits_map(same_distance_columns(40.0, 8.0), {"TSCAL3": -1}), "DISTMU is scaled"),
        (fits_map({name: a[:0] for name, a in flat_columns().items()}), "has 0 rows"),
    ],
)
def test_map_without_honest_numbers_is_told_apart(data: bytes, reason: str) -> None:
    with pytest.raises(SkymapValueError, match=reason):
        read_skymap(data)


# --------------------------------------------------------------------------- no FITS at all


def no_end() -> bytes:
    return FLAT[:2880] + FLAT[2880:5760].replace(b"END     ", b"COMMENT ")


def many_cards(count: int) -> bytes:
    return PRIMARY + header([("HISTORY", "x")] * count) + padded(b"")


VOTABLE = b"""<?xml version="1.0"?><VOTABLE version="1.3"><RESOURCE><TABLE>
<FIELD name="UNIQ" datatype="long"/><FIELD name="PROBDENSITY" datatype="double"/>
<DATA><TABLEDATA><TR><TD>4</TD><TD>0.0795</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>
"""


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty; expected a FITS file"),
        (b"SIMPL", "the file is cut short: 5 bytes; expected a FITS file"),
        (VOTABLE, "expected a FITS file"),
        (b"# %ECSV 1.0\nUNIQ PROBDENSITY\n4 0.0795\n", "expected a FITS file"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "expected a FITS file"),
        (b"SIMPLE  =", "cut short in its header, which has no END card: 9 of at least 2,880 bytes"),
        # XTENSION, BITPIX, NAXIS, NAXIS1, NAXIS2: two blocks of header and one of table.
        (FLAT[: 2880 + 5 * 80], "no END card: 3,280 of at least 8,640 bytes"),
        (FLAT[: 2880 + 4 * 80], "no END card: 3,200 of at least 5,760 bytes"),
        (PRIMARY, "no HDU 1"),
        (PRIMARY + bytes(2880), "no END"),
        (no_end(), "no END"),
        (no_end() + b" " * 2880 * 1000, "blocks long"),
        (many_cards(100_000), "blocks long"),
        (header([("SIMPLE", True), ("NAXIS", 2)]) + FLAT[2880:], "NAXIS = 2; expected 0"),
        (flat_map(XTENSION="IMAGE"), "HDU 1 is 'IMAGE'"),
        (flat_map(NAXIS2=2**40), f"cut short: 8,640 of .* bytes .{2**40:,} rows"),
        (flat_map(NAXIS2=10**60), "cut short"),
        (flat_map(NAXIS2=-1), "NAXIS2 = -1"),
        (flat_map(NAXIS2=12.0), "NAXIS2 = 12.0"),
        (flat_map(NAXIS2=None), "NAXIS2 = None"),
        (flat_map(NAXIS1=17), "NAXIS1 = 17"),
        (flat_map(TFIELDS=0), "TFIELDS = 0"),
        (flat_map(TFIELDS=10**9), "TFIELDS = 10"),
        (flat_map(TFIELDS="two"), "TFIELDS = 'two'"),
        (flat_map(TFIELDS=3), "TFORM3"),
        (flat_map(TFORM2="Z"), "TFORM2 = 'Z'"),
        (flat_map(TFORM2=None), "TFORM2 = None"),
        (flat_map(TFORM2="999999999D"), "NAXIS1|columns"),
        (flat_map(TFORM1="999999999D", TFORM2="999999999M"), "NAXIS1|columns"),
        (flat_map(TTYPE2="UNIQ"), "2 columns are named 'UNIQ'; expected one"),
        (FLAT[:-2880], "cut short: 5,760 of 8,640 bytes .12 rows of 16 bytes"),
        (fits_map(flat_columns(), rows=False), "5,760 of 8,640 bytes .12 rows"),
        (FLAT.replace(b"NAXIS2  =", b"NAXIS2   "), "NAXIS2"),
        (FLAT.replace(b"'BINTABLE'", b"\xff\xfeNTABLE\xff\xff"), "FITS|HDU 1"),
    ],
)
def test_what_is_no_fits_table_is_rejected(data: bytes, reason: str) -> None:
    with pytest.raises(SkymapError, match=reason) as caught:
        read_skymap(data)
    assert not isinstance(caught.value, SkymapValueError)


def test_hostile_header_costs_little_time() -> None:
    """A header of 100,000 cards took astropy 13 s."""
    data = many_cards(100_000)
    start = time.process_time()
    map_or_reason(data)
    map_or_reason(many_cards(2_000))
    assert time.process_time() - start < 1.5


# ------------------------------------------------------------------------------------- gzip


def test_gzipped_map_is_read() -> None:
    assert read_skymap(gzip.compress(FLAT)).uniq.tolist() == list(range(4, 16))


def test_gzip_bomb_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fits_table, "MAX_FITS_BYTES", 2**20)
    bomb = gzip.compress(FLAT + bytes(2**24))
    with pytest.raises(SkymapError, match="holds more than"):
        read_skymap(bomb)


def test_gzip_inside_gzip_is_no_map() -> None:
    with pytest.raises(SkymapError, match="expected a FITS file"):
        read_skymap(gzip.compress(gzip.compress(FLAT)))


def test_every_truncated_or_corrupt_gzip_is_a_map_or_a_reason() -> None:
    data = gzip.compress(FLAT)
    for position in range(len(data)):
        map_or_reason(data[:position])
        map_or_reason(data[:position] + bytes([data[position] ^ 0x55]) + data[position + 1 :])


def test_gzip_of_nonsense_is_rejected() -> None:
    for data in (
        b"\x1f\x8b",
        b"\x1f\x8b" + bytes(50),
        gzip.compress(b"")[:12] + zlib.compress(b""),
    ):
        with pytest.raises(SkymapError):
            read_skymap(data)


# ------------------------------------------------------------------------------ any bytes


@given(st.binary(max_size=3_000))
def test_any_bytes_are_a_map_or_a_reason(data: bytes) -> None:
    map_or_reason(data)
    map_or_reason(PRIMARY + data)
    map_or_reason(PRIMARY + padded(data, b" "))


@given(st.lists(st.tuples(st.integers(0, len(FLAT) - 1), st.integers(0, 255)), max_size=20))
def test_any_changed_bytes_are_a_map_or_a_reason(changes: list[tuple[int, int]]) -> None:
    data = bytearray(FLAT)
    for position, value in changes:
        data[position] = value
    map_or_reason(bytes(data))


@pytest.mark.slow
def test_every_changed_byte_of_the_table_header_is_a_map_or_a_reason() -> None:
    used = len(FLAT[2880:5760].rstrip()) + 2880
    for position in range(2880, used):
        for value in b"\0'9":
            data = bytearray(FLAT)
            data[position] = value
            map_or_reason(bytes(data))


header_values = st.one_of(
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text("abcDEF019 ^*-/\\", max_size=20),
)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "NAXIS1",
                "NAXIS2",
                "TFIELDS",
                "TFORM1",
                "TFORM2",
                "TTYPE1",
                "TTYPE2",
                "TUNIT2",
                "TSCAL1",
                "TZERO1",
                "TSCAL2",
                "TZERO2",
                "ORDERING",
                "COORDSYS",
                "XTENSION",
                "DISTMEAN",
                "DISTSTD",
                "CREATOR",
                "INSTRUME",
            ]
        ),
        header_values,
        max_size=4,
    )
)
def test_any_cards_are_a_map_or_a_reason(cards: dict[str, object]) -> None:
    map_or_reason(flat_map(**cards))


@pytest.mark.parametrize(
    "card",
    [b"CREATOR = '\xc3\xa9'", b"CREATOR = 1.2.3", b"LOGBCI  = inf", b"COMMENT \xff", b"X = 'open"],
)
def test_card_that_nothing_depends_on_spoils_no_map(card: bytes) -> None:
    data = flat_map(SPARE=1)
    start = data.index(b"SPARE ")
    assert len(read_skymap(data[:start] + card.ljust(80) + data[start + 80 :])) == ROWS


def test_broken_card_that_matters_is_missed() -> None:
    data = FLAT.replace(b"TTYPE1  = 'UNIQ    '", b"TTYPE1  = 'UNIQ     ")
    with pytest.raises(SkymapValueError, match=r"lacks UNIQ \(found col1, PROBDENSITY\)"):
        read_skymap(data)
