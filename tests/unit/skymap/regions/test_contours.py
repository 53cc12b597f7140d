"""Contours in a local plane: where the credible level crosses."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.wcs import WCS
from caps import PLACES, angle_deg, fisher_map, fisher_radius_deg, plane_area
from hypothesis import given
from hypothesis import strategies as st

from sirenflow.skymap.regions.contours import LocalView, level_field, local_contours
from sirenflow.skymap.regions.credible_region import credible_region


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
    skymap = fisher_map(ra, dec)
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
