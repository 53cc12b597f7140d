"""The JSON products of a superevent as named values, each with what it is a value of. Pure.

Two runs number alerts differently once one comes or goes, so nothing is told apart by its place in
a list: an alert is known by its hash, a sky map by its kind, a site, a galaxy or a candidate by its
name. Every key of a product is read, also those of a version to come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sirenflow.errors import SirenflowError
from sirenflow.products.base import version_of
from sirenflow.products.schema import MODELS

ALERTS = "alerts.json"
_COMPARED = ("alerts", "localization", "event", "regions", "visibility", "galaxies", "candidates")
KNOWN_SCHEMAS: Mapping[str, range] = {
    f"{name}.json": range(1, version_of(MODELS[name]) + 1) for name in _COMPARED
}
"""Files that are compared, the one that names the alerts first, and the versions of each."""

Value = str | float | bool | tuple[Any, ...] | None

# How a file was made, which is told once, and what another product says, or the name of a place.
_HEAD = {"schema_version", "superevent_id"}
_SAID_BEFORE = {
    *_HEAD,
    "retracted",
    *("alerts.number", "alerts.sha256", "alerts.alert_type", "alerts.time_created"),
    *("alerts.skymaps.kind", "alerts.maps.kind", "alerts.maps.sha256"),
}
_LEFT_OUT = {
    ALERTS: {
        *_HEAD,
        *("retracted", "rejected"),
    },
    "event.json": {
        *_HEAD,
        *("sirenflow_version", "config_sha256", "thumbnail", "rejected_alerts"),
        *("unreadable_messages", "quarantine_error"),
        *("history.number", "history.sha256", "history.alert_type", "history.time_created"),
        *("history.skymap", "history.combined_skymap", "history.no_skymap_reason"),
        *("history.since_previous", "history.since_first", "history.combined_with_gw"),
        "history.also_received_as",
    },
}
_NUMBERS_OF_ALERTS = {
    *("alert_number", "skymap_alert_number"),
    "combined_skymap_alert_number",
    *("retracted_by", "reinstated_by"),
    *("alerts.since_previous.number", "alerts.since_first.number"),
    "alerts.combined_with_gw.number",
}
_NESTED = {list, dict}
_LISTS_OF_ALERTS = {"alerts", "history"}


@dataclass(frozen=True)
class ReadAlert:
    """An alert that a run read; `copies` are the hashes of all files that hold it."""

    number: int
    alert_type: str
    time_created: str
    sha256: str
    copies: frozenset[str]


class ValuePath(NamedTuple):
    """What values are of.

    `alert` is its hash, None for the superevent; `parts` are the map, the site, the lobe and so on,
    from outside in; `path` is where in the product it stands.
    """

    alert: str | None
    parts: tuple[str, ...]
    path: str


@dataclass
class Reading:
    """What a product says, and the version of its schema."""

    schema_version: int
    values: dict[ValuePath, dict[str, Value]] = field(default_factory=dict)


def read_alerts(product: Mapping[str, Any]) -> tuple[ReadAlert, ...]:
    """List the alerts of alerts.json.

    Raises
    ------
    SirenflowError
        If it is not built as its schema says.
    """
    with _as_its_schema_says():
        return tuple(
            ReadAlert(
                number=int(entry["number"]),
                alert_type=str(entry["alert_type"]),
                time_created=str(entry["time_created"]),
                sha256=str(entry["sha256"]),
                copies=frozenset(
                    str(file["sha256"]) for file in (entry, *entry.get("also_received_as", ()))
                ),
            )
            for entry in product["alerts"]
        )


def alert_outcomes(product: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, str]:
    """Tell of each alert in alerts.json whether it was read.

    Parameters
    ----------
    product
        Content of alerts.json.
    names
        The hash by which an alert that was read goes in the comparison, by its own.

    Returns
    -------
    dict
        "read", or "rejected: " and the reason; by hash, or by the name of a file without one.

    Raises
    ------
    SirenflowError
        If it is not built as its schema says.
    """
    with _as_its_schema_says():
        rejected = {
            str(entry["sha256"] or entry["file"]): f"rejected: {entry['reason']}"
            for entry in product["rejected"]
        }
    return rejected | dict.fromkeys(names.values(), "read")


def read_product(
    file: str, product: Mapping[str, Any], alerts: Iterable[ReadAlert], names: Mapping[str, str]
) -> Reading:
    """Read all values of a product.

    Parameters
    ----------
    file
        Its name, one of `KNOWN_SCHEMAS`.
    product
        Its content.
    alerts
        Those that the run read.
    names
        The hash by which an alert goes in the comparison, by its own.

    Raises
    ------
    SirenflowError
        If it is not built as its schema says, or names an alert that alerts.json does not.
    """
    with _as_its_schema_says():
        return _Reader(file, product, {alert.number: alert for alert in alerts}, names).read()


@contextmanager
def _as_its_schema_says() -> Iterator[None]:
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise SirenflowError(f"found {error!r}; expected what its schema describes") from error


class _Reader:
    """Goes through one product; what is not built as its schema says raises what Python does."""

    def __init__(
        self,
        file: str,
        product: Mapping[str, Any],
        by_number: Mapping[int, ReadAlert],
        names: Mapping[str, str],
    ) -> None:
        self.product = product
        self.left_out = _LEFT_OUT.get(file, _SAID_BEFORE)
        self.by_number = by_number
        self.names = names
        self.reading = Reading(product["schema_version"])
        candidates = product.get("candidates", ()) if file == "candidates.json" else ()
        self.rows = {entry["row"]: _named(entry) for entry in candidates}

    def read(self) -> Reading:
        """Read it from its top."""
        top = ValuePath(None, (), "")
        self._walk_mapping(self.product, top, self._values_at(top), "")
        return self.reading

    def _values_at(self, place: ValuePath) -> dict[str, Value]:
        return self.reading.values.setdefault(place, {})

    def _walk_mapping(
        self, node: Mapping[str, Any], place: ValuePath, values: dict[str, Value], below: str
    ) -> None:
        """Read a mapping; `below` is its path within the place, with a dot at the end."""
        start = f"{place.path}.{below}" if place.path else below
        for key, value in node.items():
            path = start + key
            if path in self.left_out:
                continue
            if path == "current":  # the last of the alerts with values: which, not what it says
                values[key] = self._label(value["number"]) if value else None
            elif path in _NUMBERS_OF_ALERTS:
                values[below + key] = None if value is None else self._label(value)
            elif isinstance(value, dict):
                self._walk_mapping(value, place, values, f"{below}{key}.")
            elif isinstance(value, list):
                if value and all(isinstance(entry, dict) for entry in value):
                    self._walk_entries(value, place, path)
                else:  # an empty list says no more than null
                    plain = _NESTED.isdisjoint(map(type, value))
                    values[below + key] = tuple(value if plain else map(_plain, value)) or None
            elif path == "alerts.skymap_index":  # a number in the list of the maps
                values[key] = self.product["maps"][value]["sha256"]
            else:
                values[below + key] = value

    def _walk_entries(self, entries: Sequence[Any], place: ValuePath, path: str) -> None:
        known = self.reading.values
        for index, entry in enumerate(entries):
            if path in _LISTS_OF_ALERTS:
                own = ValuePath(self._alert_of(entry), place.parts, path)
            else:
                part = self._part(entry, path, index)
                own = ValuePath(place.alert, (*place.parts, part), path)
                same = 2
                while own in known:
                    own = own._replace(parts=(*place.parts, f"{part} #{same}"))
                    same += 1
            self._walk_mapping(entry, own, self._values_at(own), "")

    def _part(self, entry: Mapping[str, Any], path: str, index: int) -> str:
        """Name an entry of a list by what tells it from the others."""
        match path:
            case "sites" | "galaxies" | "candidates":
                return _named(entry)
            case "maps.matches":
                return self.rows[entry["row"]]
            case "alerts.skymaps" | "alerts.maps":
                return str(entry["kind"])
            case "maps" | "alerts.also_received_as":
                return str(entry["sha256"])
        return f"{path.rpartition('.')[2]} {index + 1}"

    def _alert_of(self, entry: Mapping[str, Any]) -> str:
        sha256 = entry.get("sha256") or self._by_number(entry["number"]).sha256
        if sha256 not in self.names:
            raise SirenflowError(f"found alert {sha256!r}; expected one that {ALERTS} has")
        return self.names[sha256]

    def _label(self, number: int) -> str:
        alert = self._by_number(number)
        known_as = self.names[alert.sha256]
        return f"{alert.alert_type} of {alert.time_created}, {known_as[:12]}"

    def _by_number(self, number: int) -> ReadAlert:
        if number not in self.by_number:
            raise SirenflowError(f"found alert {number!r}; expected one that {ALERTS} has")
        return self.by_number[number]


def _plain(value: Any) -> Value:
    """Make what may stand in a list comparable, however deep."""
    if isinstance(value, list):
        return tuple(map(_plain, value))
    if isinstance(value, dict):
        return tuple((key, _plain(each)) for key, each in sorted(value.items()))
    scalar: Value = value
    return scalar


def _named(entry: Mapping[str, Any]) -> str:
    """Name what has a name, or else a position."""
    return str(entry.get("name") or f"at {entry.get('ra_deg')} {entry.get('dec_deg')}")
