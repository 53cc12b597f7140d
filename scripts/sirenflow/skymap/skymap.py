"""Multi-order sky maps: FITS bytes to validated arrays.

A map is a binary table with one row per HEALPix cell of any level. UNIQ numbers the cell,
PROBDENSITY is its probability density; maps of modelled sources add DISTMU, DISTSIGMA and
DISTNORM, the parameters of the distribution of the distance in that direction. The format is
described in the LIGO/Virgo/KAGRA Public Alerts User Guide,
https://emfollow.docs.ligo.org/userguide/tutorial/multiorder_skymaps.html, and UNIQ in the IVOA's
MOC recommendation.

A file that is not a FITS table raises `SkymapError`: there is nothing to deliver. A table with
values that numbers cannot be computed from raises `SkymapValueError`: it is delivered as sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import astropy_healpix
import numpy as np
from numpy.typing import NDArray

from sirenflow.errors import SkymapValueError
from sirenflow.skymap.fits_table import read_table

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SPHERE_SR = 4 * np.pi
DEG2_PER_SR = (180 / np.pi) ** 2
"""Square degrees in a steradian."""
MAX_LEVEL = 29
"""Deepest HEALPix level that a 64-bit UNIQ can hold."""
INTEGRAL_TOLERANCE = 1e-3
"""Largest accepted distance from 1 of the map's total probability."""
MAX_ROWS = 12 * 4**9
"""Most rows that are measured: as many as the sphere has cells of level 9. Maps of the field have
20,000; one of a megabyte, gzipped, can hold 30 million, which take gigabytes to look at."""

# The levels' UNIQ follow each other without a gap, from 4^(level + 1).
_UNIQ_OF_FIRST, _UNIQ_AFTER_LAST = 4, 4 ** (MAX_LEVEL + 2)

_UNITS = {
    "PROBDENSITY": ("sr-1", "1/sr", "sr^-1", "sr**-1", "sr**(-1)"),
    "DISTMU": ("Mpc",),
    "DISTSIGMA": ("Mpc",),
    "DISTNORM": ("Mpc-2", "1/Mpc2", "Mpc^-2", "Mpc**-2", "Mpc**(-2)", "1/Mpc**2", "1/Mpc^2"),
}
_DISTANCE_COLUMNS = ("DISTMU", "DISTSIGMA", "DISTNORM")


def cell_area_sr(level: Ints) -> Floats:
    """(n,) solid angle of a cell of each HEALPix level, sr."""
    return np.ldexp(SPHERE_SR / 12, -2 * level)


def leaves_of_level(level: Ints) -> Ints:
    """(n,) cells of level 29 in a cell of each HEALPix level."""
    return np.int64(1) << 2 * (MAX_LEVEL - level)


@dataclass(frozen=True, eq=False)
class Skymap:
    """A multi-order sky map.

    Attributes
    ----------
    uniq : (n,) int64
        Number of each row's HEALPix cell: ``ipix + 4**(level + 1)``, nested.
    probdensity : (n,) float64
        Probability density, 1/sr.
    distmu, distsigma : (n,) float64 or None
        Location and scale of the distance ansatz, Mpc; None on a map without distance.
    distnorm : (n,) float64 or None
        Its normalisation, 1/Mpc2.
    header
        The table's FITS cards.
    """

    uniq: Ints
    probdensity: Floats
    distmu: Floats | None
    distsigma: Floats | None
    distnorm: Floats | None
    header: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.uniq)

    @cached_property
    def level(self) -> Ints:
        """(n,) HEALPix level of each row, 0 to 29."""
        level, _ = astropy_healpix.uniq_to_level_ipix(self.uniq)
        return np.asarray(level, dtype=np.int64)

    @cached_property
    def ipix(self) -> Ints:
        """(n,) nested index of each row's cell in its level."""
        return self.uniq - (np.int64(4) << 2 * self.level)

    @cached_property
    def first_leaf(self) -> Ints:
        """(n,) number of the first cell of level 29 in each row: where it begins along the curve.

        The nested numbering of the cells of level 29, the leaves, is a curve over the whole sky, of
        which a cell of level l covers 4^(29 - l) in a row.
        """
        return np.left_shift(self.ipix, 2 * (MAX_LEVEL - self.level))

    @cached_property
    def along_curve(self) -> Ints:
        """(n,) row numbers by ascending `first_leaf`."""
        return np.argsort(self.first_leaf, kind="stable")  # rows are sent in a few sorted runs

    @cached_property
    def area_sr(self) -> Floats:
        """(n,) solid angle of each row's cell, sr."""
        return cell_area_sr(self.level)

    @cached_property
    def probability(self) -> Floats:
        """(n,) probability of each row's cell."""
        return self.probdensity * self.area_sr

    def card_number(self, keyword: str) -> float | None:
        """Value of a header card, if it is a positive finite number."""
        value = self.header.get(keyword)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return float(value) if 0 < value < np.inf else None

    def card_text(self, keyword: str) -> str | None:
        """Value of a header card, if it is a text."""
        value = self.header.get(keyword)
        return value if isinstance(value, str) else None

    @cached_property
    def rank(self) -> Ints:
        """(n,) row numbers by descending PROBDENSITY; rows of equal density by `first_leaf`.

        The tie-break makes the ranking, and every region that is a part of it, independent of the
        order of rows in the file and of how cells are split: the children of a cell follow each
        other along the curve, in its place.
        """
        return np.lexsort((self.first_leaf, -self.probdensity))

    @cached_property
    def enclosed(self) -> Floats:
        """(n,) probability of the first row of `rank`, of the first two, and so on."""
        return np.cumsum(self.probability[self.rank])


