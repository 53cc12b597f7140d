"""The catalogue page, and its rows: for readers, and as JSON for the page's script."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, NamedTuple

from markupsafe import Markup

from sirenflow.catalogue.months import months
from sirenflow.catalogue.row import CatalogueRow, in_class_order, shown_at_first, signal_order
from sirenflow.formats.json_file import rounded
from sirenflow.products.event import Thumbnail, UnreadableMessage
from sirenflow.report.figures.bars import class_segments
from sirenflow.report.html import render, utc_seconds_text
from sirenflow.superevent import number_text
from sirenflow.superevent.unreadable_text import NOTHING_UNREADABLE

LISTED = 100
"""Rows in the page for readers without JavaScript, of those that are shown at first."""
_LISTED_OTHERS = 20
# A class of the source whose part of the bar is narrower is named, and not drawn.
_NARROWEST = 0.05


@dataclass(frozen=True)
class PageRow:
    """A superevent for a reader of the page: texts to show, numbers to sort by.

    Attributes
    ----------
    source
        For each class of the source, the most probable first, its name, its probability as text and
        its width in the bar; "burst"; or None.
    words
        What the search finds beside what is shown.
    no_map
        What to write where there is no distance or area: not provided, withheld, unusable.
    """

    id: str
    link: str
    category: str
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
    no_map: str
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


def page_row(row: CatalogueRow) -> PageRow:
    """Write a superevent for a reader of the page."""
    distance = (row.distance_mean_mpc, row.distance_std_mpc)
    texts = (row.pipeline, row.group, row.search, row.state.replace("_", " "))
    return PageRow(
        id=row.superevent_id,
        link=row.link,
        category=row.category,
        retracted=row.retracted,
        significant=row.significant,
        tags=tuple(_tags(row)),
        class_name=row.class_name,
        source=_source(row),
        remnant=_if_known(row.has_remnant, number_text.probability_text(row.has_remnant)),
        remnant_number=_short(row.has_remnant),
        distance=_if_known(row.distance_mean_mpc, number_text.distance_text(*distance)),
        distance_number=_short(row.distance_mean_mpc),
        area=_if_known(row.area_90_deg2, number_text.area_text(row.area_90_deg2)),
        area_number=_short(row.area_90_deg2),
        far=_if_known(row.far, number_text.false_alarm_text(row.far)),
        far_number=_short(row.far),
        detectors=row.instruments,
        time=_if_known(row.trigger_time, utc_seconds_text(row.trigger_time)),
        words=" ".join(text for text in texts if text),
        no_map=row.no_map if row.skymap_alert_number is None else number_text.ABSENT,
        thumbnail=row.thumbnail,
    )


def _tags(row: CatalogueRow) -> list[tuple[str, str]]:
    tags = [] if row.category == "real" else [(row.category, "test")]
    if row.unusual_identifier:
        tags.append(("unusual identifier", "warn"))
    if row.retracted:
        tags.append(("retracted", "bad"))
    elif row.significant is not None:
        tags.append(("significant", "good") if row.significant else ("low significance", "low"))
    if row.alert_type is None:
        tags.append(("no readable alert", "warn"))
    elif row.is_earlier_map:
        tags.append((f"map of alert {row.skymap_alert_number}", "low"))
    if row.coincidence is not None:
        tags.append((f"{row.coincidence} coincidence", "warn"))
    if row.alert_type is not None and row.rejected_alerts:
        tags.append((f"{row.rejected_alerts} rejected", "warn"))
    return tags


def _source(row: CatalogueRow) -> tuple[tuple[str, str, float], ...] | str | None:
    segments = class_segments(row.classification)
    if segments:
        return tuple(
            (part.name, number_text.probability_text(part.probability), round(part.width, 1))
            for part in segments
        )
    if not row.is_burst:
        return row.sub_solar if row.has_ssm is None else _with_has_ssm(row)
    return "burst" if row.duration is None else f"burst {number_text.duration_text(row.duration)}"


def _with_has_ssm(row: CatalogueRow) -> str | None:
    if row.sub_solar is None:
        return None
    return f"{row.sub_solar}, HasSSM {number_text.probability_text(row.has_ssm)}"


def _if_known(value: object, text: str) -> str | None:
    return None if value is None else text


def _short(value: float | None) -> float | None:
    """Keep the digits that a page needs to sort."""
    return rounded(value, 4)


_OWN = {
    *("id", "link", "time", "remnant_number", "distance_number", "area_number", "far_number"),
    *("path_90", "path_50", "peak_x", "peak_y"),
}
"""Columns of which hardly two events share a value."""
_SHOWN = tuple(field.name for field in fields(PageRow) if field.name != "thumbnail")
_DRAWN = Thumbnail.__struct_fields__
# In ASCII a browser reads the page faster, and keeps it in half the memory.
_ENCODE = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class ScriptRow(NamedTuple):
    """A superevent for the page's script, as JSON that does not depend on other superevents.

    Attributes
    ----------
    text
        A list in the order of the columns, with %d for each value that others may share.
    """

    text: str
    shared: tuple[str, ...]


def script_row(row: PageRow) -> ScriptRow:
    """Write a superevent for the page's script."""
    values = {name: getattr(row, name) for name in _SHOWN}
    if row.link == f"{row.id}/index.html":  # as the workflow has it: no need to say so every time
        values["link"] = None
    values |= {name: getattr(row.thumbnail, name, None) for name in _DRAWN}
    own = (
        _encode(value).replace("%", "%%") if name in _OWN else "%d"
        for name, value in values.items()
    )
    shared = (_encode_shared(value) for name, value in values.items() if name not in _OWN)
    return ScriptRow(f"[{','.join(own)}]", tuple(shared))


