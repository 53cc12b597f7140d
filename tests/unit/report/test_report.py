"""The event page: whole for every sample, safe for every input, the same every time."""

import json
import re
import weakref
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from jsonschema import Draft202012Validator
from pages import Page, assert_safe
from paths import SAMPLES, SCHEMAS
from summaries import load_event, summarize

from sirenflow.products.event import EventSummary, SkymapSummary
from sirenflow.report.event_page import EventLinks, Sections, render_event
from sirenflow.report.figures.bars import bar_segments
from sirenflow.report.figures.draw import draw
from sirenflow.report.figures.labels import nice_step
from sirenflow.report.html import ribbon
from sirenflow.skymap.skymap import Skymap
from sirenflow.stages.extract import extract
from sirenflow.stages.report import report
from sirenflow.superevent.load import load_usable_skymap
from sirenflow.superevent.number_text import NARROW_SPACE, NO_BREAK

SCHEMA = json.loads((SCHEMAS / "event.schema.json").read_text(encoding="utf-8"))
SUPEREVENTS = sorted({path.name.split("-")[0] for path in SAMPLES.glob("[MT]*")})
LINKS = EventLinks(
    skymaps="skymaps",
    event="e.json",
    localization="l.json",
    alerts="a.json",
    regions="regions",
    regions_json="r.json",
    circular="c.txt",
)
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


def build(superevent_id: str, folder: Path) -> Path:
    """Make the products of one sample superevent; give their directory."""
    inbox, results = folder / "inbox" / superevent_id, folder / "results" / superevent_id
    results.mkdir(parents=True)
    files = []
    for sample in sorted(SAMPLES.glob(f"{superevent_id}-*")):
        kind = sample.stem.split("-")[2].upper()
        (inbox / kind).mkdir(parents=True, exist_ok=True)
        files.append(inbox / kind / sample.name)
        files[-1].write_bytes(sample.read_bytes())
    alerts, numbers, found = (results / name for name in ("alerts.json", "numbers.json", "r.json"))
    maps, region_files = results / "skymaps", results / "regions"
    extract(files, alerts, maps, numbers, (50, 90))
    products = (results / name for name in ("index.html", "event.json", "circular.txt"))
    report(alerts, numbers, maps, found, region_files, *products)
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


@pytest.mark.slow
def test_products_are_the_same_bytes_anywhere(tmp_path: Path) -> None:
    for name in ("index.html", "event.json", "circular.txt"):
        first, second = (
            (folder / "results" / "MS260418b" / name)
            for folder in (tmp_path / "here", tmp_path / "there")
        )
        if name == "index.html":
            build("MS260418b", tmp_path / "here")
            build("MS260418b", tmp_path / "there")
        assert first.read_bytes() == second.read_bytes()


def test_maps_are_held_one_at_a_time(tmp_path: Path) -> None:
    """A map may have millions of rows; here one stands, one is combined, one was before."""
    results = build("MS260418b", tmp_path)
    held: list[weakref.ref[Skymap]] = []

    def read(skymap: SkymapSummary) -> Skymap | None:
        assert all(reference() is None for reference in held)
        found = load_usable_skymap(results / "skymaps", skymap)
        assert found is not None
        held.append(weakref.ref(found))
        return found

    summary = load_event(*(results / name for name in ("alerts.json", "numbers.json", "r.json")))
    drawings = draw(summary, read)
    assert set(drawings.skies) == {"gw", "combined"}
    assert drawings.previous_number is not None
    assert len(held) == 3


def render(content: dict[str, Any], localization: dict[str, Any] | None = None) -> str:
    return draw_and_render(summarize(content, localization or {}))


def draw_and_render(summary: EventSummary) -> str:
    """Render a page of which no map can be read."""
    return render_event(summary, draw(summary, lambda _: None), Sections(), "text", LINKS)


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
    alert["also_received_as"] = [dict.fromkeys(("file", "format", "sha256", "size_bytes"), value)]
    rejected = [{"file": value, "sha256": value, "reason": value}]
    return {"superevent_id": "S261122ab", "alerts": [alert], "rejected": rejected}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_and_never_run(text: str) -> None:
    skymap = {"kind": "gw", "file": text, "creator": text, "rejection_reason": text}
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


@pytest.mark.parametrize(
    ("formats", "said"),
    [
        (["json"], "also received as JSON"),
        (["avro"], "also received as Avro"),
        (["avro", "json", "json"], "also received as Avro, JSON"),
        ([], None),
    ],
)
def test_alert_with_other_files_says_so_in_its_row_and_gives_their_hashes(
    formats: list[str], said: str | None
) -> None:
    content = poisoned(None)
    content["alerts"][0]["also_received_as"] = [
        {"format": name, "sha256": f"hash{number}"} for number, name in enumerate(formats)
    ]
    html = render(content)
    page = assert_safe(html)
    row = html[html.index("<tbody>") : html.index("</tbody>")]
    assert said in row if said else "received as" not in page.text
    assert "1 alert, newest first" in page.text
    for number in range(len(formats)):
        assert page.text.count(f"hash{number}") == 1


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
    skymap = {"kind": "gw", "file": "01-UPDATE.multiorder.fits", "not_measured_reason": "NaN"}
    page = Page(render(poisoned(None), {"alerts": [{"number": 1, "skymaps": [skymap]}]}))
    assert "The numbers of the sky map of alert 1 are withheld: NaN." in page.text
    assert "Sky area, 90 %\nwithheld" in page.text
    assert "skymaps/01-UPDATE.multiorder.fits" in list(page.links())


