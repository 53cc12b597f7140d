"""Constellations: of known stars, and everywhere those of astropy."""

from __future__ import annotations

import numpy as np
from astropy.coordinates import SkyCoord, get_constellation

from sirenflow.constellations import constellations

# Astropy adds the aberration of 2000.0, up to 20.5".
ABERRATION_DEG = 25 / 3600


def by_astropy(ra_deg: object, dec_deg: object) -> list[str]:
    return [str(name).strip() for name in get_constellation(SkyCoord(ra_deg, dec_deg, unit="deg"))]


def test_constellations_are_those_of_known_stars() -> None:
    """Betelgeuse, Acrux, Polaris, sigma Octantis, Sirius (Hipparcos positions)."""
    places = [(88.79, 7.41), (186.65, -63.1), (37.95, 89.26), (317.2, -88.96), (101.29, -16.72)]
    names = ["Orion", "Crux", "Ursa Minor", "Octans", "Canis Major"]
    ra, dec = np.array(places).T
    assert constellations(ra, dec) == names
    assert constellations(ra[:0], dec[:0]) == []


def test_constellations_are_those_of_astropy_but_for_aberration() -> None:
    rng = np.random.default_rng(3)
    ra, dec = rng.uniform(0, 360, 50_000), np.rad2deg(np.arcsin(rng.uniform(-1, 1, 50_000)))
    ours, theirs = constellations(ra, dec), by_astropy(ra, dec)
    assert len(set(ours)) == 88
    others = [i for i in range(len(ra)) if ours[i] != theirs[i]]
    assert len(others) < 50
    angle = np.linspace(0, 2 * np.pi, 60)
    for i in others:
        east = ABERRATION_DEG * np.cos(angle) / np.cos(np.deg2rad(dec[i]))
        around = by_astropy(ra[i] + east, dec[i] + ABERRATION_DEG * np.sin(angle))
        assert ours[i] in around


def test_poles_and_the_seam_lie_in_a_constellation() -> None:
    ra, dec = np.array([0.0, 0.0, 0.0, 359.999999]), np.array([90.0, -90.0, 0.0, 0.0])
    assert constellations(ra, dec) == ["Ursa Minor", "Octans", "Pisces", "Pisces"]
