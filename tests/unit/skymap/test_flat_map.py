"""Flat maps: probability and distance are those of the multi-order map."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from astropy.table import Table
from builders import SPHERE_SR, all_cells, distance_columns, fits_map, flat_columns
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from paths import SAMPLES
from tilings import Tiling, tilings

from sirenflow.alerts.alert import parse_alert
from sirenflow.formats.fits_file import fits_padding
from sirenflow.skymap.distance.line_of_sight import conditional_moments, lines_of_sight
from sirenflow.skymap.flat_map import FlatMap, flat_header, moments_to_distances
from sirenflow.skymap.skymap import Skymap, read_skymap

Floats = NDArray[np.float64]


def whole(skymap: Skymap, nside: int) -> Table:
    """Make a flat map's file, and read it as others would."""
    flat = FlatMap(skymap, nside)
    rows = flat.piece(0, flat.pixels).tobytes()
    data = flat_header(flat, skymap, "MS260101a", retracted=False) + rows
    return Table.read(BytesIO(data + fits_padding(len(rows))), format="fits", hdu=1)


def marginal(table: Table) -> tuple[float, float]:
    """Mean and standard deviation of the distance over the sky, Mpc."""
    known = np.isfinite(table["DISTMU"])
    probability = np.asarray(table["PROB"])[known]
    moments = conditional_moments(
        np.asarray(table["DISTMU"], dtype=float)[known],
        np.asarray(table["DISTSIGMA"], dtype=float)[known],
    )
    mean = float((probability * moments.mean).sum() / probability.sum())
    square = float((probability * moments.mean_square).sum() / probability.sum())
    return mean, float(np.sqrt(square - mean**2))


@given(tilings(), st.sampled_from([1, 2, 4, 16]))
def test_flat_map_says_of_the_sky_what_the_map_says(tiling: Tiling, nside: int) -> None:
    skymap = tiling.skymap
    table = whole(skymap, nside)
    assert table["PROB"].sum() == pytest.approx(1, abs=1e-12)
    base = np.bincount(skymap.ipix >> (2 * skymap.level), weights=skymap.probability, minlength=12)
    assert table["PROB"].reshape(12, -1).sum(axis=1) == pytest.approx(base, abs=1e-14)
    lines = lines_of_sight(skymap)
    mean = float((lines.probability * lines.moments.mean).sum()) / lines.total
    square = float((lines.probability * lines.moments.mean_square).sum()) / lines.total
    assert marginal(table)[0] == pytest.approx(mean, rel=1e-7)
    # A mixture of a near and a far shell may be broader than the ansatz can be.
    assert marginal(table)[1] <= np.sqrt(square - mean**2) * (1 + 1e-6)


@pytest.mark.slow
@given(tilings(), st.sampled_from([1, 2, 8]), st.integers(1, 30))
def test_pieces_are_those_of_the_whole(tiling: Tiling, nside: int, size: int) -> None:
    flat = FlatMap(tiling.skymap, nside)
    starts = range(0, flat.pixels, size)
    pieces = [flat.piece(start, min(start + size, flat.pixels)).tobytes() for start in starts]
    assert b"".join(pieces) == flat.piece(0, flat.pixels).tobytes()


def test_smaller_pixels_inherit_density_and_distance() -> None:
    columns = {**flat_columns(1), **distance_columns([40.0] * 48, [8.0] * 48)}
    columns["DISTMU"][7], columns["DISTNORM"][7] = np.inf, 0.0
    table = whole(read_skymap(fits_map(columns)), 8)
    parent = np.arange(12 * 64) // 16
    assert table["PROB"] == pytest.approx(np.full(12 * 64, 1 / 12 / 64))
    for name in ("DISTMU", "DISTSIGMA", "DISTNORM"):
        assert np.array_equal(np.asarray(table[name]), np.asarray(columns[name])[parent])


def test_larger_pixel_has_the_mean_and_the_spread_of_its_rows() -> None:
    """Two of four rows are nearer, one is improbable, and one has no distance."""
    mu, sigma = [40.0, 60.0, 500.0, np.inf] * 12, [8.0, 5.0, 9.0, 1.0] * 12
    columns = {"UNIQ": all_cells(1), **distance_columns(mu, sigma)}
    columns["PROBDENSITY"] = np.array([0.5, 1.5, 0.0, 2.0] * 12) / SPHERE_SR
    table = whole(read_skymap(fits_map(columns)), 1)
    rows = conditional_moments(np.array([40.0, 60.0]), np.array([8.0, 5.0]))
    mean = (rows.mean * [0.25, 0.75]).sum()
    std = np.sqrt((rows.mean_square * [0.25, 0.75]).sum() - mean**2)
    assert table["PROB"] == pytest.approx(np.full(12, 1 / 12))
    assert marginal(table) == pytest.approx((mean, std), rel=1e-9)
    norm = conditional_moments(
        np.asarray(table["DISTMU"], dtype=float), np.asarray(table["DISTSIGMA"], dtype=float)
    ).norm
    assert table["DISTNORM"] * norm == pytest.approx(np.ones(12))


