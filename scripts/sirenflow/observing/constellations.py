"""The constellation (IAU) that a position lies in.

The boundaries run along right ascension and declination of 1875. Roman 1987, PASP 99, 695, lists
them as bands (catalogue VI/42 of the CDS): the first one in the list that a position lies in names
its constellation. The list is that of astropy, whose own look-up takes 10 ms a call. Aberration,
20", is left out: a position of the ICRS has none.

Names are spelt as the IAU does (https://www.iau.org/public/themes/constellations/); three names of
astropy's table are not.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from erfa import ufunc  # which, unlike the functions of erfa itself, never warns

from sirenflow.skymap.skymap import Floats
from sirenflow.skymap.vectors import lonlat_deg, unit_vectors

_IAU_SPELLING = {
    "Chamaleon": "Chamaeleon",
    "Ophiucus": "Ophiuchus",
    "Pisces Austrinus": "Piscis Austrinus",
}


@dataclass(frozen=True, eq=False)
class _Bands:
    """Bands of the sky of 1875, in the order in which they are tried.

    Attributes
    ----------
    west, east, south : (k,) float64
        Bounds: right ascensions, and the lower declination, deg.
    names : (k,) tuple
        Full IAU name of each band's constellation.
    to_1875 : (3, 3) float64
        Matrix from the ICRS to the mean equator and equinox of 1875.
    """

    west: Floats
    east: Floats
    south: Floats
    names: tuple[str, ...]
    to_1875: Floats


def constellations(ra_deg: Floats, dec_deg: Floats) -> list[str]:
    """Name the constellation that each of (n,) ICRS positions, deg, lies in."""
    bands = _bands()
    ra, dec = lonlat_deg(bands.to_1875 @ unit_vectors(ra_deg, dec_deg))
    ra, dec = ra[:, np.newaxis], dec[:, np.newaxis]
    within = (bands.west <= ra) & (ra < bands.east) & (dec >= bands.south)
    return [bands.names[band] for band in np.argmax(within, axis=1).tolist()]


@cache
def _bands() -> _Bands:
    folder = files("astropy") / "coordinates" / "data"
    names = dict(
        line.strip().split(maxsplit=1)
        for line in (folder / "constellation_names.dat").read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    )
    bands = [
        line.split()
        for line in (folder / "constellation_data_roman87.dat").read_text("ascii").splitlines()
        if line and not line.startswith("#")
    ]
    west, east, south = np.array([band[:3] for band in bands], dtype=np.float64).T
    return _Bands(
        west * 15,
        east * 15,
        south,
        tuple(_IAU_SPELLING.get(names[band[3]], names[band[3]]) for band in bands),
        np.asarray(ufunc.pmat06(*ufunc.epb2jd(1875.0))),
    )
