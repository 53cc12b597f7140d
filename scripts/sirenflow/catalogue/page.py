"""The catalogue page: what its templates and its script are given."""

from collections.abc import Mapping, Sequence
from typing import Any

from sirenflow.catalogue.entry import CatalogueEntry
from sirenflow.catalogue.months import months
from sirenflow.catalogue.page_data import data_block
from sirenflow.catalogue.page_row import shown_row
from sirenflow.catalogue.row import in_class_order, newest_first, shown_at_first
from sirenflow.products.event import UnreadableMessage
from sirenflow.report.html import render
from sirenflow.superevent.unreadable_text import NOTHING_UNREADABLE

LISTED = 100
"""Rows in the page for readers without JavaScript, of those that are shown at first."""
_LISTED_OTHERS = 20
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


def render_catalogue(
    entries: Sequence[CatalogueEntry],
    downloads: Mapping[str, str],
    unreadable: Mapping[str, Any] = NOTHING_UNREADABLE,
) -> str:
    """Render the catalogue page.

    Parameters
    ----------
    entries
        One a superevent, newest first.
    downloads
        Address of each table and of the feed as seen from the page, by its label.
    unreadable
        Messages that could not be read, as `Unreadable.all` returns them.
    """
    unread = [UnreadableMessage(**each) for each in unreadable["listed"]]
    claimed = {(message.superevent_id or "").casefold() for message in unread}
    real = [entry for entry in entries if entry.category == "real"]
    told = (entry for entry in shown_at_first(entries) if entry.alert_type is not None)
    latest = next((entry.row for entry in told), None)
    return render(
        "catalogue.html.j2",
        styles=("catalogue.css",),
        scripts=("catalogue.js",),
        rows=entries,
        real=real,
        listed=[shown_row(entry.row) for entry in _listed(entries)],
        latest=latest,
        latest_shown=shown_row(latest) if latest else None,
        months=months(entries),
        classes=in_class_order(entry.class_name for entry in entries),
        headings=_HEADINGS,
        orders=_ORDERS,
        data=data_block(entry.data for entry in entries),
        downloads=downloads,
        unreadable=unread,
        unreadable_count=unreadable["count"],
        unreadable_retractions=unreadable["retractions"],
        quarantine_error=unreadable["quarantine_error"],
        unreadable_links={
            name: entry.row.link
            for entry in entries
            if (name := entry.superevent_id.casefold()) in claimed
        },
    )


def _listed(entries: Sequence[CatalogueEntry]) -> list[CatalogueEntry]:
    """Choose the newest real events and, beside them, the newest mock and test events."""
    real = [entry for entry in entries if entry.category == "real"]
    others = [entry for entry in entries if entry.category != "real"]
    return newest_first((*real[:LISTED], *others[: _LISTED_OTHERS if real else LISTED]))
