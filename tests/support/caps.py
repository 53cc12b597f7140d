"""Sky maps of which areas, places and probabilities are known: disks, Fisher distributions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import astropy_healpix
import numpy as np
from builders import SPHERE_DEG2, all_cells
from numpy.typing import NDArray

from sirenflow.skymap.skymap import Skymap
from sirenflow.skymap.vectors import unit_vectors

Floats = NDArray[np.float64]
KAPPA = 60.0
PLACES = [(194.3, -17.9), (0.3, 5.0), (359.0, -60.0), (120.0, 89.0), (70.0, -90.0), (180.0, 0.0)]
"""Ordinary places, such as cross RA 0, and poles; deg."""


@dataclass(frozen=True)
class Cap:
    """A disk on the sky in which every place is as probable."""

    ra_deg: float
    dec_deg: float
    radius_deg: float
    probability: float


def plain_map(uniq: NDArray[np.int64], density: Floats) -> Skymap:
    """Give a map without distances, its probability brought to 1."""
    skymap = Skymap(np.asarray(uniq), np.asarray(density, dtype=float), None, None, None, header={})
    return Skymap(
        skymap.uniq, skymap.probdensity / skymap.probability.sum(), None, None, None, header={}
    )


def cosine(level: int, ra_deg: float, dec_deg: float) -> Floats:
    """Cosine of the angle from a position to the centre of each cell of a level."""
    ipix = np.arange(12 * 4**level)
    lon, lat = astropy_healpix.healpix_to_lonlat(ipix, 2**level, order="nested")
    ra, dec = np.deg2rad(ra_deg), np.deg2rad(dec_deg)
    result: Floats = np.sin(lat.rad) * np.sin(dec) + np.cos(lat.rad) * np.cos(dec) * np.cos(
        lon.rad - ra
    )
    return result


def angle_deg(ra: Floats, dec: Floats, ra_0: float, dec_0: float) -> Floats:
    """Angle of positions from one position."""
    apart = unit_vectors(ra, dec) - unit_vectors(np.array([ra_0]), np.array([dec_0]))
    result: Floats = np.rad2deg(2 * np.arcsin(np.linalg.norm(apart, axis=0) / 2))
    return result


def plane_area(x: Floats, y: Floats) -> float:
    """Signed area of a closed ring, by the shoelace formula."""
    return float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]) / 2)


def fisher_radius_deg(level: float, kappa: float = KAPPA) -> float:
    """Angle within which a Fisher distribution holds a probability."""
    # P(distance < r) = 1 - exp(-kappa (1 - cos r)), but for what is beyond the opposite point.
    return float(np.rad2deg(np.arccos(1 + np.log(1 - level * -np.expm1(-2 * kappa)) / kappa)))


def fisher_map(ra_deg: float, dec_deg: float, kappa: float = KAPPA, level: int = 6) -> Skymap:
    """Sky of density exp(kappa cos(distance)): P(distance) is known in closed form."""
    return plain_map(all_cells(level), np.exp(kappa * (cosine(level, ra_deg, dec_deg) - 1)))


def cells_of(cap: Cap, level: int) -> NDArray[np.bool_]:
    """Tell which cells of a level have their centres in a disk."""
    inside: NDArray[np.bool_] = cosine(level, cap.ra_deg, cap.dec_deg) > np.cos(
        np.deg2rad(cap.radius_deg)
    )
    return inside


def caps_map(caps: Sequence[Cap], level: int = 6) -> Skymap:
    """Map that is uniform in each of some disks, and has the rest of the probability elsewhere."""
    inside = [cells_of(cap, level) for cap in caps]
    elsewhere = ~np.any(inside, axis=0)
    rest = max(1 - sum(cap.probability for cap in caps), 0)
    density = elsewhere * rest / elsewhere.sum()
    for cap, cells in zip(caps, inside, strict=True):
        density[cells] = cap.probability / cells.sum()
    return plain_map(all_cells(level), density)


def area_deg2(cap: Cap, level: int = 6) -> float:
    """Area of the cells of a disk, deg2."""
    inside = cells_of(cap, level)
    return SPHERE_DEG2 * float(inside.sum()) / len(inside)
