"""The catalogue of many events: what it costs to make, and how it feels in a browser.

Example: python benchmarks/catalogue.py --results results --events 10000

The events are those of a directory of results, over and over, each with an id, a time and values of
its own. Chromium is driven through playwright, as a phone four times slower than this machine and
as a desktop.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from sirenflow.stages.catalogue import catalogue

_ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
    "--enable-precise-memory-info",
)
_PRODUCTS = {
    "page": "index.html",
    "ecsv": "catalogue.ecsv",
    "csv": "catalogue.csv",
    "json": "catalogue.json",
    "votable": "catalogue.vot",
    "feed": "events.atom",
}
_SCREENS = 50
_SETTLED_MS = 1500
_CHANGES = 5
_CHANGE = """([id, value]) => {
  const control = document.getElementById(id);
  control.value = value;
  control.dispatchEvent(new Event("input"));
}"""
# One screen a frame, down and on; in how many of the frames there was no row to be seen.
_SCROLL = """(screens) => new Promise((resolve) => {
  let shown = 0, blank = 0;
  const step = () => {
    const seen = document.elementFromPoint(innerWidth / 2, innerHeight / 2);
    if (seen && seen.closest(".gap")) blank += 1;
    if (shown++ === screens) return resolve({ blank });
    scrollBy(0, innerHeight * 0.9);
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})"""


@dataclass(frozen=True)
class Screen:
    """A reader's screen, and how much slower than here its processor is."""

    name: str
    width: int
    height: int
    slower: int


SCREENS = (Screen("phone, 4 x slower", 390, 844, 4), Screen("desktop", 1280, 900, 1))


def make_events(results: Path, folder: Path, count: int) -> list[Path]:
    """Write the event.json of many superevents, a few an hour apart.

    Values are changed a little at a time, and path data of the thumbnails stay as long as they are.
    """
    sources = [json.loads(file.read_bytes()) for file in sorted(results.glob("*/event.json"))]
    if not sources:
        sys.exit(f"{results}: no */event.json; run the workflow on samples/ first")
    numbers = random.Random(20260101)  # noqa: S311 - the same events every time
    paths = []
    for number in range(count):
        time_utc = datetime(2026, 1, 1, tzinfo=UTC) - timedelta(hours=2.9 * number)
        event = json.loads(json.dumps(sources[number % len(sources)]))
        # Two in three are real, whatever the samples are.
        event["category"] = "real" if number % 3 else "mock"
        letters = "".join(chr(97 + number // 26**place % 26) for place in range(3))
        event["superevent_id"] = f"{'S' if number % 3 else 'MS'}{time_utc:%y%m%d}{letters}"
        for alert in (*event["history"], event["current"] or {}):
            _vary(alert, f"{time_utc:%Y-%m-%dT%H:%M:%S}", numbers)
        paths.append(folder / event["superevent_id"] / "event.json")
        paths[-1].parent.mkdir()
        paths[-1].write_text(json.dumps(event, sort_keys=True, indent=1), encoding="ascii")
    return paths


def _vary(alert: dict[str, Any], time_utc: str, numbers: random.Random) -> None:
    if alert:
        alert["time_created"] = f"{time_utc}Z"
    values, skymap = alert.get("values") or {}, alert.get("skymap") or {}
    if values:
        values["trigger_time"] = f"{time_utc}.{numbers.randrange(1000):03}Z"
        values["far"] = 10 ** numbers.uniform(-16, -5)
    if values.get("classification"):
        shares = [numbers.random() ** 4 for _ in range(4)]
        names = ("BNS", "NSBH", "BBH", "Terrestrial")
        values["classification"] = {
            name: share / sum(shares) for name, share in zip(names, shares, strict=True)
        }
    for name in ("area_50_deg2", "area_90_deg2", "distance_mean_mpc", "distance_std_mpc"):
        if skymap.get(name) is not None:
            skymap[name] *= numbers.uniform(0.3, 3)


def measure_stage(paths: list[Path], folder: Path) -> Iterator[tuple[str, str]]:
    """Make the catalogue in this process; give CPU time, memory and sizes."""
    products: dict[str, Any] = {name: folder / file for name, file in _PRODUCTS.items()}
    catalogue(paths[:1], **products)  # or what is imported at the first use would count
    read_mb = sum(path.stat().st_size for path in paths) / 1e6
    yield "event.json read, MB", f"{read_mb:.0f}"
    yield "stage, CPU s", f"{_cpu_s(partial(catalogue, paths, **products)):.2f}"
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    yield "stage, memory of its process, MB", f"{memory_mb:.0f}"
    update = partial(catalogue, paths, **products, memory=folder / "memory")
    yield "the first time with a memory, CPU s", f"{_cpu_s(update):.2f}"
    yield "one event changed, with a memory, CPU s", f"{median(_updates_s(paths, update)):.2f}"
    for path in (*products.values(), folder / "memory"):
        yield f"{path.name}, MB", f"{path.stat().st_size / 1e6:.2f}"


def _updates_s(paths: list[Path], update: Callable[[], object]) -> Iterator[float]:
    """Change one event after another; give the CPU seconds of each catalogue."""
    for path in paths[::-1][:_CHANGES]:
        event = json.loads(path.read_bytes())
        path.write_text(json.dumps({**event, "summary_line": "changed"}), encoding="ascii")
        yield _cpu_s(update)


def _cpu_s(function: Callable[[], object]) -> float:
    start = time.process_time()
    function()
    return time.process_time() - start


def measure_screen(browser: Browser, page_file: Path, screen: Screen) -> Iterator[tuple[str, str]]:
    """Open the page on a screen, search, sort and scroll; give what each took.

    Milliseconds are those that the page's main thread ran, so that other load does not count.
    """
    context = browser.new_context(viewport={"width": screen.width, "height": screen.height})
    page = context.new_page()
    page.goto(page_file.as_uri())
    session = context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    session.send("Emulation.setCPUThrottlingRate", {"rate": screen.slower})
    yield "to open it, ms", _spent(session, page, page.reload)
    yield "elements in the page", str(_elements(page))
    yield "JavaScript heap, MB", f"{_heap_mb(session):.0f}"
    for text in ("b", "bns", "bns h1", "nothing has this", ""):
        search = partial(page.evaluate, _CHANGE, ["search", text])
        yield f'to search for "{text}", ms', _spent(session, page, search)
    for order in ("distance ascending", "far ascending", "time descending"):
        sort = partial(page.evaluate, _CHANGE, ["sort", order])
        yield f"to sort by {order}, ms", _spent(session, page, sort)
    page.evaluate("document.querySelector('.events').scrollIntoView()")
    page.wait_for_timeout(_SETTLED_MS)
    scrolled: dict[str, Any] = {}
    scroll_ms = _spent(session, page, lambda: scrolled.update(page.evaluate(_SCROLL, _SCREENS)))
    yield (
        f"to scroll {_SCREENS} screens, one a frame, ms a screen",
        f"{int(scroll_ms) / _SCREENS:.0f}",
    )
    yield "of these frames, the ones without a row", str(scrolled["blank"])
    yield "elements after it", str(_elements(page))
    context.close()


def _spent(session: CDPSession, page: Page, action: Callable[[], object]) -> str:
    """Give the milliseconds that the main thread worked, until all is drawn."""

    def worked_s() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        worked: float = next(m["value"] for m in metrics if m["name"] == "TaskDuration")
        return worked

    before_s = worked_s()
    action()
    page.wait_for_timeout(_SETTLED_MS)
    return f"{1000 * (worked_s() - before_s):.0f}"


def _elements(page: Page) -> int:
    count: int = page.evaluate("document.querySelectorAll('*').length")
    return count


def _heap_mb(session: CDPSession) -> float:
    session.send("HeapProfiler.collectGarbage")
    heap: float = session.send("Runtime.getHeapUsage")["usedSize"] / 1e6
    return heap


def print_table(head: list[str], rows: list[list[str]]) -> None:
    """Print a Markdown table."""
    for row in (head, ["---"] * len(head), *rows):
        print(f"| {' | '.join(row)} |")


def main() -> None:
    """Measure and print Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    given = parser.parse_args()
    with TemporaryDirectory() as directory:
        folder = Path(directory)
        paths = make_events(given.results, folder, given.events)
        print_table(["making it", ""], [list(row) for row in measure_stage(paths, folder)])
        print()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=given.chromium, args=[*_ARGUMENTS])
            columns = [
                list(measure_screen(browser, folder / "index.html", screen)) for screen in SCREENS
            ]
            browser.close()
        rows = [
            [columns[0][place][0], *(column[place][1] for column in columns)]
            for place in range(len(columns[0]))
        ]
        print_table(["in the browser", *(screen.name for screen in SCREENS)], rows)


if __name__ == "__main__":
    main()
