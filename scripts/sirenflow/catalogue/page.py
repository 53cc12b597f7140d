"""The catalogue page."""

from collections.abc import Mapping, Sequence
from typing import Any

from sirenflow.catalogue.cache import CatalogueEntry
from sirenflow.catalogue.months import months
from sirenflow.catalogue.page_row import page_row, script_data
from sirenflow.catalogue.row import CatalogueRow, in_class_order, shown_at_first, signal_order
from sirenflow.products.event import UnreadableMessage
from sirenflow.report.html import render
from sirenflow.superevent.unreadable_text import NOTHING_UNREADABLE

LISTED = 100
"""Rows in the page for readers without JavaScript, of those that are shown at first."""
_LISTED_OTHERS = 20


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
