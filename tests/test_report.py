"""The event page: whole for every sample, safe for every input, the same every time."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from jsonschema import Draft202012Validator

from sirenflow.report.figures import bar_segments, nice_step
from sirenflow.report.page import EventLinks, render_event, ribbon
from sirenflow.stages.extract import extract
from sirenflow.stages.report import report
from sirenflow.summary import summarize_event

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = json.loads((ROOT / "workflow/schemas/event.schema.json").read_text(encoding="utf-8"))
SUPEREVENTS = sorted({path.name.split("-")[0] for path in (ROOT / "samples").glob("[MT]*")})
LINKS = EventLinks(skymaps="skymaps", event="e.json", localization="l.json", alerts="a.json")
HOSTILE = (
    "<script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "]]><img src=x onerror=alert(1)>",
    "\"' onmouseover='alert(1)",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "\u202etxt.exe\u2066\n\r\x00\x1b[31m\ud800",
    "=cmd|' /C calc'!A0",
)


class Page(HTMLParser):
    """The elements and the text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(  # noqa: D102
        self, tag: str, attrs: list[tuple[str, str | None]]
    ) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:  # noqa: D102
        self.text += data

    def links(self) -> Iterator[str]:
        """Give the address of every link."""
        return (attrs["href"] or "" for tag, attrs in self.elements if tag == "a")


def assert_safe(html: str) -> Page:
    """Check what a browser would run or fetch: nothing."""
    page = Page(html)
    assert {tag for tag, _ in page.elements}.isdisjoint(
        {"script", "img", "iframe", "object", "embed", "link", "base", "form"}
    )
    for tag, attrs in page.elements:
        assert not any(name.startswith("on") or name in ("style", "srcdoc") for name in attrs), tag
    for link in page.links():
        assert re.match(r"https?://|#[a-z]|[\w.%/-]+$", link), link
    assert sum(tag == "style" for tag, _ in page.elements) == 1
    style = html[html.index("<style>") + 7 : html.index("</style>")]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in html
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x1b\r]", html)
    return page


def build(superevent_id: str, folder: Path) -> Path:
    """Make the products of one sample superevent; give their directory."""
    inbox, results = folder / "inbox" / superevent_id, folder / "results" / superevent_id
    results.mkdir(parents=True)
    files = []
    for sample in sorted((ROOT / "samples").glob(f"{superevent_id}-*")):
        kind = sample.stem.split("-")[2].upper()
        (inbox / kind).mkdir(parents=True, exist_ok=True)
        files.append(inbox / kind / sample.name)
        files[-1].write_bytes(sample.read_bytes())
    alerts, maps, numbers = (results / name for name in ("alerts.json", "skymaps", "numbers.json"))
    extract(files, alerts, maps, numbers, (50, 90))
    report(alerts, numbers, maps, results / "index.html", results / "event.json")
    return results


@pytest.mark.parametrize("superevent_id", SUPEREVENTS)
def test_page_of_every_sample_is_whole(superevent_id: str, tmp_path: Path) -> None:
    results = build(superevent_id, tmp_path)
    html = (results / "index.html").read_text(encoding="utf-8")
    page = assert_safe(html)
    assert len(html.encode()) < 80_000
    assert str(tmp_path) not in html
    assert "Test alert, do not observe." in page.text
    for link in page.links():
        if not link.startswith(("http", "#", "../")):
            assert (results / unquote(link)).is_file(), link
    event = json.loads((results / "event.json").read_text(encoding="utf-8"))
    Draft202012Validator(SCHEMA).validate(event)
    assert str(tmp_path) not in json.dumps(event)


def test_products_are_the_same_bytes_anywhere(tmp_path: Path) -> None:
    for name in ("index.html", "event.json"):
        first, second = (
            (folder / "results" / "MS260418b" / name)
            for folder in (tmp_path / "here", tmp_path / "there")
        )
        if name == "index.html":
            build("MS260418b", tmp_path / "here")
            build("MS260418b", tmp_path / "there")
        assert first.read_bytes() == second.read_bytes()


def render(content: dict[str, Any], localization: dict[str, Any] | None = None) -> str:
    return render_event(summarize_event(content, localization or {}), {}, LINKS)


