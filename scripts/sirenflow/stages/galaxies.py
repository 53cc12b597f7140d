"""Rule galaxies: the catalogue's galaxies that one superevent makes probable hosts."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sirenflow.crossmatch.galaxies import COMPATIBLE_LEVEL, is_catalogue, rank_galaxies
from sirenflow.errors import TableError
from sirenflow.formats.ecsv import cells_to_line, write_ecsv
from sirenflow.formats.json_file import SOLVED_DIGITS, round_digits
from sirenflow.formats.sanitize import text_or_none
from sirenflow.products.base import columns_of, load_product, write_product
from sirenflow.products.galaxies import Galaxies, RankedGalaxy
from sirenflow.products.source_tables import GalaxyTable
from sirenflow.superevent.load import SupereventReader
from sirenflow.superevent.map_choice import map_problem

SHOWN = 20
"""How many galaxies galaxies.json holds; galaxies.ecsv holds all that are listed."""
_AS_GIVEN = ("ra_deg", "dec_deg", "distance_mpc", "weight")
_COLUMNS = columns_of(RankedGalaxy)


def galaxies(
    alerts: Path,
    localization: Path,
    skymaps: Path,
    rows: Path,
    facts: Path,
    table: Path,
    product: Path,
    name: str,
    completeness: str,
    max_listed: int,
) -> None:
    """Rank galaxies by the sky map that stands."""
    superevent = SupereventReader(alerts, localization, skymaps)
    summary = superevent.summary
    known = load_product(facts, GalaxyTable)
    called = text_or_none(name, 60) or "the catalogue"
    compatible, absent, listed = (
        (None, known.unusable_reason, [])
        if known.unusable_reason
        else _listed(superevent, rows, max_listed)
    )
    if compatible == 0:
        absent = f"no compatible galaxy in {called}"
    located = summary.skymap_alert
    meta: dict[str, Any] = {
        "superevent_id": summary.superevent_id,
        "alert_number": located.number if located else None,
        "retracted": summary.retracted,
        "catalogue": called,
    }
    lines = (cells_to_line(getattr(entry, c.name) for c in _COLUMNS) for entry in listed)
    write_ecsv(table, _COLUMNS, lines, meta)
    product_content = Galaxies(
        **meta,
        completeness=text_or_none(completeness, 300),
        galaxies_in_catalogue=known.galaxies,
        problems_of_catalogue=known.problems,
        compatible_level=COMPATIBLE_LEVEL,
        compatible=compatible,
        listed=len(listed),
        absence_reason=absent,
        galaxies=tuple(listed[:SHOWN]),
    )
    write_product(product, product_content)


def _listed(
    superevent: SupereventReader, rows: Path, max_listed: int
) -> tuple[int | None, str | None, Sequence[RankedGalaxy]]:
    """Return how many galaxies are compatible, why none could be, and those listed."""
    summary = superevent.summary
    located = summary.skymap_alert
    skymap = superevent.read_skymap(located.skymap) if located and located.skymap else None
    if skymap is None:
        problem = map_problem(located or summary.current) or "the sky map cannot be read"
        return None, problem, []
    if skymap.distmu is None:
        return None, "the sky map has no distance", []
    catalogue = np.load(rows, mmap_mode="r", allow_pickle=False)
    if not is_catalogue(catalogue):
        raise TableError(f"{rows} is no catalogue of this version; delete it and run again")
    ranked = rank_galaxies(skymap, catalogue, max_listed)
    if ranked is None:
        return None, "less than 90 % of the probability has a distance", []
    computed = {
        "credible_level": ranked.level,
        "credible_level_3d": ranked.level_3d,
        "probability_per_mpc3": ranked.probability_per_mpc3,
        "score": ranked.score,
        "cumulative_score": ranked.cumulative_score,
    }
    lines = _lines(catalogue[ranked.index], computed)
    return ranked.compatible, None, list(lines)


def _lines(found: NDArray[Any], computed: dict[str, NDArray[Any]]) -> Iterator[RankedGalaxy]:
    for number, galaxy in enumerate(found):
        given = {key: round_digits(float(galaxy[key])) for key in _AS_GIVEN}
        values = {
            key: round_digits(float(value[number]), SOLVED_DIGITS)
            for key, value in computed.items()
        }
        name = text_or_none(galaxy["name"].decode("utf-8", "replace"))
        yield RankedGalaxy(rank=number + 1, name=name, **given, **values)
