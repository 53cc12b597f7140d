"""The Atom feed (RFC 4287): what the newest superevents are now."""

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET

from sirenflow import __version__
from sirenflow.catalogue.row import CatalogueRow, newest_alerts
from sirenflow.catalogue.tables import xml_safe
from sirenflow.report.html import alert_name

ENTRIES = 50
# RFC 4151. The ids never change, wherever the catalogue is: readers tell entries apart by them.
_TAG = "tag:sirenflow,2026:"
_NEVER = "1970-01-01T00:00:00Z"


def feed_text(rows: Sequence[CatalogueRow], page: str, feed: str) -> str:
    """Write the feed: the superevents whose last alerts are the newest, each as it is now.

    Mock and test events are left out where there are real ones, as on the page. `page` and `feed`
    are the addresses of the catalogue's page and of the feed itself, as seen from the page.
    """
    told = newest_alerts(rows, ENTRIES)
    root = ET.Element("feed", {"xmlns": "http://www.w3.org/2005/Atom", "xml:lang": "en"})
    _add(root, "title", "Gravitational-wave events")
    _add(root, "id", f"{_TAG}catalogue")
    _add(root, "updated", (told[0].time_created if told else None) or _NEVER)
    _add(ET.SubElement(root, "author"), "name", "Sirenflow")
    _add(root, "generator", "sirenflow", {"version": __version__})
    _add(root, "link", "", {"rel": "alternate", "type": "text/html", "href": page})
    _add(root, "link", "", {"rel": "self", "type": "application/atom+xml", "href": feed})
    for row in told:
        _entry(ET.SubElement(root, "entry"), row)
    ET.indent(root, " ")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _entry(entry: ET.Element, row: CatalogueRow) -> None:
    alert = f"Alert {row.alert_number}, {alert_name(row.alert_type or '')}, {row.time_created}."
    _add(entry, "title", f"{row.superevent_id} {row.summary_line}")
    _add(entry, "id", f"{_TAG}{row.superevent_id}")
    _add(entry, "updated", row.time_created or _NEVER)
    _add(entry, "link", "", {"rel": "alternate", "type": "text/html", "href": row.link})
    _add(entry, "category", "", {"term": "retracted" if row.retracted else row.state})
    _add(entry, "summary", f"{row.summary_text} {alert}", {"type": "text"})


def _add(
    parent: ET.Element, name: str, text: str, attributes: Mapping[str, str] | None = None
) -> None:
    clean = {key: xml_safe(value) for key, value in (attributes or {}).items()}
    ET.SubElement(parent, name, clean).text = xml_safe(text) or None
