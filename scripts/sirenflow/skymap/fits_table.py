"""A FITS binary table from untrusted bytes.

astropy parses the cards; the table is a view of the bytes behind them, once their sizes agree.
https://fits.gsfc.nasa.gov/fits_standard.html, sections 4.4 and 7.3.

Errors say what was found and what was expected: they are shown on the page.
"""

import gzip
import re
import warnings
import zlib
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from io import BytesIO
from typing import Any, TypeGuard

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning
from numpy.typing import NDArray

from sirenflow.errors import SkymapError

MAX_FITS_BYTES = 256 * 2**20
"""Most that a gzipped map may expand to."""

_BLOCK = 2880
_CARD = 80
# A map of the field has 50 cards; its history may add some hundred.
_MAX_HEADER_BLOCKS = 64
# Bytes an element, numpy kind and FITS code of the column formats in the FITS standard 4.0, 7.3.1.
_FORMATS = {"L": "S1", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}
_FORMATS |= {"C": ">c8", "M": ">c16", "A": "S1", "P": "V8", "Q": "V16", "X": "V1"}
_TFORM = re.compile(r"(\d{0,9})([LBIJKEDCMAPQX])")
_SIGNATURE = b"SIMPLE  ="
_COMMENTARY = (b"", b"COMMENT", b"HISTORY", b"END")


