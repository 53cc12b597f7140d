"""How products are written: the same content is always the same bytes."""

import json
import math
from pathlib import Path
from typing import Any

import msgspec

DIGITS = 10
"""Digits of a sum: the last ones of thousands of terms differ between processors."""
SOLVED_DIGITS = 6
"""Digits of what was solved for, to a relative error of about 1e-6."""
_ENCODE = json.JSONEncoder(sort_keys=True, allow_nan=False, separators=(",", ":")).encode
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_json(path: Path, value: Any) -> None:
    """Write JSON with sorted keys, in ASCII.

    Raise ValueError if a number is not finite: JSON has none such.
    """
    path.write_text(json_lines(value) + "\n", encoding="ascii")


def json_lines(value: Any) -> str:
    """Return the text of `json.dumps(value, sort_keys=True, indent=1, allow_nan=False)`.

    `json` with an indent is written in Python: it takes three times as long as its encoder in C
    with msgspec's formatter (32 and 10 ms for the products of 20 superevents). That does not accept
    lone surrogates, which the record of a hostile alert can hold.
    """
    try:
        return msgspec.json.format(_ENCODE(value), indent=1)
    except msgspec.DecodeError:
        return json.dumps(value, sort_keys=True, indent=1, allow_nan=False)


def rounded(value: float | None, digits: int = DIGITS) -> float | None:
    """Round a computed number to the significant digits that every processor agrees on.

    None stays None, and so becomes what is not finite: JSON has no such number.
    """
    if value is None or not math.isfinite(value):
        return None
    shorter = float(f"{value:.{digits}g}")
    return shorter if math.isfinite(shorter) else value


def round_digits(value: float, digits: int = DIGITS) -> float:
    """Round a finite number to significant digits."""
    return float(f"{value:.{digits}g}")


def formula_safe(text: str) -> str:
    """Disarm a text that a spreadsheet would run as a formula, by a quote before it."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
