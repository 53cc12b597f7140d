"""Positions in a map, against ligo.skymap, astropy-healpix and lines of sight all alike."""

from __future__ import annotations

import astropy_healpix
import numpy as np
import pytest
from astropy import units
from builders import (
    SPHERE_DEG2,
    SPHERE_SR,
    all_cells,
    distance_columns,
    distnorm,
    fits_map,
    flat_map,
    quadrature,
    same_distance_columns,
)
from hypothesis import given
from hypothesis import strategies as st
from paths import SAMPLES
from tilings import Tiling, tilings

from sirenflow.alerts.alert import parse_alert
from sirenflow.crossmatch.positions import (
    NEARBY_LEVEL,
    CrossmatchResult,
    crossmatch,
    leaves,
    rows_under,
)
from sirenflow.skymap.distance import volume
from sirenflow.skymap.distance.line_of_sight import lines_of_sight
from sirenflow.skymap.distance.volume import (
    credible_volumes,
    probability_denser,
    threshold_log_density,
)
from sirenflow.skymap.skymap import Skymap, read_skymap

# From ligo.skymap 2.5.4, crossmatch(read_sky_map(file, moc=True, distances=True), SkyCoord(...)):
# searched_prob, probdensity, searched_prob_vol, probdensity_vol. The distances are nodes of its
# grid, a hair above, where its density is that of the point itself.
REFERENCE = [
    ("MS260418b-05-update", 158.6, -26.78, 87.81295032, 0.000156029, 156.235, 0.007564, 4.64097e-4),
    ("MS260418b-05-update", 160.1, -25.78, 81.95875363, 0.879257, 26.3966, 0.7074, 8.4896e-5),
    (
        "MS260418b-01-earlywarning",
        175.96,
        6.58,
        119.35936455,
        5.12919e-5,
        3.20996,
        0.04329,
        1.50109e-6,
    ),
    (
        "MS260418b-01-earlywarning",
        178.96,
        4.58,
        151.18852843,
        0.194081,
        2.26367,
        0.2296,
        1.07905e-6,
    ),
    ("MS260418b-01-earlywarning", 171.96, 9.08, 95.48749164, 0.345237, 1.58609, 0.5684, 4.75581e-7),
    (
        "MS260803a-01-preliminary-ssm",
        28.41,
        53.19,
        51.63483957,
        0.000116107,
        7.26623,
        0.04728,
        4.25218e-5,
    ),
    (
        "MS260803a-01-preliminary-ssm",
        24.41,
        55.69,
        41.30787166,
        0.52315,
        2.3574,
        0.5915,
        1.29771e-5,
    ),
]


def place_one(skymap: Skymap, ra: float, dec: float, distance: float = np.nan) -> CrossmatchResult:
    return crossmatch(skymap, np.array([ra]), np.array([dec]), np.array([distance]))


@pytest.mark.parametrize("expected", REFERENCE)
def test_levels_and_densities_are_those_of_ligo_skymap(
    expected: tuple[str, float, float, float, float, float, float, float],
) -> None:
    name, ra, dec, distance, level, per_sr, level_3d, per_mpc3 = expected
    alert = parse_alert((SAMPLES / f"{name}.avro").read_bytes())
    skymap = read_skymap(next(attached.data for attached in alert.maps if attached.kind == "gw"))
    placed = place_one(skymap, ra, dec, distance)
    assert placed.level[0] == pytest.approx(level, rel=1e-5)
    assert placed.probability_per_deg2[0] == pytest.approx(
        per_sr * SPHERE_SR / SPHERE_DEG2, rel=1e-5
    )
    assert placed.probability_per_mpc3[0] == pytest.approx(per_mpc3, rel=1e-5)
    assert placed.level_3d[0] == pytest.approx(level_3d, abs=2e-4)  # theirs is on a grid


