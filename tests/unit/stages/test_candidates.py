"""Candidates against every alert of every superevent: then, and now."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from astropy.table import Table
from builders import distnorm, flat_map, with_map
from jsonschema import Draft202012Validator
from msgspec import convert
from pages import assert_safe, render_part
from paths import SCHEMAS
from superevents import FAR, MU, NEAR, POSITION, RETRACTION, SIGMA, moved, one_cell_map, products

from sirenflow.crossmatch.candidates import is_in_window
from sirenflow.products.candidates import Candidates
from sirenflow.report.candidates import (
    MOST_A_CANDIDATE,
    MOST_ON_PAGE,
    CandidatesPage,
    candidates_section,
    render_candidates,
)
from sirenflow.stages.candidate_list import candidate_list
from sirenflow.stages.candidate_table import candidate_table, runs_text
from sirenflow.stages.candidates import candidates

SCHEMA = json.loads((SCHEMAS / "candidates.schema.json").read_text())
COLUMNS = {"name": "n", "ra": "ra", "dec": "dec", "distance": "d", "time": "t"}
HOSTILE = ("<script>alert(1)</script>", "=cmd|' /C calc'!A0", "\u202ea\x1b[31mb", "{{ 7 * 7 }}")


def compare(event: Path, *lines: str, before: float = 1, after: float = 14) -> dict[str, Any]:
    table, listed = event.parent / "c.csv", event.parent / "candidates.json"
    table.write_text("\n".join(["n,ra,dec,d,t", *lines]) + "\n", encoding="utf-8")
    candidate_list(table, listed, COLUMNS)
    paths = [event / name for name in ("alerts.json", "localization.json", "skymaps")]
    candidates(*paths, listed, event / "candidates.json", before, after)
    content: dict[str, Any] = json.loads((event / "candidates.json").read_text(encoding="utf-8"))
    Draft202012Validator(SCHEMA).validate(content)
    return content


def matches(content: dict[str, Any], row: int = 1) -> list[dict[str, Any]]:
    """Give what is told of a candidate in the map of each alert; nothing where it is beyond."""
    maps = [content["maps"][alert["skymap_index"]]["matches"] for alert in content["alerts"]]
    return [next((match for match in each if match["row"] == row), {}) for each in maps]


def typed(content: dict[str, Any] | None) -> Candidates | None:
    return None if content is None else convert(content, Candidates)


def section(content: dict[str, Any] | None) -> str:
    """Render the event page's section in a page of its own."""
    return render_part(
        """{% import "candidates.html.j2" as part with context %}{{ part.section(candidates) }}""",
        candidates=candidates_section(typed(content)),
    )


def gather(results: Path) -> str:
    """Write table and page of all; give the page."""
    events = list(results.glob("*/candidates.json"))
    table, page = results / "candidates.ecsv", results / "candidates.html"
    candidate_table(events, results / "candidates.json", table, page)
    return (results / "candidates.html").read_text(encoding="utf-8")


def test_candidate_is_compared_with_every_alert_then_and_now(tmp_path: Path) -> None:
    content = compare(products(tmp_path, *moved()), f"A,{POSITION},,")
    assert [alert["is_current"] for alert in content["alerts"]] == [False, False, True]
    assert (content["skymap_alert_number"], content["retracted"]) == (3, False)
    levels = [match["credible_level"] for match in matches(content)]
    assert levels[:2] == [pytest.approx(0.8), pytest.approx(0.8)]
    # Once the cell is the densest of the rest, it holds the rest's first share.
    rest = 1.0 / (np.arange(768) + 10.0)
    share = 0.2 * rest[0] / (rest.sum() - rest[FAR])
    assert levels[2] == pytest.approx(0.8 + share, rel=1e-5)


def test_density_in_space_is_that_of_the_definition(tmp_path: Path) -> None:
    content = compare(products(tmp_path, moved()[0]), f"A,{POSITION},44,", f"B,{POSITION},,")
    near, unknown = (matches(content, row)[0] for row in (1, 2))
    area = 4 * np.pi / 768
    gauss = np.exp(-0.5 * ((44 - MU) / SIGMA) ** 2) / (np.sqrt(2 * np.pi) * SIGMA)
    expected = 0.8 / area * distnorm(MU, SIGMA) * gauss
    assert near["probability_per_mpc3"] == pytest.approx(expected, rel=1e-5)
    assert 0 < near["credible_level_3d"] < 0.8
    assert (unknown["probability_per_mpc3"], unknown["credible_level_3d"]) == (None, None)


