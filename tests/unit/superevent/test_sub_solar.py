"""Sub-solar-mass candidates, which have no source classes, are called what they are."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from builders import fits_map, json_alert, record, same_distance_columns
from every_stage import call_stage, make_products
from pages import assert_safe
from summaries import summarize

from sirenflow.products.event import EventSummary
from sirenflow.superevent.circular import circular_text
from sirenflow.superevent.number_text import NARROW_SPACE, NO_BREAK

SSM = {
    "time": "2026-01-01T00:05:00Z",
    "far": 1e-9,
    "group": "CBC",
    "pipeline": "gstlal",
    "search": "SSM",
    "significant": True,
    "classification": {},
    "properties": {"HasSSM": 1.0, "HasNS": 0.88},
}


def summary(**changed: Any) -> EventSummary:
    alert = {"number": 1, "alert_type": "PRELIMINARY", "record": {"event": SSM | changed}}
    return summarize({"superevent_id": "S260101a", "alerts": [alert]}, {})


def sentence(**changed: Any) -> str:
    text = summary(**changed).summary_text
    return text.replace(NARROW_SPACE, " ").replace(NO_BREAK, " ")


UNLIKELY = "a component below one solar mass is unlikely (HasSSM 10 %)"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {},
            "A sub-solar-mass candidate; a component below one solar mass is almost certain "
            "(HasSSM >99 %).",
        ),
        (
            {"properties": {"HasSSM": 0.7, "HasRemnant": 0.4}},
            "A sub-solar-mass candidate; a component below one solar mass is likely (HasSSM 70 %); "
            "matter outside the remnant is possible (HasRemnant 40 %).",
        ),
        (
            {"properties": {"HasSSM": 0.1}},
            f"A compact binary candidate of the sub-solar-mass search; {UNLIKELY}.",
        ),
        ({"properties": {}}, "A compact binary candidate of the sub-solar-mass search."),
        (
            {"classification": {"BNS": 0.0, "Terrestrial": 0.0}, "properties": {}},
            "A compact binary candidate of the sub-solar-mass search.",
        ),
        (
            {"search": "AllSky", "classification": {"BNS": 0.0}, "properties": {}},
            "A compact binary candidate with no source class.",
        ),
        (
            {"classification": {"BNS": 0.9, "Terrestrial": 0.1}, "properties": {"HasSSM": 0.1}},
            f"Probably a binary neutron star (90 %); {UNLIKELY}.",
        ),
        ({"classification": {"Terrestrial": 0.9}}, "Probably terrestrial noise (90 %)."),
        # Of another search, it is told where it is possible.
        (
            {"search": "AllSky"},
            "A sub-solar-mass candidate; a component below one solar mass is almost certain "
            "(HasSSM >99 %).",
        ),
        (
            {"search": "AllSky", "properties": {"HasSSM": 0.1}},
            "A compact binary candidate with no source class.",
        ),
        (
            {"search": "AllSky", "properties": {}},
            "A compact binary candidate with no source class.",
        ),
    ],
)
def test_sentence(changed: dict[str, Any], said: str) -> None:
    assert sentence(**changed) == said


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "CBC (sub-solar mass, HasSSM>99%), no sky map, "),
        ({"properties": {"HasSSM": 0.1}}, "CBC (sub-solar search, HasSSM=10%), no sky map, "),
        ({"properties": {}}, "CBC (sub-solar search), no sky map, "),
        (
            {"classification": {"BNS": 0.9}, "properties": {"HasSSM": 0.7, "HasRemnant": 0.4}},
            "CBC (HasSSM=70%, HasRemnant=40%), no sky map, ",
        ),
        ({"search": "AllSky", "properties": {"HasSSM": 0.1}}, "CBC, no sky map, "),
        ({"group": "Burst"}, "Burst, no sky map, "),
        ({"classification": {"BNS": 0.0}}, "CBC (sub-solar mass, HasSSM>99%), no sky map, "),
    ],
)
def test_headline(changed: dict[str, Any], said: str) -> None:
    assert summary(**changed).summary_line.startswith(said)


def test_text_for_e_mail_names_it() -> None:
    text = " ".join(circular_text(summary()).split())
    assert "Classes sub-solar mass If astrophysical HasSSM >99%, HasNS 88%" in text


@pytest.mark.parametrize(
    ("search", "share", "name"),
    [("SSM", 1.0, "sub-solar mass"), ("ssm", 0.1, "sub-solar search"), ("AllSky", 0.1, None)],
)
def test_page_tile_and_catalogue_name_it(
    search: str, share: float, name: str | None, tmp_path: Path
) -> None:
    event = SSM | {"search": search, "properties": {"HasSSM": share}}
    event["skymap"] = fits_map(same_distance_columns(40.0, 8.0, 1))
    file = tmp_path / "inbox/MS260101a/PRELIMINARY/1.json"
    file.parent.mkdir(parents=True)
    coincidence = {"observatory": "Fermi"}
    file.write_bytes(json_alert(record(event=event, external_coinc=coincidence)))
    made = make_products(call_stage, [file], tmp_path / "results")
    page, catalogue = (
        " ".join(assert_safe(file.read_text(encoding="utf-8")).text.split())
        for file in (made / "index.html", made.parent / "index.html")
    )
    percent = ">99 %" if share == 1 else "10 %"
    with (made.parent / "catalogue.csv").open(encoding="utf-8", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["source_class"], row["coincidence"]) == ("", "Fermi")
    assert "Fermi coincidence" in catalogue
    headline = json.loads((made / "event.json").read_text())["summary_line"]
    assert ", possible Fermi coincidence, " in headline
    if name is None:
        assert "Source not provided" in page
        assert "sub-solar" not in page + catalogue
        return
    assert f"Source {name.capitalize()}HasSSM {percent} · no source classes" in page
    assert "the search for sub-solar masses gives no source class" in page
    assert f"{name}, HasSSM {percent}" in catalogue
    assert "no class" not in catalogue


def test_catalogue_names_it_where_all_classes_are_zero(tmp_path: Path) -> None:
    file = tmp_path / "inbox/MS260101a/PRELIMINARY/1.json"
    file.parent.mkdir(parents=True)
    event = SSM | {"classification": {"BNS": 0.0, "Terrestrial": 0.0}, "skymap": None}
    file.write_bytes(json_alert(record(event=event)))
    made = make_products(call_stage, [file], tmp_path / "results")
    with (made.parent / "catalogue.csv").open(encoding="utf-8", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert row["source_class"] == ""
    catalogue = (made.parent / "index.html").read_text(encoding="utf-8")
    assert "sub-solar mass, HasSSM >99 %" in " ".join(assert_safe(catalogue).text.split())


def test_properties_that_are_all_zero_are_shown(tmp_path: Path) -> None:
    file = tmp_path / "inbox/MS260101a/PRELIMINARY/1.json"
    file.parent.mkdir(parents=True)
    event = SSM | {"classification": {"BBH": 1.0}, "properties": {"HasNS": 0.0, "HasGap": 0.0}}
    file.write_bytes(json_alert(record(event=event | {"skymap": None})))
    made = make_products(call_stage, [file], tmp_path / "results")
    text = " ".join(assert_safe((made / "index.html").read_text(encoding="utf-8")).text.split())
    assert "HasGap<1 % HasNS<1 %" in text


@pytest.mark.parametrize("observatory", [None, "Fermi", "Einstein Probe", "W" * 40])
def test_longest_headline_keeps_what_decides(observatory: str | None) -> None:
    """A mock, retracted, with the map of an earlier alert, and all that a line can say."""
    event = SSM | {
        "far": 1.14e-41,
        "significant": False,
        "properties": {"HasSSM": 0.7, "HasRemnant": 0.91},
    }
    records = [{"event": event, "external_coinc": {"observatory": observatory}}] * 11
    alerts = [
        {"number": n, "alert_type": "UPDATE", "record": one} for n, one in enumerate(records, 1)
    ]
    alerts.append({"number": 12, "alert_type": "RETRACTION", "record": {}})
    skymap = {"kind": "gw", "file": "x", "area_90_deg2": 24219.0, "distance_mean_mpc": 12345.6}
    line = summarize(
        {"superevent_id": "MS260101a", "alerts": alerts},
        {"alerts": [{"number": 10, "skymaps": [skymap]}]},
    ).summary_line
    assert len(line) <= 140
    assert line.startswith("TEST, do not observe: RETRACTED: CBC (sub-solar mass, HasSSM=70%, ")
    assert f"possible {(observatory or 'external')[:20]} coincidence" in line
