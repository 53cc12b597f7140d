"""Contours in a local plane, and outlines on the sky: where the credible level crosses."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.wcs import WCS
from builders import SPHERE_DEG2, all_cells
from caps import Cap, area_deg2, caps_map, fisher_map, plain_map
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sirenflow.skymap.regions import outlines
from sirenflow.skymap.regions.contours import LevelField, LocalView, level_field, local_contours
from sirenflow.skymap.regions.credible_region import credible_region
from sirenflow.skymap.regions.lobes import describe_lobes, label_lobes
from sirenflow.skymap.regions.outlines import DRAWN, SkyRing, draw_outlines
from sirenflow.skymap.skymap import Skymap
from sirenflow.skymap.vectors import unit_vectors

Floats = NDArray[np.float64]
KAPPA = 60.0
PLACES = [(194.3, -17.9), (0.3, 5.0), (359.0, -60.0), (120.0, 89.0), (70.0, -90.0), (180.0, 0.0)]


def angle_deg(ra: Floats, dec: Floats, ra_0: float, dec_0: float) -> Floats:
    """Angle of positions from one position."""
    apart = unit_vectors(ra, dec) - unit_vectors(np.array([ra_0]), np.array([dec_0]))
    result: Floats = np.rad2deg(2 * np.arcsin(np.linalg.norm(apart, axis=0) / 2))
    return result


def plane_area(x: Floats, y: Floats) -> float:
    """Signed area of a closed ring, by the shoelace formula."""
    return float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]) / 2)


def fisher_radius_deg(level: float) -> float:
    """Angle within which a Fisher distribution holds a probability."""
    return float(np.rad2deg(np.arccos(1 + np.log(1 - level) / KAPPA)))


def outlines_of(skymap: Skymap) -> tuple[tuple[SkyRing, ...], ...]:
    region = credible_region(skymap, 0.9)
    labels = label_lobes(skymap, region)
    lobes = describe_lobes(skymap, region, labels, DRAWN)
    return draw_outlines(skymap, (0.5, 0.9), region, labels, lobes)


def assert_level_crosses(skymap: Skymap, ring: SkyRing, level: float) -> None:
    """Check that within a step of each point there are places inside and outside."""
    field: LevelField = level_field(skymap)
    inside = np.zeros(len(ring.ra_deg), dtype=bool)
    outside = inside.copy()
    for number in range(len(ring.ra_deg)):
        view = LocalView(float(ring.ra_deg[number]), float(ring.dec_deg[number]))
        axis = 1.5 * ring.spacing_deg * np.linspace(-1, 1, 9)
        x, y = (values.ravel() for values in np.meshgrid(axis, axis))
        levels = field.levels[field.rows_at(view.unproject_vectors(x, y))]
        inside[number] = levels.min() <= level
        outside[number] = levels.max() > level
    assert inside.all()
    assert outside.all()


@given(st.floats(0, 359.99), st.floats(-90, 90), st.floats(0, 360), st.floats(-89.9, 89.9))
def test_projection_goes_there_and_back(ra_0: float, dec_0: float, ra: float, dec: float) -> None:
    view = LocalView(ra_0, dec_0)
    x, y = view.project(np.array([ra]), np.array([dec]))
    back_ra, back_dec = view.unproject(x, y)
    away = angle_deg(np.array([ra]), np.array([dec]), ra_0, dec_0)[0]
    if away < 179.9:
        assert angle_deg(back_ra, back_dec, ra, dec)[0] < 1e-6
        assert np.hypot(x, y)[0] == pytest.approx(np.rad2deg(2 * np.sin(np.deg2rad(away) / 2)))


@pytest.mark.parametrize(("ra", "dec"), PLACES)
def test_projection_is_that_of_the_fits_standard(ra: float, dec: float) -> None:
    """ZEA, zenithal equal-area (Calabretta & Greisen 2002), as wcslib has it."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---ZEA", "DEC--ZEA"]
    wcs.wcs.crval = [ra, dec]
    wcs.wcs.cdelt = [1.0, 1.0]
    wcs.wcs.crpix = [0.0, 0.0]
    wcs.wcs.lonpole = 180.0
    rng = np.random.default_rng(1)
    lon, lat = rng.uniform(0, 360, 200), rng.uniform(-89, 89, 200)
    expected = wcs.wcs_world2pix(np.column_stack((lon, lat)), 0).T + 1
    x, y = LocalView(ra, dec).project(lon, lat)
    near = np.hypot(x, y) < 100
    assert x[near] == pytest.approx(expected[0][near], abs=1e-8)
    assert y[near] == pytest.approx(expected[1][near], abs=1e-8)


