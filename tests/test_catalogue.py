"""The catalogue: the same events in page, ECSV and CSV, none of which runs anything."""

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from astropy.table import Table

from sirenflow.catalogue import catalogue_row, newest_first
from sirenflow.errors import SirenflowError
from sirenflow.stages.catalogue import catalogue, formula_safe
from sirenflow.summary import summarize_event


def event_json(superevent_id: str, created: str = "2026-11-22T03:08:33Z", **event: Any) -> Any:
    record = {"event": {"time": created, "far": 9.9e-9, "significant": True, **event}}
    alert = {"number": 1, "alert_type": "UPDATE", "time_created": created, "record": record}
    skymap = {"kind": "gw", "file": "01.fits", "area_90_deg2": 270.4, "distance_mean_mpc": 186.2}
    summary = summarize_event(
        {"superevent_id": superevent_id, "alerts": [alert], "rejected": []},
        {"alerts": [{"number": 1, "skymaps": [skymap]}]},
    )
    return summary.to_json()


def rejected_json(superevent_id: str) -> Any:
    content = {"superevent_id": superevent_id, "alerts": [], "rejected": [{"reason": "truncated"}]}
    return summarize_event(content, {}).to_json()


def build(folder: Path, *events: Any) -> str:
    """Write the catalogue of some events; give its page."""
    paths = []
    for event in events:
        paths.append(folder / event["superevent_id"] / "event.json")
        paths[-1].parent.mkdir()
        paths[-1].write_text(json.dumps(event), encoding="utf-8")
    page = folder / "index.html"
    catalogue(paths, page, folder / "catalogue.ecsv", folder / "catalogue.csv")
    return page.read_text(encoding="utf-8")


def test_tables_hold_the_exact_numbers_and_units(tmp_path: Path) -> None:
    build(tmp_path, event_json("S261122ab"), rejected_json("S261123a"))
    table = Table.read(tmp_path / "catalogue.ecsv", format="ascii.ecsv")
    assert list(table["superevent_id"]) == ["S261122ab", "S261123a"]
    assert table["area_90_deg2"][0] == 270.4
    assert str(table["area_90_deg2"].unit) == "deg2"
    assert str(table["far"].unit) == "Hz"
    assert table["far"].mask.tolist() == [False, True]
    assert table["significant"].tolist() == [True, None]


def test_csv_has_the_same_columns(tmp_path: Path) -> None:
    build(tmp_path, event_json("S261122ab"))
    with (tmp_path / "catalogue.csv").open(encoding="utf-8", newline="") as stream:
        (row,) = csv.DictReader(stream)
    table = Table.read(tmp_path / "catalogue.ecsv", format="ascii.ecsv")
    assert list(row) == table.colnames
    assert float(row["far"]) == 9.9e-9
    assert row["prob_bns"] == ""


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_formula_is_disarmed(text: str) -> None:
    assert formula_safe(text) == f"'{text}"


def test_hostile_search_is_no_formula_and_no_markup(tmp_path: Path) -> None:
    page = build(
        tmp_path,
        event_json("S261122ab", search="=HYPERLINK(1)", instruments=["<script>", "-2"]),
    )
    cells = (tmp_path / "catalogue.csv").read_text(encoding="utf-8")
    assert "'=HYPERLINK(1)" in cells
    assert not re.search(r'(^|,)"?=', cells, re.MULTILINE)
    assert "<script>alert" not in page


def test_negative_numbers_stay_numbers(tmp_path: Path) -> None:
    event = event_json("S261122ab")
    event["history"][0]["skymap"]["peak_dec_deg"] = -17.9
    build(tmp_path, event)
    assert ",-17.9," in (tmp_path / "catalogue.csv").read_text(encoding="utf-8")


def test_row_of_an_alert_without_map_has_the_map_that_stands() -> None:
    created = "2026-11-22T03:08:33Z"
    alerts = [
        {
            "number": n,
            "alert_type": kind,
            "time_created": created,
            "record": {"event": {"far": 1.0}},
        }
        for n, kind in ((1, "INITIAL"), (2, "UPDATE"))
    ]
    skymap = {"kind": "gw", "file": "01.fits", "area_90_deg2": 270.4}
    event = summarize_event(
        {"superevent_id": "S261122ab", "alerts": alerts, "rejected": []},
        {"alerts": [{"number": 1, "skymaps": [skymap]}]},
    )
    row = catalogue_row(event.to_json(), "")
    assert (row.alert_number, row.skymap_alert_number, row.area_90_deg2) == (2, 1, 270.4)


def test_newest_signal_is_first_whatever_the_order(tmp_path: Path) -> None:
    events = [
        event_json("S261122ab", "2026-11-22T03:08:33Z"),
        event_json("MS261124a", "2026-11-24T00:00:00Z"),
        event_json("S261120c", "2026-11-20T00:00:00Z"),
    ]
    rows = newest_first(catalogue_row(event, "") for event in events)
    assert [row.superevent_id for row in rows] == ["MS261124a", "S261122ab", "S261120c"]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert build(tmp_path / "a", *events) == build(tmp_path / "b", *reversed(events))


def test_latest_card_prefers_a_real_event(tmp_path: Path) -> None:
    page = build(
        tmp_path,
        event_json("S261122ab"),
        event_json("MS261124a", "2026-11-24T00:00:00Z"),
    )
    assert re.search(r"Latest event.*?<a href=\"S261122ab/index.html\">", page, re.DOTALL)


def test_mocks_are_hidden_at_first_only_beside_real_events(tmp_path: Path) -> None:
    for name, events, hidden in (
        ("both", ("S261122ab", "MS261122ab"), True),
        ("mocks", ("MS261122ab",), False),
    ):
        (tmp_path / name).mkdir()
        page = build(tmp_path / name, *(event_json(event) for event in events))
        assert ('id="hide-mock" checked' in page) is hidden


def test_empty_catalogue_reads_right(tmp_path: Path) -> None:
    page = build(tmp_path)
    assert "No event yet" in page
    assert "<code>sirenflow ingest PATH...</code>, then <code>snakemake --cores 4</code>" in page
    assert Table.read(tmp_path / "catalogue.ecsv", format="ascii.ecsv").colnames
    assert (tmp_path / "catalogue.csv").read_text(encoding="utf-8").count("\n") == 1


def test_catalogue_of_rejected_alerts_reads_right(tmp_path: Path) -> None:
    page = build(tmp_path, rejected_json("S261122ab"))
    assert "Every alert received was rejected" in page
    assert 'href="S261122ab/index.html"' in page


def test_every_event_has_a_row_and_a_link(tmp_path: Path) -> None:
    hrefs: list[str | None] = []

    class Links(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            hrefs.extend(value for name, value in attrs if tag == "a" and name == "href")

    Links().feed(build(tmp_path, event_json("S261122ab"), rejected_json("MS261123a")))
    assert {"S261122ab/index.html", "MS261123a/index.html", "catalogue.ecsv"} <= set(hrefs)
    assert str(tmp_path) not in str(hrefs)


def test_summary_of_another_version_is_an_error() -> None:
    with pytest.raises(SirenflowError, match="schema_version 7"):
        catalogue_row({"schema_version": 7}, "")
