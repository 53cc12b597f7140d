"""The catalogue's rows: one a superevent, from event.json. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from msgspec import field

from sirenflow.alerts.identifier import is_usual
from sirenflow.errors import SirenflowError
from sirenflow.products.base import version_of
from sirenflow.products.catalogue import CatalogueColumns
from sirenflow.products.event import EventSummary, Thumbnail, top_class
from sirenflow.superevent.map_choice import absence_text
from sirenflow.superevent.number_text import ABSENT, SUB_SOLAR, SUB_SOLAR_SEARCH
from sirenflow.superevent.sub_solar import sub_solar_name

_CLASSES = ("BNS", "NSBH", "BBH", "Terrestrial", SUB_SOLAR, SUB_SOLAR_SEARCH, "burst", "no class")


class CatalogueRow(CatalogueColumns, frozen=True, kw_only=True):
    """One superevent: the columns of the tables, and what else its row of the page needs."""

    classification: dict[str, float] = field(default_factory=dict)
    delay_s: float | None = None
    sentence: str = ""
    headline: str = ""
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


class Listed(Protocol):
    """What superevents are ordered, counted and chosen by; see `CatalogueRow`."""

    @property
    def superevent_id(self) -> str:
        """Identifier."""

    @property
    def kind(self) -> str:
        """Real, mock or test."""

    @property
    def retracted(self) -> bool:
        """Whether the last readable alert of a known type is a retraction."""

    @property
    def significant(self) -> bool | None:
        """As the last alert with values says."""

    @property
    def alert_type(self) -> str | None:
        """Type of the last readable alert."""

    @property
    def time_created(self) -> str | None:
        """When that was created."""

    @property
    def trigger_time(self) -> str | None:
        """Time of the signal."""

    @property
    def class_name(self) -> str:
        """The class to count and choose by."""


L = TypeVar("L", bound=Listed)


def catalogue_row(event: Mapping[str, Any], link: str) -> CatalogueRow:
    """Make a row from the content of one event.json.

    Raises
    ------
    SirenflowError
        If the content has another schema version.
    """
    version = version_of(EventSummary)
    if event.get("schema_version") != version:
        raise SirenflowError(
            f"event.json has schema_version {event.get('schema_version')!r}, expected "
            f"{version}; run the report of this superevent again"
        )
    latest: Mapping[str, Any] = event["history"][-1] if event["history"] else {}
    current: Mapping[str, Any] = event["current"] or {}
    values: Mapping[str, Any] = current.get("values") or {}
    number = event["skymap_alert_number"]
    located: Mapping[str, Any] = next(
        (alert for alert in event["history"] if alert["number"] == number), {}
    )
    skymap: Mapping[str, Any] = located.get("skymap") or {}
    classification, properties = values.get("classification", {}), values.get("properties", {})
    same = ("significant", "trigger_time", "far", "group", "search", "pipeline", "duration")
    places = ("peak_ra_deg", "peak_dec_deg", "area_50_deg2", "area_90_deg2")
    distances = ("distance_mean_mpc", "distance_std_mpc")
    copied: dict[str, Any] = {
        **{name: event[name] for name in ("superevent_id", "kind", "state", "retracted")},
        **{name: values.get(name) for name in (*same, "central_frequency")},
        **{name: skymap.get(name) for name in (*places, *distances)},
    }
    return CatalogueRow(
        **copied,
        unusual_identifier=not is_usual(event["superevent_id"]),
        coincidence=_observatory(current.get("external_coinc")),
        alert_number=latest.get("number"),
        skymap_alert_number=number,
        alert_type=latest.get("alert_type"),
        time_created=latest.get("time_created"),
        instruments=" ".join(values.get("instruments", ())) or None,
        source_class=top_class(classification)[0],
        prob_bns=classification.get("BNS"),
        prob_nsbh=classification.get("NSBH"),
        prob_bbh=classification.get("BBH"),
        prob_terrestrial=classification.get("Terrestrial"),
        has_ns=properties.get("HasNS"),
        has_remnant=properties.get("HasRemnant"),
        has_mass_gap=properties.get("HasMassGap"),
        has_ssm=properties.get("HasSSM"),
        alerts=len(event["history"]),
        rejected_alerts=len(event["rejected_alerts"]),
        classification=classification,
        delay_s=latest.get("delay_s"),
        sentence=event["sentence"],
        headline=event["headline"],
        is_burst=values.get("is_burst", False),
        thumbnail=Thumbnail(**event["thumbnail"]) if event["thumbnail"] else None,
        link=link,
        is_earlier_map=number is not None and number != current.get("number"),
        no_map=_absence(current.get("skymap")),
        sub_solar=_sub_solar(values),
    )


def _observatory(coincidence: Mapping[str, Any] | None) -> str | None:
    return None if coincidence is None else coincidence["observatory"] or "unnamed"


def _sub_solar(values: Mapping[str, Any]) -> str | None:
    return sub_solar_name(
        has_classes=any(values.get("classification", {}).values()) or values.get("is_burst", False),
        search=values.get("search"),
        has_ssm=values.get("properties", {}).get("HasSSM"),
    )


def _absence(skymap: Mapping[str, Any] | None) -> str:
    sent = skymap or {}
    is_rejected = sent.get("file") is None or bool(sent.get("rejected_because"))
    return absence_text(skymap is not None, is_rejected)


def in_class_order(names: Iterable[str]) -> list[str]:
    """Order classes as the field does, others after them."""
    return sorted(
        set(names),
        key=lambda name: (_CLASSES.index(name) if name in _CLASSES else len(_CLASSES), name),
    )


def shown_at_first(listed: Sequence[L]) -> list[L]:
    """Leave mock and test events out, unless there is nothing else."""
    return [one for one in listed if one.kind == "real"] or list(listed)


def newest_first(listed: Iterable[L]) -> list[L]:
    """Order superevents by the time of the signal, else of the last alert; the newest first."""
    return sorted(
        listed,
        key=lambda one: (_sortable(one.trigger_time or one.time_created), one.superevent_id),
        reverse=True,
    )


def newest_alerts(listed: Sequence[L], count: int) -> list[L]:
    """Choose superevents whose last alerts are the newest, of those that are shown at first."""
    return sorted(
        (one for one in shown_at_first(listed) if one.time_created is not None),
        key=lambda one: (_sortable(one.time_created), one.superevent_id),
        reverse=True,
    )[:count]


def _sortable(time: str | None) -> str:
    """Return a UTC time without its Z, which would sort after the point of a fraction."""
    return (time or "").removesuffix("Z")
