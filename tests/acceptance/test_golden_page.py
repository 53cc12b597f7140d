"""One page made from alerts whose every text is hostile, kept to be looked at and compared.

`make golden` writes it again after an intended change of the pages; read the difference before you
commit it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from io import BytesIO
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fastavro
import numpy as np
import pytest
import states
from arrivals import put_in_quarantine
from browser import WIDTHS, accessibility_faults, browsing, chromium, keep_screenshot, look, resize
from builders import SYNC, distance_columns, fits_map, flat_columns, json_alert
from pages import assert_safe

from sirenflow.errors import AlertError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["chromium"]

GOLDEN = Path(__file__).with_name("golden") / "hostile.html"
SUPEREVENT = "S261122ab"
SAMPLE = states.SAMPLES / "MS260418b-06-update-fermi.avro"
PAYLOADS = (
    "<script>hacked=1</script>",
    "</style><script>hacked=1</script>",
    "</title><svg onload=hacked=1>",
    "]]>--><img src=x onerror=hacked=1>",
    "\"' onmouseover='hacked=1' autofocus onfocus=\"hacked=1\"",
    "javascript:hacked=1",
    "שלום עולם مرحبا بالعالم",
    "👩\u200d🚀 Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334A\u0334\u0335L\u0320\u0368G",
    'https://example.org/"onclick="hacked=1',
    "data:text/html,<script>hacked=1</script>",
    "//evil.example/hacked.js",
    "{{ 7 * 7 }}{% raw %}{{ config }}",
    "${7*7}<%= 7*7 %>#{7*7}",
    "}</style><style>body{display:none}",
    "red;background:url(https://evil.example/x.png)",
    '=HYPERLINK("https://evil.example")',
    "=cmd|' /C calc'!A0",
    "\u202etxt.exe\u2066\u200f",
    "two\nlines\r\tand \x1b[31mred\x07",
    "nul\x00after",
    "&lt;script&gt;&#60;script&#62;hacked=1",
    "../../../../etc/passwd%00%3Cscript%3E",
    "W" * 10_000,
    "long words " * 1_000,
)
# What only JSON can hold: half a character.
HALF = "\ud800half"
# What an alert must have right to be one.
KEY = ("superevent_id", "alert_type", "time_created")


def poisoned(value: Any, payloads: Iterator[str], numbers: bool = False) -> Any:
    """Replace every text of a record, and every number too if asked; add hostile keys."""
    match value:
        case dict():
            found = {key: poisoned(item, payloads, numbers) for key, item in value.items()}
            added = {next(payloads)[:100]: poisoned(0.25, payloads, numbers)}
            # The maps of a record, with names of the sender's choice.
            return found | (added if {"BNS", "HasNS"} & set(value) else {})
        case list():
            return [poisoned(item, payloads, numbers) for item in value]
        case str():
            return next(payloads)
        case bool() | int() | float() if numbers:
            return next(payloads)
        case _:
            return value


def hostile_map(column: str = "<SCRIPT>") -> bytes:
    """Write a map of 192 cells whose header is hostile; without UNIQ it is none."""
    columns = flat_columns(2)
    weight = np.exp(-np.arange(192) / 9.0)
    columns["PROBDENSITY"] = columns["PROBDENSITY"] * weight / weight.mean()
    columns |= distance_columns([90.0] * 192, [20.0] * 192)
    if column != "<SCRIPT>":  # no cells, and a name that the reason tells
        columns = {"PROBDENSITY": columns["PROBDENSITY"], column: columns["UNIQ"]}
    texts = {
        "OBJECT": "<img src=x onerror=hacked=1>",
        "CREATOR": "</dd><script>hacked=1</script>",
        "INSTRUME": "{{ 7 * 7 }}",
        "ORIGIN": "javascript:hacked=1",
        "DATE-OBS": "<b>now</b>",
    }
    return fits_map(columns, {**texts, "DISTMEAN": 95.0, "DISTSTD": 21.0})


def write_alerts(inbox: Path) -> None:
    """Write two alerts in which all is hostile, and files that are none, for hostile reasons."""
    (sample,) = list(fastavro.reader(BytesIO(SAMPLE.read_bytes())))
    maps = {"event": "skymap", "external_coinc": "combined_skymap"}

    def hostile(time: str, column: str, payloads: Iterator[str], numbers: bool) -> dict[str, Any]:
        record: dict[str, Any] = poisoned(sample, payloads, numbers)
        for place, key in maps.items():
            record[place][key] = hostile_map(column)
        return record | {
            "superevent_id": SUPEREVENT,
            "alert_type": "UPDATE",
            "time_created": time,
        }

    first = hostile("2026-11-22T03:00:00Z", "<B>UNIQ", cycle([*PAYLOADS, HALF]), True)
    first["urls"] |= {next(iter(PAYLOADS)): PAYLOADS[5], "\x00": HALF}
    second = hostile("2026-11-22T04:00:00Z", "<SCRIPT>", cycle(PAYLOADS), False)
    # A time that is one, so that what follows from it is on the page too.
    second["event"]["time"] = "2026-11-22T02:59:00Z"
    with SAMPLE.open("rb") as stream:
        schema = fastavro.reader(stream).writer_schema
    container = BytesIO()
    fastavro.writer(container, schema, [second], sync_marker=SYNC)
    files = [json_alert(first), container.getvalue(), b"<script>hacked=1</script>"]
    head = {key: first[key] for key in KEY}
    # The page tells the reasons of twenty.
    for text, wrong in zip(PAYLOADS, cycle([*KEY, None]), strict=False):
        files.append(json_alert({**head, wrong: text} if wrong else {text: 1}))
    for number, data in enumerate(files, start=1):
        kind = "avro" if data.startswith(b"Obj") else "json"
        states.write_alert(inbox, SUPEREVENT, "UPDATE", f"{number:03}.{kind}", data)
    for text in PAYLOADS:
        unreadable = json_alert({**head, "alert_type": "RETRACTION", "time_created": text})
        put_in_quarantine(inbox, unreadable, AlertError(text), {"way": text})


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Take the hostile alerts through the whole workflow."""
    directory = tmp_path_factory.mktemp("hostile")
    write_alerts(directory / "inbox")
    config = states.write_tables(directory, PAYLOADS, near=(45.0, 10.0))
    config["galaxies"] |= {"name": PAYLOADS[1], "completeness": PAYLOADS[3]}
    sites = [
        {"name": PAYLOADS[0], "place": PAYLOADS[4], "latitude_deg": 0, "longitude_deg": 0}
        | {"elevation_m": 0}
    ]
    config["visibility"] = {"sites": sites}
    return states.process(directory, **config)