@dataclass(frozen=True)
class Peak:
    """The cell of greatest probability density.

    Its centre is not a measured position, and it need not be the cell of greatest probability.
    """

    ra_deg: float
    dec_deg: float
    probdensity_per_sr: float


def peak(skymap: Skymap) -> Peak:
    """Find the centre (ICRS) of the first row of greatest PROBDENSITY.

    The definition is that of the LIGO/Virgo/KAGRA Public Alerts User Guide's sample code.
    """
    row = int(np.argmax(skymap.probdensity))
    nside = astropy_healpix.level_to_nside(int(skymap.level[row]))
    ra, dec = astropy_healpix.healpix_to_lonlat(int(skymap.ipix[row]), nside, order="nested")
    return Peak(float(ra.deg), float(dec.deg), float(skymap.probdensity[row]))


def read_skymap(data: bytes) -> Skymap:
    """Read the sky map in HDU 1 of a FITS file, gzipped or not, from its bytes.

    Raises
    ------
    SkymapError
        If the bytes are not a FITS file with a table.
    SkymapValueError
        If the table is not a multi-order map in ICRS coordinates, or its values are not finite and
        non-negative, do not cover the sphere exactly once, or do not integrate to 1.
    """
    columns, header = read_table(data)
    _check_conventions(header, columns)
    rows = len(columns["UNIQ"])
    if not 0 < rows <= MAX_ROWS:
        raise SkymapValueError(f"the sky map has {rows:,} rows; expected 1 to {MAX_ROWS:,}")
    probdensity = _floats("PROBDENSITY", columns)
    distance: list[Floats | None] = [None, None, None]
    if all(name in columns for name in _DISTANCE_COLUMNS):
        distance = [_floats(name, columns) for name in _DISTANCE_COLUMNS]
    distmu, distsigma, distnorm = distance
    uniq = _column("UNIQ", columns, "i").astype(np.int64)
    skymap = Skymap(uniq, probdensity, distmu, distsigma, distnorm, header)
    _check_values(skymap)
    return skymap


def _check_conventions(header: Mapping[str, Any], columns: Mapping[str, NDArray[Any]]) -> None:
    missing = [name for name in ("UNIQ", "PROBDENSITY") if name not in columns]
    if missing:
        raise SkymapValueError(
            f"the sky map lacks {' and '.join(missing)} (found {', '.join(columns)}); "
            "expected a multi-order map"
        )
    if header.get("ORDERING", "NUNIQ") != "NUNIQ":
        raise SkymapValueError(f"ORDERING = {header['ORDERING']!r}; expected NUNIQ")
    if header.get("COORDSYS", "C") != "C":
        raise SkymapValueError(f"COORDSYS = {header['COORDSYS']!r}; expected C (equatorial)")
    for i, name in enumerate(columns, start=1):
        if name not in _UNITS or f"TUNIT{i}" not in header:
            continue
        unit = header[f"TUNIT{i}"]
        if str(unit).replace(" ", "") not in _UNITS[name]:
            found = repr(unit) if isinstance(unit, str) else "a unit that cannot be read"
            raise SkymapValueError(f"{name} is in {found}; expected {_UNITS[name][0]!r}")