def poisoned(value: Any) -> dict[str, Any]:
    """Make alerts of which every field that is free text holds one value."""
    event = dict.fromkeys(("time", "group", "pipeline", "search", "far", "duration"), value)
    event |= {"instruments": [value, value], "significant": value}
    event |= {"classification": {str(value): 0.5, "BNS": value}, "properties": {str(value): 1.0}}
    keys = ("observatory", "search", "gcn_notice_id", "ivorn", "time_difference")
    record = {
        "event": event,
        "external_coinc": dict.fromkeys(keys, value),
        "urls": {"gracedb": value},
    }
    alert = {"number": 1, "alert_type": "UPDATE", "time_created": value, "record": record}
    rejected = [{"file": value, "sha256": value, "reason": value}]
    return {"superevent_id": "S261122ab", "alerts": [alert], "rejected": rejected}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_and_never_run(text: str) -> None:
    skymap = {"kind": "gw", "file": text, "creator": text, "rejected_because": text}
    localization = {"alerts": [{"number": 1, "skymaps": [skymap]}]}
    page = assert_safe(render(poisoned(text), localization))
    visible = (
        text.split("\n", maxsplit=1)[0].replace("\u202e", "\ufffd").replace("\u2066", "\ufffd")
    )
    assert visible in page.text


@pytest.mark.parametrize("value", [None, "NaN", True, -1, 10**400, [], {}, [[[]]], 1e308])
def test_wrong_types_are_not_provided(value: object) -> None:
    page = assert_safe(render(poisoned(value)))
    assert "not provided" in page.text
    assert not re.search(r"\b(nan|inf|Undefined)\b", page.text)


def test_https_address_is_a_link() -> None:
    content = poisoned(None)
    content["alerts"][0]["record"]["urls"] = {"gracedb": "https://gracedb.ligo.org/x?a=1&b=2"}
    assert "https://gracedb.ligo.org/x?a=1&b=2" in list(Page(render(content)).links())


def test_everything_rejected_reads_right() -> None:
    content = {"superevent_id": "S261122ab", "alerts": [], "rejected": [{"reason": "truncated"}]}
    page = Page(render(content))
    assert "No readable alert" in page.text
    assert "truncated" in page.text


def test_alert_without_event_record_still_has_a_page() -> None:
    content = poisoned(None)
    content["alerts"][0]["record"] = None
    page = assert_safe(render(content))
    assert "This alert carries no event values." in page.text


def test_withheld_numbers_are_told_with_their_reason() -> None:
    skymap = {"kind": "gw", "file": "01-UPDATE.multiorder.fits", "numbers_withheld_because": "NaN"}
    page = Page(render(poisoned(None), {"alerts": [{"number": 1, "skymaps": [skymap]}]}))
    assert "numbers withheld: NaN" in page.text
    assert "skymaps/01-UPDATE.multiorder.fits" in list(page.links())


def test_retraction_strikes_values_and_says_stop(tmp_path: Path) -> None:
    html = (build("TS260902f", tmp_path) / "index.html").read_text(encoding="utf-8")
    page = Page(html)
    assert "Stop follow-up." in page.text
    assert "cancel observations" in page.text
    assert any("withdrawn" in (attrs.get("class") or "").split() for _, attrs in page.elements)


def test_retracted_then_confirmed_is_told(tmp_path: Path) -> None:
    page = Page((build("MS260522k", tmp_path) / "index.html").read_text(encoding="utf-8"))
    assert "Retracted, then confirmed" in page.text
    assert "Stop follow-up" not in page.text


def test_combined_map_stands_beside_the_gw_map(tmp_path: Path) -> None:
    page = Page((build("MS260418b", tmp_path) / "index.html").read_text(encoding="utf-8"))
    titles = [attrs["id"] for tag, attrs in page.elements if tag == "title" and "id" in attrs]
    assert titles == ["gw-title", "gw-small-title", "combined-title"]
    assert "times smaller" in page.text


@pytest.mark.parametrize(
    ("kind", "state", "significant", "tone"),
    [
        ("real", "early_warning", True, "amber"),
        ("real", "preliminary", True, "amber"),
        ("real", "initial", None, "green"),
        ("real", "update", True, "green"),
        ("real", "preliminary", False, "grey"),
        ("real", "retracted", False, "red"),
        ("mock", "update", True, "test"),
        ("test", "retracted", True, "test"),
    ],
)
def test_ribbon_colour(kind: str, state: str, significant: bool | None, tone: str) -> None:
    assert ribbon(kind, state, significant).tone == tone


def test_class_bar_never_exceeds_its_track() -> None:
    segments = bar_segments({"BNS": 0.9, "BBH": 0.9, "x": 0.0})
    assert segments[-1].start + segments[-1].width <= 100.01
    assert [segment.style for segment in segments] == ["bbh", "bns", "other"]


@pytest.mark.parametrize(("rough", "step"), [(0.9, 1), (1.0, 1), (1.01, 2), (40, 50), (700, 1000)])
def test_ticks_are_round(rough: float, step: float) -> None:
    assert nice_step(rough) == pytest.approx(step)