def test_east_is_to_the_right_and_north_up() -> None:
    x, y = LocalView(30.0, 10.0).project(np.array([31.0, 30.0]), np.array([10.0, 11.0]))
    assert x == pytest.approx([np.cos(np.deg2rad(10)), 0], abs=1e-3)
    assert y == pytest.approx([0, 1], abs=2e-3)


def test_beyond_the_disk_lies_the_opposite_point() -> None:
    ra, dec = LocalView(30.0, 10.0).unproject(np.array([200.0, 0.0]), np.array([0.0, -150.0]))
    assert ra == pytest.approx([210, 210])
    assert dec == pytest.approx([-10, -10])


@pytest.mark.parametrize(("ra", "dec"), PLACES)
@pytest.mark.parametrize("level", [0.5, 0.9])
def test_local_contour_is_the_regions_edge(ra: float, dec: float, level: float) -> None:
    radius = fisher_radius_deg(level)
    skymap = fisher_map(ra, dec, KAPPA)
    (rings,) = local_contours(level_field(skymap), [level], LocalView(ra, dec), 30.0, 200)
    area = 0.0
    for ring in rings:  # one, or more where cells stand out by a corner
        assert ring[0].tolist() == ring[-1].tolist()
        distance = 2 * np.rad2deg(np.arcsin(np.deg2rad(np.hypot(*ring.T)) / 2))
        assert np.abs(distance - radius).max() < 1.3  # the diagonal of a cell
        area += plane_area(*ring.T)
    assert area == pytest.approx(credible_region(skymap, level).area_deg2, rel=0.03)


def test_region_ends_where_the_grid_does() -> None:
    """Half of the sky, seen through a small window in its middle."""
    skymap = fisher_map(50.0, 20.0, kappa=0.5, level=4)
    ((ring,),) = local_contours(level_field(skymap), [0.9], LocalView(50.0, 20.0), 5.0, 20)
    half = np.rad2deg(2 * np.sin(np.deg2rad(2.5)))
    assert np.abs(ring).max() == pytest.approx(half)
    assert local_contours(level_field(skymap), [0.9], LocalView(230.0, -20.0), 5.0, 20) == ((),)


@pytest.mark.parametrize(("ra", "dec"), PLACES)
def test_outline_lies_where_the_level_crosses(ra: float, dec: float) -> None:
    skymap = fisher_map(ra, dec, KAPPA, level=5)
    for level, rings in zip((0.5, 0.9), outlines_of(skymap), strict=True):
        for ring in rings:
            assert_level_crosses(skymap, ring, level)
            distance = angle_deg(ring.ra_deg, ring.dec_deg, ra, dec)
            assert np.abs(distance - fisher_radius_deg(level)).max() < 2.6


def test_outline_of_a_noisy_map_lies_where_the_level_crosses() -> None:
    """Many lobes, each with its grid, all of whose edges are rows' edges."""
    rng = np.random.default_rng(1)
    smooth = fisher_map(200.0, 30.0, kappa=20.0, level=4)
    skymap = plain_map(smooth.uniq, smooth.probdensity * rng.integers(1, 30, len(smooth)) ** 4.0)
    assert label_lobes(skymap, credible_region(skymap, 0.9)).count > 5
    for level, rings in zip((0.5, 0.9), outlines_of(skymap), strict=True):
        assert len(rings) > 3
        for ring in rings:
            assert_level_crosses(skymap, ring, level)


