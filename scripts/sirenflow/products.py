"""How products are written: the same content is always the same bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_DIGITS = 10


def write_json(path: Path, value: Any) -> None:
    """Write JSON with sorted keys, in ASCII.

    Raises
    ------
    ValueError
        If a number is not finite: JSON has none such.
    """
    text = json.dumps(value, sort_keys=True, indent=1, allow_nan=False)
    path.write_text(text + "\n", encoding="ascii")


def rounded(value: float | None) -> float | None:
    """Round a computed number to 10 significant digits.

    The last digits of a sum of thousands differ between processors; products must not.
    """
    return None if value is None else float(f"{value:.{_DIGITS}g}")
