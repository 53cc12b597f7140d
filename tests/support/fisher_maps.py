"""Sky maps of a Fisher distribution, of which the probability in a circle is known."""

import re

import astropy_healpix
import numpy as np
from numpy.typing import NDArray

from sirenflow.skymap.skymap import Skymap

Floats = NDArray[np.float64]

NSIDE = 64

KAPPA = 60.0


def fisher_map(ra_deg: float, dec_deg: float, kappa: float = KAPPA) -> Skymap:
    """Sky of density exp(kappa cos(distance)): P(distance) is known in closed form."""
    ipix = np.arange(12 * NSIDE**2)
    lon, lat = astropy_healpix.healpix_to_lonlat(ipix, NSIDE, order="nested")
    density = np.exp(kappa * (cosine(lon.deg, lat.deg, ra_deg, dec_deg) - 1))
    density /= density.sum() * 4 * np.pi / len(ipix)
    return skymap_of(astropy_healpix.level_ipix_to_uniq(6, ipix), density)


def skymap_of(uniq: NDArray[np.int64], density: Floats) -> Skymap:
    return Skymap(np.asarray(uniq), density, None, None, None, header={})


def cosine(ra_deg: Floats, dec_deg: Floats, ra_0_deg: float, dec_0_deg: float) -> Floats:
    ra, dec = np.deg2rad(ra_deg - ra_0_deg), np.deg2rad(dec_deg)
    dec_0 = np.deg2rad(dec_0_deg)
    result: Floats = np.sin(dec) * np.sin(dec_0) + np.cos(dec) * np.cos(dec_0) * np.cos(ra)
    return result


def points_of(path: str) -> list[Floats]:
    """Read path data back: rings of absolute points."""
    rings = []
    for start, steps in re.findall(r"M(-?\d+ -?\d+)l([-\d ]+)z", path):
        numbers = np.array(re.findall(r"-?\d+", start + " " + steps), dtype=float).reshape(-1, 2)
        rings.append(np.cumsum(numbers, axis=0))
    return rings
