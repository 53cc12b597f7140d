"""The frame in which the regions of a GW map and of a combined map are shown side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sirenflow.products.regions import Lobe
from sirenflow.report.figures.zoom import Window, circle_window, zoom_window
from sirenflow.skymap.vectors import lonlat_deg, separation_deg, unit_vectors

_WHOLE_SKY_RADIUS_DEG = 90.0
# A region is small in a frame that is so many times as wide.
_SMALL = 6.0


@dataclass(frozen=True)
class Frames:
    """The window in which both maps are drawn, None for the whole sky; another where it is needed.

    `closeup` is around the combined region, where that is small in the common frame.
    """

    common: Window | None
    closeup: Window | None


def comparison_frames(gw: Sequence[Lobe], combined: Sequence[Lobe]) -> Frames:
    """Choose the frames from the most probable part of each region.

    1. If the window around the GW part holds the whole of the combined part, that window.
    2. Else the window around the smallest circle that holds both parts.
    3. If that needs more than 65 deg around its centre, or if a part is missing: the whole sky.

    Where the combined part is less than a sixth of the frame across, it gets a window of its own.
    """
    if not combined:
        return Frames(None, None)
    common = _common_window(gw[0], combined[0]) if gw else None
    width = common.radius_deg if common else _WHOLE_SKY_RADIUS_DEG
    is_small = combined[0].radius_deg * _SMALL < width
    return Frames(common, zoom_window(combined) if is_small else None)


def _common_window(gw: Lobe, combined: Lobe) -> Window | None:
    ra, dec = np.array([[lobe.ra_deg, lobe.dec_deg] for lobe in (gw, combined)]).T
    one, other = unit_vectors(ra, dec).T
    apart = float(separation_deg(one, other))
    own = zoom_window([gw])
    if own is not None and apart + combined.radius_deg <= own.radius_deg:
        return own
    radius = max(
        (apart + gw.radius_deg + combined.radius_deg) / 2, gw.radius_deg, combined.radius_deg
    )
    # The centre lies on the way from that of the GW part to that of the combined one.
    along = np.deg2rad(min(radius - gw.radius_deg, apart))
    aside = other - float(one @ other) * one
    length = float(np.linalg.norm(aside))
    centre = one if length < 1e-12 else np.cos(along) * one + np.sin(along) * aside / length
    (centre_ra,), (centre_dec,) = lonlat_deg(centre[:, np.newaxis])
    return circle_window(float(centre_ra), float(centre_dec), radius)
