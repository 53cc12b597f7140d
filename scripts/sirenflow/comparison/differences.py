"""Differences between two runs' products of one superevent."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from sirenflow.comparison.magnitude import Magnitude, are_same, measure_change
from sirenflow.comparison.values import ALERTS, ReadAlert, Reading, Value, ValuePath

Kind = Literal["changed", "rounding", "only in OLD", "only in NEW", "not comparable"]

Quantity = tuple[str, str]
"""A file, and the path of a value in it without the places in lists."""

# The first that matches counts.
_PATTERNS = (
    (
        "What was read",
        r"alerts.json (superevent|alert)$|event.json unreadable_(message|retraction)_count$",
    ),
    (
        "Maps used",
        r"localization.json (\S+_(because|reason)|skymaps(\.(sha256|size_bytes|rows|level_\w+))?)$",
    ),
    (
        "State",
        r"event.json (state|category|retracted\w*|reinstated_by|current|skymap_alert_number)$",
    ),
    ("Position", r"localization.json skymaps\.peak_(ra|dec)_deg$"),
    ("Area", r"localization.json skymaps\.(area_|peak_prob)"),
    ("Distance and volume", r"localization.json skymaps\.\w*(distance|volume)"),
    ("Files", r"\S+ file$"),
    ("Source", r"event.json (values|external_coinc|latency_s)"),
    ("Words", r"event.json (summary_line|summary_text|gracedb)$"),
    ("Regions", r"regions.json (?!maps\.files)"),
    ("Who can look", r"visibility.json (?!sites\.(probability_above|dark|\w+_deg|elevation_m)$)"),
    ("Galaxies", r"galaxies.json "),
    ("Candidates", r"candidates.json "),
    ("Sites, Moon and altitudes", r"visibility.json "),
    (
        "As sent",
        r"alerts.json (record|values|external_coinc)"
        r"|localization.json skymaps\.(creator|instruments)$",
    ),
    ("Names and numbers of alerts and files", r""),
)
HEADINGS = tuple(dict.fromkeys(heading for heading, _ in _PATTERNS))
_WHOLE = ValuePath(None, (), "")


@cache
def heading_of(quantity: Quantity) -> str:
    """Return the heading of a quantity."""
    text = " ".join(quantity)
    return next(heading for heading, pattern in _PATTERNS if re.match(pattern, text))


@dataclass(frozen=True)
class Difference:
    """A value, or an entry of a list, that differs.

    Attributes
    ----------
    superevent_id, file, quantity
        Where it is; the quantity is the path in the file, without the places in lists.
    alert
        Hash of the alert that it is of; None for the superevent. `alert_number` and `alert_type`
        are those of the new run, or of the old one where the new one has not read the alert.
    part
        The map, site, lobe, galaxy and so on that it is of; empty for none.
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
        """Key that sorts the most important first, and is the same in every run."""
        where = (self.superevent_id, self.alert or "", self.part, self.quantity)
        rank = HEADINGS.index(self.heading)
        return (self.kind == "rounding", rank, -self.magnitude.weight, *where)


@dataclass(frozen=True)
class BuiltBy:
    """Version and configuration with which a superevent was processed; None if unknown."""

    version: str | None
    config_sha256: str | None


@dataclass
class SupereventComparison:
    """The comparison of one superevent.

    Attributes
    ----------
    old_alerts, new_alerts
        The alerts that each run read, by the hash used for them here.
    one_version_only
        Quantities that were not, as one version of the file's schema has no such key.
    made_old, made_new
        How each run processed it; None where it has no event.json that can be read.
    """

    superevent_id: str
    old_alerts: Mapping[str, ReadAlert] = field(default_factory=dict)
    new_alerts: Mapping[str, ReadAlert] = field(default_factory=dict)
    compared: Counter[Quantity] = field(default_factory=Counter)
    one_version_only: set[Quantity] = field(default_factory=set)
    found: list[Difference] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    made_old: BuiltBy | None = None
    made_new: BuiltBy | None = None

    def compare_presence(self, file: str, what: str, in_old: bool, in_new: bool) -> bool:
        """Compare whether the runs have a thing; return whether both do."""
        self.compared[file, what] += 1
        if in_old != in_new:
            self._add(file, what, _WHOLE, _presence(in_old))
        return in_old and in_new

    def compare_outcomes(self, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        """Compare which alerts were read, and why others were not; see `alert_outcomes`."""
        for alert in dict.fromkeys((*old, *new)):
            before, after = old.get(alert), new.get(alert)
            self.compared[ALERTS, "alert"] += 1
            if before != after:
                in_both = before is not None and after is not None
                kind: Kind = "changed" if in_both else _presence(after is None)
                place = ValuePath(alert, (), "alerts")
                self._add(ALERTS, "alert", place, kind, before, after)

    def compare_readings(self, file: str, old: Reading, new: Reading) -> None:
        """Compare all values of a product, but those of an alert that only one run read."""
        only_one: set[str] = set()
        if old.schema_version != new.schema_version:
            only_one = _names(old) ^ _names(new)
            self.one_version_only |= {(file, name) for name in only_one}
        both_read = {None, *(self.old_alerts.keys() & self.new_alerts.keys())}
        missing = set()
        for place in dict.fromkeys((*old.values, *new.values)):
            if place.alert not in both_read:
                continue
            before, after = old.values.get(place), new.values.get(place)
            if before is not None and after is not None:
                self._compare_values(file, place, before, after, only_one)
                continue
            missing.add((place.alert, place.parts))
            if (place.alert, place.parts[:-1]) not in missing:
                name = _prefix(place).removesuffix(".")
                self.compared[file, name] += 1
                self._add(file, name, place, _presence(after is None))

    def add_problem(self, file: str, reason: str) -> None:
        """Add a file that cannot be compared, and why."""
        self.problems.append(reason)
        self._add(file, "file", _WHOLE, "not comparable", None, reason)

    def _compare_values(
        self,
        file: str,
        place: ValuePath,
        before: Mapping[str, Value],
        after: Mapping[str, Value],
        left_out: set[str],
    ) -> None:
        prefix = _prefix(place)
        for name in dict.fromkeys((*before, *after)):
            quantity = prefix + name
            if quantity in left_out:
                continue
            self.compared[file, quantity] += 1
            old, new = before.get(name), after.get(name)
            if not are_same(old, new):
                magnitude = measure_change(name, before, after)
                kind: Kind = "rounding" if magnitude.is_rounding else "changed"
                self._add(file, quantity, place, kind, old, new, magnitude)

    def _add(
        self,
        file: str,
        quantity: str,
        place: ValuePath,
        kind: Kind,
        old: Value = None,
        new: Value = None,
        magnitude: Magnitude | None = None,
    ) -> None:
        sha256 = place.alert or ""
        alert = self.new_alerts.get(sha256) or self.old_alerts.get(sha256)
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
                magnitude=magnitude or Magnitude(),
            )
        )


def _presence(in_old: bool) -> Kind:
    return "only in OLD" if in_old else "only in NEW"


def _names(reading: Reading) -> set[str]:
    return {_prefix(place) + name for place, values in reading.values.items() for name in values}


def _prefix(place: ValuePath) -> str:
    """Return the path of a place with a dot at its end, without the list of the alerts."""
    within = place.path.partition(".")[2] if place.alert else place.path
    return f"{within}." if within else ""