SKYMAP = {
    "kind": "gw",
    "file": "02-INITIAL.multiorder.fits",
    "area_50_deg2": 61.2,
    "area_90_deg2": 270.4,
    "probability_with_distance": 1.0,
    "distance_mean_mpc": 97.1,
    "distance_std_mpc": 15.2,
    "distance_marginal_mean_mpc": 98.2,
    "distance_marginal_std_mpc": 15.7,
    "distance_p05_mpc": 74.2,
    "distance_p50_mpc": 96.6,
    "distance_p95_mpc": 123.7,
}


def page_of(skymap: dict[str, Any] | None, *later: dict[str, Any] | None) -> Page:
    """Render an INITIAL with a map, or none, then an UPDATE for each of the later maps."""
    skymaps = (skymap, *later)
    kinds = ["INITIAL"] + ["UPDATE"] * len(later)
    record = {"event": {"group": "CBC", "classification": {"BBH": 1.0}}}
    alerts = [
        {"number": n, "alert_type": kind, "time_created": f"2026-11-22T03:0{n}:00Z"}
        | {"record": record}
        for n, kind in enumerate(kinds, start=2)
    ]
    located = [
        {"number": n, "skymaps": [one] if one else [], "no_skymap_reason": "not provided"}
        for n, one in enumerate(skymaps, start=2)
    ]
    content = {"superevent_id": "S261122ab", "alerts": alerts, "rejected": []}
    page = assert_safe(render(content, {"alerts": located}))
    for spaced in (" ", NO_BREAK, NARROW_SPACE):
        page.text = page.text.replace(spaced, " ")
    for wrong in ("not provided Mpc", "–not provided", "not provided–", "provided: not provided"):
        assert wrong not in page.text
    return page


def test_distance_is_shown_with_its_percentiles_and_units() -> None:
    page = page_of(SKYMAP)
    assert page.text.count("5–95 %: 74–124 Mpc") == 2
    assert "its mean ± std 98 ± 16 Mpc" in page.text


def test_earlier_map_stands_in_under_its_own_name() -> None:
    label = "sky map of alert 2, Initial, 2026-11-22 03:02 UTC"
    page = page_of(SKYMAP, None)
    assert f"Where {label}" in page.text
    assert f"How far {label}" in page.text
    assert page.text.count("sky map of alert 2") >= 4  # and in two tiles
    assert f"S{label[1:]}; alert 3 carries no sky map." in page.text
    assert "97 ± 15 Mpc" in page.text
    assert "50 %: 61 deg²" in page.text
    assert "carries no sky map" not in page_of(SKYMAP, SKYMAP).text


def test_no_map_at_all_is_said_in_words() -> None:
    page = page_of(None)
    assert "Alert 2 carries no sky map." in page.text
    assert "not provided: alert 2 carries no sky map" in page.text


def test_percentiles_of_part_of_the_probability_are_withheld() -> None:
    partial = {**SKYMAP, "probability_with_distance": 0.66, "distance_p95_mpc": None}
    page = page_of(partial)
    said = "nly 66 % of the probability has a distance: percentiles withheld here"
    assert page.text.count(said) == 2
    assert "97 ± 15" in page.text
    for withheld in ("74–", "98 ± 16", "Band"):
        assert withheld not in page.text
    assert "interval" not in [attrs.get("class") for _, attrs in page.elements]


def test_header_without_mean_leaves_the_marginal_band() -> None:
    reason = "the header lacks DISTMEAN or DISTSTD"
    missing = {"distance_mean_mpc": None, "distance_std_mpc": None}
    page = page_of({**SKYMAP, **missing, "distance_absent_because": reason})
    assert page.text.count(reason) == 2
    assert f"not provided: {reason}" in page.text
    assert "marginal posterior; shaded 5–95 %: 74–124 Mpc, median 97 Mpc" in page.text
    assert "Dot" not in page.text


def test_withheld_map_is_not_among_the_rejected() -> None:
    withheld = page_of({"kind": "gw", "file": "x.fits", "not_measured_reason": "sums to 2"})
    assert "none of it is used above" not in withheld.text
    assert "Numbers withheld sky maps delivered as sent" in withheld.text
    rejected = page_of({"kind": "gw", "rejection_reason": "no FITS"})
    assert "none of it is used above" in rejected.text
    assert "Numbers withheld" not in rejected.text


def test_coincidence_is_possible_and_alone_without_a_combined_map(tmp_path: Path) -> None:
    page = Page((build("MS261004d", tmp_path) / "index.html").read_text(encoding="utf-8"))
    assert "Possible coincidence with SNEWS" in page.text
    assert "Alert 1 carries no combined sky map." in page.text
    titles = [attrs["id"] for tag, attrs in page.elements if tag == "title" and "id" in attrs]
    assert titles == ["gw-title"]


@pytest.mark.parametrize("superevent_id", ["MS260418b", "TS260902f"])
def test_page_says_cell_as_the_documentation_does(superevent_id: str, tmp_path: Path) -> None:
    text = Page((build(superevent_id, tmp_path) / "index.html").read_text(encoding="utf-8")).text
    assert "the cell of greatest probability density, not a measured position" in text
    assert "pixel" not in text
    assert "alerts.json every field" in text
    assert re.search(r"\d Mpc(?!\w)", text.replace(NO_BREAK, " "))


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
