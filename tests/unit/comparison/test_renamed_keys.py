"""Products of earlier versions are compared under the present names of their keys."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from every_stage import call_stage, make_products
from paths import SAMPLE_ALERTS

from sirenflow.comparison.renamed_keys import rename_old_keys
from sirenflow.comparison.superevents import compare_superevent

OLD_PRODUCTS = Path(__file__).with_name("old_products") / "MS260607d"


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (
            "event.json",
            {"kind": "mock", "headline": "x", "history": [{"delay_s": 1.0, "skymap": None}]},
            {"category": "mock", "summary_line": "x", "history": [{"latency_s": 1.0}]},
        ),
        (
            "localization.json",
            {"alerts": [{"skymaps": [{"kind": "gw", "rejected_because": None}]}]},
            {"alerts": [{"skymaps": [{"kind": "gw", "rejection_reason": None}]}]},
        ),
        (
            "candidates.json",
            {"standing_alert_number": 1, "alerts": [{"standing": True, "map": 0}]},
            {"skymap_alert_number": 1, "alerts": [{"is_current": True, "skymap_index": 0}]},
        ),
        ("visibility.json", {"absent_because": "no map"}, {"absence_reason": "no map"}),
        ("alerts.json", {"alerts": [{"record": {"map": 1}}]}, {"alerts": [{"record": {"map": 1}}]}),
    ],
)
def test_key_of_the_first_version_has_its_new_name(
    file: str, old: dict[str, Any], new: dict[str, Any]
) -> None:
    if file == "event.json":
        new["history"][0]["skymap"] = None
    found = rename_old_keys(file, {"schema_version": 1, **old})
    assert found == {"schema_version": 1, **new}


def test_key_of_a_new_version_stays() -> None:
    product = {"schema_version": 9, "kind": "mock"}
    assert rename_old_keys("event.json", product) == product


def test_old_products_of_a_sample_have_the_values_of_the_new_ones(tmp_path: Path) -> None:
    """Products before the keys were renamed, and those that are made now of the same alerts."""
    samples = {sha256(file.read_bytes()).hexdigest(): file for file in SAMPLE_ALERTS}
    files = []
    for alert in json.loads((OLD_PRODUCTS / "alerts.json").read_bytes())["alerts"]:
        files.append(tmp_path / "inbox" / OLD_PRODUCTS.name / alert["file"])
        files[-1].parent.mkdir(parents=True)
        files[-1].symlink_to(samples[alert["sha256"]])
    new = make_products(call_stage, files, tmp_path / "results")
    for product in new.glob("*.json"):
        if not (OLD_PRODUCTS / product.name).exists():
            product.unlink()
    found = compare_superevent(OLD_PRODUCTS, new)
    assert found.problems == []
    assert [(d.file, d.quantity, d.old, d.new) for d in found.found] == []
    for quantity in ("category", "summary_line", "summary_text", "latency_s"):
        assert found.compared["event.json", quantity] > 0
    assert found.compared["localization.json", "skymaps.rejection_reason"] > 0
    assert found.compared["localization.json", "skymaps.not_measured_reason"] > 0