def test_every_lobe_is_drawn_once_and_as_large_as_it_is() -> None:
    caps = [Cap(0, 0, 20, 0.4), Cap(0, 90, 12, 0.3), Cap(31, 0, 9, 0.15), Cap(180, -80, 7, 0.05)]
    rings = outlines_of(caps_map(caps))[1]
    assert len(rings) == len(caps)
    for ring, cap in zip(rings, caps, strict=True):
        area = plane_area(*LocalView(cap.ra_deg, cap.dec_deg).project(ring.ra_deg, ring.dec_deg))
        assert area == pytest.approx(area_deg2(cap), rel=0.08)


def test_hole_is_told_from_the_rest() -> None:
    """A ring on the sky: its inner edge is the outline of a hole."""
    disk = caps_map([Cap(100, 50, 25, 1.0)])
    hole = caps_map([Cap(100, 50, 12, 1.0)])
    between = (disk.probdensity > 0) & (hole.probdensity == 0)
    ring = plain_map(disk.uniq, np.where(between, 0.9 / between.sum(), 0.1 / (~between).sum()))
    outer, inner = sorted(outlines_of(ring)[1], key=lambda ring: ring.is_hole)
    assert (outer.is_hole, inner.is_hole) == (False, True)
    assert angle_deg(outer.ra_deg, outer.dec_deg, 100, 50).mean() == pytest.approx(25, abs=1)
    assert angle_deg(inner.ra_deg, inner.dec_deg, 100, 50).mean() == pytest.approx(12, abs=1)


def test_uniform_sky_is_drawn_around_what_it_leaves_out() -> None:
    """Nine tenths of the sky: the point opposite to the centre may lie inside."""
    rings = outlines_of(plain_map(all_cells(3), np.ones(768)))[1]
    assert rings
    for ring in rings:
        assert np.all(np.isfinite(ring.ra_deg) & (ring.ra_deg >= 0) & (ring.ra_deg <= 360))
        assert np.all(np.abs(ring.dec_deg) <= 90)


def test_sky_of_specks_is_drawn_as_one() -> None:
    rng = np.random.default_rng(1)
    density = np.where(rng.random(12 * 4**5) < 0.05, 1.0, 0.0)
    skymap = plain_map(all_cells(5), density)
    assert label_lobes(skymap, credible_region(skymap, 0.9)).count > DRAWN
    rings = outlines_of(skymap)[1]
    assert len(rings) > DRAWN
    assert {ring.spacing_deg for ring in rings} == {rings[0].spacing_deg}


def test_region_of_very_many_cells_is_drawn_on_the_grid_of_the_sky(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    skymap = fisher_map(50.0, 20.0, kappa=2.0, level=5)
    (fine,) = outlines_of(skymap)[1]
    monkeypatch.setattr(outlines, "_MOST_CELLS", 100)
    (ring,) = outlines_of(skymap)[1]
    assert ring.spacing_deg != fine.spacing_deg
    radius = np.rad2deg(np.arccos(1 + np.log(1 - 0.9 * (1 - np.exp(-4.0))) / 2.0))
    away = angle_deg(ring.ra_deg, ring.dec_deg, 50.0, 20.0)
    assert away == pytest.approx(np.full(len(away), radius), abs=2.0)


def test_cell_of_a_nanodegree_is_drawn_as_such() -> None:
    levels = range(1, 30)
    parts = [np.arange(5, 16)] + [4 ** (n + 1) + np.arange(1, 4) for n in levels]
    uniq = np.concatenate([*parts, [4**30]])
    density = np.zeros(len(uniq))
    density[-1] = 1.0
    (ring,) = outlines_of(plain_map(uniq, density))[1]
    side = np.sqrt(SPHERE_DEG2 / 12 / 4**29)
    assert np.ptp(ring.ra_deg) == pytest.approx(1.41 * side, rel=0.5)
    assert np.ptp(ring.dec_deg) == pytest.approx(1.41 * side, rel=0.5)
