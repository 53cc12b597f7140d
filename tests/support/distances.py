"""Distances along lines of sight that are all alike, by quadrature."""

from __future__ import annotations

from functools import cache

import numpy as np
from builders import fits_map, quadrature, same_distance_columns

from sirenflow.skymap.skymap import Skymap, read_skymap

SIGMA = 10.0
RATIOS = [-18, -10, -5, -4.001, -4, -3.999, -2, -1, -0.1, 0, 0.1, 1, 2, 3, 5, 10, 30, 100]


@cache
def alike(ratio: float) -> Skymap:
    """Read a map of lines of sight that all have the same distance, mu / sigma = ratio."""
    return read_skymap(fits_map(same_distance_columns(ratio * SIGMA, SIGMA)))


def density(ratio: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and probabilities of the distance ansatz."""
    r, weights = quadrature(ratio * SIGMA, SIGMA)
    probability = weights * r**2
    return r, probability / probability.sum()


def beyond(ratio: float, r_mpc: float) -> float:
    """Probability of a distance beyond r, by quadrature of its own."""
    mu = ratio * SIGMA
    top = max(mu, 0.0)
    end = max(mu + np.sqrt((top - mu) ** 2 + 140 * SIGMA**2), r_mpc)
    x, w = np.polynomial.legendre.leggauss(20)

    def integral(low: float, high: float) -> float:
        edges = np.linspace(low, high, 101)
        half = np.diff(edges)[:, np.newaxis] / 2
        r = (edges[:-1] + edges[1:])[:, np.newaxis] / 2 + half * x
        exponent = -((r - mu) ** 2 - (top - mu) ** 2) / (2 * SIGMA**2)
        return float((half * w * r**2 * np.exp(exponent)).sum())

    return integral(r_mpc, end) / integral(max(0.0, 2 * mu - end), end)
