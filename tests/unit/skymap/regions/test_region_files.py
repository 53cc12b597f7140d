"""Regions as files: what other tools read from them is the region."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from builders import SPHERE_DEG2, all_cells
from caps import Cap, caps_map, fisher_map, plain_map
from mocpy import MOC

from sirenflow.skymap.regions.credible_region import CredibleRegion, credible_region
from sirenflow.skymap.regions.lobes import describe_lobes, label_lobes
from sirenflow.skymap.regions.outlines import DRAWN, SkyRing, draw_outlines
from sirenflow.skymap.regions.region_files import Subject, ds9, geojson, moc_fits
from sirenflow.skymap.skymap import Skymap

SUBJECT = Subject("MS260101a", 3, "gw", retracted=False)
RETRACTED = Subject("MS260101a", 3, "combined", retracted=True)
PLACES = [(194.3, -17.9), (179.0, 5.0), (181.0, -60.0), (0.0, 0.0), (120.0, 89.0), (70.0, -88.0)]


def drawn(skymap: Skymap) -> list[tuple[CredibleRegion, tuple[SkyRing, ...]]]:
    regions = [credible_region(skymap, level) for level in (0.5, 0.9)]
    labels = label_lobes(skymap, regions[1])
    lobes = describe_lobes(skymap, regions[1], labels, DRAWN)
    outlines = draw_outlines(skymap, (0.5, 0.9), regions[1], labels, lobes)
    return list(zip(regions, outlines, strict=True))


def lines_of(skymap: Skymap) -> list[list[Any]]:
    """Read the lines of each level from GeoJSON."""
    content = json.loads(geojson(drawn(skymap), SUBJECT))
    assert content["type"] == "FeatureCollection"
    features = content["features"]
    assert [feature["type"] for feature in features] == ["Feature", "Feature"]
    assert {feature["geometry"]["type"] for feature in features} == {"MultiLineString"}
    return [feature["geometry"]["coordinates"] for feature in features]


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_moc_that_is_read_back_is_the_region(level: float, tmp_path: Path) -> None:
    region = credible_region(fisher_map(120.0, -40.0), level)
    (tmp_path / "moc.fits").write_bytes(moc_fits(region, SUBJECT))
    moc = MOC.from_fits(tmp_path / "moc.fits")
    with fits.open(tmp_path / "moc.fits") as hdus:
        header = hdus[1].header
        assert moc.sky_fraction * SPHERE_DEG2 == pytest.approx(region.area_deg2, rel=1e-6)
        assert moc.max_order == region.cell_level.max() == header["MOCORDER"]
        assert (header["OBJECT"], header["ALERTNUM"]) == ("MS260101a", 3)
        assert (header["MAPKIND"], header["CREDLEV"]) == ("gw", level)
        assert header["AREA"] == pytest.approx(region.area_deg2)
        assert header["RETRACTD"] is False
        assert "DATE" not in header
        assert "DATE" not in hdus[0].header


def test_files_of_a_retracted_superevent_say_so() -> None:
    content = drawn(fisher_map(120.0, -40.0))
    with fits.HDUList.fromstring(moc_fits(content[0][0], RETRACTED)) as hdus:
        assert hdus[1].header["RETRACTD"] is True
    assert "# RETRACTED: MS260101a is retracted" in ds9(content, RETRACTED).decode("ascii")
    assert "RETRACTED" not in ds9(content, SUBJECT).decode("ascii")
    features = json.loads(geojson(content, RETRACTED))["features"]
    assert [feature["properties"]["retracted"] for feature in features] == [True, True]


def test_same_region_is_the_same_bytes() -> None:
    content = drawn(fisher_map(120.0, -40.0))
    for write in (geojson, ds9):
        assert write(content, SUBJECT) == write(drawn(fisher_map(120.0, -40.0)), SUBJECT)
    assert moc_fits(content[0][0], SUBJECT) == moc_fits(content[0][0], SUBJECT)


def test_geojson_says_what_it_shows() -> None:
    features = json.loads(geojson(drawn(fisher_map(120.0, -40.0)), SUBJECT))["features"]
    for feature, level in zip(features, (0.5, 0.9), strict=True):
        said = feature["properties"]
        assert said["credible_level"] == level
        assert said["area_deg2"] == pytest.approx(np.log(1 / (1 - level)) / 120 * SPHERE_DEG2, 0.02)
        assert 0 < said["spacing_deg"] < 1
        del said["area_deg2"], said["spacing_deg"], said["credible_level"]
        assert said == {
            "alert_number": 3,
            "frame": "ICRS",
            "kind": "gw",
            "retracted": False,
            "superevent_id": "MS260101a",
        }


@pytest.mark.parametrize(("ra", "dec"), PLACES)
def test_lines_are_closed_or_cut_at_the_antimeridian(ra: float, dec: float) -> None:
    """RFC 7946, section 3.1.9: no line crosses it."""
    for lines in lines_of(fisher_map(ra, dec)):
        assert lines
        ends = []
        for line in lines:
            lon, lat = np.array(line).T
            assert np.all(np.abs(lon) <= 180)
            assert np.all(np.abs(lat) <= 90)
            assert np.all(np.abs(np.diff(lon)) <= 180)
            if line[0] != line[-1]:
                assert {abs(line[0][0]), abs(line[-1][0])} == {180}
                ends += [line[0], line[-1]]
        # Where one line ends at one side, another goes on at the other.
        assert sorted(ends) == sorted([-lon, lat] for lon, lat in ends)


def test_no_point_of_a_ring_is_lost_where_it_is_cut() -> None:
    content = drawn(fisher_map(180.0, 10.0))
    for (_, rings), lines in zip(content, lines_of(fisher_map(180.0, 10.0)), strict=True):
        sent = {tuple(point) for line in lines for point in line if abs(point[0]) < 180}
        for ring in rings:
            lon = np.where(ring.ra_deg > 180, ring.ra_deg - 360, ring.ra_deg)
            points = np.column_stack((lon, ring.dec_deg)).round(5)
            inner = [point for point in map(tuple, points.tolist()) if abs(point[0]) < 180]
            assert set(inner) <= sent


def test_ring_about_the_pole_is_one_line_from_side_to_side() -> None:
    for lines in lines_of(fisher_map(0.0, 89.0)):
        long = [line for line in lines if len(line) > 10]
        assert len(long) == 1
        assert {long[0][0][0], long[0][-1][0]} == {-180, 180}


def test_ds9_polygons_are_the_rings() -> None:
    disk, hole = caps_map([Cap(2, 50, 25, 1.0)]), caps_map([Cap(2, 50, 12, 1.0)])
    between = (disk.probdensity > 0) & (hole.probdensity == 0)
    skymap = plain_map(disk.uniq, np.where(between, 0.9 / between.sum(), 0.1 / (~between).sum()))
    content = drawn(skymap)
    text = ds9(content, SUBJECT).decode("ascii")
    lines = text.splitlines()
    assert lines[0] == "# Region file format: DS9 version 4.1"
    assert "icrs" in lines
    shapes = [line for line in lines if "polygon" in line]
    assert len(shapes) == sum(len(rings) for _, rings in content)
    assert sum(shape.startswith("-polygon") and "{90}" in shape for shape in shapes) == 1
    for shape in shapes:
        assert re.fullmatch(r"-?polygon\([-\d.,]+\) # color=(red|green) tag=\{(50|90)\}", shape)
        numbers = np.array(re.findall(r"-?\d+\.\d{5}", shape), dtype=float).reshape(-1, 2)
        assert len(numbers) >= 3
        assert np.all((numbers[:, 0] >= 0) & (numbers[:, 0] < 360))
        assert all(one.tolist() != other.tolist() for one, other in pairwise(numbers))


def test_lobe_smaller_than_a_second_is_still_a_ring() -> None:
    parts = [np.arange(5, 16)] + [4 ** (n + 1) + np.arange(1, 4) for n in range(1, 27)]
    uniq = np.concatenate([*parts, [4**27]])
    density = np.zeros(len(uniq))
    density[-1] = 1.0
    (line,) = lines_of(plain_map(uniq, density))[1]
    assert len(line) > 10
    assert line[0] == line[-1]


def test_region_without_an_outline_is_an_empty_geometry() -> None:
    """Of twelve equal cells, nothing of a level below the first one's middle is drawn."""
    region = credible_region(plain_map(all_cells(0), np.ones(12)), 0.02)
    content = json.loads(geojson([(region, [])], SUBJECT))
    assert content["features"][0]["geometry"]["coordinates"] == []
    assert content["features"][0]["properties"]["spacing_deg"] is None
