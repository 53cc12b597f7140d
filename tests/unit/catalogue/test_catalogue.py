"""The catalogue: the same events in page and tables, none of which runs anything."""

import csv
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from astropy.io.votable import parse_single_table, validate
from astropy.table import Table
from event_products import HOSTILE, PRODUCTS, event_json, rejected_json
from msgspec import convert
from pages import TEMPLATES, assert_safe
from summaries import summarize

from sirenflow.catalogue.page import LISTED
from sirenflow.catalogue.row import catalogue_row, signal_order
from sirenflow.errors import ConfigError, SirenflowError
from sirenflow.formats.json_file import formula_safe
from sirenflow.products.base import version_of
from sirenflow.products.catalogue import Catalogue
from sirenflow.products.event import EventSummary
from sirenflow.stages.catalogue import catalogue

WAYS = ("ascending", "descending")


def build(folder: Path, *events: Any) -> str:
    """Write the catalogue of some events; give its page."""
    paths = []
    for event in events:
        paths.append(folder / event["superevent_id"] / "event.json")
        paths[-1].parent.mkdir()
        paths[-1].write_text(json.dumps(event), encoding="utf-8")
    catalogue(paths, **{name: folder / file for name, file in PRODUCTS.items()})
    return (folder / "index.html").read_text(encoding="utf-8")


def shown(page: str) -> list[dict[str, Any]]:
    """Read the events that the page's script is given."""
    block = re.search(
        r'<script type="application/json" id="events">(.*?)</script>', page, re.DOTALL
    )
    assert block
    data = json.loads(block[1])
    return [
        {
            name: value if name in data["own"] else data["values"][value]
            for name, value in zip(data["columns"], row, strict=True)
        }
        for row in data["rows"]
    ]


def test_tables_hold_the_exact_numbers_and_units(tmp_path: Path) -> None:
    build(tmp_path, event_json("S261122ab"), rejected_json("S261123a"))
    table = Table.read(tmp_path / "catalogue.ecsv", format="ascii.ecsv")
    assert list(table["superevent_id"]) == ["S261122ab", "S261123a"]
    assert table["area_90_deg2"][0] == 270.4
    assert str(table["area_90_deg2"].unit) == "deg2"
    assert str(table["far"].unit) == "Hz"
    assert table["far"].mask.tolist() == [False, True]
    assert table["significant"].tolist() == [True, None]


def test_every_format_holds_the_same_values(tmp_path: Path) -> None:
    """The two that have types and units of their own are read by astropy."""
    build(tmp_path, event_json("S261122ab", search='AllSky, "quoted"'), rejected_json("S261123a"))
    document = json.loads((tmp_path / "catalogue.json").read_text(encoding="utf-8"))
    assert document["schema_version"] == version_of(Catalogue)
    assert document["columns"]["far"] == {"unit": "Hz", "description": "False-alarm rate"}
    ecsv = Table.read(tmp_path / "catalogue.ecsv", format="ascii.ecsv")
    votable = Table.read(tmp_path / "catalogue.vot", format="votable")
    assert ecsv.colnames == votable.colnames
    assert set(ecsv.colnames) == set(document["columns"]) == set(document["events"][0])
    for table in (ecsv, votable):
        for name, column in document["columns"].items():
            assert table[name].description == column["description"]
            assert table[name].unit == column["unit"]
            read = [None if value in ("", None) else value for value in table[name].tolist()]
            assert read == [event[name] for event in document["events"]]


def test_votable_is_valid_and_says_what_columns_are(tmp_path: Path) -> None:
    build(tmp_path, event_json("S261122ab"), rejected_json("S261123a"))
    file = tmp_path / "catalogue.vot"
    table = parse_single_table(str(file), verify="exception")
    assert table.get_field_by_id("peak_ra_deg").ucd == "pos.eq.ra;meta.main"
    assert table.get_field_by_id("area_90_deg2").unit == "deg2"
    with (tmp_path / "verdict").open("w") as verdict:
        assert validate(str(file), output=verdict)


