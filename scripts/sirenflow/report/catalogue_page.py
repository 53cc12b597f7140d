"""The catalogue page: what its templates and its script are given."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from markupsafe import Markup

from sirenflow import wording
from sirenflow.catalogue import CatalogueRow, in_class_order, shown_at_first
from sirenflow.event import Thumbnail
from sirenflow.products import rounded
from sirenflow.report.environment import render, utc_text
from sirenflow.report.figures import bar_segments
from sirenflow.report.months import months

LISTED = 100
"""Rows in the page for readers without JavaScript, of those that are shown at first."""
_LISTED_OTHERS = 20
# A class of the source whose part of the bar is narrower is named, and not drawn.
_NARROWEST = 0.05
_HEADINGS = (
    ("id", "Event", ""),
    ("", "Sky", ""),
    ("source", "Source", ""),
    ("remnant", "HasRemnant", ""),
    ("distance", "Distance", "Mpc"),
    ("area", "90 % area", "deg²"),
    ("far", "FAR", ""),
    ("", "Detectors", ""),
    ("time", "T₀ (UTC)", ""),
)
"""Name to sort by, label and unit of each column of the page."""
_ORDERS = (
    ("time descending", "newest first"),
    ("time ascending", "oldest first"),
    ("far ascending", "rarest false alarm first"),
    ("far descending", "most frequent false alarm first"),
    ("remnant descending", "highest HasRemnant first"),
    ("remnant ascending", "lowest HasRemnant first"),
    ("distance ascending", "nearest first"),
    ("distance descending", "farthest first"),
    ("area ascending", "smallest area first"),
    ("area descending", "largest area first"),
    ("source ascending", "by class"),
    ("source descending", "by class, backwards"),
    ("id ascending", "by id"),
    ("id descending", "by id, backwards"),
)
"""Orders and their names; of each column's, the first is what its heading gives first."""
_OWN = {
    *("id", "link", "time", "remnant_number", "distance_number", "area_number", "far_number"),
    *("path_90", "path_50", "peak_x", "peak_y"),
}
"""Columns of which hardly two events share a value."""


@dataclass(frozen=True)
class ShownRow:
    """An event as the page shows it: texts for readers, numbers to sort by.

    Attributes
    ----------
    tags
        Pairs of words and tone.
    source
        For each class of the source, the most probable first, its name, its probability as text and
        its width in the bar; "burst"; or None.
    words
        What the search finds beside what is shown.
    """

    id: str
    link: str
    kind: str
    retracted: bool
    significant: bool | None
    tags: tuple[tuple[str, str], ...]
    class_name: str
    source: tuple[tuple[str, str, float], ...] | str | None
    remnant: str | None
    remnant_number: float | None
    distance: str | None
    distance_number: float | None
    area: str | None
    area_number: float | None
    far: str | None
    far_number: float | None
    detectors: str | None
    time: str | None
    words: str
    thumbnail: Thumbnail | None

    @property
    def drawn(self) -> list[tuple[str, float, float]]:
        """Name, start and width of each part of the bar that can be seen."""
        parts, start = [], 0.0
        for name, _, width in self.source if isinstance(self.source, tuple) else ():
            if width >= _NARROWEST:
                parts.append((name, round(start, 2), width))
            start += width
        return parts


def render_catalogue(rows: Sequence[CatalogueRow], downloads: Mapping[str, str]) -> str:
    """Render the catalogue page.

    Parameters
    ----------
    rows
        One a superevent, newest first.
    downloads
        Address of each table and of the feed as seen from the page, by its label.
    """
    real = [row for row in rows if row.kind == "real"]
    latest = next((row for row in shown_at_first(rows) if row.alert_type is not None), None)
    shown = [shown_row(row) for row in rows]
    return render(
        "catalogue.html.j2",
        styles=("catalogue.css",),
        scripts=("catalogue.js",),
        rows=shown,
        real=real,
        listed=_listed(shown),
        latest=latest,
        latest_shown=shown_row(latest) if latest else None,
        months=months(rows),
        classes=in_class_order(row.class_name for row in rows),
        headings=_HEADINGS,
        orders=_ORDERS,
        data=data_block(shown),
        downloads=downloads,
    )


