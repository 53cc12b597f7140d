"""visibility.json: whole, of the map and the alert that stand, or with the reason why not."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from builders import all_cells, fits_map, flat_columns, flat_map, json_alert, record, with_map
from jsonschema import Draft202012Validator
from paths import ROOT, SCHEMAS

from sirenflow.stages.extract import extract
from sirenflow.stages.visibility import write_visibility
from sirenflow.superevent.load import SupereventReader

SCHEMA = json.loads((SCHEMAS / "visibility.schema.json").read_text())
SHIPPED = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
SITES = SHIPPED["visibility"]["sites"]
SPHERE_SR = 4 * np.pi


def north_map() -> bytes:
    """Write a map of the four cells around the north pole."""
    density = np.where(all_cells(0) < 8, 3 / SPHERE_SR, 0.0)
    return fits_map({"UNIQ": all_cells(0), "PROBDENSITY": density})


NORTH = north_map()
NAN = fits_map({**flat_columns(), "PROBDENSITY": np.full(12, np.nan)})


def run(
    directory: Path,
    alerts: Sequence[bytes],
    sites: Sequence[dict[str, Any]] = SITES,
    alter: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Take alerts through both rules; `alter` replaces fields of alerts.json's first alert."""
    files = [directory / "inbox/MS260101a/ALERT" / f"{i}.json" for i in range(len(alerts))]
    for file, data in zip(files, alerts, strict=True):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    told, maps, numbers, out = (directory / name for name in ("a.json", "maps", "l.json", "v.json"))
    extract(files, told, maps, numbers, [50, 90])
    if alter:
        content = json.loads(told.read_text())
        content["alerts"][0] |= alter
        told.write_text(json.dumps(content))
    write_visibility(SupereventReader(told, numbers, maps), out, sites, 30, -12)
    product = json.loads(out.read_text(), parse_constant=pytest.fail)
    Draft202012Validator(SCHEMA).validate(product)
    return dict(product)


def later(hour: int, skymap: object = ..., **changes: Any) -> bytes:
    time = f"2026-01-01T{hour:02d}:00:00Z"
    if skymap is ...:
        return json_alert(record(time_created=time, alert_type="UPDATE", **changes))
    return json_alert(with_map(skymap, time_created=time, alert_type="UPDATE", **changes))


def test_each_site_has_every_moment_from_the_alert_on(tmp_path: Path) -> None:
    product = run(tmp_path, [json_alert(with_map(NORTH))])
    assert product["start_utc"] == "2026-01-01T00:10:00Z"
    assert (product["alert_number"], product["skymap_alert_number"]) == (1, 1)
    assert (product["absence_reason"], product["retracted"]) == (None, False)
    assert [site["name"] for site in product["sites"]] == [site["name"] for site in SITES]
    for site in product["sites"]:
        assert len(site["probability_above"]) == len(site["dark"]) == 145
        moments = [
            (datetime(2026, 1, 1, 0, 10) + timedelta(minutes=10 * i)).isoformat() + "Z"  # noqa: DTZ001
            for i in range(145)
        ]
        inside = [dark and p >= 0.01 for dark, p in zip(site["dark"], site["probability_above"])]  # noqa: B905
        for window in site["windows"]:
            first, last = moments.index(window["start_utc"]), moments.index(window["end_utc"])
            assert all(inside[first : last + 1])
            assert not any(inside[max(first - 1, 0) : first] + inside[last + 1 : last + 2])
        if site["best_time_utc"] is not None:
            best = moments.index(site["best_time_utc"])
            assert site["best_probability"] == site["probability_above"][best]
            assert site["dark"][best]


def test_northern_sites_see_the_north_and_southern_ones_little_of_it(tmp_path: Path) -> None:
    product = run(tmp_path, [json_alert(with_map(NORTH))])
    share = {site["name"]: site["reachable_probability"] for site in product["sites"]}
    assert share["Roque de los Muchachos"] > 0.6
    assert share["Palomar"] > share["Maunakea"] > share["Sutherland"]
    assert share["Cerro Pachón"] < 0.2


def test_site_may_have_a_limit_of_its_own(tmp_path: Path) -> None:
    low = {**SITES[0], "name": "low", "minimum_altitude_deg": 10}
    here, there = run(tmp_path, [json_alert(with_map(flat_map()))], [SITES[0], low])["sites"]
    assert (here["minimum_altitude_deg"], there["minimum_altitude_deg"]) == (30, 10)
    assert here["probability_above"][0] == pytest.approx((1 - 0.5) / 2, abs=0.01)
    assert there["probability_above"][0] == pytest.approx((1 - 0.1736) / 2, abs=0.01)


def test_day_begins_with_the_alert_whose_values_stand(tmp_path: Path) -> None:
    product = run(tmp_path, [json_alert(with_map(NORTH)), later(9, flat_map())])
    assert (product["alert_number"], product["skymap_alert_number"]) == (2, 2)
    assert product["start_utc"] == "2026-01-01T09:00:00Z"


