"""Rows of the catalogue, one per superevent, from event.json, and their order."""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import field

from sirenflow.products.alerts import EventValues
from sirenflow.products.catalogue import CatalogueColumns
from sirenflow.products.event import AlertSummary, EventSummary, SkymapSummary, Thumbnail, top_class
from sirenflow.superevent.map_choice import absence_text
from sirenflow.superevent.number_text import ABSENT
from sirenflow.superevent.sentence import SUB_SOLAR, SUB_SOLAR_SEARCH
from sirenflow.superevent.sub_solar import sub_solar_class

_CLASSES = ("BNS", "NSBH", "BBH", "Terrestrial", SUB_SOLAR, SUB_SOLAR_SEARCH, "burst", "no class")


class CatalogueRow(CatalogueColumns, frozen=True, kw_only=True):
    """One superevent: the columns of the tables, and what else the page and the feed need."""

    classification: dict[str, float] = field(default_factory=dict)
    latency_s: float | None = None
    summary_text: str = ""
    summary_line: str = ""
    is_burst: bool = False
    thumbnail: Thumbnail | None = None
    link: str = ""
    is_earlier_map: bool = False
    no_map: str = ABSENT
    sub_solar: str | None = None

    @property
    def class_name(self) -> str:
        """The class to count and choose by: the most probable source, or what is in its place."""
        missing = "burst" if self.is_burst else self.sub_solar or "no class"
        return self.source_class or missing


def catalogue_row(event: EventSummary, link: str) -> CatalogueRow:
    """Return the row of a superevent; `link` is that to its page.

    A field that event.json, its last alert, its current values or its sky map have by the same name
    is copied.
    """
    latest = event.history[-1] if event.history else None
    current, located = event.current, event.skymap_alert
    values = (current.values if current else None) or EventValues()
    classes, properties = values.classification, values.properties
    row: dict[str, Any] = {
        name: getattr(source, name)
        for source in (located.skymap if located else None, values, latest, event)
        for name in CatalogueRow.__struct_fields__
        if hasattr(source, name)
    }
    row |= {
        "coincidence": _observatory(current),
        "alert_number": latest.number if latest else None,
        "instruments": " ".join(values.instruments) or None,
        "source_class": top_class(classes)[0],
        "prob_bns": classes.get("BNS"),
        "prob_nsbh": classes.get("NSBH"),
        "prob_bbh": classes.get("BBH"),
        "prob_terrestrial": classes.get("Terrestrial"),
        "has_ns": properties.get("HasNS"),
        "has_remnant": properties.get("HasRemnant"),
        "has_mass_gap": properties.get("HasMassGap"),
        "has_ssm": properties.get("HasSSM"),
        "alerts": len(event.history),
        "rejected_alerts": len(event.rejected_alerts),
        "link": link,
        "is_earlier_map": located is not None and located.number != (current and current.number),
        "no_map": _absence(current.skymap if current else None),
        "sub_solar": sub_solar_class(values),
    }
    return CatalogueRow(**row)


def _observatory(current: AlertSummary | None) -> str | None:
    coincidence = current.external_coinc if current else None
    return (coincidence.observatory or "unnamed") if coincidence else None


def _absence(skymap: SkymapSummary | None) -> str:
    is_rejected = skymap is None or skymap.file is None or bool(skymap.rejection_reason)
    return absence_text(skymap is not None, is_rejected)


def in_class_order(names: Iterable[str]) -> list[str]:
    """Order classes as the field does, others after them."""
    return sorted(
        set(names),
        key=lambda name: (_CLASSES.index(name) if name in _CLASSES else len(_CLASSES), name),
    )


def shown_at_first(rows: Sequence[CatalogueRow]) -> Sequence[CatalogueRow]:
    """Leave out mock and test events, unless there is nothing else."""
    return [row for row in rows if row.category == "real"] or rows


def signal_order(row: CatalogueRow) -> tuple[str, str]:
    """Return the key that sorts by the time of the signal, else of the last alert."""
    return _sortable(row.trigger_time or row.time_created), row.superevent_id


def newest_alerts(rows: Sequence[CatalogueRow], count: int) -> list[CatalogueRow]:
    """Choose superevents whose last alerts are the newest, of those that are shown at first."""
    return sorted(
        (row for row in shown_at_first(rows) if row.time_created is not None),
        key=lambda row: (_sortable(row.time_created), row.superevent_id),
        reverse=True,
    )[:count]


def _sortable(time: str | None) -> str:
    """Return a UTC time without its Z, which would sort after the point of a fraction."""
    return (time or "").removesuffix("Z")
