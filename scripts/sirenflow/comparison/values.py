"""Values of the JSON products of a superevent, each with what it is a value of.

Two runs number alerts differently once one comes or goes, so nothing is told apart by its place in
a list: an alert is known by its hash, a sky map by its kind, a site, a galaxy or a candidate by its
name. Every key of a product is read, also those of a later version, so the products' models, which
allow only the keys of this version, are not used to read them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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

# Not compared: how a file was made, which is shown once; what another product says; identities.
_HEAD = {"schema_version", "superevent_id"}
_OF_ALERT = ("number", "sha256", "alert_type", "time_created")
_NOT_COMPARED = {
    *(*_HEAD, "retracted", *(f"alerts.{name}" for name in _OF_ALERT)),
    *("alerts.skymaps.kind", "alerts.maps.kind", "alerts.maps.sha256"),
}
_NOT_COMPARED_OF = {
    ALERTS: {*_HEAD, "retracted", "rejected"},
    "event.json": {
        *(*_HEAD, *(f"history.{name}" for name in _OF_ALERT)),
        *("sirenflow_version", "config_sha256", "thumbnail", "rejected_alerts"),
        *("unreadable_messages", "quarantine_error", "history.also_received_as"),
        *("history.skymap", "history.combined_skymap", "history.no_skymap_reason"),
        *("history.since_previous", "history.since_first", "history.combined_with_gw"),
    },
}
_NUMBERS_OF_ALERTS = {
    *("alert_number", "skymap_alert_number", "combined_skymap_alert_number"),
    *("retracted_by", "reinstated_by"),
    *("alerts.since_previous.number", "alerts.since_first.number"),
    "alerts.combined_with_gw.number",
}
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
    from outside in; `path` is that in the product.
    """

    alert: str | None
    parts: tuple[str, ...]
    path: str


class Reading(NamedTuple):
    """Values of a product by name, and the version of its schema."""

    schema_version: int
    values: dict[ValuePath, dict[str, Value]]


def read_alerts(product: Mapping[str, Any]) -> tuple[ReadAlert, ...]:
    """List the alerts of alerts.json.

    Raise SirenflowError if it does not match its schema.
    """
    with _schema_errors():
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
    """Return "read" or "rejected: reason" for each alert of alerts.json.

    The keys are the hash used in the comparison, which `names` has by the alert's own; of a
    rejected file its own hash, else its name. Raise SirenflowError if it does not match its schema.
    """
    with _schema_errors():
        rejected = {
            str(entry["sha256"] or entry["file"]): f"rejected: {entry['reason']}"
            for entry in product["rejected"]
        }
    return rejected | dict.fromkeys(names.values(), "read")


def read_product(
    file: str, product: Mapping[str, Any], alerts: Iterable[ReadAlert], names: Mapping[str, str]
) -> Reading:
    """Read all values of a product; `alerts` are those that the run read, `names` as above.

    Raise SirenflowError if it does not match its schema, or names an alert that alerts.json does
    not.
    """
    with _schema_errors():
        reader = _Reader(file, product, {alert.number: alert for alert in alerts}, names)
        reader.walk(product, ValuePath(None, (), ""))
        return Reading(product["schema_version"], reader.values)


@contextmanager
def _schema_errors() -> Iterator[None]:
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise SirenflowError(f"found {error!r}; expected what its schema describes") from error


class _Reader:
    """Reads one product; one that does not match its schema raises what Python does."""

    def __init__(
        self,
        file: str,
        product: Mapping[str, Any],
        by_number: Mapping[int, ReadAlert],
        names: Mapping[str, str],
    ) -> None:
        self.values: dict[ValuePath, dict[str, Value]] = {}
        self.product = product
        self.not_compared = _NOT_COMPARED_OF.get(file, _NOT_COMPARED)
        self.by_number = by_number
        self.names = names
        candidates = product.get("candidates", ()) if file == "candidates.json" else ()
        self.candidates = {entry["row"]: _named(entry) for entry in candidates}

    def walk(self, node: Mapping[str, Any], place: ValuePath, prefix: str = "") -> None:
        """Read a mapping; `prefix` is its path within the place, with a dot at the end."""
        values = self.values.setdefault(place, {})
        start = f"{place.path}.{prefix}" if place.path else prefix
        for key, value in node.items():
            path, name = start + key, prefix + key
            if path in self.not_compared:
                continue
            if path == "current":  # only which alert it is
                values[name] = self._label(value["number"]) if value else None
            elif path in _NUMBERS_OF_ALERTS:
                values[name] = None if value is None else self._label(value)
            elif path == "alerts.skymap_index":
                values[name] = self.product["maps"][value]["sha256"]
            elif isinstance(value, dict):
                self.walk(value, place, f"{name}.")
            elif isinstance(value, list) and value and all(isinstance(e, dict) for e in value):
                self._walk_entries(value, place, path)
            else:  # an empty list says no more than null
                values[name] = None if value == [] else _hashable(value)

    def _walk_entries(self, entries: Sequence[Any], place: ValuePath, path: str) -> None:
        for index, entry in enumerate(entries):
            if path in _LISTS_OF_ALERTS:
                own = ValuePath(self._alert_of(entry), place.parts, path)
            else:
                part = self._part(entry, path, index)
                own = ValuePath(place.alert, (*place.parts, part), path)
                same = 2
                while own in self.values:
                    own = own._replace(parts=(*place.parts, f"{part} #{same}"))
                    same += 1
            self.walk(entry, own)

    def _part(self, entry: Mapping[str, Any], path: str, index: int) -> str:
        """Name an entry of a list by what identifies it."""
        match path:
            case "sites" | "galaxies" | "candidates":
                return _named(entry)
            case "maps.matches":
                return self.candidates[entry["row"]]
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
        return f"{alert.alert_type} of {alert.time_created}, {self.names[alert.sha256][:12]}"

    def _by_number(self, number: int) -> ReadAlert:
        if number not in self.by_number:
            raise SirenflowError(f"found alert {number!r}; expected one that {ALERTS} has")
        return self.by_number[number]


def _hashable(value: Any) -> Value:
    if isinstance(value, list):
        return tuple(map(_hashable, value))
    if isinstance(value, dict):
        return tuple((key, _hashable(each)) for key, each in sorted(value.items()))
    scalar: Value = value
    return scalar


def _named(entry: Mapping[str, Any]) -> str:
    """Return the name of a site, galaxy or candidate, else its position."""
    return str(entry.get("name") or f"at {entry.get('ra_deg')} {entry.get('dec_deg')}")