def test_same_map_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sirenflow.superevent import load

    event = products(tmp_path, *moved())
    read: list[bytes] = []
    original = load.read_skymap
    monkeypatch.setattr(load, "read_skymap", lambda data: read.append(data) or original(data))
    compare(event, f"A,{POSITION},,")
    assert len(read) == 2


@pytest.mark.parametrize(
    ("time", "days", "inside"),
    [
        ("2026-01-01T00:05:00.123Z", 0.0, True),  # T0 itself
        ("2025-12-31T00:05:01Z", -0.99999, True),
        ("2025-12-30T00:05:00Z", -2.0, False),
        ("2026-01-15T00:05:00Z", 14.0, True),
        ("61041.5", 0.49653, True),  # noon of 2026-01-01
        ("2026-02-01", 30.99653, False),
        ("", None, None),
        ("soon", None, None),
    ],
)
def test_time_is_checked_against_t0(
    time: str, days: float | None, inside: bool | None, tmp_path: Path
) -> None:
    content = compare(products(tmp_path, moved()[0]), f"A,{POSITION},,{time}")
    (candidate,) = content["candidates"]
    assert candidate["days_after_t0"] == (None if days is None else pytest.approx(days, abs=2e-5))
    assert candidate["in_window"] is inside
    gather(tmp_path / "results")
    (row,) = Table.read(tmp_path / "results" / "candidates.ecsv", format="ascii.ecsv")
    found = [None if row[c] is np.ma.masked else row[c] for c in ("days_after_t0", "in_window")]
    assert found == [candidate["days_after_t0"], inside]


def test_window_is_the_configured_one() -> None:
    assert is_in_window(2.0, 0, 2) is True
    assert is_in_window(2.1, 0, 2) is False
    assert is_in_window(-0.1, 0, 2) is False
    assert is_in_window(None, 0, 2) is None


@pytest.mark.parametrize(
    ("skymap", "reason"),
    [(None, "alert 1 carries no sky map"), (b"junk", "the sky map of alert 1 cannot be used: ")],
)
def test_superevent_without_map_says_so(skymap: bytes | None, reason: str, tmp_path: Path) -> None:
    content = compare(products(tmp_path, with_map(skymap)), f"A,{POSITION},,")
    assert content["absence_reason"].startswith(reason)
    assert (content["maps"], content["alerts"], content["candidates"]) == ([], [], [])
    assert content["listed"] == 1
    assert f"Not compared: {reason}" in assert_safe(section(content)).text
    assert "No match" in assert_safe(gather(tmp_path / "results")).text


def test_section_tells_then_and_now(tmp_path: Path) -> None:
    event = products(tmp_path, *moved())
    content = compare(event, f"A,{POSITION},44,2026-01-02", "B,200,-70,,", f"C,{POSITION},,60000")
    page = assert_safe(section(content)).text
    text = " ".join(page.split())
    assert "3 compared with every sky map" in text
    # Both are in; the one whose time does not fit comes last, marked.
    assert re.search(r"A 45\.000° 4\.780° 80.% \(1 to 2\) 8\d.%", text)
    assert "Window: 1 day before T₀ to 14 days after." in text
    assert text.index(" A ") < text.index(" C ")
    assert text.count("outside the window") == 1
    assert " B " not in text


def test_candidate_that_the_map_has_left_is_told(tmp_path: Path) -> None:
    rest = "135,-4.78"  # far down among the rest, of either map
    event = products(tmp_path, *moved()[:1], with_map(one_cell_map(FAR, 0.95), alert_type="UPDATE"))
    content = compare(event, f"A,{POSITION},,", f"B,{rest},,")
    text = assert_safe(section(content)).text
    assert "now outside" in text
    levels = [match["credible_level"] for match in matches(content)]
    assert levels[0] <= 0.9 < levels[1]


def test_what_many_alerts_share_is_told_once(tmp_path: Path) -> None:
    """A superevent may have hundreds of alerts of one map; T0 is that of each alert."""
    alerts = [with_map(one_cell_map(NEAR), alert_type="UPDATE") for _ in range(6)]
    late = {**alerts[3]["event"], "time": "2026-01-01T00:05:10.123Z"}
    alerts[3]["event"] = late
    content = compare(products(tmp_path, *alerts), f"A,{POSITION},44,2026-01-02T00:05:00.123Z")
    assert [alert["skymap_index"] for alert in content["alerts"]] == [0] * 6
    assert [len(each["matches"]) for each in content["maps"]] == [1]
    gather(tmp_path / "results")
    table = Table.read(tmp_path / "results" / "candidates.ecsv", format="ascii.ecsv")
    assert table["alerts"].tolist() == ["1-3 5-6", "4"]
    assert table["days_after_t0"].tolist() == pytest.approx([1, 1 - 10 / 86400], abs=1e-5)
    assert table["is_current"].tolist() == [True, False]
    assert "(1 to 5)" in assert_safe(section(content)).text


