"""The zoom shows the map's regions where they are: checked against a Fisher distribution."""

import re

import numpy as np
import pytest
from caps import PLACES, angle_deg, fisher_map, fisher_radius_deg
from figure_layout import points_of

from sirenflow.products.regions import Lobe
from sirenflow.report.figures.svg_path import Floats
from sirenflow.report.figures.zoom import (
    SIZE,
    Window,
    ZoomFigure,
    window_outline,
    zoom_figure,
    zoom_window,
)
from sirenflow.skymap.regions.contours import level_field
from sirenflow.skymap.skymap import Skymap


def drawn(skymap: Skymap, window: Window) -> ZoomFigure:
    return zoom_figure(skymap, level_field(skymap), window)


def lobe_of(ra_deg: float, dec_deg: float, radius_deg: float = 16.0) -> Lobe:
    return Lobe(0.9, 700.0, ra_deg, dec_deg, radius_deg)


def window_of(*place: float) -> Window:
    window = zoom_window([lobe_of(*place)])
    assert window is not None
    return window


def sky_of(window: Window, points: Floats) -> tuple[Floats, Floats]:
    """Go back from the units of the paths to the sky."""
    x, y = ((1 - 2 * points / SIZE) * window.half_deg).T
    return window.view.unproject(x, y)


@pytest.mark.parametrize(("ra", "dec"), PLACES)
@pytest.mark.parametrize("level", [0.5, 0.9])
def test_contour_points_lie_at_the_credible_level(ra: float, dec: float, level: float) -> None:
    window = window_of(ra, dec)
    figure = drawn(fisher_map(ra, dec), window)
    (ring,) = points_of(figure.path_90 if level == 0.9 else figure.path_50)
    radius = angle_deg(*sky_of(window, ring), ra, dec)
    cell = 0.92  # deg, the width of the map's cells: the region has steps of that size
    assert np.abs(radius - fisher_radius_deg(level)).max() < cell


@pytest.mark.parametrize(("ra", "dec"), PLACES)
def test_peak_is_in_the_middle_and_north_is_up(ra: float, dec: float) -> None:
    window = window_of(ra, dec)
    figure = drawn(fisher_map(ra, dec), window)
    assert figure.peak is not None
    assert np.hypot(figure.peak[0] - SIZE / 2, figure.peak[1] - SIZE / 2) < 12
    if abs(dec) < 80:
        (east,), (north,) = window.place(np.array([ra + 1]), np.array([dec + 1]))
        assert east < SIZE / 2
        assert north < SIZE / 2


def test_outline_is_the_figures_edge() -> None:
    window = window_of(359.0, -60.0)
    x, y = window.place(*window_outline(window))
    on_edge = np.minimum.reduce([np.abs(v - e) for v in (x, y) for e in (0, SIZE)])
    assert on_edge.max() < 1e-6


def test_scale_is_as_long_as_it_says() -> None:
    window = window_of(120.0, 0.0)
    figure = drawn(fisher_map(120.0, 0.0), window)
    (text,) = (label.text for label in figure.labels if label.style == "length")
    degrees = float(text.removesuffix("°"))
    (a, b), _ = window.place(np.array([120.0, 120.0 - degrees]), np.zeros(2))
    start, end = map(int, re.findall(r"[MH](\d+)", figure.scale))
    assert end - start == pytest.approx(b - a, rel=0.02)
    assert figure.width_deg == pytest.approx(2 * window.half_deg)


@pytest.mark.parametrize(("ra", "dec"), PLACES)
@pytest.mark.parametrize("radius", [0.1, 3.0, 16.0, 50.0])
def test_labels_name_the_lines_they_stand_at(ra: float, dec: float, radius: float) -> None:
    window = window_of(ra, dec, radius)
    figure = drawn(fisher_map(ra, dec), window)
    for label in figure.labels:
        if label.style == "length":
            continue
        value = float(re.sub("[^0-9.+-]", "", label.text.replace("−", "-")))
        if label.text[0] in "+−":
            # Above its line, or below it.
            ends = np.array([[0.0, label.y + 7.0], [0.0, label.y - 27.0]])
            _, found = sky_of(window, ends)
            away = np.abs(found - value)
        else:
            line = label.x + (-5 if label.anchor == "start" else 5)
            found, _ = sky_of(window, np.array([[line, float(SIZE)]]))
            away = np.abs((found - value + 180) % 360 - 180) * np.cos(np.deg2rad(dec))
        assert away.min() < window.half_deg / 10


def test_figure_is_small() -> None:
    for place in PLACES:
        figure = drawn(fisher_map(*place), window_of(*place))
        assert len(figure.path_90) + len(figure.path_50) + len(figure.graticule) < 9000


def test_region_as_wide_as_the_sky_has_no_zoom() -> None:
    assert zoom_window([lobe_of(10.0, 20.0, 60.0)]) is None
    assert zoom_window([]) is None
