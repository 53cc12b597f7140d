"""Angles as people write them: degrees, or hours or degrees with minutes and seconds."""

import re

# Python's own numbers may also be "1_0", "nan", or in digits of any script.
_DEGREES = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_SEXAGESIMAL = re.compile(
    r"""([+-]?)\s*(\d{1,3})\s*([hd°:\s])\s*   # hours or degrees
        ([0-5]?\d)\s*[m'′:\s]\s*              # minutes
        ([0-5]?\d(?:\.\d*)?)\s*["″s]?         # seconds
    """,
    re.ASCII | re.VERBOSE,
)


def ra_to_deg(text: str) -> float | None:
    """Read a right ascension: a number is in degrees, 12:34:56.7 and 12h34m56.7s in hours.

    Return deg, 0 to 360 (not included); None where the text is none, or beyond -180 to 360 deg.
    """
    angle = _angle(text, hours=True)
    return angle % 360.0 % 360.0 if angle is not None and -180 <= angle <= 360 else None


def dec_to_deg(text: str) -> float | None:
    """Read a declination: a number is in degrees, so is -12:34:56.7.

    Return deg, -90 to 90; None where the text is none.
    """
    angle = _angle(text, hours=False)
    return angle if angle is not None and -90 <= angle <= 90 else None


def _angle(text: str, hours: bool) -> float | None:
    text = text.strip().replace("−", "-")
    if _DEGREES.fullmatch(text):
        return float(text)
    found = _SEXAGESIMAL.fullmatch(text)
    if found is None:
        return None
    sign, whole, separator, minutes, seconds = found.groups()
    if separator == "h" and not hours:
        return None
    size = int(whole) + int(minutes) / 60 + float(seconds) / 3600
    in_hours = hours and separator not in ("d", "°")
    if in_hours and size > 24:
        return None
    return (-size if sign == "-" else size) * (15 if in_hours else 1)
