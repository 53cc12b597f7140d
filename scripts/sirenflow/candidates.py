"""Positions against every alert of a superevent: then, and now.

Each alert counts whose GW map can be trusted; the alert whose map stands is the one of now. A map
that several alerts carry is read once. A time is compared with T0 as that alert has it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sirenflow.event import AlertSummary, EventSummary
from sirenflow.fields import time_or_none
from sirenflow.placement import Placement, place
from sirenflow.products import SOLVED_DIGITS, rounded
from sirenflow.skymap import Floats, Skymap

SECONDS_A_DAY = 86_400.0


@dataclass(frozen=True, eq=False)
class Positions:
    """Positions (ICRS, deg), luminosity distances (Mpc, NaN where unknown), times (or None)."""

    ra_deg: Floats
    dec_deg: Floats
    distance_mpc: Floats
    time: Sequence[datetime | None]


@dataclass(frozen=True)
class Match:
    """Where one position lies in the map of one alert; None where it cannot be told.

    Attributes
    ----------
    credible_level, credible_level_3d
        On the sky and in space, 0 to 1.
    probability_per_deg2, probability_per_mpc3
        Densities, 1/deg2 and 1/Mpc3.
    days_after_t0
        The position's time after T0, days.
    """

    credible_level: float
    probability_per_deg2: float
    credible_level_3d: float | None
    probability_per_mpc3: float | None
    days_after_t0: float | None


@dataclass(frozen=True)
class MatchedAlert:
    """One alert, and a match for each position."""

    number: int
    alert_type: str
    trigger_time: str | None
    is_standing: bool
    matches: tuple[Match, ...]


def match_alerts(
    summary: EventSummary, read: Callable[[str], Skymap | None], positions: Positions
) -> tuple[MatchedAlert, ...]:
    """Compare positions with the GW map of every alert that has one to be trusted.

    Parameters
    ----------
    summary
        The superevent.
    read
        Reads the map in a file of the superevent's skymaps/; None where it cannot be.
    positions
        What to look for.

    Returns
    -------
    tuple
        In the order of the alerts.
    """
    placed: dict[str, Placement | None] = {}
    matched = []
    for alert in summary.history:
        skymap = alert.skymap
        if skymap is None or skymap.file is None or not skymap.is_trusted:
            continue
        key = skymap.sha256 or skymap.file
        if key not in placed:
            placed[key] = _place(read(skymap.file), positions)
        placement = placed[key]
        if placement is not None:
            matched.append(_matched(alert, summary, placement, positions))
    return tuple(matched)


def _place(skymap: Skymap | None, positions: Positions) -> Placement | None:
    if skymap is None:
        return None
    return place(skymap, positions.ra_deg, positions.dec_deg, positions.distance_mpc)


def _matched(
    alert: AlertSummary, summary: EventSummary, placement: Placement, positions: Positions
) -> MatchedAlert:
    trigger = alert.values.trigger_time if alert.values else None
    t0 = time_or_none(trigger)
    matches = zip(
        placement.level.tolist(),
        placement.probability_per_deg2.tolist(),
        placement.level_3d.tolist(),
        placement.probability_per_mpc3.tolist(),
        positions.time,
        strict=True,
    )
    return MatchedAlert(
        number=alert.number,
        alert_type=alert.alert_type,
        trigger_time=trigger,
        is_standing=alert.number == summary.skymap_alert_number,
        matches=tuple(
            Match(
                credible_level=_told(level),
                probability_per_deg2=_told(per_deg2),
                credible_level_3d=_known(level_3d),
                probability_per_mpc3=_known(per_mpc3),
                days_after_t0=_days_after(t0, time),
            )
            for level, per_deg2, level_3d, per_mpc3, time in matches
        ),
    )


def _told(value: float) -> float:
    return float(f"{value:.{SOLVED_DIGITS}g}")


def _known(value: float) -> float | None:
    return None if math.isnan(value) else rounded(value, SOLVED_DIGITS)


def _days_after(t0: datetime | None, time: datetime | None) -> float | None:
    if t0 is None or time is None:
        return None
    return round((time - t0).total_seconds() / SECONDS_A_DAY, 5)


def is_in_window(days: float | None, before: float, after: float) -> bool | None:
    """Tell whether a time is near enough to T0; None where it cannot be told.

    Parameters
    ----------
    days
        After T0; negative before it.
    before, after
        How many days before and after T0 are near enough.
    """
    return None if days is None else -before <= days <= after
