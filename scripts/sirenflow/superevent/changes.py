"""Find what changed from an earlier alert of the same superevent."""

from collections.abc import Iterator, Sequence

from msgspec import structs

from sirenflow.products.event import AlertSummary, Change, Comparison, SkymapSummary, top_class
from sirenflow.products.regions import AlertRegions, MapComparison, Regions

Value = float | str | bool | None

_FIELDS = ("trigger_time", "far", "significant", "group", "pipeline", "search")
_BURST_FIELDS = ("duration", "central_frequency")
_SKYMAP_NUMBERS = (
    *("peak_ra_deg", "peak_dec_deg", "area_50_deg2", "area_90_deg2"),
    *("distance_mean_mpc", "distance_std_mpc"),
)


def with_comparisons(
    history: Sequence[AlertSummary], regions: Regions | None
) -> tuple[AlertSummary, ...]:
    """Compare each alert with values to the one with values before it, and to the first."""
    maps = {entry.number: entry for entry in regions.alerts} if regions else {}
    compared: list[AlertSummary] = []
    earlier: list[AlertSummary] = []
    for alert in history:
        if alert.values is None:
            compared.append(alert)
            continue
        entry = maps.get(alert.number, AlertRegions(number=alert.number))
        previous = _compare(earlier[-1], alert, entry.since_previous) if earlier else None
        first = _compare(earlier[0], alert, entry.since_first) if earlier[1:] else None
        compared.append(structs.replace(alert, since_previous=previous, since_first=first))
        earlier.append(alert)
    return tuple(compared)


def changes(before: AlertSummary, after: AlertSummary) -> tuple[Change, ...]:
    """List what differs, in the order in which an observer asks: source, distance, place, trust."""
    old, new = dict(_values_of(before)), dict(_values_of(after))
    names = dict.fromkeys((*new, *old))
    found = (Change(name, old.get(name), new.get(name)) for name in names)
    return tuple(change for change in found if change.before != change.after)


def _compare(before: AlertSummary, after: AlertSummary, skymap: MapComparison | None) -> Comparison:
    return Comparison(before.number, changes(before, after), skymap)


def _values_of(alert: AlertSummary) -> Iterator[tuple[str, Value]]:
    values = alert.values
    if values is None:
        return
    yield "source_class", top_class(values.classification)[0]
    yield from ((f"properties.{name}", value) for name, value in values.properties.items())
    yield from ((f"classification.{name}", value) for name, value in values.classification.items())
    yield from _measures(alert.skymap)
    yield from ((name, getattr(values, name)) for name in (*_FIELDS, *_BURST_FIELDS))
    yield "instruments", " ".join(sorted(values.instruments)) or None
    yield "external_coinc", _coincident(alert)


def _measures(skymap: SkymapSummary | None) -> Iterator[tuple[str, Value]]:
    for name in _SKYMAP_NUMBERS:
        yield name, getattr(skymap, name) if skymap and skymap.is_usable else None


def _coincident(alert: AlertSummary) -> str | None:
    return alert.external_coinc.observatory or "unnamed" if alert.external_coinc else None