@pytest.mark.parametrize("ratio", [-5.0, -0.5, 0.0, 1.0, 5.0, 30.0])
@pytest.mark.parametrize("offset", [-1.5, -0.2, 0.0, 0.7, 2.0])
def test_lines_of_sight_that_are_alike_are_as_dense_as_the_ansatz(
    ratio: float, offset: float
) -> None:
    """The density is 1 / (4 pi) times N / (sqrt(2 pi) sigma) exp(-(r - mu)^2 / 2 sigma^2)."""
    sigma = 10.0
    mu, r = ratio * sigma, max(ratio, 0.3) * sigma + offset * sigma
    if r <= 0:
        return
    # Sixteen times as many rows, so that one is not beyond the level that is looked at in space.
    skymap = read_skymap(fits_map(same_distance_columns(mu, sigma, level=4)))
    first = skymap.rank[0]
    ra, dec = astropy_healpix.healpix_to_lonlat(int(skymap.ipix[first]), 16, order="nested")
    placed = place_one(skymap, ra.deg, dec.deg, r)
    gauss = np.exp(-0.5 * ((r - mu) / sigma) ** 2) / (np.sqrt(2 * np.pi) * sigma)
    expected = distnorm(mu, sigma) * gauss / SPHERE_SR
    assert placed.probability_per_mpc3[0] == pytest.approx(expected, rel=1e-7)
    # Denser is what is nearer to mu: a shell, whose probability quadrature gives.
    nodes, weights = quadrature(mu, sigma)
    probability = weights * nodes**2 / (weights * nodes**2).sum()
    nearer = np.abs(nodes - mu) < abs(r - mu)
    assert placed.level_3d[0] == pytest.approx(probability[nearer].sum(), abs=2e-2)


def test_level_in_space_agrees_with_counting_voxels() -> None:
    random = np.random.default_rng(8)
    probability = random.dirichlet(np.full(48, 0.5))
    mu, sigma = random.uniform(-60, 150, 48), random.uniform(10, 40, 48)
    area = SPHERE_SR / 48
    columns = {"UNIQ": all_cells(1), "PROBDENSITY": probability / area}
    distance = distance_columns(mu.tolist(), sigma.tolist())
    rows = lines_of_sight(read_skymap(fits_map({**columns, **distance})))
    edges = np.linspace(0, 400, 20_001)
    r, step = (edges[1:] + edges[:-1]) / 2, edges[1]
    shape = np.exp(-0.5 * ((r - mu[:, np.newaxis]) / sigma[:, np.newaxis]) ** 2)
    per_volume = shape * distance["DISTNORM"][:, np.newaxis] / sigma[:, np.newaxis]
    per_volume *= (probability / area)[:, np.newaxis] / np.sqrt(2 * np.pi)
    enclosed = per_volume * area * r**2 * step
    thresholds = np.quantile(per_volume, [0.2, 0.5, 0.9, 0.99])
    expected = [enclosed[per_volume > threshold].sum() for threshold in thresholds]
    found = probability_denser(rows, np.log(thresholds))
    assert found == pytest.approx(expected, abs=1e-4)
    assert probability_denser(rows, np.array([-np.inf]))[0] == pytest.approx(1, abs=1e-9)
    assert probability_denser(rows, np.array([50.0]))[0] == 0


