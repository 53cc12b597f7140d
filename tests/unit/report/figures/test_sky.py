"""The drawn regions are the map's: checked against the closed form of a Fisher distribution."""

import re

import astropy_healpix
import numpy as np
import pytest
from caps import KAPPA, PLACES, Floats, angle_deg, fisher_map, fisher_radius_deg, plain_map
from figure_layout import points_of
from hypothesis import given
from hypothesis import strategies as st

from sirenflow.products.event import Thumbnail
from sirenflow.report.figures.sky import (
    HEIGHT,
    WIDTH,
    SkyFigure,
    project,
    sky_figure,
    sky_frame,
    unproject,
)
from sirenflow.report.figures.svg_path import join_rings, path_data, simplify_rings
from sirenflow.skymap.regions.contours import level_field
from sirenflow.skymap.skymap import Skymap


def figures_of(skymap: Skymap) -> tuple[SkyFigure, Thumbnail]:
    return sky_figure(skymap, level_field(skymap))


def drawn_fraction(path: str) -> float:
    """Fraction of the sky's ellipse inside a path, by the even-odd rule at sample points."""
    x, y = (
        axis.ravel() for axis in np.meshgrid(np.arange(1.3, WIDTH, 3), np.arange(0.7, HEIGHT, 3))
    )
    on_sky = (2 * x / WIDTH - 1) ** 2 + (2 * y / HEIGHT - 1) ** 2 < 1
    x, y = x[on_sky], y[on_sky]
    inside = np.zeros(len(x), dtype=bool)
    for ring in points_of(path):
        for (x0, y0), (x1, y1) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
            if y0 != y1:
                spans = (y0 > y) != (y1 > y)
                inside ^= spans & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return float(inside.mean())


@pytest.mark.parametrize(("ra", "dec"), PLACES)
@pytest.mark.parametrize("level", [0.5, 0.9])
def test_drawn_area_is_the_regions_area(ra: float, dec: float, level: float) -> None:
    figure, _ = figures_of(fisher_map(ra, dec))
    truth = -np.log(1 - level) / KAPPA / 2
    drawn = drawn_fraction(figure.path_90 if level == 0.9 else figure.path_50)
    assert drawn == pytest.approx(truth, rel=0.06)


@pytest.mark.parametrize(("ra", "dec"), PLACES)
def test_contour_points_lie_at_the_credible_level(ra: float, dec: float) -> None:
    figure, _ = figures_of(fisher_map(ra, dec))
    points = np.vstack(points_of(figure.path_90))
    on_sky = (2 * points[:, 0] / WIDTH - 1) ** 2 + (2 * points[:, 1] / HEIGHT - 1) ** 2 < 0.998
    x, y = points[on_sky].T
    distance = angle_deg(*unproject(x, y), ra, dec)
    truth = fisher_radius_deg(0.9)
    assert np.abs(distance - truth).max() < 1.2  # a pixel of the map is 0.9 deg wide


def test_peak_is_marked_where_it_is() -> None:
    figure, thumbnail = figures_of(fisher_map(90.0, 0.0))
    assert figure.peak == pytest.approx((1080, 360), abs=4)
    assert (thumbnail.peak_x, thumbnail.peak_y) == pytest.approx((150, 50), abs=1)


def test_coarsest_uniform_sky_draws_whole_rows() -> None:
    sky = plain_map(np.arange(4, 16), np.full(12, 1 / (4 * np.pi)))
    figure, _ = figures_of(sky)
    assert drawn_fraction(figure.path_50) == pytest.approx(6 / 12, abs=0.01)
    assert drawn_fraction(figure.path_90) == pytest.approx(11 / 12, abs=0.01)


def test_all_probability_in_one_cell_of_level_29() -> None:
    """Rows of every level 0 to 29, the last too small to be seen: the peak is still marked."""
    level, ipix = np.arange(1, 30), np.zeros(29, dtype=np.int64)
    siblings = [astropy_healpix.level_ipix_to_uniq(n, np.arange(1, 4)) for n in level]
    last = astropy_healpix.level_ipix_to_uniq(29, ipix[:1])
    uniq = np.concatenate((np.arange(5, 16), *siblings, last))
    density = np.zeros(len(uniq))
    density[-1] = 12 * 4.0**29 / (4 * np.pi)
    figure, thumbnail = figures_of(plain_map(uniq, density))
    (x,), (y,) = project(np.array([45.0]), np.array([0.0]))
    assert figure.peak == pytest.approx((x, y), abs=1)
    assert len(thumbnail.path_90) < 450


def test_order_of_rows_changes_nothing() -> None:
    sky = fisher_map(194.3, -17.9)
    order = np.random.default_rng(1).permutation(len(sky.uniq))
    assert figures_of(plain_map(sky.uniq[order], sky.probdensity[order])) == figures_of(sky)


def test_noise_is_drawn_in_few_characters() -> None:
    sky = fisher_map(0.0, 0.0, kappa=0.0)
    noise = np.random.default_rng(1).exponential(size=len(sky.uniq))
    figure, thumbnail = figures_of(plain_map(sky.uniq, noise / noise.mean() / (4 * np.pi)))
    assert len(figure.path_90) + len(figure.path_50) < 20_000
    assert len(thumbnail.path_90) + len(thumbnail.path_50) < 2_000


@given(st.floats(0.01, 359.99), st.floats(-89.9, 89.9))
def test_projection_goes_there_and_back(ra: float, dec: float) -> None:
    back_ra, back_dec = unproject(*project(np.array([ra]), np.array([dec])))
    assert angle_deg(back_ra, back_dec, ra, dec)[0] < 1e-4


def test_galactic_plane_passes_the_centre() -> None:
    """The galactic centre is at RA 266.4, Dec -28.9 deg (Reid & Brunthaler 2004)."""
    (x,), (y,) = project(np.array([266.405]), np.array([-28.936]))
    points = galactic_plane()
    before, after = points[np.argsort(np.abs(points[:, 0] - x))[:2]]
    assert np.hypot(*((before + after) / 2 - [x, y])) < 15


def test_galactic_plane_reaches_both_edges() -> None:
    """It runs on beyond the ellipse, whose clip path cuts it."""
    points = galactic_plane()
    off_centre = (2 * points[:, 0] / WIDTH - 1) ** 2 + (2 * points[:, 1] / HEIGHT - 1) ** 2
    left, right = points[0], points[-1]
    assert off_centre[0] > 1.02
    assert off_centre[-1] > 1.02
    assert left[0] < WIDTH / 4
    assert right[0] > 3 * WIDTH / 4
    assert left[1] == pytest.approx(right[1], abs=40)


def galactic_plane() -> Floats:
    """Points of the drawn line, from left to right."""
    numbers = re.findall(r"-?\d+", sky_frame().galactic_plane)
    return np.array(numbers, dtype=float).reshape(-1, 2)


def test_simplified_circle_keeps_its_area() -> None:
    angle = np.linspace(0, 2 * np.pi, 2001)
    circle = join_rings([100 * np.column_stack((np.cos(angle), np.sin(angle)))])
    thin = simplify_rings(circle, 0.5)
    assert len(thin.points) < 100
    assert thin.areas()[0] == pytest.approx(np.pi * 1e4, rel=0.01)


def test_no_rings_give_no_path() -> None:
    assert path_data(simplify_rings(join_rings([]), 1.0)) == ""
