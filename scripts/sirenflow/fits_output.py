"""FITS files with one table, to bytes: no date in them, so the same content is the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from astropy.io import fits

_BLOCK = 2880
_PRIMARY = fits.Header([("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 0), ("EXTEND", True)]).tostring()


def fits_headers(cards: Sequence[tuple[Any, ...]]) -> bytes:
    """Write the headers of a file whose HDU 1 has these cards: keyword, value, comment if any."""
    return f"{_PRIMARY}{fits.Header(list(cards)).tostring()}".encode("ascii")


def fits_padding(size: int) -> bytes:
    """Give what fills the last block of a table of so many bytes."""
    return bytes(-size % _BLOCK)


def fits_file(cards: Sequence[tuple[Any, ...]], table: bytes) -> bytes:
    """Write a whole file."""
    return fits_headers(cards) + table + fits_padding(len(table))
