"""Area and distance against the number of the alert."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from sirenflow.products.event import AlertSummary
from sirenflow.report.figures.labels import (
    LINE_FONT_SIZES,
    Box,
    Label,
    LabelRequest,
    Place,
    axis_labels,
    label_room,
    marker_box,
    place_labels,
)
from sirenflow.superevent.number_text import area_text, distance_text

WIDTH, HEIGHT = 400, 90
_MARGIN = 30
_SHORT_NAMES = {
    "EARLYWARNING": "EW",
    "PRELIMINARY": "P",
    "INITIAL": "I",
    "UPDATE": "U",
    "RETRACTION": "R",
}
_FRAME = Box(0, -26, 400, 121)
_NAMES_Y = 117
_RADIUS = 6.0


@dataclass(frozen=True)
class Point:
    """A value on the figure, with the ends of its error bar where it has one.

    `text` is the value; it is not on the figure where it has no room.
    """

    x: float
    y: float
    top: float | None
    bottom: float | None
    text: str


@dataclass(frozen=True)
class HistoryFigure:
    """One quantity against alerts."""

    points: tuple[Point, ...]
    labels: tuple[Label, ...]
    line: str


def area_figure(history: Sequence[AlertSummary]) -> HistoryFigure | None:
    """Draw the 90 % areas, on a logarithmic scale; None where there are fewer than two."""
    return _figure(history, list(map(_area, history)))


def distance_history_figure(history: Sequence[AlertSummary]) -> HistoryFigure | None:
    """Draw the distances with their standard deviations; None where there are fewer than two."""
    return _figure(history, list(map(_distance, history)))


def _area(alert: AlertSummary) -> tuple[float, float, str] | None:
    area = alert.skymap.area_90_deg2 if alert.skymap and alert.skymap.is_usable else None
    return (math.log(area), 0.0, area_text(area)) if area and area > 0 else None


def _distance(alert: AlertSummary) -> tuple[float, float, str] | None:
    mean = alert.skymap.distance_mean_mpc if alert.skymap and alert.skymap.is_usable else None
    if alert.skymap is None or mean is None:
        return None
    return mean, alert.skymap.distance_std_mpc or 0.0, distance_text(mean)


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
            text=value[2],
        )
        for i, value in enumerate(values)
        if value is not None
    )
    names = [
        (_MARGIN + i * step, f"{alert.number} {_SHORT_NAMES.get(alert.alert_type, '?')}")
        for i, alert in enumerate(history)
    ]
    labels = axis_labels(names, _NAMES_Y, _FRAME, LINE_FONT_SIZES[0])
    line = "M" + "L".join(f"{p.x} {p.y}" for p in points)
    return HistoryFigure(points, (*labels, *_value_labels(points, labels)), line)


def _value_labels(points: Sequence[Point], names: Sequence[Label]) -> tuple[Label, ...]:
    """Write the values beside their points: the newest, the oldest, then the others.

    Only the newest may lie on the line.
    """
    markers = [marker_box(point.x, point.y, _RADIUS) for point in points]
    markers += [
        Box(point.x - 2, point.top - 1, point.x + 2, point.bottom + 1)
        for point in points
        if point.top is not None and point.bottom is not None
    ]
    markers += [label_room(label, LINE_FONT_SIZES[0]) for label in names]
    line = _line_boxes(points)
    newest, *others = (LabelRequest(point.text, _value_places(point)) for point in reversed(points))
    largest = LINE_FONT_SIZES[:1]
    first = place_labels([newest], _FRAME, [*markers, *line], largest) or place_labels(
        [newest], _FRAME, markers, largest
    )
    taken = [*markers, *line, *(label_room(label, largest[0]) for label in first)]
    return (*first, *place_labels([*others[-1:], *others[:-1]], _FRAME, taken, LINE_FONT_SIZES))


def _line_boxes(points: Sequence[Point]) -> list[Box]:
    """Return boxes along the line from point to point, without the ends of its parts."""
    boxes = []
    for one, other in pairwise(points):
        steps = max(int(math.hypot(other.x - one.x, other.y - one.y) / 3), 1)
        for i in range(1, steps):
            share = i / steps
            x, y = one.x + share * (other.x - one.x), one.y + share * (other.y - one.y)
            boxes.append(marker_box(x, y, 1))
    return boxes


def _value_places(point: Point) -> tuple[Place, ...]:
    """Return where a value may be written: beside, above or below its point or error bar."""
    x, y = point.x, point.y
    top = y - 5 if point.top is None else min(point.top, y - 5)
    sides = (
        Place(x + 8, y - 8, "start"),
        Place(x - 8, y - 8, "end"),
        Place(x, top - 5, moves=True),
    )
    below = (Place(x + 8, y + 6, "start", 0.8), Place(x - 8, y + 6, "end", 0.8))
    return (*sides, *below, Place(x, y + 8, drop_em=0.8))
