"""FITS headers: byte for byte those that astropy writes."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from sirenflow.formats.fits_file import Card, Value, fits_file, fits_headers

TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60).map(str.rstrip)
VALUES = st.one_of(
    st.booleans(),
    st.integers(-(10**15), 10**15),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXTS,
)


@pytest.mark.filterwarnings("ignore:Card is too long, comment will be truncated")
@given(VALUES, st.sampled_from(["", "as sent", "[deg2] credible area"]))
def test_cards_are_those_of_astropy(value: Value, comment: str) -> None:
    cards: list[Card] = [("VALUE", value, comment)]
    text = fits.Card("VALUE", value, comment)
    if len(str(text)) > 80:  # astropy goes on in the next card
        return
    found = fits_headers(cards)[2880:]
    assert found == fits.Header([text]).tostring().encode("ascii")


@pytest.mark.parametrize("value", [1 / 3, -1.2345678901234567e-100, "x" * 60, "it's", 10**14])
def test_long_values_are_read_as_written(value: Value) -> None:
    written = fits_headers([("VALUE", value, "a comment"), ("NEXT", 1)])
    header = fits.Header.fromstring(written[2880:].decode("ascii"))
    assert header["VALUE"] == pytest.approx(value) if isinstance(value, float) else value
    assert header["NEXT"] == 1


def test_file_is_a_table() -> None:
    cards: list[Card] = [
        ("XTENSION", "BINTABLE", "binary table"),
        ("BITPIX", 8),
        ("NAXIS", 2),
        ("NAXIS1", 8),
        ("NAXIS2", 3),
        ("PCOUNT", 0),
        ("GCOUNT", 1),
        ("TFIELDS", 1),
        ("TTYPE1", "UNIQ"),
        ("TFORM1", "1K"),
    ]
    written = fits_file(cards, np.array([4, 5, 6], dtype=">i8").tobytes())
    assert len(written) % 2880 == 0
    with fits.open(BytesIO(written)) as hdus:
        hdus.verify("exception")
        assert hdus[1].data["UNIQ"].tolist() == [4, 5, 6]
