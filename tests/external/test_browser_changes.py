"""The page of what changed in a real browser: nothing fetched, and readable by everyone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
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
    resize,
)
from commands import sirenflow
from runs import EVENT, a_run, copied, edit, set_area

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["chromium"]

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", params=["changed", "unchanged"])
def page_file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the page of a comparison in which there is some of everything, or nothing."""
    folder = tmp_path_factory.mktemp("changes")
    old = a_run(folder / "old")
    new = copied(old, folder / "new")
    if request.param == "changed":
        set_area(new, 1.5)
        set_area(new, 1 + 1e-12, alert=1)
        text = "unbroken" * 30

        def change(content: dict[str, Any]) -> None:
            content |= {
                "summary_line": f"<b>{text}",
                "state": "initial",
                "sirenflow_version": "9.9",
            }
            content["history"][0]["values"]["far"] = 2.5e-17
            content["history"][0]["values"]["classification"][text] = 0.5

        edit(new / EVENT / "event.json", change)
        (new / EVENT / "regions.json").write_text("{")
    sirenflow("compare", old, new, "--output", folder)
    return folder / "changes.html"


def test_page_is_quiet_fits_and_is_accessible(chromium: Browser, page_file: Path) -> None:
    with browsing(chromium) as watched:
        page = watched.open(page_file)
        name = "changes" if page.get_by_text("Value by value").count() else "no-changes"
        wrong = []
        for width in WIDTHS:
            resize(page, width)
            keep_screenshot(page, f"{name}-{width}")
            wrong += [f"{width}: {fault}" for fault in look(page, "overflowing")]
        for theme in THEMES:
            choose(page, theme)
            keep_screenshot(page, f"{name}-1280-{theme.lower()}")
            rules = None if theme == "Day" else ["color-contrast"]
            wrong += [f"{theme}: {fault}" for fault in accessibility_faults(page, rules)]
        assert not wrong, "\n".join(wrong)
        keep_pdf(page, name)


def test_links_of_the_page_lead_to_pages(chromium: Browser, page_file: Path) -> None:
    with browsing(chromium) as watched:
        page = watched.open(page_file)
        addresses = [link.get_attribute("href") or "" for link in page.locator("a").all()]
        assert addresses
        assert all((page_file.parent / address).is_file() for address in addresses)
