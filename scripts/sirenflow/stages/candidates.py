"""Rule candidates: every candidate against every alert of one superevent."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from sirenflow.crossmatch.candidates import (
    MatchedAlert,
    Positions,
    days_between,
    is_in_window,
    match_alerts,
)
from sirenflow.crossmatch.positions import NEARBY_LEVEL
from sirenflow.formats.json_file import write_json
from sirenflow.formats.sanitize import time_or_none
from sirenflow.products.base import version_of
from sirenflow.products.candidates import Candidates
from sirenflow.superevent.load import load_json, load_summary, read_trusted
from sirenflow.superevent.map_choice import map_problem


def candidates(
    alerts: Path,
    localization: Path,
    skymaps: Path,
    listed: Path,
    candidates: Path,
    days_before: float,
    days_after: float,
) -> None:
    """Compare candidates with the sky maps of one superevent.

    Parameters
    ----------
    alerts, localization, skymaps
        alerts.json, localization.json and the directory of sky maps.
    listed
        What rule candidate_list wrote.
    candidates
        Written: where each lies in each distinct map, if within `NEARBY_LEVEL` on the sky, and its
        time after T0.
    days_before, days_after
        The window around T0 that times are checked against.
    """
    summary = load_summary(alerts, localization)
    known = load_json(listed)
    sources: Sequence[Mapping[str, Any]] = known["candidates"]
    found = match_alerts(summary, lambda skymap: read_trusted(skymaps, skymap), _positions(sources))
    maps = list(dict.fromkeys(alert.map for alert in found))
    trigger = summary.current.values if summary.current else None
    trigger_time = trigger.trigger_time if trigger else None
    near = [np.flatnonzero(each.result.level <= NEARBY_LEVEL).tolist() for each in maps]

    def told_of(index: int) -> dict[str, Any]:
        days = days_between(time_or_none(trigger_time), time_or_none(sources[index]["time"]))
        in_window = is_in_window(days, days_before, days_after)
        return {**sources[index], "days_after_t0": days, "in_window": in_window}

    content = {
        "schema_version": version_of(Candidates),
        "superevent_id": summary.superevent_id,
        "kind": summary.kind,
        "retracted": summary.retracted,
        "trigger_time": trigger_time,
        "standing_alert_number": next((a.number for a in found if a.is_standing), None),
        "days_before": days_before,
        "days_after": days_after,
        "problems_of_table": known["problems"],
        "absent_because": known["unusable_because"]
        or (None if found else map_problem(summary.current) or "the sky map cannot be read"),
        "farthest_level": NEARBY_LEVEL,
        "listed": len(sources),
        "alerts": [_alert(alert, maps.index(alert.map)) for alert in found],
        "maps": [
            {
                "sha256": each.sha256,
                "farther": len(sources) - len(indices),
                "matches": [{"row": sources[i]["row"], **asdict(each.match(i))} for i in indices],
            }
            for each, indices in zip(maps, near, strict=True)
        ],
        "candidates": [told_of(index) for index in sorted(set().union(*near))],
    }
    write_json(candidates, content)


def _positions(sources: Sequence[Mapping[str, Any]]) -> Positions:
    distances = [source["distance_mpc"] for source in sources]
    return Positions(
        ra_deg=np.array([source["ra_deg"] for source in sources], dtype=np.float64),
        dec_deg=np.array([source["dec_deg"] for source in sources], dtype=np.float64),
        distance_mpc=np.array(distances, dtype=np.float64),  # NaN for None
        time=[time_or_none(source["time"]) for source in sources],
    )


def _alert(alert: MatchedAlert, index: int) -> dict[str, Any]:
    return {
        "number": alert.number,
        "alert_type": alert.alert_type,
        "trigger_time": alert.trigger_time,
        "standing": alert.is_standing,
        "map": index,
    }
