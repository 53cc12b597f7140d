"""The table and the page of differences: whole, safe for every input, the same every time."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from astropy.table import Table
from pages import Page, assert_safe
from runs import EVENT, a_run, copied, edit, set_area

from sirenflow.comparison.page import write_page
from sirenflow.comparison.summary import MOST_LISTED, MOST_OF_A_QUANTITY, ComparisonSummary
from sirenflow.comparison.superevents import compare_superevent, superevents_of_results
from sirenflow.comparison.table import write_differences

HOSTILE = (
    "<script>alert(1)</script>",
    "\"' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "\u202etxt.exe\u2066\n\r\x00\x1b[31m\ud800",
    "=cmd|' /C calc'!A0",
    "x" * 100_000,
)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return a_run(tmp_path / "old")


@pytest.fixture
def new(old: Path, tmp_path: Path) -> Path:
    return copied(old, tmp_path / "new")


def written(old: Path, new: Path, output: Path) -> tuple[ComparisonSummary, Path, Path]:
    """Compare; give the summary, the table and the page."""
    output.mkdir(exist_ok=True)
    summary, table, page = ComparisonSummary(), output / "changes.ecsv", output / "changes.html"
    names = sorted(superevents_of_results(old) | superevents_of_results(new))
    compared = [compare_superevent(old / name, new / name) for name in names]
    for each in compared:
        summary.add(each)
    write_differences(table, compared, str(old), str(new))
    write_page(page, summary, table, old, new)
    return summary, table, page


def page_of(path: Path) -> Page:
    return assert_safe(path.read_text(encoding="utf-8"))


def test_nothing_changed_is_said_and_the_table_is_empty(
    old: Path, new: Path, tmp_path: Path
) -> None:
    _, table, page = written(old, new, tmp_path / "out")
    assert len(Table.read(table)) == 0
    assert "Nothing changed: 1 superevent, 3 alerts, " in page_of(page).text
    assert "Value by value" not in page_of(page).text


def test_table_has_both_values_units_and_differences(old: Path, new: Path, tmp_path: Path) -> None:
    set_area(new, 1.5, alert=1)

    def turn(content: dict[str, Any]) -> None:
        content["alerts"][0]["skymaps"][0]["peak_ra_deg"] += 90
        content["alerts"][2]["skymaps"][0]["distance_absent_because"] = "why"

    edit(new / EVENT / "localization.json", turn)
    _, path, _ = written(old, new, tmp_path / "out")
    table = Table.read(path)
    assert table.meta["old"] == str(old)
    assert [*table["quantity"]] == [
        "skymaps.distance_absent_because",
        "skymaps.peak_ra_deg",
        "skymaps.area_90_deg2",
    ]
    reason, ra, area = table
    assert str(table["separation"].unit) == "deg"
    assert (reason["new_text"], bool(reason["old"] is not None)) == ("why", True)
    assert ra["absolute"] == pytest.approx(90)
    assert 0 < ra["separation"] < 90.1
    assert (area["relative"], area["unit"], area["alert_number"]) == (pytest.approx(0.5), "deg2", 2)
    assert area["new"] == pytest.approx(1.5 * area["old"])
    assert (area["difference"], area["part"], area["about"]) == ("changed", "gw", "Area")


def test_page_leads_to_both_pages_of_the_event(old: Path, new: Path, tmp_path: Path) -> None:
    set_area(new, 1.5)
    _, _, path = written(old, new, tmp_path / "out")
    page = page_of(path)
    linked = [(path.parent / unquote(link)).resolve() for link in page.links()]
    assert linked[:2] == [results / EVENT / "index.html" for results in (old, new)]
    assert linked[2:] == [path.with_name("changes.ecsv")]
    assert "+50 %" in page.text
    assert str(tmp_path) not in re.sub("<dt>.*?</dl>", "", path.read_text(), flags=re.DOTALL)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_no_markup_no_formula_and_no_line(
    old: Path, new: Path, tmp_path: Path, text: str
) -> None:
    def poison(content: dict[str, Any]) -> None:
        content["alerts"][0]["record"][text] = {text: [text, 1]}
        content["alerts"][0]["alert_type"] = text
        gone = content["alerts"].pop()
        content["rejected"].append({"file": text, "sha256": gone["sha256"], "reason": text})
        content["rejected"].append({"file": text, "sha256": None, "reason": text})

    edit(new / EVENT / "alerts.json", poison)
    edit(new / EVENT / "event.json", lambda content: content.update(sirenflow_version=text))
    for file in ("localization.json", "regions.json", "event.json"):
        key = "history" if file == "event.json" else "alerts"
        edit(new / EVENT / file, lambda content, key=key: content[key].pop())
    edit(
        new / EVENT / "event.json", lambda content: content.update(current=None, summary_line=text)
    )
    edit(new / EVENT / "event.json", lambda content: content.update(skymap_alert_number=None))
    summary, table, path = written(old, new, tmp_path / "out")
    page_of(path)
    assert path.stat().st_size < 100_000
    read = Table.read(table)
    with table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(line for line in stream if not line.startswith("#")))
    assert len(rows) == len(read) + 1 == summary.changed + 1
    assert {len(row) for row in rows} == {len(read.columns)}
    assert not any(cell.startswith(("=", "@", "\t")) for row in rows for cell in row)
    assert max(len(cell) for row in rows for cell in row) <= 1_001
    for line in summary.lines("old", "new"):
        assert "\n" not in line
        assert len(line) < 600


def many(results: Path, count: int) -> None:
    for number in range(count):
        name = f"MS2602{number // 26:02}{chr(97 + number % 26)}"
        copied(results / EVENT, results / name)
        for file in (results / name).glob("*.json"):
            edit(file, lambda content, name=name: content.update(superevent_id=name))


def test_page_keeps_what_matters_most_of_each_quantity(
    old: Path, new: Path, tmp_path: Path
) -> None:
    for results in (old, new):
        many(results, 30)
    names = sorted(superevents_of_results(new))
    for rank, name in enumerate(names, start=1):
        set_area(new, 1 + rank / 100, superevent=name)
        edit(new / name / "event.json", lambda content: content.update(state="initial"))
    summary, table, path = written(old, new, tmp_path / "out")
    assert (summary.changed, summary.changed_superevents, summary.superevents) == (62, 31, 31)
    kept = summary.leading
    assert len(kept) == 2 * MOST_OF_A_QUANTITY <= MOST_LISTED
    areas = [each for each in kept if each.heading == "Area"]
    assert [each.superevent_id for each in areas] == names[::-1][:MOST_OF_A_QUANTITY]
    assert kept[0].heading == "State"
    assert "42 more are in the table only" in page_of(path).text
    assert len(Table.read(table)) == 62


def test_same_comparison_is_the_same_bytes(old: Path, new: Path, tmp_path: Path) -> None:
    set_area(new, 1.5)
    first = [path.read_bytes() for path in written(old, new, tmp_path / "out")[1:]]
    assert [path.read_bytes() for path in written(old, new, tmp_path / "out")[1:]] == first
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"changes.ecsv", "changes.html"}


def test_what_cannot_be_compared_is_on_the_page(old: Path, new: Path, tmp_path: Path) -> None:
    (new / EVENT / "regions.json").write_text("{")
    summary, table, path = written(old, new, tmp_path / "out")
    assert "regions.json is damaged" in page_of(path).text
    assert summary.verdict().startswith("nothing changed in what could be compared: ")
    assert summary.verdict().endswith("; 1 file could not be compared")
    (row,) = Table.read(table)
    assert (row["difference"], row["file"]) == ("not comparable", "regions.json")


def test_versions_are_told_once(old: Path, new: Path, tmp_path: Path) -> None:
    edit(new / EVENT / "event.json", lambda content: content.update(sirenflow_version="9.9"))
    summary, _, path = written(old, new, tmp_path / "out")
    assert summary.changed == 0
    assert "sirenflow 9.9, configuration c0ffeec0ffee" in page_of(path).text
    assert json.dumps("9.9") not in (tmp_path / "out/changes.ecsv").read_text()


@pytest.mark.parametrize(
    ("factor", "said"),
    [(1.5, "+50 %"), (0.75, "-25 %"), (20.0, "×20"), (1e-6, "×1e-06"), (0.0, "-100 %")],
)
def test_large_changes_are_factors(
    old: Path, new: Path, tmp_path: Path, factor: float, said: str
) -> None:
    set_area(new, factor)
    _, _, path = written(old, new, tmp_path / "out")
    assert said in page_of(path).text


def test_values_that_differ_by_rounding_are_shown_in_full(
    old: Path, new: Path, tmp_path: Path
) -> None:
    set_area(new, 1 + 1e-13)
    _, _, path = written(old, new, tmp_path / "out")
    values = [
        json.loads((results / EVENT / "localization.json").read_text())["alerts"][0]["skymaps"][0]
        for results in (old, new)
    ]
    for value in values:
        assert repr(value["area_90_deg2"]) in page_of(path).text


def test_run_of_several_versions_says_of_how_many_each(
    old: Path, new: Path, tmp_path: Path
) -> None:
    for results in (old, new):
        many(results, 3)
    edit(
        new / "MS260200a" / "event.json",
        lambda content: content.update(sirenflow_version="0.1", config_sha256=None),
    )
    summary, _, _ = written(old, new, tmp_path / "out")
    (told,) = (line for line in summary.lines("old", "new") if line.startswith("NEW"))
    assert "configuration c0ffeec0ffee (3); sirenflow 0.1, configuration not known (1)" in told
    assert summary.changed == 0
