"""What changed from alert to alert: area and distance, one place an alert, in their order."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sirenflow.event import AlertSummary
from sirenflow.wording import area_text, distance_text

WIDTH, HEIGHT = 400, 90
_MARGIN = 30
_SHORT_NAMES = {
    "EARLYWARNING": "EW",
    "PRELIMINARY": "P",
    "INITIAL": "I",
    "UPDATE": "U",
    "RETRACTION": "R",
}
_MOST_ALERTS = 12


@dataclass(frozen=True)
class Point:
    """A value on the figure, with the ends of its error bar where it has one."""

    x: float
    y: float
    top: float | None
    bottom: float | None
    label: str


@dataclass(frozen=True)
class HistoryFigure:
    """One quantity against alerts."""

    points: tuple[Point, ...]
    names: tuple[tuple[float, str], ...]
    line: str


def area_figure(history: Sequence[AlertSummary]) -> HistoryFigure | None:
    """Draw the 90 % areas, on a logarithmic scale; None where there are fewer than two."""
    areas = [
        None if (area := _area(alert)) is None else (math.log(area), 0.0, area_text(area))
        for alert in history[-_MOST_ALERTS:]
    ]
    return _figure(history[-_MOST_ALERTS:], areas)


def distance_history_figure(history: Sequence[AlertSummary]) -> HistoryFigure | None:
    """Draw the distances with their standard deviations; None where there are fewer than two."""
    distances = [_distance(alert) for alert in history[-_MOST_ALERTS:]]
    return _figure(history[-_MOST_ALERTS:], distances)


def _area(alert: AlertSummary) -> float | None:
    trusted = alert.skymap is not None and alert.skymap.is_trusted
    area = alert.skymap.area_90_deg2 if trusted and alert.skymap else None
    return area if area is not None and area > 0 else None


def _distance(alert: AlertSummary) -> tuple[float, float, str] | None:
    if alert.skymap is None or not alert.skymap.is_trusted:
        return None
    mean, std = alert.skymap.distance_mean_mpc, alert.skymap.distance_std_mpc
    return None if mean is None else (mean, std or 0.0, distance_text(mean))


def _figure(
    history: Sequence[AlertSummary], values: Sequence[tuple[float, float, str] | None]
) -> HistoryFigure | None:
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return None
    low = min(value - spread for value, spread, _ in known)
    high = max(value + spread for value, spread, _ in known)
    step = (WIDTH - 2 * _MARGIN) / (len(history) - 1)

    def height(value: float) -> float:
        return round(HEIGHT * (1 - (value - low) / (high - low)) if high > low else HEIGHT / 2, 1)

    points = tuple(
        Point(
            x=round(_MARGIN + i * step, 1),
            y=height(value[0]),
            top=height(value[0] + value[1]) if value[1] else None,
            bottom=height(value[0] - value[1]) if value[1] else None,
            label=value[2],
        )
        for i, value in enumerate(values)
        if value is not None
    )
    names = tuple(
        (round(_MARGIN + i * step, 1), f"{alert.number} {_SHORT_NAMES.get(alert.alert_type, '?')}")
        for i, alert in enumerate(history)
    )
    return HistoryFigure(points, names, "M" + "L".join(f"{p.x} {p.y}" for p in points))
