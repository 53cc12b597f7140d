"""Rule candidates: every candidate against every alert of one superevent."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from sirenflow.candidates import MatchedAlert, Positions, is_in_window, match_alerts
from sirenflow.errors import SkymapError
from sirenflow.fields import time_or_none
from sirenflow.products import write_json
from sirenflow.skymap import Skymap, read_skymap
from sirenflow.summary import summarize_event

SCHEMA_VERSION = 1


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
        Written: where each lies in the map of each alert, and its time after T0.
    days_before, days_after
        The window around T0 that times are checked against.
    """
    summary = summarize_event(
        json.loads(alerts.read_text(encoding="utf-8")),
        json.loads(localization.read_text(encoding="utf-8")),
    )
    known = json.loads(listed.read_text(encoding="utf-8"))
    sources: Sequence[Mapping[str, Any]] = known["candidates"]
    found = match_alerts(summary, lambda file: _read(skymaps, file), _positions(sources))
    content = {
        "schema_version": SCHEMA_VERSION,
        "superevent_id": summary.superevent_id,
        "kind": summary.kind,
        "retracted": summary.retracted,
        "trigger_time": summary.current.values.trigger_time
        if summary.current and summary.current.values
        else None,
        "standing_alert_number": next((a.number for a in found if a.is_standing), None),
        "days_before": days_before,
        "days_after": days_after,
        "problems_of_table": known["problems"],
        "absent_because": None if found else "no sky map that can be trusted",
        "alerts": [_alert(alert) for alert in found],
        "candidates": [
            {
                **source,
                "matches": [
                    {
                        "alert_number": alert.number,
                        **asdict(alert.matches[i]),
                        "in_window": is_in_window(
                            alert.matches[i].days_after_t0, days_before, days_after
                        ),
                    }
                    for alert in found
                ],
            }
            for i, source in enumerate(sources)
        ],
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


def _alert(alert: MatchedAlert) -> dict[str, Any]:
    return {
        "number": alert.number,
        "alert_type": alert.alert_type,
        "trigger_time": alert.trigger_time,
        "standing": alert.is_standing,
    }


def _read(skymaps: Path, file: str) -> Skymap | None:
    if Path(file).name != file:
        return None
    try:
        return read_skymap((skymaps / file).read_bytes())
    except SkymapError:  # localization.json is where a bad map gets its reason
        return None
