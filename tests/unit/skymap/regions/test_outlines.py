"""Outlines of regions on the sky, each lobe in a plane of its own: where the level crosses."""

from __future__ import annotations

import numpy as np
import pytest
from builders import SPHERE_DEG2, all_cells
from caps import (
    PLACES,
    Cap,
    angle_deg,
    area_deg2,
    caps_map,
    fisher_map,
    fisher_radius_deg,
    plain_map,
    plane_area,
)

from sirenflow.skymap.regions import outlines
from sirenflow.skymap.regions.contours import LevelField, LocalView, level_field
from sirenflow.skymap.regions.credible_region import credible_region
from sirenflow.skymap.regions.lobes import describe_lobes, label_lobes
from sirenflow.skymap.regions.outlines import DRAWN, SkyRing, draw_outlines
from sirenflow.skymap.skymap import Skymap


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


@pytest.mark.parametrize(("ra", "dec"), PLACES)
def test_outline_lies_where_the_level_crosses(ra: float, dec: float) -> None:
    skymap = fisher_map(ra, dec, level=5)
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
    radius = fisher_radius_deg(0.9, kappa=2.0)
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
