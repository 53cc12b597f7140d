"""The frame in which a GW region and a combined region are compared."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sirenflow.products.regions import Lobe
from sirenflow.report.figures.zoom import SIZE, Window, comparison_frames, zoom_window


def lobe(ra_deg: float, dec_deg: float, radius_deg: float) -> Lobe:
    return Lobe(0.9, 100.0, ra_deg, dec_deg, radius_deg)


def edge(part: Lobe) -> tuple[np.ndarray, np.ndarray]:
    """Return RA and Dec, deg, of points on the circle around a part."""
    angle = np.linspace(0, 2 * np.pi, 60)
    radius, dec = np.deg2rad(part.radius_deg), np.deg2rad(part.dec_deg)
    sine = np.sin(dec) * np.cos(radius) + np.cos(dec) * np.sin(radius) * np.cos(angle)
    east = np.arctan2(
        np.sin(angle) * np.sin(radius) * np.cos(dec), np.cos(radius) - np.sin(dec) * sine
    )
    return part.ra_deg + np.rad2deg(east), np.rad2deg(np.arcsin(np.clip(sine, -1, 1)))


def holds(window: Window, part: Lobe) -> bool:
    x, y = window.place(*edge(part))
    return bool(min(x.min(), y.min()) >= -1e-6 and max(x.max(), y.max()) <= SIZE + 1e-6)


def test_far_apart_is_the_whole_sky_and_a_close_up() -> None:
    """GW at RA 47.5, Dec -44.8; combined region of 0.128 deg2, 111 degrees away."""
    gw, combined = lobe(47.5, -44.8, 12.0), lobe(175.0, 25.0, 0.25)
    frames = comparison_frames([gw], [combined])
    assert frames.common is None
    assert frames.closeup is not None
    assert holds(frames.closeup, combined)
    # The region takes up most of its frame.
    assert frames.closeup.radius_deg < 1.5 * combined.radius_deg


def test_inside_is_the_frame_of_the_gw_region() -> None:
    gw, combined = lobe(100, 10, 12), lobe(104, 12, 4)
    frames = comparison_frames([gw], [combined])
    assert frames.common == zoom_window([gw])
    assert frames.closeup is None


def test_small_region_inside_is_also_shown_close_up() -> None:
    frames = comparison_frames([lobe(100, 10, 12)], [lobe(104, 12, 0.2)])
    assert frames.common == zoom_window([lobe(100, 10, 12)])
    assert frames.closeup == zoom_window([lobe(104, 12, 0.2)])


@pytest.mark.parametrize("combined", [[], [lobe(0, 0, 5)]])
def test_map_without_parts_leaves_the_whole_sky(combined: list[Lobe]) -> None:
    frames = comparison_frames([], combined)
    assert frames.common is None
    assert (frames.closeup is None) == (not combined)


parts = st.builds(lobe, st.floats(0, 359.9), st.floats(-90, 90), st.floats(0.01, 180))


@given(parts, parts)
def test_common_frame_holds_both_regions(gw: Lobe, combined: Lobe) -> None:
    frames = comparison_frames([gw], [combined])
    if frames.common is not None:
        assert holds(frames.common, gw)
        assert holds(frames.common, combined)
    width = frames.common.radius_deg if frames.common else 90.0
    assert (frames.closeup is not None) == (combined.radius_deg < width / 6)
    if frames.closeup is not None:
        assert holds(frames.closeup, combined)


@given(parts, parts)
def test_whole_sky_is_shown_only_where_no_frame_is_large_enough(gw: Lobe, combined: Lobe) -> None:
    frames = comparison_frames([gw], [combined])
    if frames.common is None:
        apart = np.rad2deg(np.arccos(np.clip(_cosine(gw, combined), -1, 1)))
        widest = max((apart + gw.radius_deg + combined.radius_deg) / 2, gw.radius_deg)
        assert 1.25 * max(widest, combined.radius_deg) > 65 - 1e-6


def _cosine(one: Lobe, other: Lobe) -> float:
    a, b = np.deg2rad([one.ra_deg, one.dec_deg]), np.deg2rad([other.ra_deg, other.dec_deg])
    return float(np.sin(a[1]) * np.sin(b[1]) + np.cos(a[1]) * np.cos(b[1]) * np.cos(a[0] - b[0]))
