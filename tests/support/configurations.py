"""The shipped configuration, its defaults, and valid parts of one."""

from __future__ import annotations

import yaml
from paths import ROOT

from sirenflow.config.validation import read_schema

SCHEMA = read_schema()
SHIPPED = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
SECTIONS = ("kafka", "skymaps", "catalogue", "visibility")
DEFAULTS = {
    key: {name: known["default"] for name, known in value["properties"].items()}
    if key in SECTIONS
    else value["default"]
    for key, value in SCHEMA["properties"].items()
}
SITE = {
    "name": "Greenwich",
    "place": "London",
    "latitude_deg": 51.4769,
    "longitude_deg": 0,
    "elevation_m": 46,
}
GALAXIES = {
    "table": "glade.fits",
    "name": "GLADE+",
    "columns": {"name": "PGC", "ra": "RA", "dec": "Dec", "distance": "d_L"},
    "completeness": "90 % of the B-band luminosity within 130 Mpc",
}
CANDIDATES = {"table": "c.csv", "columns": {"name": "name", "ra": "ra", "dec": "dec"}}
