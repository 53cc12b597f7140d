"""Alerts that were really sent, against figures of ligo.skymap 2.5.4, the field's reference.

The alerts are not part of the project. They and ``reference.json`` are looked for in the directory
that the environment variable SIRENFLOW_REAL_ALERTS names, or in ``../shared/data``.
"""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
import pytest
from paths import REAL_ALERTS

from sirenflow.alerts.alert import Alert, parse_alert
from sirenflow.skymap.localization import measure_skymap
from sirenflow.skymap.skymap import peak, read_skymap
from sirenflow.stages.extract import extract
from sirenflow.superevent.alert_text import describe

REFERENCE_FILE = REAL_ALERTS / "reference.json"
REFERENCE: dict[str, Any] = (
    json.loads(REFERENCE_FILE.read_text()) if REFERENCE_FILE.is_file() else {}
)
SEED_ERA = "official/seed-era/MS181101ab-preliminary.avro"

pytestmark = pytest.mark.skipif(
    not REFERENCE,
    reason="no real alerts: SIRENFLOW_REAL_ALERTS names no directory with reference.json",
)


def read(name: str) -> Alert:
    return parse_alert((REAL_ALERTS / name).read_bytes())


def maps_of(name: str) -> list[tuple[bytes, dict[str, Any]]]:
    """Each map's bytes, with its reference."""
    places = {"gw": "skymap", "combined": "combined_skymap"}
    return [(m.data, REFERENCE[name][places[m.kind]]) for m in read(name).maps]


@pytest.mark.parametrize("name", [name for name in REFERENCE if name.endswith(".json")])
def test_alert_of_gcn_is_recognised_in_the_avro_of_the_published_schema(name: str) -> None:
    text = (files("igwn_gwalert_schema") / "igwn.alerts.Alert.avsc").read_text()
    sent = json.loads((REAL_ALERTS / name).read_bytes())
    for place, key in (("event", "skymap"), ("external_coinc", "combined_skymap")):
        if sent[place] and sent[place].get(key):
            sent[place][key] = base64.b64decode(sent[place][key])
    stream = BytesIO()
    fastavro.writer(stream, fastavro.parse_schema(json.loads(text)), [sent])
    assert parse_alert(stream.getvalue()).content_sha256 == read(name).content_sha256


def test_all_alerts_are_there() -> None:
    assert len(REFERENCE) == 28


@pytest.mark.parametrize("name", REFERENCE)
def test_alert_says_what_it_said(name: str) -> None:
    alert, expected = read(name), REFERENCE[name]
    assert alert.sha256 == expected["file_sha256"]
    assert alert.superevent_id == expected["superevent_id"]
    assert alert.time_created == expected["time_created"]
    assert alert.record["alert_type"] in (expected["alert_type"], alert.alert_type)
    assert len(alert.maps) == sum(key in expected for key in ("skymap", "combined_skymap"))


@pytest.mark.parametrize("name", REFERENCE)
def test_peak_and_header_are_exact(name: str) -> None:
    for data, expected in maps_of(name):
        assert hashlib.sha256(data).hexdigest() == expected["sha256"]
        numbers = measure_skymap(read_skymap(data), [50, 90])
        assert numbers["rows"] == expected["rows"]
        assert numbers["peak_ra_deg"] == expected["peak_ra_deg"]
        assert numbers["peak_dec_deg"] == expected["peak_dec_deg"]
        assert numbers["distance_mean_mpc"] == expected.get("header_distmean")
        assert numbers["distance_std_mpc"] == expected.get("header_diststd")


@pytest.mark.parametrize("name", REFERENCE)
def test_numbers_agree_with_ligo_skymap(name: str) -> None:
    for data, expected in maps_of(name):
        numbers = measure_skymap(read_skymap(data), [50, 90])
        for level in (50, 90):
            area = expected[f"area{level}_deg2"]
            assert numbers[f"area_{level}_deg2"] == pytest.approx(area, rel=1e-6)
        if "header_distmean" not in expected:
            assert numbers["distance_absent_because"] == "the sky map has no distance columns"
            continue
        for level in (50, 90):
            volume = expected[f"vol{level}_mpc3"]
            assert numbers[f"volume_{level}_mpc3"] == pytest.approx(volume, rel=1e-3)
        keys = ("distance_marginal_mean_mpc", "distance_marginal_std_mpc")
        assert [numbers[key] for key in keys] == pytest.approx(
            expected["dist_marginal_mean_std_mpc"], rel=1e-6
        )
        percentiles = [numbers[f"distance_{p}_mpc"] for p in ("p05", "p50", "p95")]
        assert percentiles == pytest.approx(expected["dist_p05_p50_p95_mpc"], rel=1e-4)


@pytest.mark.skipif(SEED_ERA not in REFERENCE, reason="no alert of the seed's time")
def test_example_of_the_sample_code_is_exact() -> None:
    alert = read(SEED_ERA)
    skymap = read_skymap(alert.maps[0].data)
    top = peak(skymap)
    assert (top.ra_deg, top.dec_deg) == (194.30419921874997, -17.856895095545468)
    assert skymap.header["DISTMEAN"] == 39.76999609489013
    assert skymap.header["DISTSTD"] == 8.308435058808886
    lines = describe(alert).splitlines()
    assert lines[0].endswith("(RA, Dec) = (194.30419921874997, -17.856895095545468)")
    assert lines[1] == "Distance = 39.76999609489013 +/- 8.308435058808886"


@pytest.mark.parametrize("name", REFERENCE)
def test_alert_is_described(name: str) -> None:
    text = describe(read(name))
    assert REFERENCE[name]["superevent_id"] in text
    assert "No position" not in text


def test_all_alerts_of_a_superevent_are_extracted(tmp_path: Path) -> None:
    groups: dict[str, list[str]] = {}
    for name, expected in REFERENCE.items():
        groups.setdefault(expected["superevent_id"], []).append(name)
    for superevent_id, names in groups.items():
        inbox = tmp_path / "inbox" / superevent_id / "X"
        inbox.mkdir(parents=True)
        for name in names:
            (inbox / name.replace("/", "-")).write_bytes((REAL_ALERTS / name).read_bytes())
        results = tmp_path / superevent_id
        results.mkdir()
        products = (results / "alerts.json", results / "skymaps", results / "localization.json")
        extract(list(inbox.iterdir()), *products, [50, 90])
        alerts = json.loads(products[0].read_text())
        assert alerts["rejected"] == []
        # The official retraction of today says what that of 2022 said, in other bytes.
        copies = sum(len(alert["also_received_as"]) for alert in alerts["alerts"])
        assert copies == (superevent_id == "MS181101ab")
        assert len(alerts["alerts"]) + copies == len(names)
