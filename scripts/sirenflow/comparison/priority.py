"""Headings of the quantities that are compared, the most important first."""

from __future__ import annotations

import re
from functools import cache

Quantity = tuple[str, str]
"""A file, and the path of a value in it without the places in lists."""

# The first that matches counts.
_PATTERNS = (
    (
        "What was read",
        r"alerts.json (superevent|alert)$|event.json unreadable_(message|retraction)_count$",
    ),
    (
        "Maps used",
        r"localization.json (\S+_(because|reason)|skymaps(\.(sha256|size_bytes|rows|level_\w+))?)$",
    ),
    (
        "State",
        r"event.json (state|category|retracted\w*|reinstated_by|current|skymap_alert_number)$",
    ),
    ("Position", r"localization.json skymaps\.peak_(ra|dec)_deg$"),
    ("Area", r"localization.json skymaps\.(area_|peak_prob)"),
    ("Distance and volume", r"localization.json skymaps\.\w*(distance|volume)"),
    ("Files", r"\S+ file$"),
    ("Source", r"event.json (values|external_coinc|latency_s)"),
    ("Words", r"event.json (summary_line|summary_text|gracedb)$"),
    ("Regions", r"regions.json (?!maps\.files)"),
    ("Who can look", r"visibility.json (?!sites\.(probability_above|dark|\w+_deg|elevation_m)$)"),
    ("Galaxies", r"galaxies.json "),
    ("Candidates", r"candidates.json "),
    ("Sites, Moon and altitudes", r"visibility.json "),
    (
        "As sent",
        r"alerts.json (record|values|external_coinc)"
        r"|localization.json skymaps\.(creator|instruments)$",
    ),
    ("Names and numbers of alerts and files", r""),
)
HEADINGS = tuple(dict.fromkeys(heading for heading, _ in _PATTERNS))


@cache
def heading_of(quantity: Quantity) -> str:
    """Return the heading of a quantity."""
    text = " ".join(quantity)
    return next(heading for heading, pattern in _PATTERNS if re.match(pattern, text))
