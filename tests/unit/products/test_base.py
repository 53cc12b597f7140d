"""Products are read as their models, and anything else is an error that names the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sirenflow.errors import SirenflowError
from sirenflow.products.alerts import AlertRecord, Alerts
from sirenflow.products.base import load_product, parse_product, write_product
from sirenflow.products.localization import Localization


def test_product_is_read_as_it_was_written(tmp_path: Path) -> None:
    alert = AlertRecord(number=1, alert_type="UPDATE", sha256="ab", record={"text": "\ud800"})
    alerts = Alerts(superevent_id="S260101a", alerts=(alert,))
    write_product(tmp_path / "alerts.json", alerts)
    assert load_product(tmp_path / "alerts.json", Alerts) == alerts


def test_areas_of_other_levels_are_accepted() -> None:
    skymap = {"kind": "gw", "area_50_deg2": 1.5, "area_75_deg2": 3.0}
    content = {
        "superevent_id": "S260101a",
        "alerts": [{"number": 1, "skymaps": [skymap]}],
    }
    product = parse_product(json.dumps(content).encode(), Localization, "localization.json")
    assert product.alerts[0].skymaps[0].area_50_deg2 == 1.5


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"[]",
        b'{"superevent_id": "S260101a", "schema_version": 9}',
        b'{"superevent_id": "S260101a", "unknown": 1}',
        b'{"superevent_id": 7}',
        b'{"superevent_id": "S260101a"',
        b'{"superevent_id": "S260101a", "alerts": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_damaged_product_is_an_error_that_says_what_to_do(damage: bytes) -> None:
    with pytest.raises(SirenflowError, match=r"alerts\.json: found .*; expected .*run again"):
        parse_product(damage, Alerts, "alerts.json")
