"""What rules read of earlier products: a map that can be trusted, and nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import flat_map, json_alert, with_map
from msgspec import structs
from summaries import load_event

from sirenflow.products.event import SkymapSummary
from sirenflow.stages.extract import extract
from sirenflow.stages.regions import write_regions
from sirenflow.superevent.load import SupereventReader, load_usable_skymap


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Products of one superevent; beside them a map that is none of it."""
    sent = tmp_path / "inbox/MS260101a/PRELIMINARY/1.json"
    sent.parent.mkdir(parents=True)
    sent.write_bytes(json_alert(with_map(flat_map(1))))
    (tmp_path / "other.fits").write_bytes(flat_map(1))
    extract([sent], tmp_path / "alerts.json", tmp_path / "skymaps", tmp_path / "l.json", [50, 90])
    return tmp_path


def standing(results: Path) -> SkymapSummary:
    alert = SupereventReader(
        *(results / name for name in ("alerts.json", "l.json", "skymaps"))
    ).summary.skymap_alert
    assert alert is not None
    assert alert.skymap is not None
    return alert.skymap


def test_state_has_lobes_where_regions_are_given(results: Path) -> None:
    paths = [results / name for name in ("alerts.json", "l.json", "skymaps", "r.json", "regions")]
    write_regions(SupereventReader(*paths[:3]), *paths[3:])
    assert standing(results).lobes_90 == ()
    alert = load_event(paths[0], paths[1], paths[3]).skymap_alert
    assert alert is not None
    assert alert.skymap is not None
    assert len(alert.skymap.lobes_90) == 1


def test_trusted_map_is_read(results: Path) -> None:
    skymap = load_usable_skymap(results / "skymaps", standing(results))
    assert skymap is not None
    assert len(skymap) == 48


@pytest.mark.parametrize(
    "changes",
    [
        {"not_measured_reason": "PROBDENSITY is nan"},
        {"rejection_reason": "no FITS table"},
        {"file": None},
        {"file": "../other.fits"},
        {"file": "."},
    ],
)
def test_no_other_map_is_read(results: Path, changes: dict[str, str | None]) -> None:
    named = structs.replace(standing(results), **changes)  # type: ignore[arg-type]
    assert load_usable_skymap(results / "skymaps", named) is None


def test_map_that_is_spoiled_since_is_none(results: Path) -> None:
    named = standing(results)
    (results / "skymaps" / (named.file or "")).write_bytes(b"no map")
    assert load_usable_skymap(results / "skymaps", named) is None


def test_map_that_is_gone_is_an_error(results: Path) -> None:
    """A rule that went on without it would deliver less than there is, and nobody would know."""
    named = standing(results)
    (results / "skymaps" / (named.file or "")).unlink()
    with pytest.raises(FileNotFoundError):
        load_usable_skymap(results / "skymaps", named)