def _column(name: str, columns: Mapping[str, NDArray[Any]], kind: str) -> NDArray[Any]:
    column = columns[name]
    if column.dtype.kind == "U":
        raise SkymapValueError(f"{name} is scaled ({column[0]}); expected plain values")
    if column.ndim != 1 or column.dtype.kind != kind:
        raise SkymapValueError(
            f"{name} holds {_described(column)} in each row; "
            f"expected one {'integer' if kind == 'i' else 'floating-point number'}"
        )
    return column


def _described(column: NDArray[Any]) -> str:
    """Describe what a column holds in each row: "2 floating-point numbers", "8 characters"."""
    one, many = {
        "i": ("an integer", "integers"),
        "u": ("a byte", "bytes"),
        "f": ("a floating-point number", "floating-point numbers"),
        "c": ("a complex number", "complex numbers"),
        "S": ("a character", "characters"),
    }.get(column.dtype.kind, ("bits or a list", "bits or lists"))
    count = int(np.prod(column.shape[1:]))
    return one if count == 1 else f"{count:,} {many}"


def _floats(name: str, columns: Mapping[str, NDArray[Any]]) -> Floats:
    return _column(name, columns, "f").astype(np.float64)


def _check_values(skymap: Skymap) -> None:
    # If one value is NaN, so are both extremes.
    if not (skymap.probdensity.min() >= 0 and skymap.probdensity.max() < np.inf):
        wrong = ~(np.isfinite(skymap.probdensity) & (skymap.probdensity >= 0))
        raise SkymapValueError(
            f"PROBDENSITY is {_wrong_density(float(skymap.probdensity[wrong][0]))} in "
            f"{wrong.sum():,} of {len(skymap):,} rows; expected finite values, none negative"
        )
    if skymap.uniq.min() < _UNIQ_OF_FIRST or skymap.uniq.max() >= _UNIQ_AFTER_LAST:
        wrong = (skymap.uniq < _UNIQ_OF_FIRST) | (skymap.uniq >= _UNIQ_AFTER_LAST)
        raise SkymapValueError(
            f"UNIQ = {skymap.uniq[wrong][0]} is not a HEALPix cell; expected "
            f"{_UNIQ_OF_FIRST} to {_UNIQ_AFTER_LAST - 1}"
        )
    _check_cover(skymap)
    with np.errstate(over="ignore"):
        total = float(skymap.probability.sum())
    if not abs(total - 1) <= INTEGRAL_TOLERANCE:
        raise SkymapValueError(
            f"the probability sums to {total:.6g}; expected 1 within {INTEGRAL_TOLERANCE:g}"
        )


def _wrong_density(value: float) -> str:
    if np.isnan(value):
        return "not a number"
    return "infinite" if value == np.inf else f"negative ({value:g})"


def _check_cover(skymap: Skymap) -> None:
    """Check that the cells tile the sphere: each begins where the one before it ends."""
    order = skymap.along_curve
    first = skymap.first_leaf[order]
    end = first + leaves_of_level(skymap.level[order])
    sphere = 12 << (2 * MAX_LEVEL)
    if first[0] != 0 or end[-1] != sphere or not np.array_equal(end[:-1], first[1:]):
        by_centre = np.argsort(first + end)
        raise SkymapValueError(_cover_problem(first[by_centre], end[by_centre], sphere))


def _cover_problem(first: Ints, end: Ints, sphere: int) -> str:
    """Describe how cells, sorted by their centres along the curve, fail to tile the sphere."""
    overlaps = int(np.sum(end > np.append(first[1:], sphere)))
    reached = np.maximum.accumulate(end)
    new = end - np.maximum(first, np.append(0, reached[:-1]))
    missing = 100 * (1 - float(np.maximum(new, 0).sum()) / sphere)
    verb = "overlaps" if overlaps == 1 else "overlap"
    found = [f"{overlaps:,} of them {verb} others"] if overlaps else []
    if missing > 0:
        found.append(f"{missing:.3g} % of it is missing" if missing >= 0.001 else "gaps are left")
    return f"the cells do not cover the sky exactly once: {', '.join(found)}"
