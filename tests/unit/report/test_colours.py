"""Colours of source classes, read from the style sheets: visible and distinct in every theme."""

from __future__ import annotations

import re

import pytest
from pages import TEMPLATES

from sirenflow.catalogue.months import months
from sirenflow.catalogue.row import CatalogueRow

THEMES = ("day", "night", "red")
# WCAG 2.2, 1.4.11: the least contrast of a graphical object with what is beside it.
LEAST_CONTRAST = 3.0


def palette(theme: str) -> dict[str, str]:
    """Return the custom properties of a theme, each as #rrggbb."""
    sheet = (TEMPLATES / "theme.css").read_text(encoding="utf-8")
    shared, _, red = sheet.partition("@media screen {")
    found = dict(re.findall(r"--([\w-]+): (?:light-dark\((.*?)\)|#)", shared))
    found = {
        name: both.split(", ")[THEMES.index(theme) % 2] for name, both in found.items() if both
    }
    if theme == "red":
        found |= dict(re.findall(r"--([\w-]+): (#\w+);", red))
    return found


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2."""
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    r, g, b = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def rule(selector: str) -> str:
    """Return what the catalogue page's style sheets declare for a selector."""
    sheets = "".join((TEMPLATES / f"{name}.css").read_text() for name in ("theme", "catalogue"))
    found = re.search(rf"^{re.escape(selector)} {{ (.*?) }}", sheets, re.MULTILINE)
    assert found, selector
    return found[1]


@pytest.mark.parametrize("theme", THEMES)
def test_terrestrial_and_no_class_are_visible_and_differ(theme: str) -> None:
    colours = palette(theme)
    assert rule(".terrestrial") == "fill: var(--terrestrial);"
    assert contrast(colours["terrestrial"], colours["card"]) >= LEAST_CONTRAST
    # No class is hollow: the card's colour inside of a line.
    assert rule(".unclassified") == "fill: var(--card);"
    for selector in (".months .unclassified", ".key .unclassified"):
        assert rule(selector).startswith("stroke: var(--muted);")
    assert contrast(colours["muted"], colours["card"]) >= LEAST_CONTRAST


def test_months_style_terrestrial_and_no_class_differently() -> None:
    known: dict[str, object] = {
        **dict.fromkeys(CatalogueRow.__struct_fields__),
        "superevent_id": "S261101ab",
        "category": "real",
        "significant": True,
        "retracted": False,
        "is_burst": False,
    }
    rows = [CatalogueRow(**known | {"source_class": name}) for name in ("Terrestrial", None)]  # type: ignore[arg-type]
    shown = months(rows)
    assert shown
    assert dict(shown.legend) == {"Terrestrial": "terrestrial", "no class": "unclassified"}
