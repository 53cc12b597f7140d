"""Superevents whose maps hold most of their probability in one cell, and their products."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from builders import (
    all_cells,
    avro_alert,
    cell_area_sr,
    distance_columns,
    fits_map,
    record,
    with_map,
)

from sirenflow.stages.extract import extract

MU, SIGMA = 40.0, 8.0


@cache
def one_cell_map(cell: int, share: float = 0.8, level: int = 3) -> bytes:
    """Write a map of which one cell holds a share, and its siblings the rest in falling shares."""
    uniq = all_cells(level)
    rest = 1.0 / (np.arange(len(uniq)) + 10.0)
    rest[cell] = 0
    probability = rest * ((1 - share) / rest.sum())
    probability[cell] = share
    n = len(uniq)
    distance = distance_columns([MU] * n, [SIGMA] * n)
    return fits_map({"UNIQ": uniq, "PROBDENSITY": probability / cell_area_sr(uniq), **distance})


# Of level 3: the cells with their centres at (45, 4.78) and (45, 66.44), by astropy-healpix.
NEAR, FAR = 0, 63
POSITION = "45,4.78"


def products(folder: Path, *alerts: dict[str, Any], superevent: str = "MS260101a") -> Path:
    """Extract a superevent; give the directory of its products."""
    inbox, event = folder / "inbox" / superevent, folder / "results" / superevent
    event.mkdir(parents=True)
    files = []
    for number, alert in enumerate(alerts):
        content = {**alert, "superevent_id": superevent}
        content["time_created"] = f"2026-01-01T00:{10 + number}:00Z"
        (inbox / content["alert_type"]).mkdir(parents=True, exist_ok=True)
        files.append(inbox / content["alert_type"] / f"{number}.avro")
        files[-1].write_bytes(avro_alert(content))
    extract(files, event / "alerts.json", event / "skymaps", event / "localization.json", (50, 90))
    return event


def moved() -> list[dict[str, Any]]:
    """Give alerts of a map that comes twice, and then lies elsewhere."""
    return [
        with_map(one_cell_map(NEAR)),
        with_map(one_cell_map(NEAR), alert_type="INITIAL"),
        with_map(one_cell_map(FAR), alert_type="UPDATE"),
    ]


RETRACTION = record(alert_type="RETRACTION", event=None)