@pytest.mark.slow
def test_many_thresholds_are_interpolated_to_what_each_has(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(5)
    n = 3072
    density = random.lognormal(0, 2, n)
    mu, sigma = random.uniform(-60, 150, n), random.uniform(10, 40, n)
    columns = {"UNIQ": all_cells(4), "PROBDENSITY": density / density.mean() / SPHERE_SR}
    columns |= distance_columns(mu.tolist(), sigma.tolist())
    rows = lines_of_sight(read_skymap(fits_map(columns)))
    peak = float(rows.log_peak_density.max())
    thresholds = peak - random.gamma(2, 4, 2000)
    thresholds[:6] = (-np.inf, -1e20, peak + 1, peak, peak - 1e-9, thresholds[6])
    each = probability_denser(rows, thresholds)
    assert (each[0], each[2], each[3]) == (rows.total, 0, 0)
    assert each[5] == each[6]
    evaluated: list[float] = []
    original = volume._down_to_depth
    monkeypatch.setattr(
        volume,
        "_down_to_depth",
        lambda rows, depth, wanted: evaluated.append(depth) or original(rows, depth, wanted),
    )
    monkeypatch.setattr(volume, "_MOST_DIRECT", 0)
    assert probability_denser(rows, thresholds) == pytest.approx(each, abs=5e-5)
    assert len(evaluated) < 500


@given(tilings(), st.sampled_from([0.1, 0.5, 0.9]))
def test_threshold_of_a_volume_is_where_denser_space_holds_its_level(
    tiling: Tiling, level: float
) -> None:
    rows = lines_of_sight(tiling.skymap)
    threshold = threshold_log_density(rows, level)
    assert threshold is not None
    assert probability_denser(rows, np.array([threshold]))[0] == pytest.approx(level, abs=2e-6)
    assert credible_volumes(rows, [level])[0] is not None


@given(tilings(), st.randoms(use_true_random=False), st.floats(-180, 360), st.floats(-90, 90))
def test_neither_order_nor_splitting_moves_a_position(
    tiling: Tiling, random: object, ra: float, dec: float
) -> None:
    before = place_one(tiling.skymap, ra, dec, 50.0)
    after = place_one(tiling.shuffled(random).skymap, ra, dec, 50.0)
    for name in ("level", "probability_per_deg2", "level_3d", "probability_per_mpc3"):
        assert getattr(after, name)[0] == pytest.approx(
            getattr(before, name)[0], rel=1e-9, nan_ok=True
        )


@given(tilings(), st.floats(-720, 720), st.floats(-90, 90))
def test_row_under_a_position_is_the_cell_that_astropy_finds(
    tiling: Tiling, ra: float, dec: float
) -> None:
    skymap = tiling.skymap
    (row,) = rows_under(skymap, leaves(np.array([ra]), np.array([dec])))
    ipix = astropy_healpix.lonlat_to_healpix(
        ra * units.deg, dec * units.deg, 2 ** int(skymap.level[row]), order="nested"
    )
    assert skymap.ipix[row] == ipix or min(abs(ra % 45), 45 - abs(ra % 45), 90 - abs(dec)) < 1e-6


def test_right_ascensions_of_a_turn_apart_are_one() -> None:
    ra = np.array([-10.0, 350.0, 710.0])
    assert len(set(leaves(ra, np.full(3, 20.0)).tolist())) == 1
    assert leaves(np.array([360.0]), np.array([0.0])) == leaves(np.array([0.0]), np.array([0.0]))


@pytest.mark.parametrize("dec", [-90.0, 90.0])
def test_poles_are_in_the_map(dec: float) -> None:
    for ra in (0.0, 123.4, 360.0):
        assert place_one(read_skymap(flat_map(2)), ra, dec).probability_per_deg2[0] == (
            pytest.approx(1 / SPHERE_DEG2)
        )


def test_map_without_distance_says_nothing_of_space() -> None:
    placed = place_one(read_skymap(flat_map(2)), 10, 10, 40.0)
    assert 0 < placed.level[0] <= 1
    assert np.isnan(placed.level_3d[0])
    assert np.isnan(placed.probability_per_mpc3[0])


def test_position_without_distance_is_nowhere_in_space() -> None:
    placed = place_one(read_skymap(fits_map(same_distance_columns(40.0, 8.0, 3))), 10, 10)
    assert np.isnan([placed.level_3d[0], placed.probability_per_mpc3[0]]).all()


@pytest.mark.parametrize(
    ("column", "value"), [("DISTMU", np.inf), ("DISTSIGMA", np.nan), ("DISTNORM", 0.0)]
)
def test_line_of_sight_without_distance_is_nowhere_in_space(column: str, value: float) -> None:
    columns = same_distance_columns(40.0, 8.0, level=3)
    columns[column] = np.where(np.arange(768) < 384, value, columns[column])
    skymap = read_skymap(fits_map(columns))
    ra, dec = astropy_healpix.healpix_to_lonlat(np.array([100, 500]), 8, order="nested")
    placed = crossmatch(skymap, ra.deg, dec.deg, np.array([40.0, 40.0]))
    assert np.isnan(placed.probability_per_mpc3).tolist() == [True, False]


def test_beyond_the_nearby_level_only_the_density_is_told() -> None:
    skymap = read_skymap(fits_map(same_distance_columns(40.0, 8.0, 1)))
    last = skymap.rank[-1]
    ra, dec = astropy_healpix.healpix_to_lonlat(int(skymap.ipix[last]), 2, order="nested")
    placed = place_one(skymap, ra.deg, dec.deg, 40.0)
    assert placed.level[0] > NEARBY_LEVEL
    assert np.isnan(placed.level_3d[0])
    assert placed.probability_per_mpc3[0] > 0
