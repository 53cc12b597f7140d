"""Summary of the comparison of all superevents: counts per quantity, the most important first."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sirenflow.comparison.differences import (
    BuiltBy,
    Difference,
    Quantity,
    SupereventComparison,
    heading_of,
)
from sirenflow.comparison.text import both_texts, magnitude_text, where_text
from sirenflow.comparison.values import ALERTS
from sirenflow.formats.sanitize import text_or_none

MOST_LISTED = 200
MOST_OF_A_QUANTITY = 10
"""Differences that are kept, those that matter most; the table has all."""
_MOST_LINES = 20
_MOST_MADE = 3


@dataclass
class QuantityCounts:
    """How many values of a quantity were compared, changed, and changed by rounding only."""

    compared: int = 0
    changed: int = 0
    rounding: int = 0
    superevents: int = 0
    leading: list[Difference] = field(default_factory=list)


@dataclass
class ComparisonSummary:
    """The comparison of all superevents, gathered one at a time.

    Attributes
    ----------
    made_old, made_new
        How many superevents were made by which version after which configuration.
    one_version_only
        Quantities that one version of a file's schema has, and the other has not.
    """

    superevents: int = 0
    changed_superevents: int = 0
    compared: int = 0
    changed: int = 0
    rounding: int = 0
    quantities: dict[Quantity, QuantityCounts] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    made_old: Counter[BuiltBy] = field(default_factory=Counter)
    made_new: Counter[BuiltBy] = field(default_factory=Counter)
    one_version_only: set[Quantity] = field(default_factory=set)

    def add(self, comparison: SupereventComparison) -> None:
        """Add a superevent."""
        self.superevents += 1
        self.problems += comparison.problems
        self.made_old.update([comparison.made_old] if comparison.made_old else [])
        self.made_new.update([comparison.made_new] if comparison.made_new else [])
        self.one_version_only |= comparison.one_version_only
        self.compared += comparison.compared.total()
        for name, count in comparison.compared.items():
            self.quantities.setdefault(name, QuantityCounts()).compared += count
        changed = set()
        for found in comparison.found:
            if found.kind == "not comparable":
                continue
            counts = self.quantities[found.file, found.quantity]
            leading = sorted((*counts.leading, found), key=_order)
            counts.leading = leading[:MOST_OF_A_QUANTITY]
            if found.kind == "rounding":
                counts.rounding += 1
                self.rounding += 1
            else:
                counts.changed += 1
                self.changed += 1
                changed.add((found.file, found.quantity))
        self.changed_superevents += bool(changed)
        for quantity in changed:
            self.quantities[quantity].superevents += 1

    @property
    def alerts(self) -> int:
        """How many alerts either run was given."""
        return self.quantities.get((ALERTS, "alert"), QuantityCounts()).compared

    @property
    def leading(self) -> list[Difference]:
        """Those that matter most, some of each quantity."""
        kept = (found for counts in self.quantities.values() for found in counts.leading)
        return sorted(kept, key=_order)[:MOST_LISTED]

    def differing(self) -> list[tuple[Quantity, QuantityCounts]]:
        """Return the quantities that differ, what matters most first."""
        found = [
            (quantity, counts) for quantity, counts in self.quantities.items() if counts.leading
        ]
        return sorted(found, key=lambda each: each[1].leading[0].order)

    def verdict(self, integer: Callable[[int], str] = "{:,}".format) -> str:
        """Say in a sentence whether anything changed, and how much."""
        compared, changed = integer(self.compared), integer(self.changed)
        if self.changed:
            words = (
                f"{changed} of {compared} values changed, in {integer(self.changed_superevents)} "
                f"of {_count(self.superevents, 'superevent', integer)}"
            )
        else:
            but = " in what could be compared" if self.problems else ""
            but += ", rounding aside" if self.rounding else ""
            counts = ((self.superevents, "superevent"), (self.alerts, "alert"))
            words = (
                f"nothing changed{but}: {', '.join(_count(*each, integer) for each in counts)}, "
                f"{_count(self.compared, 'value', integer)}"
            )
            words += "" if self.rounding else " are the same"
        if self.rounding:
            verb = "differs" if self.rounding == 1 else "differ"
            words += f"; {integer(self.rounding)} {verb} by rounding only"
        if self.problems:
            words += f"; {_count(len(self.problems), 'file', integer)} could not be compared"
        return words

    def lines(self, old: str, new: str) -> Iterator[str]:
        """Write the counts for a terminal: the verdict, the versions, and a table."""
        yield self.verdict()
        if self.changed:
            largest = self.leading[0]
            both = " -> ".join(both_texts(largest))
            yield (
                f"what matters most: {where_text(largest)}: {largest.file} {largest.quantity}: "
                f"{both} ({magnitude_text(largest)})"
            )
        yield f"OLD {old}: {built_by_text(self.made_old)}"
        yield f"NEW {new}: {built_by_text(self.made_new)}"
        differing = self.differing()
        if differing:
            yield ""
            yield from _table(differing[:_MOST_LINES])
        if differing[_MOST_LINES:]:
            yield f"and {len(differing) - _MOST_LINES} quantities more"
        if self.one_version_only:
            yield (
                f"not compared: {len(self.one_version_only)} quantities that only one of the "
                "versions writes"
            )


def built_by_text(made: Counter[BuiltBy]) -> str:
    """Write by which versions, after which configurations, a run's superevents were made."""
    if not made:
        return "version not known"
    texts = [
        f"sirenflow {one.version or 'of unknown version'}, configuration "
        f"{(one.config_sha256 or 'not known')[:12]}{f' ({count:,})' if len(made) > 1 else ''}"
        for one, count in made.most_common()
    ]
    more = f"; and {len(texts) - _MOST_MADE} more" if texts[_MOST_MADE:] else ""
    return "; ".join(texts[:_MOST_MADE]) + more


def _order(difference: Difference) -> tuple[object, ...]:
    return difference.order


def _count(number: int, name: str, integer: Callable[[int], str]) -> str:
    return f"{integer(number)} {name}{'' if number == 1 else 's'}"


def _table(differing: list[tuple[Quantity, QuantityCounts]]) -> Iterator[str]:
    rows = [["about", "quantity", "compared", "changed", "rounding", "largest", "where"]]
    rows += [
        [
            *(heading_of(quantity), text_or_none(" ".join(quantity), 60) or ""),
            *(f"{count:,}" for count in (counts.compared, counts.changed, counts.rounding)),
            *(magnitude_text(counts.leading[0]), where_text(counts.leading[0])),
        ]
        for quantity, counts in differing
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (
            cell.rjust(width) if column in (2, 3, 4) else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()
