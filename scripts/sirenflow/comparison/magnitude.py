"""By how much one value differs from another: absolute, relative, on the sky."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sirenflow.comparison.values import Value
from sirenflow.formats.sanitize import number_or_none, time_or_none
from sirenflow.products.schema import unit_of
from sirenflow.skymap.vectors import separation_deg, unit_vectors

ROUNDING = 1e-9
"""Relative difference of two numbers, or of two positions to half a turn, that says nothing."""
ANOTHER = 4.0
"""Weight of a difference that is no number; those of numbers are 0 to 2."""
_DAY_S = 86400.0


@dataclass(frozen=True)
class Magnitude:
    """How large a difference is.

    Attributes
    ----------
    old, new
        The numbers; of lists of numbers, those that differ most. None where they are no numbers.
    absolute
        New less old; of times in seconds.
    unit
        Of `absolute`, and of the values where they are numbers.
    relative
        The same over the size of the old value; None where that is 0, and of places and times.
    separation_deg
        Of the two positions, deg; None for all but right ascensions and declinations.
    weight
        To sort by, 0 to 2: the difference over the larger of both values, over half a turn, or
        over a day.
    """

    old: float | None = None
    new: float | None = None
    absolute: float | None = None
    unit: str | None = None
    relative: float | None = None
    separation_deg: float | None = None
    weight: float = ANOTHER

    @property
    def is_rounding(self) -> bool:
        """Return whether it is of the size that another processor or library makes."""
        return self.weight <= ROUNDING


def are_same(old: Value, new: Value) -> bool:
    """Return whether two values are the same; 1 and 1.0 are, 1 and true are not."""
    return old == new and isinstance(old, bool) == isinstance(new, bool)


def measure_change(name: str, before: Mapping[str, Value], after: Mapping[str, Value]) -> Magnitude:
    """Measure how the value of a name differs.

    `before` and `after` are all values of its place: a right ascension is compared with the
    declination of the same position.
    """
    old, new = before.get(name), after.get(name)
    unit = unit_of(name)
    numbers = _numbers(old, new)
    if numbers is not None:
        was, now = numbers
        separation = _separation_deg(name, before, after)
        if separation is not None:
            change = math.remainder(now - was, 360)  # the short way around
            return Magnitude(was, now, change, unit, None, separation, separation / 180)
        # Where 0 is a value like others, 1 is the scale.
        least = 1.0 if unit == "deg" or name.endswith("_sigma") else 0.0
        larger = max(abs(was), abs(now), least)
        # Halved, as the difference of the largest doubles is no number.
        weight = 2 * (abs(now / 2 - was / 2) / larger) if larger else 0.0
        relative = (now - was) / abs(was) if was else None
        return Magnitude(was, now, _finite(now - was), unit, _finite(relative), None, weight)
    times = time_or_none(old), time_or_none(new)
    if times[0] is not None and times[1] is not None:
        seconds = (times[1] - times[0]).total_seconds()
        weight = min(abs(seconds) / _DAY_S, 2.0) or ANOTHER
        return Magnitude(absolute=seconds, unit="s", weight=weight)
    return Magnitude(number_or_none(old), number_or_none(new), unit=unit)


def _separation_deg(
    name: str, before: Mapping[str, Value], after: Mapping[str, Value]
) -> float | None:
    """Return how far two positions are apart; None for what is not part of one on both sides."""
    found = re.fullmatch(r"(.*?)(ra|dec)_deg", name)
    if not found:
        return None
    axes = [f"{found[1]}{axis}_deg" for axis in ("ra", "dec")]
    old, new = ([number_or_none(side.get(axis)) for axis in axes] for side in (before, after))
    if None in old or None in new:
        return None
    one, other = (unit_vectors(*np.array(side, dtype=np.float64)) for side in (old, new))
    return float(separation_deg(one, other))


def _numbers(old: Value, new: Value) -> tuple[float, float] | None:
    """Return both numbers; of lists of equal length, those that differ most; None for others."""
    pairs: list[tuple[Value, Value]] = [(old, new)]
    if isinstance(old, tuple) and isinstance(new, tuple) and len(old) == len(new):
        pairs = [pair for pair in zip(old, new, strict=True) if not are_same(*pair)]
    found = []
    for pair in pairs:
        was, now = map(number_or_none, pair)
        if was is None or now is None:
            return None
        found.append((was, now))
    return max(found, key=lambda numbers: abs(numbers[1] - numbers[0]))


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
