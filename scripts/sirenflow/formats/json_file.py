"""How products are written: the same content is always the same bytes."""

from __future__ import annotations

import json
import math
from json.encoder import encode_basestring_ascii
from pathlib import Path
from typing import Any

DIGITS = 10
"""Digits of a sum: the last ones of thousands of terms differ between processors."""
SOLVED_DIGITS = 6
"""Digits of what was solved for, to a relative error of about 1e-6."""
_ENCODE = json.JSONEncoder(allow_nan=False).encode
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_json(path: Path, value: Any) -> None:
    """Write JSON with sorted keys, in ASCII.

    Raises
    ------
    ValueError
        If a number is not finite: JSON has none such.
    """
    path.write_text(json_lines(value) + "\n", encoding="ascii")


def json_lines(value: Any, line: str = "\n") -> str:
    """Write what `json.dumps(value, sort_keys=True, indent=1, allow_nan=False)` does, but sooner.

    With an indent, that yields text a few characters at a time.

    Parameters
    ----------
    value
        What JSON can hold; every key is a text.
    line
        What begins a line of the text that it is a part of.
    """
    if isinstance(value, str):
        return encode_basestring_ascii(value)
    if isinstance(value, float) and math.isfinite(value):
        return float.__repr__(value)
    if not value or not isinstance(value, (dict, list, tuple)):
        return "null" if value is None else _ENCODE(value)
    inner = f"{line} "
    if isinstance(value, dict):
        named = [
            f"{encode_basestring_ascii(name)}: {json_lines(value[name], inner)}"
            for name in sorted(value)
        ]
        return f"{{{inner}{f',{inner}'.join(named)}{line}}}"
    return f"[{inner}{f',{inner}'.join([json_lines(part, inner) for part in value])}{line}]"


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