def shown_row(row: CatalogueRow) -> ShownRow:
    """Write an event for the page."""
    distance = (row.distance_mean_mpc, row.distance_std_mpc)
    texts = (row.pipeline, row.group, row.search, row.state.replace("_", " "), row.trigger_time)
    return ShownRow(
        id=row.superevent_id,
        link=row.link,
        kind=row.kind,
        retracted=row.retracted,
        significant=row.significant,
        tags=tuple(_tags(row)),
        class_name=row.class_name,
        source=_source(row),
        remnant=_if_known(row.has_remnant, wording.probability_text(row.has_remnant)),
        remnant_number=_short(row.has_remnant),
        distance=_if_known(row.distance_mean_mpc, wording.distance_text(*distance)),
        distance_number=_short(row.distance_mean_mpc),
        area=_if_known(row.area_90_deg2, wording.area_text(row.area_90_deg2)),
        area_number=_short(row.area_90_deg2),
        far=_if_known(row.far, wording.false_alarm_text(row.far)),
        far_number=_short(row.far),
        detectors=row.instruments,
        time=_if_known(row.trigger_time, utc_text(row.trigger_time).partition(".")[0]),
        words=" ".join(text for text in texts[:-1] if text),
        thumbnail=row.thumbnail,
    )


def data_block(rows: Sequence[ShownRow]) -> Markup:
    """Write the rows for the script: JSON that cannot end the element it stands in.

    Every row is a list in the order of `columns`, in which each value but a number or a text of its
    own is an index into `values`: most of them are those of many events.
    """
    values: dict[object, int] = {}
    content = {
        "columns": [name for name, _ in _items(rows[0])] if rows else [],
        "own": sorted(_OWN),
        "rows": [[_shared(value, name, values) for name, value in _items(row)] for row in rows],
        "values": list(values),
    }
    # In ASCII a browser reads the page faster, and keeps it in half the memory.
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    # No other character can end the element, or begin a comment in it.
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704


def _items(row: ShownRow) -> list[tuple[str, Any]]:
    texts = {field.name: getattr(row, field.name) for field in fields(row)[:-1]}
    if row.link == f"{row.id}/index.html":  # as the workflow has it: no need to say so every time
        texts["link"] = None
    drawn = {field.name: getattr(row.thumbnail, field.name, None) for field in fields(Thumbnail)}
    return [*texts.items(), *drawn.items()]


def _shared(value: Any, name: str, values: dict[object, int]) -> Any:
    """Give a value of its own, or the index of one that other rows have too."""
    return value if name in _OWN else values.setdefault(value, len(values))


def _listed(rows: Sequence[ShownRow]) -> list[ShownRow]:
    """Choose the newest real events and, beside them, the newest mock and test events."""
    real = [row for row in rows if row.kind == "real"]
    others = [row for row in rows if row.kind != "real"]
    chosen = {row.id for row in (*real[:LISTED], *others[: _LISTED_OTHERS if real else LISTED])}
    return [row for row in rows if row.id in chosen]


def _tags(row: CatalogueRow) -> list[tuple[str, str]]:
    tags = [] if row.kind == "real" else [(row.kind, "test")]
    if row.retracted:
        tags.append(("retracted", "bad"))
    elif row.significant is not None:
        tags.append(("significant", "good") if row.significant else ("low significance", "low"))
    if row.alert_type is None:
        tags.append(("no readable alert", "warn"))
    elif row.rejected_alerts:
        tags.append((f"{row.rejected_alerts} rejected", "warn"))
    return tags


def _source(row: CatalogueRow) -> tuple[tuple[str, str, float], ...] | str | None:
    segments = bar_segments(row.classification)
    if segments:
        return tuple(
            (part.name, wording.probability_text(part.probability), round(part.width, 1))
            for part in segments
        )
    if not row.is_burst:
        return None
    return "burst" if row.duration is None else f"burst {wording.duration_text(row.duration)}"


def _if_known(value: object, text: str) -> str | None:
    return None if value is None else text


def _short(value: float | None) -> float | None:
    """Keep the digits that a page needs to sort."""
    return rounded(value, 4)
