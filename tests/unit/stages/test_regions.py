"""Credible regions, as rule report writes them: files, lobes and comparisons of every map."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from astropy.io import fits
from builders import SPHERE_DEG2, flat_map, json_alert, record, with_map
from jsonschema import Draft202012Validator
from mocpy import MOC
from paths import REAL_ALERTS, SAMPLES, SCHEMAS

from sirenflow.skymap.skymap import read_skymap
from sirenflow.stages.extract import extract
from sirenflow.stages.flatten import flatten
from sirenflow.stages.regions import write_regions
from sirenflow.superevent.load import SupereventReader

SCHEMA = json.loads((SCHEMAS / "regions.schema.json").read_text(encoding="utf-8"))
SUPEREVENTS = sorted({path.name.split("-")[0] for path in SAMPLES.glob("[MT]*")})
REAL = sorted({path.name.split("-")[0] for path in (REAL_ALERTS / "real").glob("S*.json")})


def build(superevent_id: str, alerts: list[bytes], folder: Path) -> Path:
    """Make the products of one superevent; give their directory."""
    inbox = folder / "inbox" / superevent_id / "ANY"
    inbox.mkdir(parents=True)
    for number, content in enumerate(alerts):
        (inbox / f"{number}.json").write_bytes(content)
    results = folder / superevent_id
    results.mkdir()
    paths = [results / name for name in ("alerts.json", "skymaps", "localization.json")]
    extract(sorted(inbox.iterdir()), *paths, (50, 90))
    run(results)
    return results


def run(results: Path, name: str = "regions") -> None:
    extracted = (results / f for f in ("alerts.json", "localization.json", "skymaps"))
    write_regions(SupereventReader(*extracted), results / f"{name}.json", results / name)


@cache
def sent(superevent_id: str) -> Path:
    """Make the products of a superevent of the samples, or of a real one."""
    places = sorted(SAMPLES.glob(f"{superevent_id}-*"))
    places = places or sorted((REAL_ALERTS / "real").glob(f"{superevent_id}-*"))
    return build(superevent_id, [place.read_bytes() for place in places], Path(mkdtemp()))


def product(results: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((results / "regions.json").read_text(encoding="ascii"))
    Draft202012Validator(SCHEMA).validate(content)
    return content


def test_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("superevent_id", [*SUPEREVENTS, *REAL])
def test_area_that_is_delivered_is_the_area_that_is_published(superevent_id: str) -> None:
    results = sent(superevent_id)
    content = product(results)
    localized = json.loads((results / "localization.json").read_text(encoding="ascii"))
    assert content["superevent_id"] == superevent_id
    assert content["retracted"] == localized["retracted"]
    assert len(content["alerts"]) == len(localized["alerts"])
    expected = set()
    for described, alert in zip(content["alerts"], localized["alerts"], strict=True):
        trusted = [one for one in alert["skymaps"] if one["not_measured_reason"] is None]
        assert [one["kind"] for one in described["maps"]] == [one["kind"] for one in trusted]
        for one, measured in zip(described["maps"], trusted, strict=True):
            expected |= set(one["files"].values())
            for percent in (50, 90):
                name = results / "regions" / one["files"][f"moc_{percent}"]
                area = MOC.from_fits(name).sky_fraction * SPHERE_DEG2
                assert area == pytest.approx(measured[f"area_{percent}_deg2"], rel=1e-6)
            lobes = one["lobes_90"]
            assert len(lobes) == min(one["lobes_90_count"], 20)
            if one["lobes_90_count"] <= 20:
                total = sum(lobe["area_deg2"] for lobe in lobes)
                assert total == pytest.approx(measured["area_90_deg2"], rel=1e-6)
                assert sum(lobe["probability"] for lobe in lobes) == pytest.approx(0.9, abs=1e-4)
    assert {path.name for path in (results / "regions").iterdir()} == expected


@pytest.mark.parametrize("superevent_id", SUPEREVENTS)
def test_same_alerts_are_the_same_bytes(superevent_id: str) -> None:
    results = sent(superevent_id)
    run(results, "again")
    assert (results / "again.json").read_bytes() == (results / "regions.json").read_bytes()
    for path in (results / "again").iterdir():
        assert path.read_bytes() == (results / "regions" / path.name).read_bytes()


def test_alerts_are_compared_with_those_before() -> None:
    """The sample repeats its second map in the third alert, and its fifth in the sixth."""
    alerts = product(sent("MS260418b"))["alerts"]
    previous = [alert["since_previous"] for alert in alerts]
    first = [alert["since_first"] for alert in alerts]
    assert previous[0] is None
    assert [one["number"] for one in previous[1:]] == [1, 2, 3, 4, 5]
    assert [one["identical"] for one in previous[1:]] == [False, True, False, False, True]
    assert first[:2] == [None, None]
    assert {one["number"] for one in first[2:]} == {1}
    combined = [alert["combined_with_gw"] for alert in alerts]
    assert combined[:5] == [None] * 5
    assert combined[5]["number"] == 6
    assert combined[5]["area_90_ratio"] < 1


def test_identical_maps_share_their_files() -> None:
    alerts = product(sent("MS260418b"))["alerts"]
    one, other = alerts[1]["maps"][0], alerts[2]["maps"][0]
    assert one == other
    assert one["files"]["moc_90"] == "02-PRELIMINARY.90.moc.fits"


def test_retracted_superevent_is_marked_in_every_file() -> None:
    results = sent("TS260902f")
    assert product(results)["retracted"] is True
    paths = sorted((results / "regions").iterdir())
    assert len(paths) == 4
    for path in paths:
        content = path.read_bytes()
        if path.suffix == ".fits":
            with fits.open(path) as hdus:
                assert hdus[1].header["RETRACTD"] is True
        else:
            assert (b"# RETRACTED" if path.suffix == ".reg" else b'"retracted":true') in content


def test_map_that_cannot_be_trusted_has_no_regions(tmp_path: Path) -> None:
    """And is left out of comparisons: the third alert is compared with the first."""
    times = [f"2026-01-01T00:{minute}:00Z" for minute in (10, 20, 30)]
    maps = [flat_map(1), flat_map(2, ORDERING="RING"), flat_map(3)]
    alerts = [
        json_alert(with_map(content, time_created=time, alert_type=kind))
        for content, time, kind in zip(
            maps, times, ("PRELIMINARY", "INITIAL", "UPDATE"), strict=True
        )
    ]
    described = product(build("MS260101a", alerts, tmp_path))["alerts"]
    assert [len(alert["maps"]) for alert in described] == [1, 0, 1]
    assert described[1]["since_previous"] is None
    assert described[2]["since_previous"]["number"] == 1
    assert described[2]["since_previous"]["overlap_90_of_new"] == pytest.approx(1, abs=1e-4)
    assert described[2]["since_first"] is None


def test_map_that_is_spoiled_since_has_no_products_and_stops_none(tmp_path: Path) -> None:
    times = [f"2026-01-01T00:{minute}:00Z" for minute in (10, 20, 30)]
    alerts = [
        json_alert(with_map(flat_map(level), time_created=time))
        for level, time in zip((1, 2, 3), times, strict=True)
    ]
    results = build("MS260101a", alerts, tmp_path)
    (results / "skymaps/02-PRELIMINARY.multiorder.fits").write_bytes(b"no map")
    run(results, "again")
    content = json.loads((results / "again.json").read_text(encoding="ascii"))
    assert [len(alert["maps"]) for alert in content["alerts"]] == [1, 0, 1]
    assert content["alerts"][2]["since_previous"]["number"] == 1
    inputs = [results / name for name in ("alerts.json", "localization.json", "skymaps")]
    flatten(*inputs, tmp_path / "flat", nside=1)
    assert sorted(path.name for path in (tmp_path / "flat").iterdir()) == [
        "01-PRELIMINARY.flat.fits.gz",
        "03-PRELIMINARY.flat.fits.gz",
    ]


def test_map_that_returns_is_compared_with_the_other_between(tmp_path: Path) -> None:
    times = [f"2026-01-01T00:{minute}:00Z" for minute in (10, 20, 30)]
    maps = [flat_map(1), flat_map(2), flat_map(1)]
    alerts = [
        json_alert(with_map(content, time_created=time))
        for content, time in zip(maps, times, strict=True)
    ]
    last = product(build("MS260101a", alerts, tmp_path))["alerts"][2]
    assert (last["since_previous"]["number"], last["since_previous"]["identical"]) == (2, False)
    assert (last["since_first"]["number"], last["since_first"]["identical"]) == (1, True)


def test_superevent_without_maps_has_an_empty_directory(tmp_path: Path) -> None:
    results = build("MS260101a", [json_alert(record())], tmp_path)
    (alert,) = product(results)["alerts"]
    assert alert["maps"] == []
    assert list((results / "regions").iterdir()) == []


def test_flat_maps_are_written_once_for_identical_maps_and_the_same_every_time(
    tmp_path: Path,
) -> None:
    results = sent("MS260418b")
    inputs = [results / name for name in ("alerts.json", "localization.json", "skymaps")]
    for name in ("one", "two"):
        flatten(*inputs, tmp_path / name, nside=16)
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == [
        "01-EARLYWARNING.flat.fits.gz",
        "02-PRELIMINARY.flat.fits.gz",
        "04-INITIAL.flat.fits.gz",
        "05-UPDATE.flat.fits.gz",
        "06-UPDATE-combined.flat.fits.gz",
    ]
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    with fits.open(tmp_path / "one" / names[3]) as hdus:
        assert hdus[1].columns.names == ["PROB", "DISTMU", "DISTSIGMA", "DISTNORM"]
        assert len(hdus[1].data) == 12 * 16**2
        multi_order = read_skymap((results / "skymaps/05-UPDATE.multiorder.fits").read_bytes())
        assert hdus[1].data["PROB"].sum() == pytest.approx(multi_order.probability.sum())
