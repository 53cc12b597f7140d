"""Positions against every alert of a superevent: then, and now.

Each alert counts whose GW map can be trusted; the alert whose map stands is the one of now. A map
that several alerts carry is read once, and they share what was found in it. A time is compared with
T0 as that alert has it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec import structs

from sirenflow.crossmatch.positions import CrossmatchResult, crossmatch
from sirenflow.formats.json_file import SOLVED_DIGITS, round_digits, rounded
from sirenflow.formats.sanitize import time_or_none
from sirenflow.products.candidates import PositionMatch
from sirenflow.products.event import AlertSummary, SkymapSummary, Superevent
from sirenflow.skymap.skymap import Floats, Skymap

SECONDS_A_DAY = 86_400.0


@dataclass(frozen=True, eq=False)
class Positions:
    """Positions (ICRS, deg), luminosity distances (Mpc, NaN where unknown), times (or None)."""

    ra_deg: Floats
    dec_deg: Floats
    distance_mpc: Floats
    time: Sequence[datetime | None]


class AlertMatch(PositionMatch, frozen=True, kw_only=True):
    """Where one position lies in the map of one alert, and its time after T0, days."""

    days_after_t0: float | None


@dataclass(frozen=True, eq=False)
class CrossmatchedMap:
    """A sky map, and where each position lies in it."""

    sha256: str | None
    result: CrossmatchResult

    def match(self, i: int) -> PositionMatch:
        """Write where a position lies, in the digits of a product."""
        result = self.result
        return PositionMatch(
            credible_level=round_digits(float(result.level[i]), SOLVED_DIGITS),
            probability_per_deg2=round_digits(float(result.probability_per_deg2[i]), SOLVED_DIGITS),
            credible_level_3d=rounded(float(result.level_3d[i]), SOLVED_DIGITS),
            probability_per_mpc3=rounded(float(result.probability_per_mpc3[i]), SOLVED_DIGITS),
        )


@dataclass(frozen=True, eq=False)
class CrossmatchedAlert:
    """One alert, and its map; alerts with the same map have the same `map`."""

    number: int
    alert_type: str
    trigger_time: str | None
    is_current: bool
    map: CrossmatchedMap
    times: Sequence[datetime | None]

    @property
    def matches(self) -> tuple[AlertMatch, ...]:
        """A match for each position."""
        t0 = time_or_none(self.trigger_time)
        return tuple(
            AlertMatch(**structs.asdict(self.map.match(i)), days_after_t0=days_between(t0, time))
            for i, time in enumerate(self.times)
        )


def match_alerts(
    summary: Superevent, read: Callable[[SkymapSummary], Skymap | None], positions: Positions
) -> tuple[CrossmatchedAlert, ...]:
    """Compare positions with the GW map of every alert that has one to be trusted."""
    maps: dict[str, CrossmatchedMap | None] = {}
    matched = []
    for alert in summary.history:
        skymap = alert.skymap
        if skymap is None or skymap.file is None or not skymap.is_usable:
            continue
        key = skymap.sha256 or skymap.file
        if key not in maps:
            result = _crossmatch(read(skymap), positions)
            maps[key] = CrossmatchedMap(skymap.sha256, result) if result else None
        found = maps[key]
        if found is not None:
            matched.append(_matched(alert, summary, found, positions))
    return tuple(matched)


def _crossmatch(skymap: Skymap | None, positions: Positions) -> CrossmatchResult | None:
    if skymap is None:
        return None
    return crossmatch(skymap, positions.ra_deg, positions.dec_deg, positions.distance_mpc)


def _matched(
    alert: AlertSummary, summary: Superevent, found: CrossmatchedMap, positions: Positions
) -> CrossmatchedAlert:
    return CrossmatchedAlert(
        number=alert.number,
        alert_type=alert.alert_type,
        trigger_time=alert.values.trigger_time if alert.values else None,
        is_current=alert.number == summary.skymap_alert_number,
        map=found,
        times=positions.time,
    )


def days_between(t0: datetime | None, time: datetime | None) -> float | None:
    """Return how many days after T0 a time is; None where either is unknown."""
    if t0 is None or time is None:
        return None
    return round((time - t0).total_seconds() / SECONDS_A_DAY, 5) + 0.0  # never -0.0


def is_in_window(days: float | None, before: float, after: float) -> bool | None:
    """Return whether a time is near enough to T0; None where it cannot be told."""
    return None if days is None else -before <= days <= after