def test_page_of_hostile_alerts_is_the_golden_one(results: Path) -> None:
    made = (results / SUPEREVENT / "index.html").read_bytes()
    if os.environ.get("SIRENFLOW_WRITE_GOLDEN"):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_bytes(made)
    assert made.decode() == GOLDEN.read_bytes().decode()


def test_golden_page_runs_and_fetches_nothing_of_the_alerts(results: Path) -> None:
    page = assert_safe((results / SUPEREVENT / "index.html").read_text(encoding="utf-8"))
    assert_safe((results / "index.html").read_text(encoding="utf-8"))
    assert "hacked" not in "".join(page.sources["script"] + page.sources["style"])
    # It is all there to be read, and none of it was computed.
    for shown in ("<script>hacked=1</script>", "{{ 7 * 7 }}", "<img src=x", "👩"):
        assert shown in page.text
    assert "W" * 200 not in page.text
    for link in page.links():
        assert not re.match(r"(?i)\s*(javascript|data|//)", link), link


def test_hostile_texts_are_in_the_products_as_text(results: Path) -> None:
    event = json.loads((results / SUPEREVENT / "event.json").read_text(encoding="utf-8"))
    group = event["history"][1]["values"]["group"].removesuffix("…")
    assert any(payload.startswith(group) for payload in PAYLOADS)


@pytest.mark.browser
@pytest.mark.parametrize("name", ["hostile", "hostile-catalogue"])
def test_hostile_page_is_quiet_readable_and_whole_in_a_browser(
    chromium: Browser, results: Path, name: str
) -> None:
    with browsing(chromium) as watched:
        path = results if name == "hostile-catalogue" else results / SUPEREVENT
        page = watched.open(path / "index.html")
        wrong = []
        for width in WIDTHS:
            resize(page, width)
            keep_screenshot(page, f"{name}-{width}")
            wrong += [f"{width}: {fault}" for fault in look(page, "overflowing")]
        page.evaluate("document.querySelectorAll('details').forEach((e) => { e.open = true; })")
        for element in page.locator("a, summary, svg, td").all()[:200]:
            element.dispatch_event("mouseover")
            element.dispatch_event("focus")
        wrong += accessibility_faults(page)
        assert wrong == []
        assert page.evaluate("typeof hacked") == "undefined"