def test_parquet_has_the_same_columns_with_units(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    event = event_json("S261122ab")
    file = tmp_path / "event.json"
    file.write_text(json.dumps(event), encoding="utf-8")
    for name, events in (("one", [file]), ("none", [])):
        (tmp_path / name).mkdir()
        paths = {key: tmp_path / name / product for key, product in PRODUCTS.items()}
        catalogue(events, **paths, parquet=tmp_path / name / "catalogue.parquet")
        table = parquet.read_table(tmp_path / name / "catalogue.parquet")
        document = json.loads(paths["json"].read_text(encoding="utf-8"))
        assert table.to_pylist() == document["events"]
        assert table.schema.field("area_90_deg2").metadata[b"unit"] == b"deg2"
    assert "catalogue.parquet" in paths["page"].read_text(encoding="utf-8")


def test_parquet_without_pyarrow_is_an_error_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    paths = {key: tmp_path / product for key, product in PRODUCTS.items()}
    with pytest.raises(ConfigError, match=r"parquet is true.*install sirenflow\[parquet\]"):
        catalogue([], **paths, parquet=tmp_path / "catalogue.parquet")


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
    assert_safe(page)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_the_same_in_every_table_and_runs_nowhere(
    text: str, tmp_path: Path
) -> None:
    event = event_json("S261122ab", pipeline="x", instruments=["x"], classification={"x": 0.9})
    (tmp_path / "harmless").mkdir()
    harmless = assert_safe(build(tmp_path / "harmless", event))
    values = event["current"]["values"]
    values["pipeline"], values["instruments"], values["classification"] = text, [text], {text: 0.9}
    page = build(tmp_path, event)
    (row,) = shown(page)
    assert row["source"] == [[text, "90\u202f%", 90.0]]
    assert row["detectors"] == text
    assert text in row["words"]
    tags, expected = ([tag for tag, _ in seen.elements] for seen in (assert_safe(page), harmless))
    assert tags == expected
    (record,) = json.loads((tmp_path / "catalogue.json").read_text())["events"]
    assert record["pipeline"] == text
    (cells,) = csv.DictReader((tmp_path / "catalogue.csv").read_text("utf-8").split("\n"))
    assert cells["pipeline"] == text
    for name in ("catalogue.vot", "catalogue.ecsv"):
        kind = "votable" if name.endswith("vot") else "ascii.ecsv"
        allowed = text.replace("\ufffe", "\ufffd") if kind == "votable" else text
        assert Table.read(tmp_path / name, format=kind)["pipeline"][0] == allowed


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
    event = summarize(
        {"superevent_id": "S261122ab", "alerts": alerts, "rejected": []},
        {"alerts": [{"number": 1, "skymaps": [skymap]}]},
    )
    row = catalogue_row(event, "")
    assert (row.alert_number, row.skymap_alert_number, row.area_90_deg2) == (2, 1, 270.4)


def test_newest_signal_is_first_whatever_the_order(tmp_path: Path) -> None:
    events = [
        event_json("S261122ab", "2026-11-22T03:08:33Z"),
        event_json("MS261124a", "2026-11-24T00:00:00Z"),
        event_json("S261120c", "2026-11-20T00:00:00Z"),
    ]
    rows = [catalogue_row(convert(event, EventSummary), "") for event in events]
    oldest_first = sorted(rows, key=signal_order)
    assert [row.superevent_id for row in oldest_first] == ["S261120c", "S261122ab", "MS261124a"]
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
    page = assert_safe(build(tmp_path, event_json("S261122ab"), rejected_json("MS261123a")))
    wanted = {"S261122ab/index.html", "MS261123a/index.html", *PRODUCTS.values()} - {"index.html"}
    assert wanted == set(page.links()) - {"#row"}
    assert str(tmp_path) not in str(list(page.links()))


def test_every_order_is_one_that_the_script_knows_and_every_heading_has_two(
    tmp_path: Path,
) -> None:
    page = assert_safe(build(tmp_path, event_json("S261122ab")))
    headings = [attrs["data-sort"] for tag, attrs in page.elements if "data-sort" in attrs]
    values = [attrs.get("value") or "" for tag, attrs in page.elements if tag == "option"]
    orders = [value for value in values if value]
    assert sorted(orders) == sorted(f"{name} {way}" for name in headings for way in WAYS)
    script = (TEMPLATES / "catalogue.js").read_text(encoding="utf-8")
    keys = script.partition("const KEYS = {")[2].partition("};")[0]
    assert set(headings) == set(re.findall(r"(?:^|, | )(\w+):", keys)) - {"row"}
    assert all('"' not in (attrs.get("class") or "") for _, attrs in page.elements)


def test_page_of_many_events_lists_the_newest_and_gives_all_to_its_script(tmp_path: Path) -> None:
    """Mock events are hidden at first: however many, they must not displace the real ones."""
    real = [event_json(f"S2611{day:02}a", f"2026-11-{day:02}T00:00:00Z") for day in range(1, 29)]
    mock = [
        event_json(
            f"MS2612{n % 28 + 1:02}{chr(97 + n // 28)}", f"2026-12-{n % 28 + 1:02}T00:00:00Z"
        )
        for n in range(LISTED + 20)
    ]
    html = build(tmp_path, *real, *mock)
    listed = re.findall(r'<tr class="(real|mock)', html)
    assert listed.count("real") == 28
    assert 0 < listed.count("mock") < LISTED
    assert len(shown(html)) == len(real) + len(mock)
    assert f"of {len(listed)} events shown: the newest of {len(real) + len(mock)}" in html


def test_rows_say_the_same_with_and_without_javascript(tmp_path: Path) -> None:
    event = event_json(
        "S261122ab", classification={"BNS": 0.125, "BBH": 0.875}, properties={"HasRemnant": 0.914}
    )
    html = build(tmp_path, event, rejected_json("S261123a"))
    row, _ = shown(html)
    listed = html.split("<tbody>")[1].split("</tbody>")[0]
    for name in ("remnant", "distance", "area", "far"):
        assert row[name] is not None
        assert row[name] in listed
    assert (row["remnant_number"], row["distance_number"]) == (0.914, 186.2)
    assert row["source"] == [["BBH", "88\u202f%", 87.5], ["BNS", "12\u202f%", 12.5]]
    assert 'aria-label="BBH 88\u202f%, BNS 12\u202f%"' in listed
    assert row["time"] == "2026-11-22 03:08:33"


def test_retracted_event_is_told_apart_in_words_and_not_counted(tmp_path: Path) -> None:
    event = event_json("S261122ab")
    event |= {"state": "retracted", "retracted": True}
    html = build(tmp_path, event)
    assert '<span class="chip bad">retracted</span>' in html
    assert '<tr class="real retracted' in html
    assert "1 of them retracted" in html
    assert "By month" not in html


def test_summary_of_another_version_is_an_error(tmp_path: Path) -> None:
    event = event_json("S261122ab")
    with pytest.raises(SirenflowError, match=r"expected schema version \d+ of EventSummary"):
        build(tmp_path, {**event, "schema_version": 1})