def read_table(data: bytes) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read the binary table in HDU 1 of a FITS file, gzipped or not.

    Return its columns by name, arrays of shape (rows,) or (rows, repeat) as stored, unsigned
    integers restored, and the header's cards, the first of each name. A column scaled in another
    way is an array of one text that says so. Raise SkymapError if the bytes are not such a file.
    """
    data = _gunzip(data)
    _check_signature(data)
    primary, end = _read_cards(data, 0)
    if primary.get("NAXIS") != 0:
        raise SkymapError(
            f"the primary HDU has NAXIS = {primary.get('NAXIS')!r}; expected 0: the sky map is the "
            "table in HDU 1"
        )
    if end >= len(data):
        raise SkymapError(
            f"the file is cut short, or has no HDU 1: it ends at byte {len(data):,}, after the "
            "primary header; expected the sky map's table there"
        )
    header, start = _read_cards(data, end)
    if header.get("XTENSION") != "BINTABLE":
        raise SkymapError(f"HDU 1 is {header.get('XTENSION')!r}; expected BINTABLE, a binary table")
    dtype = _row_dtype(header)
    rows = header.get("NAXIS2")
    if not _is_count(rows):
        raise SkymapError(f"NAXIS2 = {rows!r}; expected the number of rows")
    if start + rows * dtype.itemsize > len(data):
        raise SkymapError(
            f"the file is cut short: {len(data):,} of {start + _padded(rows * dtype.itemsize):,} "
            f"bytes ({rows:,} rows of {dtype.itemsize:,} bytes)"
        )
    table = np.frombuffer(data, dtype, count=rows, offset=start)
    names = dtype.names or ()
    return {name: _unsigned(table[name], header, i + 1) for i, name in enumerate(names)}, header


def _check_signature(data: bytes) -> None:
    if not data:
        raise SkymapError("the file is empty; expected a FITS file")
    if data.startswith(_SIGNATURE):
        return
    if _SIGNATURE.startswith(data):
        raise SkymapError(f"the file is cut short: {len(data)} bytes; expected a FITS file")
    begins = ascii(data[: len(_SIGNATURE)].decode("latin-1"))
    raise SkymapError(
        f"the file begins with {begins}; expected a FITS file, which begins with 'SIMPLE  ='"
    )


def _padded(size_bytes: int) -> int:
    """Round up to whole FITS blocks."""
    return -(-size_bytes // _BLOCK) * _BLOCK


def _gunzip(data: bytes) -> bytes:
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        with gzip.open(BytesIO(data)) as stream:
            inside = stream.read(MAX_FITS_BYTES + 1)
    except EOFError as error:
        raise SkymapError(
            f"the gzipped file is cut short: it has no end in its {len(data):,} bytes"
        ) from error
    except (OSError, zlib.error) as error:
        raise SkymapError(f"the gzipped file cannot be decompressed: {error}") from error
    if len(inside) > MAX_FITS_BYTES:
        raise SkymapError(
            f"the gzipped file holds more than {MAX_FITS_BYTES:,} bytes; expected a sky map of less"
        )
    return inside


def _read_cards(data: bytes, offset: int) -> tuple[dict[str, Any], int]:
    """Parse the header unit at a byte; return its cards, the first of each name, and its end."""
    for start in range(offset, offset + _MAX_HEADER_BLOCKS * _BLOCK, _BLOCK):
        block = data[start : start + _BLOCK]
        if len(block) < _BLOCK:
            raise SkymapError(
                f"the file is cut short in its header, which has no END card: {len(data):,} of at "
                f"least {_least_size(data, offset):,} bytes"
            )
        if any(block[i : i + 8] == b"END     " for i in range(0, _BLOCK, _CARD)):
            end = start + _BLOCK
            break
    else:
        raise SkymapError(
            f"the FITS header at byte {offset:,} is over {_MAX_HEADER_BLOCKS} blocks long; "
            f"expected no more than {_MAX_HEADER_BLOCKS * _BLOCK:,} bytes"
        )
    return _cards(data[offset:end]), end


def _cards(header: bytes) -> dict[str, Any]:
    cards: dict[str, Any] = {}
    for start in range(0, len(header), _CARD):
        keyword, value = _card(header[start : start + _CARD])
        cards.setdefault(keyword, value)
    return cards


def _least_size(data: bytes, offset: int) -> int:
    """Return the least size of a file that is cut in the header at a byte, from its cards."""
    header = data[offset : len(data) - (len(data) - offset) % _CARD]
    cards = _cards(header)
    rows, width = cards.get("NAXIS2"), cards.get("NAXIS1")
    table = rows * width if _is_count(rows) and _is_count(width) else 0
    return offset + _padded(len(data) - offset + 1) + _padded(table)


@lru_cache(maxsize=4096)
def _card(image: bytes) -> tuple[str, Any]:
    """Parse a card, cached as maps share most cards; one that cannot be parsed has no value."""
    keyword = image[:8].rstrip()
    if keyword in _COMMENTARY:
        return "", None
    with warnings.catch_warnings(action="ignore", category=AstropyWarning):
        try:
            card = fits.Card.fromstring(image)
            # Complex and undefined ones, which no map has, compare in their own ways.
            value = card.value if isinstance(card.value, bool | int | float | str) else None
            return card.keyword, value
        except (fits.VerifyError, ValueError, KeyError, UnicodeError):
            return keyword.decode("ascii", "replace"), None


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _row_dtype(header: Mapping[str, Any]) -> np.dtype[Any]:
    fields = header.get("TFIELDS")
    if not _is_count(fields) or not 0 < fields < 1000:
        raise SkymapError(f"TFIELDS = {fields!r}; expected the number of columns, 1 to 999")
    description: list[tuple[str, str, int]] = []
    for i in range(1, fields + 1):
        match = _TFORM.match(str(header.get(f"TFORM{i}", "")))
        if match is None:
            raise SkymapError(
                f"TFORM{i} = {header.get(f'TFORM{i}')!r}; expected a FITS format, such as 'D'"
            )
        name = str(header.get(f"TTYPE{i}") or f"col{i}").strip()
        count = int(match[1] or 1)
        if match[2] == "X":  # bits, eight a byte
            count = -(-count // 8)
        description.append((name, _FORMATS[match[2]], count))
    (often, count), *_ = Counter(name for name, *_ in description).most_common(1)
    if count > 1:
        raise SkymapError(f"{count} columns are named {often!r}; expected one")
    try:
        dtype = np.dtype(
            [(name, kind) if n == 1 else (name, kind, (n,)) for name, kind, n in description]
        )
    except (ValueError, TypeError) as error:  # of an absurd size
        raise SkymapError(f"the columns cannot be read: {error}") from error
    if dtype.itemsize == 0 or dtype.itemsize != header.get("NAXIS1"):
        raise SkymapError(
            f"NAXIS1 = {header.get('NAXIS1')!r}; expected {dtype.itemsize}, the bytes that the "
            "columns of a row take"
        )
    return dtype


def _unsigned(column: NDArray[Any], header: Mapping[str, Any], number: int) -> NDArray[Any]:
    """Apply the one scaling that integers are stored with: an offset that makes them unsigned."""
    scale, zero = header.get(f"TSCAL{number}", 1), header.get(f"TZERO{number}", 0)
    if (scale, zero) == (1, 0):
        return column
    unsigned = {2**15: ">i2", 2**31: ">i4", 2**63: ">i8"}
    if scale == 1 and unsigned.get(zero) == column.dtype.str:
        return column.astype(np.int64) + np.int64(zero) if zero < 2**63 else column ^ (-(2**63))
    return np.array(
        [f"TSCAL = {scale!r}, TZERO = {zero!r}"]
    )  # becomes an error if the column is used
