"""The strips show what visibility.json says, and the words beside them say it too."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from msgspec import convert
from pages import Page

from sirenflow.products.visibility import Visibility
from sirenflow.report.figures.visibility import HEIGHT, VisibilityFigure, visibility_figure
from sirenflow.report.html import _environment
from sirenflow.superevent.number_text import NARROW_SPACE

STEPS = 144
SITE = {
    "name": "Palomar",
    "place": "California",
    "latitude_deg": 33.36,
    "longitude_deg": -116.87,
    "elevation_m": 1712,
    "minimum_altitude_deg": 30,
    "probability_above": [0.0] * 145,
    "dark": [False] * 145,
    "windows": [],
    "reachable_probability": 0.0,
    "best_time_utc": None,
    "best_probability": None,
    "moon_separation_deg": None,
    "moon_altitude_deg": None,
    "moon_illumination": 0.9234,
}
WAVE = [round(0.5 - 0.45 * math.cos(i / 20), 4) for i in range(145)]
NIGHT = [20 <= i <= 80 for i in range(145)]
SEEN = {
    **SITE,
    "probability_above": WAVE,
    "dark": NIGHT,
    "windows": [{"start_utc": "2026-11-22T10:12:40Z", "end_utc": "2026-11-22T20:12:40Z"}],
    "reachable_probability": 0.981,
    "best_time_utc": "2026-11-22T17:22:40Z",
    "best_probability": WAVE[63],
    "moon_separation_deg": 111.6,
    "moon_altitude_deg": 12.0,
}


def product(*sites: dict[str, Any], **changes: Any) -> Visibility:
    content = {
        "schema_version": 2,
        "superevent_id": "S261122ab",
        "retracted": False,
        "alert_number": 4,
        "skymap_alert_number": 4,
        "absence_reason": None,
        "start_utc": "2026-11-22T06:52:40Z",
        "step_min": 10,
        "hours": 24,
        "maximum_sun_altitude_deg": -12,
        "sites": sites,
        **changes,
    }
    return convert(content, Visibility)


def section(figure: VisibilityFigure | None) -> str:
    text = '{% import "visibility.html.j2" as looks %}{{ looks.section(figure) }}'
    return _environment().from_string(text).render(figure=figure).strip()


def curve(path: str) -> dict[int, float]:
    """Give the corners of an area's upper edge, as shares."""
    line = re.search(r"L([\d. ]+)V", path)
    assert line
    numbers = [float(number) for number in line[1].split()]
    share = [(HEIGHT - y) / (HEIGHT - 2) for y in numbers[1::2]]
    return dict(zip(map(int, numbers[::2]), share, strict=True))


def between(corners: dict[int, float], x: int) -> float:
    left = max(i for i in corners if i <= x)
    right = min(i for i in corners if i >= x)
    part = (x - left) / (right - left) if right > left else 0.0
    return corners[left] + part * (corners[right] - corners[left])


def test_curve_is_drawn_to_a_hundredth_with_few_points() -> None:
    (strip,) = visibility_figure(product(SEEN)).sites
    corners = curve(strip.above)
    assert (min(corners), max(corners)) == (0, STEPS)
    assert max(abs(between(corners, i) - p) for i, p in enumerate(WAVE)) < 0.015
    assert len(corners) < 40


def test_night_is_grey_and_only_what_is_seen_in_it_is_strong() -> None:
    (strip,) = visibility_figure(product(SEEN)).sites
    assert strip.dark == "M20 0H80V24H20z"
    corners = curve(strip.seen)
    assert (min(corners), max(corners)) == (20, 80)
    assert max(abs(between(corners, i) - WAVE[i]) for i in range(20, 81)) < 0.015
    assert strip.best_x == 63


def test_two_nights_are_two_areas() -> None:
    dark = [i < 10 or i > 130 for i in range(145)]
    (strip,) = visibility_figure(product({**SEEN, "dark": dark})).sites
    assert strip.dark == "M0 0H9V24H0zM131 0H144V24H131z"
    assert strip.seen.count("M") == strip.seen.count("z") == 2


def test_words_beside_a_strip() -> None:
    (strip,) = visibility_figure(product(SEEN)).sites
    assert strip.times.replace("\u2060", "") == "10:12–20:12"
    assert strip.reachable == f"98{NARROW_SPACE}%"
    assert strip.best == f"best 17:22 (95{NARROW_SPACE}%)"
    assert strip.moon == f"Moon 112° off, 92{NARROW_SPACE}% lit"
    assert strip.label == (
        f"Palomar: dark 10:12–20:12 UTC; probability above 30° at most 95{NARROW_SPACE}%, "
        "in the dark 10:12–20:12 UTC"
    )


