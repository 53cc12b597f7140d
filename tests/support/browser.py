"""Debian's Chromium, headless, and what it must never find on a page.

Every test's pages are watched: a request for anything but the page itself, a message on the
console, an error or a dialog fails the test. Where Chromium or playwright is missing the tests are
skipped, unless SIRENFLOW_REQUIRE_BROWSER is set.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from paths import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

SCREENSHOTS = ROOT / ".screenshots"
WIDTHS = (390, 960, 1280)
HEIGHT = 900
THEMES = ("Day", "Night", "Red")
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Should a page ask for anything, it gets nothing.
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
_JAVASCRIPT = Path(__file__).with_name("browser.js")
# Rules of WCAG 2.2 AA, and axe-core's own of good practice.
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def missing() -> str | None:
    """Say what the tests lack, None where there is all of it."""
    if find_spec("playwright") is None or find_spec("axe_playwright_python") is None:
        return "playwright or axe-playwright-python is not installed"
    return None if _executable() else "no Chromium: install Debian's, or set SIRENFLOW_CHROMIUM"


def _executable() -> str | None:
    return os.environ.get("SIRENFLOW_CHROMIUM") or shutil.which("chromium")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Give the browser; of a module, as its event loop must not run beside other tests."""
    reason = missing()
    if reason is not None:
        if os.environ.get("SIRENFLOW_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_executable(), args=[*_ARGUMENTS])
        yield browser
        browser.close()


@dataclass
class Watched:
    """A page, and the troubles it has had."""

    page: Page
    troubles: list[str] = field(default_factory=list)

    def open(self, path: Path) -> Page:
        """Open a file, as if nothing had been before."""
        self.troubles.clear()
        self.page.emulate_media(media="null")
        self.page.goto(path.as_uri())
        return self.page

    def _on_request(self, request: Request) -> None:
        if not request.is_navigation_request() or not request.url.startswith("file:"):
            self.troubles.append(f"asked for {request.url[:200]}")

    def _on_console(self, message: ConsoleMessage) -> None:
        self.troubles.append(f"{message.type} on the console: {message.text}")

    def watch(self) -> None:
        """Note whatever happens from now on."""
        self.page.on("request", self._on_request)
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.troubles.append(f"error: {error}"))
        self.page.on("dialog", lambda dialog: self.troubles.append(f"dialog {dialog.message}"))
        self.page.on("popup", lambda page: self.troubles.append(f"window {page.url}"))
        self.page.on("download", lambda file: self.troubles.append(f"download {file.url}"))


@contextmanager
def browsing(browser: Browser, **options: Any) -> Iterator[Watched]:
    """Give a page of a browser without memory; at the end it must have had no trouble."""
    options = {"viewport": {"width": WIDTHS[-1], "height": HEIGHT}, **options}
    context: BrowserContext = browser.new_context(color_scheme="light", **options)
    # Longer than a busy machine takes; far less than a suite that waits again and again.
    context.set_default_timeout(15_000)
    watched = Watched(context.new_page())
    watched.watch()
    try:
        yield watched
        assert watched.troubles == []
    finally:
        context.close()


def resize(page: Page, width: int) -> None:
    """Make the window so wide."""
    page.set_viewport_size({"width": width, "height": HEIGHT})


def choose(page: Page, theme: str) -> None:
    """Choose the colours, as a click would."""
    page.locator("header").get_by_text(theme, exact=True).click()
    assert page.get_by_role("radio", name=theme, exact=True).is_checked()


def look(page: Page, question: str, *arguments: Any) -> Any:
    """Ask one of the questions of browser.js."""
    source = _JAVASCRIPT.read_text(encoding="utf-8")
    return page.evaluate(f"(given) => {{ {source}\n return {question}(...given); }}", arguments)


def accessibility_faults(page: Page, rules: Sequence[str] | None = None) -> list[str]:
    """Name what axe-core finds wrong by some of its rules, by default all of `_RULES`."""
    from axe_playwright_python.sync_playwright import Axe

    only = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": _RULES}
    found = Axe().run(page, options={"runOnly": only, "resultTypes": ["violations"]})
    return [
        f"{fault['id']}: {node['html'][:160]} {node.get('failureSummary', '')}"
        for fault in found.response["violations"]
        for node in fault["nodes"]
    ]


def keep_screenshot(page: Page, name: str) -> None:
    """Keep a picture of the whole page."""
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def keep_pdf(page: Page, name: str) -> bytes:
    """Print a page on A4 as Chromium does by itself, with margins of 1 cm, and keep it."""
    SCREENSHOTS.mkdir(exist_ok=True)
    margin = dict.fromkeys(("top", "right", "bottom", "left"), "1cm")
    return page.pdf(path=SCREENSHOTS / f"{name}.pdf", format="A4", margin=margin)  # type: ignore[arg-type]


def pdf_pages(pdf: bytes) -> int:
    """Count the pages of a PDF by Chromium, whose page objects are not compressed."""
    return len(re.findall(rb"/Type\s*/Page\b", pdf))