def test_candidates_beyond_999_permille_are_counted_not_listed(tmp_path: Path) -> None:
    sure = [with_map(one_cell_map(cell, 0.9995), alert_type="UPDATE") for cell in (NEAR, FAR)]
    content = compare(products(tmp_path, *sure), f"A,{POSITION},44,", "B,200,-70,,")
    assert [entry["name"] for entry in content["candidates"]] == []
    assert [each["farther"] for each in content["maps"]] == [2, 2]
    sure = [
        with_map(one_cell_map(NEAR, 0.8)),
        with_map(one_cell_map(FAR, 0.9995), alert_type="UPDATE"),
    ]
    event = products(tmp_path / "b", *sure)
    content = compare(event, f"A,{POSITION},44,", "B,200,-70,,")
    assert [each["farther"] for each in content["maps"]] == [0, 2]
    assert content["listed"] == 2
    text = " ".join(assert_safe(section(content)).text.split())
    assert re.search(r"A 45\.000° 4\.780° 80.% \(1 Preliminary\) >99.% now outside", text)
    page = " ".join(assert_safe(gather(event.parent)).text.split())
    assert "Of 4 comparisons of a candidate with a sky map, 2 are not in the table" in page
    table = Table.read(event.parent / "candidates.ecsv", format="ascii.ecsv")
    assert table["alert_number"].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("numbers", "text"),
    [([1], "1"), ([1, 2], "1-2"), ([1, 2, 3, 5, 7, 8], "1-3 5 7-8"), ([2, 4], "2 4"), ([], "")],
)
def test_runs_of_numbers_are_written_short(numbers: list[int], text: str) -> None:
    assert runs_text(numbers) == text


def test_no_match_is_said_in_words(tmp_path: Path) -> None:
    event = products(tmp_path, with_map(one_cell_map(NEAR, 0.999)))
    content = compare(event, "A,200,-70,,")
    assert "None lies in the 90 % region of any alert." in assert_safe(section(content)).text
    page = assert_safe(gather(tmp_path / "results")).text
    assert "No candidate lies in the 90 % region" in page


def test_table_answers_for_every_candidate_and_alert_of_every_superevent(tmp_path: Path) -> None:
    for superevent, alerts in (
        ("S260101a", [*moved(), RETRACTION]),
        ("MS260102b", moved()[:1]),
        ("S260103c", [with_map(flat_map(2)), with_map(None, alert_type="UPDATE")]),
    ):
        event = products(tmp_path, *alerts, superevent=superevent)
        compare(event, f"A,{POSITION},44,2026-01-02", "B,200,-70,,")
    gather(tmp_path / "results")
    table = Table.read(tmp_path / "results" / "candidates.ecsv", format="ascii.ecsv")
    pairs = list(zip(table["name"], table["superevent_id"], table["alerts"], strict=True))
    assert pairs == [
        (name, superevent, alerts)
        for superevent, maps in (("MS260102b", "1"), ("S260101a", "1-2 3"), ("S260103c", "1"))
        for name in "AB"
        for alerts in maps.split()
    ]
    assert set(table["superevent_id"][table["retracted"]]) == {"S260101a"}
    assert table["is_current"].sum() == 6
    first = table[(table["name"] == "A") & (table["superevent_id"] == "S260101a")]
    assert first["credible_level"][0] == 0.8
    assert first["alert_number"].tolist() == [1, 3]
    assert first["in_window"].tolist() == [True] * 2
    assert table["in_window"].mask.sum() == 4  # B's, which has no time
    assert "beyond the credible level 0.999" in table.meta["left_out"]
    assert str(table["probability_per_deg2"].unit) == "1 / deg2"