def test_best_moment_that_shows_all_that_can_be_reached_needs_no_share_of_its_own() -> None:
    site = {**SEEN, "reachable_probability": WAVE[63]}
    assert visibility_figure(product(site)).sites[0].best == "best 17:22"


def test_moon_below_the_horizon_is_down() -> None:
    (strip,) = visibility_figure(product({**SEEN, "moon_altitude_deg": -0.1})).sites
    assert strip.moon == f"Moon down, 92{NARROW_SPACE}% lit"


def test_site_where_it_never_gets_dark_says_so() -> None:
    (strip,) = visibility_figure(product({**SITE, "probability_above": WAVE})).sites
    assert strip.times == "not dark in these hours"
    assert (strip.dark, strip.seen, strip.best, strip.moon) == ("", "", None, None)
    assert "dark never; probability above 30° at most" in strip.label
    assert strip.above


def test_site_that_the_map_stays_low_at_says_so() -> None:
    figure = visibility_figure(product({**SITE, "dark": NIGHT, "minimum_altitude_deg": -5}))
    assert figure.sites[0].times == "below −5° while dark"
    assert (figure.sites[0].above, figure.sites[0].seen) == ("", "")
    assert figure.is_out_of_sight


def test_axis_has_the_hours_of_the_utc_day_and_midnight_its_date() -> None:
    figure = visibility_figure(product(SEEN))
    assert [(tick.percent, tick.label) for tick in figure.ticks] == [
        (21.34, "12:00"),
        (46.34, "18:00"),
        (71.34, "23 Nov"),
        (96.34, "06:00"),
    ]
    assert figure.ticks[-1].anchor == "end"
    assert figure.grid.startswith("M30.7 0V24M")


def test_day_that_begins_at_midnight_has_both_midnights() -> None:
    figure = visibility_figure(product(SEEN, start_utc="2026-12-31T00:00:00Z"))
    assert [tick.label for tick in figure.ticks] == ["31 Dec", "06:00", "12:00", "18:00", "1 Jan"]
    assert [tick.anchor for tick in figure.ticks] == ["start", "middle", "middle", "middle", "end"]


def test_scope_names_the_alert_and_the_limits() -> None:
    assert visibility_figure(product(SEEN)).scope == (
        "24 h from 2026-11-22 06:52 UTC (alert 4), Sun below −12°, altitude above 30°"
    )
    low = {**SEEN, "minimum_altitude_deg": 12.5}
    scope = visibility_figure(product(SEEN, low, skymap_alert_number=2)).scope
    assert scope.endswith(
        "(alert 4, sky map of alert 2), Sun below −12°, altitude above 12.5° to 30°"
    )


def test_section_shows_every_site_with_its_numbers() -> None:
    html = section(visibility_figure(product(SEEN, {**SITE, "name": "Hanle", "place": ""})))
    page = Page(html)
    strips = [attrs for tag, attrs in page.elements if attrs.get("role") == "img"]
    assert [(attrs["aria-label"] or "").split(":")[0] for attrs in strips] == ["Palomar", "Hanle"]
    for text in ("Who can look", "alert 4", "98", "best 17:22", "Moon 112° off", "23 Nov"):
        assert text in page.text
    assert "None of these sites" not in page.text
    assert "Retracted" not in page.text


def test_section_without_data_is_nothing() -> None:
    assert section(None) == ""


def test_section_says_why_there_is_nothing_to_show() -> None:
    absent = product(absence_reason="the alert carries no sky map", start_utc=None)
    page = Page(section(visibility_figure(absent)))
    assert "Not worked out: the alert carries no sky map." in page.text
    assert not [tag for tag, _ in page.elements if tag == "svg"]


def test_section_says_in_words_that_no_site_sees_anything() -> None:
    assert "None of these sites" in section(visibility_figure(product(SITE, SITE)))


def test_section_of_a_retracted_superevent_says_so() -> None:
    html = section(visibility_figure(product(SEEN, retracted=True)))
    assert "Retracted: there is nothing to look for." in html


def test_names_are_escaped() -> None:
    name = "<script>alert(1)</script>\"'"
    html = section(visibility_figure(product({**SEEN, "name": name, "place": name})))
    assert "<script" not in html
    assert name in Page(html).text
    labels = [attrs.get("aria-label") for _, attrs in Page(html).elements]
    assert any(label and label.startswith(name) for label in labels)


@pytest.mark.parametrize("count", [1, 6])
def test_section_is_small_and_has_no_style_or_script_of_its_own(count: int) -> None:
    html = section(visibility_figure(product(*[SEEN] * count)))
    assert len(html.encode()) < 1700 + 1300 * count
    for _, attrs in Page(html).elements:
        assert not any(name == "style" or name.startswith("on") for name in attrs)
