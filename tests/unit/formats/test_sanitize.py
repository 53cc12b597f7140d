"""Values that others sent come out clean, or as None: never as something else."""

from __future__ import annotations

import math
import unicodedata
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sirenflow.formats import sanitize

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.just(10**400) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
NUMBERS = [0.0, -1.5, 1e308, 5e-324, 3, -(2**63)]
NO_NUMBERS = [None, True, "1", "NaN", math.nan, math.inf, 10**400, [1], {}]


@given(st.text(st.characters(codec=None), max_size=300), st.integers(2, 200))
def test_text_has_no_character_that_acts_and_no_more_than_the_limit(text: str, limit: int) -> None:
    """By Unicode's categories and bidirectional classes, not by our list."""
    clean = sanitize.text_or_none(text, limit)
    if clean is None:
        assert not text.strip()
        return
    assert len(clean) <= limit
    assert {unicodedata.category(c) for c in clean}.isdisjoint({"Cc", "Cs", "Zl", "Zp"})
    explicit = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    assert {unicodedata.bidirectional(c) for c in clean}.isdisjoint(explicit)
    kept = clean if len(text) <= limit else clean[:-1]
    assert all(c in (sent, "\ufffd") for c, sent in zip(kept, text, strict=False))
    assert clean == kept + "…" * (len(text) > limit)


@pytest.mark.parametrize("character", [*"\0\n\r\t\x1b\x7f\x85", *"\u061c\u200b\u200e\u2028"])
def test_character_that_shows_something_else_is_replaced(character: str) -> None:
    assert sanitize.text_or_none(f"a{character}b") == "a\ufffdb"


@pytest.mark.parametrize("text", ["H1", "é", "日本", "a b", "<b>&", "🔭", "\u0645"])
def test_ordinary_text_is_as_sent(text: str) -> None:
    assert sanitize.text_or_none(text) == text


@pytest.mark.parametrize("value", [None, 1, b"a", ["a"], "", " \n"])
def test_what_is_no_text_is_none(value: object) -> None:
    assert sanitize.text_or_none(value) is None


@pytest.mark.parametrize("value", NUMBERS)
def test_number_is_as_sent(value: float) -> None:
    assert sanitize.number_or_none(value) == value
    assert sanitize.positive_or_none(value) == (value if value > 0 else None)


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_what_is_no_number_is_none(value: object) -> None:
    assert sanitize.number_or_none(value) is None
    assert sanitize.positive_or_none(value) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, 0), (2**63 - 1, 2**63 - 1), (2**63, None), (1.0, None), (True, None), ("1", None)],
)
def test_integer_fits_64_bits(value: object, expected: int | None) -> None:
    assert sanitize.integer_or_none(value) == expected


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_number_of_a_user_is_read_exactly(number: float) -> None:
    assert Fraction(sanitize.number_from_text(repr(number))) == Fraction(number)


@pytest.mark.parametrize("text", ["1_0", "\u0661", "", "1,5", "0x1", "1 2"])
def test_text_that_is_no_number_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"number|could not convert"):
        sanitize.number_from_text(text)


@pytest.mark.parametrize(
    ("function", "value", "expected"),
    [
        (sanitize.boolean_or_none, True, True),
        (sanitize.boolean_or_none, 1, None),
        (sanitize.mapping_or_empty, {"a": 1}, {"a": 1}),
        (sanitize.mapping_or_empty, [("a", 1)], {}),
        (sanitize.texts, ["H1", None, "L1\n", 3], ("H1", "L1\ufffd")),
        (sanitize.texts, "H1", ()),
        (sanitize.texts, ["V1"] * 20, ("V1",) * 8),
        (sanitize.numbers, [1, 2.5], (1.0, 2.5)),
        (sanitize.numbers, [1, None], ()),
        (sanitize.numbers, [0] * 101, ()),
        (sanitize.probabilities, {"BNS": 1, "a": 1.1, "b": -0.1, "": 0.5}, {"BNS": 1.0}),
        (sanitize.probabilities, {str(n): 0 for n in range(20)}, {str(n): 0 for n in range(12)}),
    ],
)
def test_collection_keeps_what_is_of_its_kind(function: Any, value: object, expected: Any) -> None:
    assert function(value) == expected


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1)), st.integers(-840, 840))  # noqa: DTZ001 - UTC
def test_time_goes_there_and_back(time: datetime, minutes_east: int) -> None:
    utc = time.replace(tzinfo=UTC)
    text = sanitize.time_to_text(utc, "microseconds")
    assert text is not None
    assert text.endswith("Z")
    assert sanitize.time_or_none(text) == utc
    sign, (hours, minutes) = "+-"[minutes_east < 0], divmod(abs(minutes_east), 60)
    local = (time + timedelta(minutes=minutes_east)).isoformat(timespec="microseconds")
    assert sanitize.time_or_none(f"{local}{sign}{hours:02}:{minutes:02}") == utc


@pytest.mark.parametrize("value", [None, 0, "", "yesterday", "2026-13-01T00:00:00Z"])
def test_what_is_no_time_is_none(value: object) -> None:
    assert sanitize.time_or_none(value) is None
    assert sanitize.timestamp_or_none(value) is None
    assert sanitize.time_to_text(None) is None


@pytest.mark.parametrize(
    ("url", "is_kept"),
    [
        *((f"{scheme}://gracedb.ligo.org/x?a=%20b", True) for scheme in ("https", "http", "HTTPS")),
        *((f"{scheme}:alert(1)", False) for scheme in ("javascript", "data", "file", "https")),
        *((url, False) for url in ("https:///x", "//host/x", " https://x", "https://x\n", None)),
        ("https://x/" + "y" * 400, False),
    ],
)
def test_only_addresses_of_the_web_are_links(url: object, is_kept: bool) -> None:
    assert sanitize.https_url_or_none(url) == (url if is_kept else None)


@given(JSON)
def test_nothing_raises(value: Any) -> None:
    for name in dir(sanitize):
        if name.endswith(("_or_none", "_or_empty")) or name in ("texts", "numbers"):
            getattr(sanitize, name)(value)
    sanitize.probabilities(value)
