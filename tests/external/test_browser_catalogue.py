"""The catalogue in a real browser: found, filtered and sorted, with JavaScript and without."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import states
from browser import browsing, chromium, look

from sirenflow.stages.catalogue import catalogue

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser, Page

__all__ = ["chromium"]

pytestmark = pytest.mark.browser
Event = dict[str, Any]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the catalogue of every state."""
    return states.processed(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def events(results: Path) -> list[Event]:
    """Read what the catalogue is made of."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in results.glob("*/event.json")]


def shown(page: Page) -> list[str]:
    """Give the ids of the events in the table, from top to bottom."""
    return [link.inner_text() for link in page.locator("tbody th a").all() if link.is_visible()]


def tick(page: Page, words: str) -> None:
    """Tick a box, or take the tick away, with the keyboard."""
    page.get_by_role("checkbox", name=re.compile(words)).focus()
    page.keyboard.press("Space")


def ids(events: list[Event], wanted: Callable[[Event], Any]) -> set[str]:
    return {event["superevent_id"] for event in events if wanted(event)}


def significant(event: Event) -> bool:
    current = event["current"]
    return bool(current and current["values"]["significant"])


@pytest.mark.parametrize("scripts", [True, False])
def test_boxes_filter(chromium: Browser, results: Path, events: list[Event], scripts: bool) -> None:
    with browsing(chromium, java_script_enabled=scripts) as watched:
        page = watched.open(results / "index.html")
        real = ids(events, lambda event: event["category"] == "real")
        assert set(shown(page)) == real
        tick(page, "retracted")
        assert set(shown(page)) == real - ids(events, lambda event: event["retracted"])
        tick(page, "significant")
        tick(page, "retracted")
        assert set(shown(page)) == real & ids(events, significant)
        tick(page, "mock")
        assert set(shown(page)) == ids(events, significant)
        tick(page, "significant")
        assert set(shown(page)) == ids(events, bool)


def test_search_finds_id_class_detector_and_date(
    chromium: Browser, results: Path, events: list[Event]
) -> None:
    def class_is(name: str) -> Callable[[Event], bool]:
        def wanted(event: Event) -> bool:
            classes = event["current"]["values"]["classification"] if event["current"] else {}
            return bool(classes) and max(classes, key=classes.__getitem__) == name

        return wanted

    with browsing(chromium) as watched:
        page = watched.open(results / "index.html")
        tick(page, "mock")
        search = page.get_by_role("searchbox")
        for text, wanted in (
            ("S260607d", lambda event: event["superevent_id"] == "S260607d"),
            ("nsbh", class_is("NSBH")),
            ("2026-06-07", lambda event: event["superevent_id"] == "S260607d"),
            ("<script>", lambda _: False),
            ("", lambda _: True),
        ):
            search.fill(text)
            assert set(shown(page)) == ids(events, wanted), text
            assert page.get_by_role("status").inner_text().startswith(str(len(shown(page))))
        search.fill("v1")
        assert all("S2604" in name or "TS2602" in name for name in shown(page))
        assert shown(page)


def test_columns_sort_both_ways_with_unknown_values_last(
    chromium: Browser, results: Path, events: list[Event]
) -> None:
    far = {
        event["superevent_id"]: event["current"]["values"]["far"] if event["current"] else None
        for event in events
    }
    known = {name: value for name, value in far.items() if value is not None}
    with browsing(chromium) as watched:
        page = watched.open(results / "index.html")
        tick(page, "mock")
        seen = set()
        for _ in range(2):
            page.get_by_role("button", name="FAR").press("Enter")
            heading = page.get_by_role("columnheader", name="FAR")
            direction = heading.get_attribute("aria-sort")
            seen.add(direction)
            names = shown(page)
            values = [known[name] for name in names[: len(known)]]
            assert values == sorted(values, reverse=direction == "descending")
            assert {far[name] for name in names[len(known) :]} == {None}
        assert seen == {"ascending", "descending"}


def test_choice_is_in_the_address_and_comes_back(chromium: Browser, results: Path) -> None:
    with browsing(chromium) as watched:
        page = watched.open(results / "index.html")
        page.get_by_role("searchbox").fill("bns")
        tick(page, "retracted")
        found, address = shown(page), page.url
        assert found
        watched.open(results / states.STATES[0].superevent_id / "index.html")
        page.goto(address)
        assert shown(page) == found
        assert page.get_by_role("searchbox").input_value() == "bns"


def test_focus_stays_where_it_is_while_the_rows_change(chromium: Browser, results: Path) -> None:
    with browsing(chromium) as watched:
        page = watched.open(results / "index.html")
        page.get_by_role("searchbox").focus()
        page.keyboard.type("nothing like this")
        assert shown(page) == []
        assert page.get_by_text("No event matches").is_visible()
        assert page.get_by_role("searchbox").input_value() == "nothing like this"
        assert look(page, "focused")["shows"]


@pytest.fixture(scope="module")
def many(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the catalogue of 1,500 events."""
    folder = tmp_path_factory.mktemp("many")
    event = json.loads((results / "S260418be/event.json").read_text(encoding="utf-8"))
    paths = []
    for number in range(1500):
        event["superevent_id"] = f"S{240101 + 100 * (number // 125)}{chr(97 + number % 26)}x"
        event["superevent_id"] += "abcdefghij"[number // 26 % 10] + "klmnopqrst"[number // 260]
        paths.append(folder / event["superevent_id"] / "event.json")
        paths[-1].parent.mkdir()
        paths[-1].write_text(json.dumps(event), encoding="utf-8")
    write_catalogue(paths, folder)
    return folder / "index.html"


def write_catalogue(paths: list[Path], folder: Path) -> None:
    """Call the stage."""
    names = ("ecsv", "csv", "json", "votable", "feed")
    catalogue(paths, folder / "index.html", **{name: folder / f"c.{name}" for name in names})


def test_long_table_is_there_to_its_end(chromium: Browser, many: Path) -> None:
    with many.with_name("c.csv").open(encoding="utf-8", newline="") as stream:
        *_, last = (row["superevent_id"] for row in csv.DictReader(stream))
    with browsing(chromium) as watched:
        page = watched.open(many)
        assert page.get_by_role("status").inner_text().startswith("1500")
        page.keyboard.press("End")
        page.get_by_role("link", name=last, exact=True).wait_for()
        assert len(shown(page)) < 300
        page.get_by_role("searchbox").fill(last)
        assert shown(page) == [last]
        assert look(page, "overflowing") == []
