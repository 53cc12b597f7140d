"""FITS files with one table, to bytes: no date in them, so the same content is the same bytes."""

from collections.abc import Mapping, Sequence

import numpy as np
from astropy.io import fits

Value = bool | int | float | str
Card = tuple[str, Value] | tuple[str, Value, str]
"""Keyword, value, and comment if any."""

_BLOCK = 2880
_CARD = 80


def table_cards(dtype: np.dtype[np.void], rows: int, units: Mapping[str, str]) -> list[Card]:
    """Return the cards of a binary table of integers (64 bits) and doubles."""
    names = dtype.names or ()
    cards: list[Card] = [
        ("XTENSION", "BINTABLE"),
        ("BITPIX", 8),
        ("NAXIS", 2),
        ("NAXIS1", dtype.itemsize),
        ("NAXIS2", rows),
        ("PCOUNT", 0),
        ("GCOUNT", 1),
        ("TFIELDS", len(names)),
    ]
    for i, name in enumerate(names, start=1):
        cards += [(f"TTYPE{i}", name), (f"TFORM{i}", "K" if dtype[name].kind == "i" else "D")]
        cards += [(f"TUNIT{i}", units[name])] if name in units else []
    return cards


def fits_headers(cards: Sequence[Card]) -> bytes:
    """Write the headers of a file whose HDU 1 has these cards."""
    return _header(_PRIMARY) + _header(cards)


def fits_padding(size: int) -> bytes:
    """Return what fills the last block of a table of so many bytes."""
    return bytes(-size % _BLOCK)


def fits_file(cards: Sequence[Card], table: bytes) -> bytes:
    """Write a whole file."""
    return fits_headers(cards) + table + fits_padding(len(table))


_PRIMARY: Sequence[Card] = (("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 0), ("EXTEND", True))


def _header(cards: Sequence[Card]) -> bytes:
    text = "".join(_card(*card) for card in cards) + f"{'END':{_CARD}}"
    return (text + " " * (-len(text) % _BLOCK)).encode("ascii")


def _card(keyword: str, value: Value, comment: str = "") -> str:
    """Write a card in fixed format, as astropy, which takes fifty times as long, would.

    A value that does not fit is left to it; a comment that does not is cut.
    """
    match value:
        case bool():
            field = f"{'T' if value else 'F':>20}"
        case int():
            field = f"{value:>20}"
        case str():
            text = value.replace("'", "''")
            field = f"'{text:8}'".ljust(20)
        case _:
            field = f"{str(value).upper():>20}"
    if len(field) > (_CARD - 10 if isinstance(value, str) else 20):
        return str(fits.Card(keyword, value, comment))
    card = f"{keyword:8}= {field}{f' / {comment}' if comment else ''}"
    return f"{card:{_CARD}}"[:_CARD]