def script_data(rows: Iterable[ScriptRow]) -> Markup:
    """Write the rows for the script: JSON that cannot end the element it stands in.

    Every row is a list in the order of `columns`, in which each value but a number or a text of its
    own is an index into `values`: most of them are those of many events.
    """
    values: dict[str, int] = {}
    lines = [
        row.text % tuple([values.setdefault(value, len(values)) for value in row.shared])
        for row in rows
    ]
    columns = [*_SHOWN, *_DRAWN] if lines else []
    return Markup(  # noqa: S704 - no "<" in it
        f'{{"columns":{_encode(columns)},"own":{_encode(sorted(_OWN))},'
        f'"rows":[{",".join(lines)}],"values":[{",".join(values)}]}}'
    )


def _encode(value: Any) -> str:
    """Write JSON in which no character can end the element, or begin a comment in it."""
    return _ENCODE(value).replace("<", "\\u003c")


_encode_shared = lru_cache(maxsize=4096, typed=True)(_encode)


class CatalogueEntry(NamedTuple):
    """A superevent: its row, and that row as the page's script reads it."""

    row: CatalogueRow
    script: ScriptRow


def render_catalogue(
    entries: Sequence[CatalogueEntry],
    downloads: Mapping[str, str],
    unreadable: Mapping[str, Any] = NOTHING_UNREADABLE,
) -> str:
    """Render the catalogue page of superevents, newest first.

    `downloads` are the addresses of the tables and of the feed, as seen from the page, by label;
    `unreadable` are messages as `Unreadable.all` returns them.
    """
    unread = [UnreadableMessage(**each) for each in unreadable["listed"]]
    claimed = {(message.superevent_id or "").casefold() for message in unread}
    rows = [entry.row for entry in entries]
    told = (row for row in shown_at_first(rows) if row.alert_type is not None)
    latest = next(told, None)
    return render(
        "catalogue.html.j2",
        styles=("catalogue.css",),
        scripts=("catalogue.js",),
        rows=rows,
        real=[row for row in rows if row.category == "real"],
        listed=list(map(page_row, _listed(rows))),
        latest=latest,
        latest_shown=page_row(latest) if latest else None,
        months=months(rows),
        classes=in_class_order(row.class_name for row in rows),
        data=script_data(entry.script for entry in entries),
        downloads=downloads,
        unreadable=unread,
        unreadable_count=unreadable["count"],
        unreadable_retractions=unreadable["retractions"],
        quarantine_error=unreadable["quarantine_error"],
        unreadable_links={
            name: row.link for row in rows if (name := row.superevent_id.casefold()) in claimed
        },
    )


def _listed(rows: Sequence[CatalogueRow]) -> list[CatalogueRow]:
    """Choose the newest real events and, among them, the newest mock and test events."""
    real = [row for row in rows if row.category == "real"]
    others = [row for row in rows if row.category != "real"]
    chosen = (*real[:LISTED], *others[: _LISTED_OTHERS if real else LISTED])
    return sorted(chosen, key=signal_order, reverse=True)
