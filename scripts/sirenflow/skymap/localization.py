"""The measurements of one sky map that are in `localization.json`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sirenflow.formats.json_file import SOLVED_DIGITS, rounded
from sirenflow.products.localization import LocalizedMap
from sirenflow.skymap.credible_area import credible_areas
from sirenflow.skymap.distance.line_of_sight import distance_at_row, lines_of_sight
from sirenflow.skymap.distance.marginal import marginal_distance
from sirenflow.skymap.distance.volume import credible_volumes
from sirenflow.skymap.skymap import Skymap, peak

_NO_COLUMNS = "the sky map has no distance columns"
_NO_CARDS = "the header lacks DISTMEAN or DISTSTD"
# Limits of a header's distances; the universe is of the order of 1e6 Mpc.
_NEAREST_MPC, _FARTHEST_MPC = 1e-6, 1e9
_NO_ROWS = "no row of the sky map has a distance"
_FILE_KEYS = {"kind", "file", "sha256", "size_bytes"}


def unmeasured_map(levels_percent: Sequence[int]) -> dict[str, Any]:
    """Return every key of `LocalizedMap` that is measured, and of other levels, with None."""
    levels = (key for p in levels_percent for key in (f"area_{p}_deg2", f"volume_{p}_mpc3"))
    keys = (*LocalizedMap.__struct_fields__, *levels)
    return {key: None for key in keys if key not in _FILE_KEYS}


def measure_skymap(skymap: Skymap, levels_percent: Sequence[int] = (50, 90)) -> dict[str, Any]:
    """Measure a sky map.

    Parameters
    ----------
    skymap
        The map.
    levels_percent
        Credible levels of areas and volumes, in per cent.

    Returns
    -------
    dict
        The numbers that `localization.json` has on a map, with the same names, which end in units;
        None where the map does not allow a number.
    """
    top = peak(skymap)
    distance = distance_at_row(skymap, int(np.argmax(skymap.probdensity)))
    areas = credible_areas(skymap, [percent / 100 for percent in levels_percent])
    return {
        **unmeasured_map(levels_percent),
        "rows": len(skymap),
        "level_min": int(skymap.level.min()),
        "level_max": int(skymap.level.max()),
        "creator": skymap.card_text("CREATOR"),
        "instruments": skymap.card_text("INSTRUME"),
        "peak_ra_deg": top.ra_deg,
        "peak_dec_deg": top.dec_deg,
        "peak_probdensity_per_sr": top.probdensity_per_sr,
        "peak_distance_mean_mpc": rounded(distance[0], SOLVED_DIGITS) if distance else None,
        "peak_distance_std_mpc": rounded(distance[1], SOLVED_DIGITS) if distance else None,
        **{
            f"area_{percent}_deg2": rounded(float(area))
            for percent, area in zip(levels_percent, areas, strict=True)
        },
        **_measure_distance(skymap, levels_percent),
    }


def _measure_distance(skymap: Skymap, levels_percent: Sequence[int]) -> dict[str, Any]:
    if skymap.distmu is None:
        return {"distance_absent_because": _NO_COLUMNS, "volume_absent_because": _NO_COLUMNS}
    mean, std = skymap.card_number("DISTMEAN"), skymap.card_number("DISTSTD")
    absent = _NO_CARDS if mean is None or std is None else None
    beyond = [card for card in (mean, std) if card and not _NEAREST_MPC < card < _FARTHEST_MPC]
    if beyond:
        mean = std = None
        absent = (
            f"the header's DISTMEAN or DISTSTD is {beyond[0]:g} Mpc; "
            f"expected {_NEAREST_MPC:g} to {_FARTHEST_MPC:g}"
        )
    header = {
        "distance_mean_mpc": mean,
        "distance_std_mpc": std,
        "distance_absent_because": absent,
    }
    rows = lines_of_sight(skymap)
    marginal = marginal_distance(rows)
    if marginal is None:
        return {
            **header,
            "distance_absent_because": _NO_ROWS,
            "probability_with_distance": 0.0,
            "volume_absent_because": _NO_ROWS,
        }
    volumes = credible_volumes(rows, [percent / 100 for percent in levels_percent])
    return {
        **header,
        "probability_with_distance": rounded(marginal.probability),
        "distance_marginal_mean_mpc": rounded(marginal.mean_mpc),
        "distance_marginal_std_mpc": rounded(marginal.std_mpc),
        "distance_p05_mpc": rounded(marginal.p05_mpc, SOLVED_DIGITS),
        "distance_p50_mpc": rounded(marginal.p50_mpc, SOLVED_DIGITS),
        "distance_p95_mpc": rounded(marginal.p95_mpc, SOLVED_DIGITS),
        **{
            f"volume_{percent}_mpc3": rounded(volume, SOLVED_DIGITS)
            for percent, volume in zip(levels_percent, volumes, strict=True)
        },
        "volume_absent_because": None
        if None not in volumes
        else f"only {marginal.probability:.4g} of the probability has a distance",
    }
