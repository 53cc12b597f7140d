"""Every JSON product of every sample, and of real alerts, is as its schema says."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import pytest
from every_stage import call_stage, make_products
from paths import REAL_ALERTS, SAMPLE_ALERTS
from product_schemas import schema_errors

from sirenflow.alerts.alert import parse_alert


def by_superevent(files: list[Path]) -> dict[str, list[Path]]:
    named = sorted((parse_alert(file.read_bytes()).superevent_id, file) for file in files)
    groups = groupby(named, key=lambda pair: pair[0])
    return {superevent: [file for _, file in pairs] for superevent, pairs in groups}


def errors_of(superevent: str, files: list[Path], folder: Path) -> list[str]:
    inbox = folder / "inbox" / superevent / "ALERT"
    inbox.mkdir(parents=True)
    for file in files:
        (inbox / f"{file.parent.name}-{file.name}").symlink_to(file)
    make_products(call_stage, sorted(inbox.iterdir()), folder / "results")
    return list(schema_errors(folder / "results"))


SAMPLES = by_superevent(SAMPLE_ALERTS)


@pytest.mark.parametrize("superevent", SAMPLES)
def test_products_of_sample_are_as_their_schemas_say(superevent: str, tmp_path: Path) -> None:
    assert errors_of(superevent, SAMPLES[superevent], tmp_path) == []


@pytest.mark.skipif(not REAL_ALERTS.is_dir(), reason="no real alerts: set SIRENFLOW_REAL_ALERTS")
def test_products_of_real_alerts_are_as_their_schemas_say(tmp_path: Path) -> None:
    files = [path for kind in ("real", "official") for path in (REAL_ALERTS / kind).rglob("*.*")]
    for superevent, same in by_superevent(files).items():
        assert errors_of(superevent, same, tmp_path / superevent) == []