def test_page_puts_what_matters_first_and_links_the_events(tmp_path: Path) -> None:
    results = tmp_path / "results"
    for superevent, alerts in (
        ("S260101a", [moved()[0], RETRACTION]),
        ("MS260102b", moved()[:1]),
        ("S260103c", moved()[:1]),
    ):
        event = products(tmp_path, *alerts, superevent=superevent)
        compare(event, f"A,{POSITION},44,2026-01-02", "B,200,-70,,", f"C,{POSITION},,61500")
        (event / "index.html").touch()
    (results / "index.html").touch()
    page = assert_safe(gather(results))
    linked = [link for link in page.links() if "S26" in link]
    assert linked == [f"{name}/index.html" for name in ("S260103c", "S260101a", "MS260102b")]
    for link in page.links():
        assert (results / unquote(link)).is_file()
    text = " ".join(page.text.split())
    assert "3 against 3 events, 1 in a 90 % region" in text
    assert text.index("S260103c") < text.index("retracted") < text.index("mock")
    assert "In no 90 % region in the time window B, C" in text


def test_hostile_names_are_no_markup_no_formula_and_no_line(tmp_path: Path) -> None:
    event = products(tmp_path, moved()[0])
    content = compare(event, *(f'"{name}",{POSITION},44,' for name in HOSTILE))
    assert_safe(section(content))
    page = assert_safe(gather(tmp_path / "results"))
    assert HOSTILE[0] in page.text
    assert "{{ 7 * 7 }}" in page.text
    text = (tmp_path / "results" / "candidates.ecsv").read_text(encoding="utf-8")
    assert not re.search(r"(^|,)=", text, re.MULTILINE)
    assert "\x1b" not in text


def test_long_lists_are_cut_and_counted(tmp_path: Path) -> None:
    event = products(tmp_path, moved()[0])
    content = compare(event, *(f"A{i},{POSITION},," for i in range(MOST_ON_PAGE + 7)))
    found = candidates_section(typed(content))
    assert found is not None
    assert (len(found.rows), found.left_out) == (MOST_ON_PAGE, 7)
    assert "and 7 more" in section(content)
    page = CandidatesPage({}, ())
    for number in range(MOST_A_CANDIDATE + 5):
        page.add(convert({**content, "superevent_id": f"S26010{number}a"}, Candidates), "x.html")
    cards = page.cards()
    assert {len(card.rows) for card in cards} == {MOST_A_CANDIDATE}
    assert {card.not_listed for card in cards} == {5}
    assert "5 more in time" in assert_safe(render_candidates(page, "c.ecsv")).text


def test_products_are_the_same_bytes_whatever_the_order_of_events(tmp_path: Path) -> None:
    for superevent in ("S260101a", "S260103c"):
        compare(products(tmp_path, moved()[0], superevent=superevent), f"A,{POSITION},,")
    results = tmp_path / "results"
    events = [results / name / "candidates.json" for name in ("S260101a", "S260103c")]

    def build(order: Sequence[Path]) -> list[bytes]:
        table, page = results / "candidates.ecsv", results / "candidates.html"
        candidate_table(order, results / "candidates.json", table, page)
        return [table.read_bytes(), page.read_bytes()]

    assert build(events) == build(events[::-1])


def test_rows_left_out_are_told(tmp_path: Path) -> None:
    event = products(tmp_path, moved()[0])
    content = compare(event, f"A,{POSITION},,", "B,1,100,,", f"C,{POSITION},-3,soon")
    assert [entry["row"] for entry in content["candidates"]] == [1, 3]
    assert sum(problem["rows"] for problem in content["problems_of_table"]) == 3
    assert "1 row left out: no declination" in assert_safe(gather(tmp_path / "results")).text


def test_table_without_a_usable_candidate_says_why(tmp_path: Path) -> None:
    content = compare(products(tmp_path, moved()[0]), "A,400,0,,")
    reason = "c.csv: no candidate that can be used; 1 left out: no right ascension"
    assert reason in content["absence_reason"]
    assert reason in assert_safe(section(content)).text
    assert reason in assert_safe(gather(tmp_path / "results")).text


def test_table_without_any_row_lists_no_candidate(tmp_path: Path) -> None:
    content = compare(products(tmp_path, moved()[0]))
    assert (content["absence_reason"], content["listed"]) == (None, 0)
    assert "The table lists no candidate." in assert_safe(section(content)).text
    assert "The table lists no candidate." in assert_safe(gather(tmp_path / "results")).text


def test_without_candidates_the_page_has_no_section() -> None:
    assert candidates_section(None) is None
    assert "andidate" not in assert_safe(section(None)).text


def test_order_puts_unknown_levels_last(tmp_path: Path) -> None:
    content = compare(products(tmp_path, moved()[0]), f"A,{POSITION},,")
    found = candidates_section(typed(content))
    assert found is not None
    (row,) = found.rows
    beyond, unknown = replace(row, match=None), replace(row, match=None, has_skymap=False)
    assert row.order < beyond.order < unknown.order < replace(row, retracted=True).order