def test_map_of_an_earlier_alert_serves_one_that_carries_none(tmp_path: Path) -> None:
    product = run(tmp_path, [json_alert(with_map(NORTH)), later(9)])
    assert (product["alert_number"], product["skymap_alert_number"]) == (2, 1)
    assert product["start_utc"] == "2026-01-01T09:00:00Z"
    assert product["absence_reason"] is None


def test_map_that_cannot_be_used_does_not_hide_an_earlier_one(tmp_path: Path) -> None:
    product = run(tmp_path, [json_alert(with_map(NORTH)), later(9, NAN), later(10, b"no FITS")])
    assert (product["alert_number"], product["skymap_alert_number"]) == (3, 1)
    assert product["absence_reason"] is None
    assert len(product["sites"]) == 6


def test_retracted_superevent_keeps_what_its_last_values_gave(tmp_path: Path) -> None:
    gone = json_alert(
        record(alert_type="RETRACTION", time_created="2026-01-01T05:00:00Z", event=None)
    )
    product = run(tmp_path, [json_alert(with_map(NORTH)), gone])
    assert product["retracted"] is True
    assert product["alert_number"] == 1
    assert product["start_utc"] == "2026-01-01T00:10:00Z"
    assert len(product["sites"]) == 6


@pytest.mark.parametrize(
    ("alerts", "reason"),
    [
        ([json_alert(record(alert_type="RETRACTION", event=None))], "no alert has event values"),
        ([json_alert(record())], "alert 1 carries no sky map"),
        ([json_alert(with_map(NAN))], "the numbers of the sky map of alert 1 are withheld: "),
        ([json_alert(with_map(b"no FITS"))], "the sky map of alert 1 cannot be used: "),
        ([b"{"], "no alert has event values"),
    ],
)
def test_without_a_map_to_rely_on_there_is_a_reason(
    tmp_path: Path, alerts: list[bytes], reason: str
) -> None:
    product = run(tmp_path, alerts)
    assert product["sites"] == []
    assert product["absence_reason"].startswith(reason)


def test_map_that_is_spoiled_since_is_a_reason(tmp_path: Path) -> None:
    run(tmp_path, [json_alert(with_map(NORTH))])
    (tmp_path / "maps/01-PRELIMINARY.multiorder.fits").write_bytes(b"no map")
    extracted = SupereventReader(*(tmp_path / name for name in ("a.json", "l.json", "maps")))
    write_visibility(extracted, tmp_path / "v.json", SITES, 30, -12)
    product = json.loads((tmp_path / "v.json").read_text())
    assert product["sites"] == []
    assert product["absence_reason"] == "the sky map cannot be read"


def test_no_page_is_loaded_to_make_numbers() -> None:
    code = "import sys, sirenflow.stages.visibility; sys.exit('jinja2' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("time", "reason"),
    [
        (None, "the time of the alert is not provided"),
        ("9999-12-31T23:59:59Z", "the alert is of the year 9999; Sun and Moon are known from"),
        ("0001-01-01T00:00:00Z", "the alert is of the year 1; Sun and Moon are known from"),
    ],
)
def test_without_a_time_to_start_from_there_is_a_reason(
    tmp_path: Path, time: str | None, reason: str
) -> None:
    product = run(tmp_path, [json_alert(with_map(NORTH))], alter={"time_created": time})
    assert product["sites"] == []
    assert product["absence_reason"].startswith(reason)


@pytest.mark.parametrize("year", [1990, 2060])
def test_far_years_neither_fail_nor_warn(tmp_path: Path, year: int) -> None:
    alter = {"time_created": f"{year}-12-31T23:00:00Z"}
    product = run(tmp_path, [json_alert(with_map(NORTH))], alter=alter)
    assert product["sites"][0]["reachable_probability"] > 0.5


def test_no_sites_no_rows(tmp_path: Path) -> None:
    product = run(tmp_path, [json_alert(with_map(NORTH))], [])
    assert (product["sites"], product["absence_reason"]) == ([], None)


def test_product_is_the_same_bytes_anywhere(tmp_path: Path) -> None:
    for name in ("here", "there"):
        run(tmp_path / name, [json_alert(with_map(NORTH)), later(9, flat_map(3))])
    here, there = ((tmp_path / name / "v.json").read_bytes() for name in ("here", "there"))
    assert here == there
    assert str(tmp_path).encode() not in here


def test_names_cannot_carry_what_a_page_or_terminal_would_run(tmp_path: Path) -> None:
    site = {**SITES[0], "name": "a\u202eb\x1b[31m", "place": "c\nd"}
    (seen,) = run(tmp_path, [json_alert(with_map(NORTH))], [site])["sites"]
    assert seen["name"] == "a\ufffdb\ufffd[31m"
    assert seen["place"] == "c\ufffdd"
