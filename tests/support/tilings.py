"""Random multi-order maps for property tests."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random
from typing import Any

import numpy as np
from builders import cell_area_sr, distnorm, fits_map
from hypothesis import strategies as st

from sirenflow.skymap.skymap import Skymap, read_skymap


@dataclass(frozen=True)
class Tiling:
    """Cells that cover the sphere once, each with a relative density and a distance."""

    cells: tuple[tuple[int, float, float, float], ...]  # UNIQ, density, DISTMU, DISTSIGMA

    @cached_property
    def skymap(self) -> Skymap:
        """The map, read from a file."""
        uniq, density, mu, sigma = (np.array(column) for column in zip(*self.cells, strict=True))
        # Exactly rounded, so that neither order nor splitting changes the sum.
        probdensity = density / math.fsum(density * cell_area_sr(uniq))
        norm = [distnorm(m, s) for m, s in zip(mu.tolist(), sigma.tolist(), strict=True)]
        columns = {"UNIQ": uniq, "PROBDENSITY": probdensity}
        distance = {"DISTMU": mu, "DISTSIGMA": sigma, "DISTNORM": np.array(norm)}
        return read_skymap(fits_map({**columns, **distance}))

    def shuffled(self, random: Any) -> Tiling:
        """Put the same cells in another order."""
        return replace(self, cells=tuple(random.sample(self.cells, len(self.cells))))

    def level_out(self) -> Tiling:
        """Make all places as probable; cells of several levels tie."""
        return replace(self, cells=tuple((uniq, 1.0, *rest) for uniq, _, *rest in self.cells))

    def split(self, random: Random) -> Tiling:
        """Split one cell in four; the map stays the same."""
        cells = list(self.cells)
        uniq, *rest = cells.pop(random.randrange(len(cells)))
        children = [(4 * uniq + child, *rest) for child in range(4)]
        return replace(self, cells=(*cells, *children))


@st.composite
def tilings(draw: st.DrawFn) -> Tiling:
    """Draw a tiling: the base cells, some split a few times."""
    uniq = list(range(4, 16))
    for _ in range(draw(st.integers(0, 6))):
        parent = uniq.pop(draw(st.integers(0, len(uniq) - 1)))
        uniq += [4 * parent + child for child in range(4)]
    palette = st.sampled_from([(40.0, 8.0), (100.0, 30.0), (-50.0, 25.0), (30.0, 29.0)])
    density = st.sampled_from([0.0, 1e-12, 1e-3, 0.1, 1.0, 1.5, 7.0, 100.0])
    cells = [(u, draw(density), *draw(palette)) for u in uniq]
    if not any(cell[1] for cell in cells):
        cells[0] = (cells[0][0], 1.0, *cells[0][2:])
    return Tiling(tuple(cells))
