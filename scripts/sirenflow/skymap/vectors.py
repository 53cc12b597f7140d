"""Positions on the sky as vectors, and the angle between two."""

import numpy as np

from sirenflow.skymap.skymap import Floats


def unit_vectors(ra_deg: Floats, dec_deg: Floats) -> Floats:
    """(3, n) directions of ICRS positions (deg)."""
    ra, dec = np.deg2rad(ra_deg), np.deg2rad(dec_deg)
    return np.stack((np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)))


def lonlat_deg(vectors: Floats) -> tuple[Floats, Floats]:
    """(n,) longitude (0 to 360) and latitude, deg, of vectors (3, n) of any length but 0."""
    x, y, z = vectors
    return np.rad2deg(np.arctan2(y, x)) % 360, np.rad2deg(np.arctan2(z, np.hypot(x, y)))


def separation_deg(one: Floats, other: Floats) -> Floats:
    """Angle between vectors (3,) or (3, n) of any length but 0: 0 to 180 deg, precise at any angle.

    Kahan 2006, "How futile are mindless assessments of roundoff in floating-point computation?",
    section 12. An arc cosine loses the digits of small angles, an arc sine those of large ones.
    """
    one, other = one * np.linalg.norm(other, axis=0), other * np.linalg.norm(one, axis=0)
    apart, together = np.linalg.norm(one - other, axis=0), np.linalg.norm(one + other, axis=0)
    return np.asarray(np.rad2deg(2 * np.arctan2(apart, together)), dtype=np.float64)
