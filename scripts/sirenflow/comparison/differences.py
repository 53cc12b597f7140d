"""What differs between two runs' products of one superevent, and what is only in one. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from sirenflow.comparison.magnitude import Magnitude, are_same, measure_change
from sirenflow.comparison.priority import HEADINGS, Quantity, heading_of
from sirenflow.comparison.values import ALERTS, ReadAlert, Reading, Value, ValuePath

Kind = Literal["changed", "rounding", "only in OLD", "only in NEW", "not comparable"]

_WHOLE = ValuePath(None, (), "")


@dataclass(frozen=True)
class Difference:
    """A value, or an entry of a list, that differs.

    Attributes
    ----------
    superevent_id, file, quantity
        Where it stands; the quantity is the path in the file, without the places in lists.
    alert
        Hash of the alert that it is of; None for the superevent. `alert_number` and `alert_type`
        are those of the new run, or of the old one where the new one has not read the alert.
    part
        The map, site, lobe, galaxy and so on that it is of; empty for none.
    kind
        What became of it.
    old, new
        Both values; None where there is none.
    magnitude
        By how much they differ.
    """

    superevent_id: str
    file: str
    quantity: str
    alert: str | None
    alert_number: int | None
    alert_type: str | None
    part: str
    kind: Kind
    old: Value
    new: Value
    magnitude: Magnitude

    @property
    def heading(self) -> str:
        """What it is about."""
        return heading_of((self.file, self.quantity))

    @property
    def order(self) -> tuple[object, ...]:
        """Key that sorts what matters most first, and is the same in every run."""
        where = (self.superevent_id, self.alert or "", self.part, self.quantity)
        rank = HEADINGS.index(self.heading)
        return (self.kind == "rounding", rank, -self.magnitude.weight, *where)


@dataclass
class SupereventDifferences:
    """The comparison of one superevent, as it grows.

    Attributes
    ----------
    superevent_id
        Which it is.
    old, new
        The alerts that each run read, by the hash under which they go here.
    compared
        How many values of each quantity were compared.
    one_version_only
        Quantities that were not, as one version of the file's schema has no such key.
    found
        What differs.
    """

    superevent_id: str
    old: Mapping[str, ReadAlert] = field(default_factory=dict)
    new: Mapping[str, ReadAlert] = field(default_factory=dict)
    compared: Counter[Quantity] = field(default_factory=Counter)
    one_version_only: set[Quantity] = field(default_factory=set)
    found: list[Difference] = field(default_factory=list)

    def compare_presence(self, file: str, what: str, in_old: bool, in_new: bool) -> bool:
        """Compare whether both runs have a thing; tell whether they do."""
        self.compared[file, what] += 1
        if in_old != in_new:
            self._note(file, what, _WHOLE, "only in OLD" if in_old else "only in NEW")
        return in_old and in_new

    def compare_outcomes(self, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        """Compare which alerts were read, and why others were not; see `alert_outcomes`."""
        for known_by in dict.fromkeys((*old, *new)):
            fate = (old.get(known_by), new.get(known_by))
            self.compared[ALERTS, "alert"] += 1
            if fate[0] != fate[1]:
                place = ValuePath(known_by, (), "alerts")
                self._note(ALERTS, "alert", place, _kind(*fate), *fate)

    def compare_readings(self, file: str, old: Reading, new: Reading) -> None:
        """Compare all values of a product; of an alert that one run has not, its fate tells."""
        shared = self._shared_names(file, old, new)
        missing = set()
        for place in dict.fromkeys((*old.values, *new.values)):
            if place.alert is not None and not (
                place.alert in self.old and place.alert in self.new
            ):
                continue
            before, after = old.values.get(place), new.values.get(place)
            if before is not None and after is not None:
                self._compare_values(file, place, before, after, shared)
                continue
            missing.add((place.alert, place.parts))
            if (place.alert, place.parts[:-1]) not in missing:
                name = _prefix(place).removesuffix(".")
                self.compared[file, name] += 1
                self._note(file, name, place, "only in OLD" if after is None else "only in NEW")

    def give_up(self, file: str, reason: str) -> None:
        """Note that a file cannot be compared, and why."""
        self._note(file, "file", _WHOLE, "not comparable", None, reason)

    def _shared_names(self, file: str, old: Reading, new: Reading) -> Collection[str] | None:
        """Name what both versions of a schema have; None where they are the same version."""
        if old.schema_version == new.schema_version:
            return None
        before, after = (set(_names(reading)) for reading in (old, new))
        self.one_version_only |= {(file, name) for name in before ^ after}
        return before & after

    def _compare_values(
        self,
        file: str,
        place: ValuePath,
        before: Mapping[str, Value],
        after: Mapping[str, Value],
        shared: Collection[str] | None,
    ) -> None:
        prefix = _prefix(place)
        for name in dict.fromkeys((*before, *after)):
            quantity = prefix + name
            if shared is not None and quantity not in shared:
                continue
            self.compared[file, quantity] += 1
            old, new = before.get(name), after.get(name)
            if not are_same(old, new):
                size = measure_change(name, before, after)
                kind: Kind = "rounding" if size.is_rounding else "changed"
                self._note(file, quantity, place, kind, old, new, size)

    def _note(
        self,
        file: str,
        quantity: str,
        place: ValuePath,
        kind: Kind,
        old: Value = None,
        new: Value = None,
        size: Magnitude | None = None,
    ) -> None:
        known_by = place.alert or ""
        alert = self.new.get(known_by) or self.old.get(known_by)
        self.found.append(
            Difference(
                superevent_id=self.superevent_id,
                file=file,
                quantity=quantity,
                alert=place.alert,
                alert_number=alert.number if alert else None,
                alert_type=alert.alert_type if alert else None,
                part=", ".join(place.parts),
                kind=kind,
                old=old,
                new=new,
                magnitude=size or Magnitude(),
            )
        )


def _kind(old: str | None, new: str | None) -> Kind:
    if old is None:
        return "only in NEW"
    return "only in OLD" if new is None else "changed"


def _names(reading: Reading) -> Iterator[str]:
    return (_prefix(place) + name for place, values in reading.values.items() for name in values)


def _prefix(place: ValuePath) -> str:
    """Give the path of a place, with a dot at its end; that it is of an alert is told beside it."""
    within = place.path.partition(".")[2] if place.alert else place.path
    return f"{within}." if within else ""