def test_pixel_without_distance_has_that_of_the_fields_maps() -> None:
    """ligo.skymap writes DISTMU infinite, DISTSIGMA 1 and DISTNORM 0."""
    columns = {**flat_columns(1), **distance_columns([np.inf] * 48, [1.0] * 48)}
    table = whole(read_skymap(fits_map(columns)), 1)
    assert np.all(np.isinf(table["DISTMU"]))
    assert np.all(table["DISTSIGMA"] == 1)
    assert np.all(table["DISTNORM"] == 0)


def test_map_without_distance_has_probability_alone() -> None:
    assert whole(read_skymap(fits_map(flat_columns(2))), 2).colnames == ["PROB"]


@given(st.floats(-28, 1000), st.floats(0.1, 1e4))
def test_distance_goes_there_and_back(x: float, sigma: float) -> None:
    mu = np.array([x * sigma + 1e-9])
    moments = conditional_moments(mu, np.array([sigma]))
    std = np.sqrt(moments.mean_square - moments.mean**2)
    found = moments_to_distances(moments.mean, std)
    assert found.mu == pytest.approx(mu, rel=1e-5, abs=1e-6 * sigma)
    assert found.sigma == pytest.approx(sigma, rel=1e-5)
    assert found.norm * moments.norm == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize("ratio", [1.0, 1.5, 1.7])
def test_distance_too_broad_for_the_ansatz_keeps_its_mean(ratio: float) -> None:
    found = moments_to_distances(np.array([100.0]), np.array([100.0 / ratio]))
    moments = conditional_moments(found.mu, found.sigma)
    assert moments.mean == pytest.approx(100)
    assert np.sqrt(moments.mean_square - moments.mean**2) == pytest.approx(100 / 3**0.5, rel=0.01)


def test_header_is_that_of_flat_maps_of_the_field() -> None:
    cards = {"DISTMEAN": 43.0, "DISTSTD": 9.0, "INSTRUME": "H1,L1", "OBJECT": "else\x00where"}
    skymap = read_skymap(fits_map(flat_columns(1), cards))
    meta = whole(skymap, 2).meta
    assert {key: meta[key] for key in ("PIXTYPE", "ORDERING", "COORDSYS", "INDXSCHM")} == {
        "PIXTYPE": "HEALPIX",
        "ORDERING": "NESTED",
        "COORDSYS": "C",
        "INDXSCHM": "IMPLICIT",
    }
    assert [meta[key] for key in ("NSIDE", "FIRSTPIX", "LASTPIX")] == [2, 0, 47]
    assert [meta[key] for key in ("OBJECT", "INSTRUME")] == ["MS260101a", "H1,L1"]
    assert [meta[key] for key in ("DISTMEAN", "DISTSTD")] == [43, 9]
    assert meta["RETRACTD"] is False


def test_cards_of_the_map_cannot_break_the_header() -> None:
    hostile = {"INSTRUME": "é\n\x1b'END" * 40, "ORIGIN": 7, "DISTMEAN": float("nan")}
    skymap = read_skymap(fits_map(flat_columns(1)))
    skymap = Skymap(skymap.uniq, skymap.probdensity, None, None, None, header=hostile)
    table = whole(skymap, 1)
    assert len(table) == 12
    assert "ORIGIN" not in table.meta
    assert "DISTMEAN" not in table.meta


def test_moments_give_the_parameters_that_the_fields_tool_finds() -> None:
    """Oracle: ligo.skymap 2.5.4, `distance.moments_to_parameters`."""
    found = moments_to_distances(np.full(3, 100.0), np.array([5.0, 20.0, 40.0]))
    assert found.mu == pytest.approx([99.4962024842, 90.797511064, 23.0766280748], rel=1e-9)
    assert found.sigma == pytest.approx([5.01264240294, 20.9781544597, 55.6547008872], rel=1e-9)
    assert found.norm == pytest.approx(
        [0.00010075951623923165, 0.00011515071731737509, 0.00034857251745275334], rel=1e-9
    )


def test_sample_map_is_that_of_the_fields_tool() -> None:
    """Oracle: ligo.skymap 2.5.4, `moc.rasterize` to level 5; the distance is the header's."""
    alert = parse_alert((SAMPLES / "MS260418b-05-update.avro").read_bytes())
    skymap = read_skymap(alert.maps[0].data)
    table = whole(skymap, 32)
    pixels = np.argsort(-np.asarray(table["PROB"]))[:3]
    assert pixels.tolist() == [9712, 9719, 9713]
    assert table["PROB"][pixels[0]] == pytest.approx(0.08828669743977476, rel=1e-9)
    header = (skymap.card_number("DISTMEAN"), skymap.card_number("DISTSTD"))
    assert marginal(table) == pytest.approx(header, rel=1e-6)
