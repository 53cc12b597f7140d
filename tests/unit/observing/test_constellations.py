"""Constellations: of known stars, and everywhere those of astropy."""

from __future__ import annotations

import numpy as np
from astropy.coordinates import SkyCoord, get_constellation
from numpy.typing import NDArray

from sirenflow.observing.constellations import constellations

# https://www.iau.org/public/themes/constellations/
IAU_NAMES = """
    Andromeda, Antlia, Apus, Aquarius, Aquila, Ara, Aries, Auriga, Boötes, Caelum, Camelopardalis,
    Cancer, Canes Venatici, Canis Major, Canis Minor, Capricornus, Carina, Cassiopeia, Centaurus,
    Cepheus, Cetus, Chamaeleon, Circinus, Columba, Coma Berenices, Corona Australis,
    Corona Borealis, Corvus, Crater, Crux, Cygnus, Delphinus, Dorado, Draco, Equuleus, Eridanus,
    Fornax, Gemini, Grus, Hercules, Horologium, Hydra, Hydrus, Indus, Lacerta, Leo, Leo Minor,
    Lepus, Libra, Lupus, Lynx, Lyra, Mensa, Microscopium, Monoceros, Musca, Norma, Octans,
    Ophiuchus, Orion, Pavo, Pegasus, Perseus, Phoenix, Pictor, Pisces, Piscis Austrinus, Puppis,
    Pyxis, Reticulum, Sagitta, Sagittarius, Scorpius, Sculptor, Scutum, Serpens, Sextans, Taurus,
    Telescopium, Triangulum, Triangulum Australe, Tucana, Ursa Major, Ursa Minor, Vela, Virgo,
    Volans, Vulpecula
"""
MISSPELT = {
    "Chamaleon": "Chamaeleon",
    "Ophiucus": "Ophiuchus",
    "Pisces Austrinus": "Piscis Austrinus",
}

# Astropy adds the aberration of 2000.0, up to 20.5".
ABERRATION_DEG = 25 / 3600


def by_astropy(ra_deg: object, dec_deg: object) -> list[str]:
    """Look constellations up with astropy, and correct the three names that it misspells."""
    found = get_constellation(SkyCoord(ra_deg, dec_deg, unit="deg"))
    return [MISSPELT.get(name, name) for name in (str(name).strip() for name in found)]


def test_constellations_have_the_88_names_of_the_iau() -> None:
    expected = {" ".join(name.split()) for name in IAU_NAMES.split(",")}
    assert len(expected) == 88
    assert set(constellations(*random_places())) == expected


def random_places() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give RA and Dec, deg, of 50,000 directions, some in each constellation."""
    rng = np.random.default_rng(3)
    return rng.uniform(0, 360, 50_000), np.rad2deg(np.arcsin(rng.uniform(-1, 1, 50_000)))


def test_constellations_are_those_of_known_stars() -> None:
    """Betelgeuse, Acrux, Polaris, sigma Octantis, Sirius (Hipparcos positions)."""
    places = [(88.79, 7.41), (186.65, -63.1), (37.95, 89.26), (317.2, -88.96), (101.29, -16.72)]
    names = ["Orion", "Crux", "Ursa Minor", "Octans", "Canis Major"]
    ra, dec = np.array(places).T
    assert constellations(ra, dec) == names
    assert constellations(ra[:0], dec[:0]) == []


def test_constellations_are_those_of_astropy_but_for_aberration() -> None:
    ra, dec = random_places()
    ours, theirs = constellations(ra, dec), by_astropy(ra, dec)
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
