"""Every page in a real browser: nothing fetched, nothing wrong, and readable by everyone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import states
from browser import (
    THEMES,
    WIDTHS,
    accessibility_faults,
    browsing,
    choose,
    chromium,
    keep_pdf,
    keep_screenshot,
    look,
    pdf_pages,
    resize,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from browser import Watched
    from playwright.sync_api import Browser

__all__ = ["chromium"]

pytestmark = pytest.mark.browser
TABLES = {"catalogue": "index.html", "candidates": "candidates.html"}
SHEETS = 2
MOST_BYTES = 80_000
"""Of A4, on which an event's page is printed."""
KEPT_IN_EVERY_THEME = ("coincidence", "retracted", "unreadable-retraction", "catalogue")
PAGES = [*states.NAMES, *TABLES]
"""Pages by the name of their screenshots."""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the pages of every state, and the catalogue of them."""
    return states.processed(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def shared(chromium: Browser) -> Iterator[Watched]:
    """Give one page of the browser for all tests that leave it as it was."""
    with browsing(chromium) as watched:
        yield watched


@pytest.fixture(scope="module")
def scriptless(chromium: Browser) -> Iterator[Watched]:
    """Give one page of a browser that runs no scripts."""
    with browsing(chromium, java_script_enabled=False) as watched:
        yield watched


def path_of(results: Path, name: str) -> Path:
    return results / TABLES[name] if name in TABLES else states.page_of(results, name)


@pytest.mark.parametrize("name", PAGES)
def test_page_is_quiet_and_fits_at_every_width(shared: Watched, results: Path, name: str) -> None:
    page = shared.open(path_of(results, name))
    assert name in TABLES or path_of(results, name).stat().st_size < MOST_BYTES
    wrong = []
    for width in WIDTHS:
        resize(page, width)
        keep_screenshot(page, f"{name}-{width}")
        found = [
            *look(page, "overflowing"),
            *look(page, "smallFigureTexts", 9),
            *look(page, "textsOutsideTheirFigure"),
            *look(page, "overlappingFigureTexts"),
            *look(page, "coveredMarkers"),
        ]
        wrong += [f"{width}: {fault}" for fault in found]
    assert not wrong, "\n".join(wrong)
    assert shared.troubles == []


@pytest.mark.parametrize("name", PAGES)
def test_page_is_accessible_in_every_theme(shared: Watched, results: Path, name: str) -> None:
    page = shared.open(path_of(results, name))
    resize(page, 1280)
    wrong = []
    for theme in THEMES:
        choose(page, theme)
        if theme != "Day" and name in KEPT_IN_EVERY_THEME:
            keep_screenshot(page, f"{name}-1280-{theme.lower()}")
        found = [
            # Only the colours differ from theme to theme.
            *accessibility_faults(page, None if theme == "Day" else ["color-contrast"]),
            *look(page, "faintFigureTexts", 4.5),
            *look(page, "faintOnGradients", 4.5),
        ]
        wrong += [f"{theme}: {fault}" for fault in found]
    assert not wrong, "\n".join(wrong)
    assert shared.troubles == []


@pytest.mark.parametrize(
    "name", ["coincidence", "retracted", "unreadable-retraction", "nothing-readable", "catalogue"]
)
@pytest.mark.parametrize("key", ["Tab", "Shift+Tab"])
def test_keyboard_reaches_everything_and_shows_where_it_is(
    chromium: Browser, results: Path, name: str, key: str
) -> None:
    with browsing(chromium) as watched:
        page = watched.open(path_of(results, name))
        page.evaluate("document.querySelectorAll('details').forEach((e) => { e.open = true; })")
        expected = look(page, "stopNames")
        reached, wrong = [], []
        for _ in expected:
            page.keyboard.press(key)
            found = look(page, "focused")
            reached.append(found["name"] if found else None)
            if found and not found["shows"]:
                wrong.append(f"focus does not show: {found['name']}")
            if found and found["covered"]:
                wrong.append(f"covered: {found['name']}")
        assert sorted(map(str, reached)) == sorted(expected)
        assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", ["update", "catalogue"])
def test_keyboard_chooses_the_colours_and_the_page_remembers(
    chromium: Browser, results: Path, name: str
) -> None:
    with browsing(chromium) as watched:
        page = watched.open(path_of(results, name))
        page.get_by_role("radio", name="Day").focus()
        page.keyboard.press("Space")
        seen = {look(page, "background")}
        for theme in ("Night", "Red"):
            page.keyboard.press("ArrowRight")
            assert page.get_by_role("radio", name=theme).is_checked()
            seen.add(look(page, "background"))
        assert len(seen) == 3
        red = look(page, "background")
        page.reload()
        assert look(page, "background") == red
        # The other kind of page has the same colours.
        other = "update" if name == "catalogue" else "catalogue"
        assert look(watched.open(path_of(results, other)), "background") == red


@pytest.mark.parametrize("name", ["update", "catalogue"])
def test_colours_follow_the_system_until_chosen(
    chromium: Browser, results: Path, name: str
) -> None:
    with browsing(chromium) as watched:
        page = watched.open(path_of(results, name))
        choose(page, "Day")
        day = look(page, "background")
        choose(page, "Night")
        night = look(page, "background")
        page.evaluate("localStorage.clear()")
        for system, expected in (("light", day), ("dark", night)):
            page.emulate_media(color_scheme=system)  # type: ignore[arg-type]
            page.reload()
            assert look(page, "background") == expected


@pytest.mark.parametrize("name", PAGES)
def test_page_is_whole_without_javascript(
    scriptless: Watched, shared: Watched, results: Path, name: str
) -> None:
    path = path_of(results, name)
    headings = "[...document.querySelectorAll('h1, h2, h3')].map((element) => element.textContent)"
    with_scripts = shared.open(path).evaluate(headings)
    page = scriptless.open(path)
    assert page.evaluate(headings) == with_scripts
    hidden = "[...document.querySelectorAll('main section')].filter((e) => !e.checkVisibility())"
    assert page.evaluate(f"{hidden}.map((element) => element.textContent)") == []
    assert page.evaluate("[...document.querySelectorAll('time')].every((e) => e.textContent)")
    assert scriptless.troubles == []


@pytest.mark.parametrize("name", ["update", "catalogue"])
def test_colours_can_be_chosen_without_javascript(
    scriptless: Watched, results: Path, name: str
) -> None:
    page = scriptless.open(path_of(results, name))
    seen = set()
    for theme in THEMES:
        choose(page, theme)
        seen.add(look(page, "background"))
    assert len(seen) == len(THEMES)


@pytest.mark.parametrize("name", PAGES)
def test_page_prints_on_two_sheets_in_the_colours_of_day(
    shared: Watched, results: Path, name: str
) -> None:
    page = shared.open(path_of(results, name))
    choose(page, "Day")
    day = look(page, "colours")
    for theme in ("Night", "Red"):
        choose(page, theme)
        page.emulate_media(media="print")
        assert look(page, "colours") == day, theme
        assert look(page, "background") == "rgba(0, 0, 0, 0)"  # paper
        assert look(page, "faintFigureTexts", 4.5) == []
        if theme == "Red":
            sheets = pdf_pages(keep_pdf(page, name))
            assert name in TABLES or sheets <= SHEETS
        for control in ("radio", "checkbox", "searchbox", "combobox"):
            assert [e for e in page.get_by_role(control).all() if e.is_visible()] == []
        page.emulate_media(media="screen")
    assert shared.troubles == []
