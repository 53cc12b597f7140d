"""Sources on the sky, from a user's own table: names, positions, distances, weights, times.

An optional value that is missing is None or NaN; a row without a value that its use needs is left
out and counted with the reason. Positions are ICRS, distances luminosity distances. Units and time
scales are those that the file states (FITS, ECSV), else degrees, Mpc and UTC; times are read by
`sirenflow.crossmatch.source_time`.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sirenflow.crossmatch.source_time import AmbiguousTimeError, TimeTextError, time_from
from sirenflow.crossmatch.table_reader import RawColumn, read_columns
from sirenflow.errors import TableError
from sirenflow.formats.sanitize import number_from_text, text_or_none
from sirenflow.observing.angles import dec_to_deg, ra_to_deg
from sirenflow.products.source_tables import RowProblem
from sirenflow.skymap.skymap import Floats, Ints

NAME_LIMIT = 60
_FARTHEST_MPC = 1e6


@dataclass(frozen=True, eq=False)
class Sources:
    """Some sources of a table.

    Attributes
    ----------
    row : (n,) int64
        Number of its row in the table, from 1.
    name : (n,)
        Cleaned; None where there is none.
    ra_deg, dec_deg : (n,) float64
        ICRS, deg; 0 to 360 and -90 to 90.
    distance_mpc : (n,) float64
        Luminosity distance, Mpc; NaN where unknown.
    weight : (n,) float64
        Positive or 0.
    time : (n,)
        UTC; None where unknown.
    """

    row: Ints
    name: tuple[str | None, ...]
    ra_deg: Floats
    dec_deg: Floats
    distance_mpc: Floats
    weight: Floats
    time: tuple[datetime | None, ...]

    def __len__(self) -> int:
        return len(self.row)


def read_sources(
    path: Path, columns: Mapping[str, str], required: Sequence[str], problems: Counter[str]
) -> Iterator[Sources]:
    """Read sources, a block of the table at a time.

    Raise TableError if the table cannot be read, lacks a column, or has one in a unit that does not
    fit.

    Parameters
    ----------
    path
        CSV, ECSV, FITS or Parquet.
    columns
        The table's column for each of `name`, `ra`, `dec`, and perhaps `distance`, `weight`,
        `time`.
    required
        Of these, what a source cannot do without; position always.
    problems
        How many rows have which problem; filled as the blocks are read.
    """
    first = 1
    for block in read_columns(path, list(columns.values())):
        raw = {use: block[name] for use, name in columns.items()}
        count = len(raw["ra"].values)
        try:
            yield _parse_sources(raw, first, count, {"ra", "dec", *required}, problems)
        except TableError as error:
            raise TableError(f"{path}: {error}") from error.__cause__
        first += count


def problem_counts(problems: Mapping[str, int]) -> tuple[RowProblem, ...]:
    """Write problems for a product: reason and number of rows, the most frequent first."""
    ordered = sorted(problems.items(), key=lambda item: (-item[1], item[0]))
    return tuple(RowProblem(reason, count) for reason, count in ordered)


def _parse_sources(
    raw: Mapping[str, RawColumn], first: int, count: int, required: set[str], problems: Counter[str]
) -> Sources:
    for use, column in raw.items():
        shape = np.shape(column.values)[1:]
        # FITS writes a time as two numbers whose sum counts.
        if shape and not (use == "time" and column.time_frame):
            raise TableError(f"a column has {math.prod(shape)} values per row; expected one")
    unknown = np.full(count, np.nan)
    values = {
        "ra": _parse_angles(raw["ra"], ra_to_deg),
        "dec": _parse_angles(raw["dec"], dec_to_deg),
        "distance": _parse_numbers(raw["distance"], "Mpc") if "distance" in raw else unknown,
        "weight": _parse_numbers(raw["weight"], None) if "weight" in raw else np.ones(count),
    }
    distance, weight = values["distance"], values["weight"]
    distance[~((distance > 0) & (distance < _FARTHEST_MPC))] = np.nan
    weight[~((weight >= 0) & (weight < np.inf))] = np.nan
    kept = np.ones(count, dtype=bool)
    for use, reason in _REASONS.items():
        missing = kept & np.isnan(values[use])
        if use in required or use == "weight":
            kept &= ~missing
            if missing.any():
                problems[f"left out: {reason}"] += int(missing.sum())
        elif use == "distance" and "distance" in raw:
            given = missing & _is_given(raw["distance"].values)
            if given.any():
                problems[f"used without distance: {reason}"] += int(given.sum())
    rows = np.flatnonzero(kept)
    return Sources(
        row=rows + first,
        name=tuple(_source_name(raw["name"].values[row]) for row in rows.tolist()),
        ra_deg=values["ra"][rows],
        dec_deg=values["dec"][rows],
        distance_mpc=distance[rows],
        weight=weight[rows],
        time=_parse_times(raw.get("time"), rows, problems),
    )


_REASONS = {
    "ra": "no right ascension between -180 and 360 deg",
    "dec": "no declination between -90 and 90 deg",
    "distance": "no distance above 0 and below a million Mpc",
    "weight": "no weight of 0 or more",
}
_NO_TIME = "used without time: neither ISO 8601 nor a decimal day nor an MJD, between 1900 and 2100"
_AMBIGUOUS_TIME = "used without time: a time with two readings"


def _parse_times(
    raw: RawColumn | None, rows: Ints, problems: Counter[str]
) -> tuple[datetime | None, ...]:
    if raw is None:
        return (None,) * len(rows)
    values = _time_values(raw)
    given = _is_given(values)
    times: list[datetime | None] = []
    for row in rows.tolist():
        times.append(None)
        if given[row]:
            try:
                times[-1] = time_from(values[row])
            except AmbiguousTimeError as error:
                _count_problem(problems, _AMBIGUOUS_TIME, str(error))
            except TimeTextError:
                problems[_NO_TIME] += 1
    return tuple(times)


def _time_values(raw: RawColumn) -> Sequence[Any]:
    """Return a column's values as times in UTC or MJD."""
    if raw.time_frame is not None:
        return raw.time_frame.to_utc(raw.values)
    if raw.unit not in (None, "d"):
        raise TableError(f"a time column is in {raw.unit!r}; expected days (MJD)")
    return raw.values


def _count_problem(problems: Counter[str], problem: str, example: str) -> None:
    """Count a problem under its first example."""
    known = (reason for reason in problems if reason.startswith(problem))
    problems[next(known, f"{problem}: {example}")] += 1


def _is_given(values: Sequence[Any]) -> NDArray[np.bool_]:
    """Find where a column has a value at all: (n,) bool."""
    return np.array([not _is_missing(value) for value in values], dtype=bool)


def _is_missing(value: object) -> bool:
    if value is None or np.ma.is_masked(value):
        return True
    if isinstance(value, float):
        return math.isnan(value)
    return isinstance(value, str | bytes) and not value.strip()


def _source_name(value: object) -> str | None:
    if _is_missing(value):
        return None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, float) and value.is_integer():  # as of a column of numbers with gaps
        value = int(value)
    return text_or_none(str(value).strip(), NAME_LIMIT)


def _parse_angles(raw: RawColumn, read: Callable[[str], float | None]) -> Floats:
    """Read a column of angles: (n,) float64, deg, NaN where there is none in its bounds."""
    numbers = _as_numbers(raw.values)
    if numbers is None:
        angles = [None if _is_missing(text) else read(_cell_text(text)) for text in raw.values]
        return np.array([np.nan if angle is None else angle for angle in angles], dtype=np.float64)
    degrees = numbers * _unit_factor(raw.unit, "deg")
    low, high = (-180.0, 360.0) if read is ra_to_deg else (-90.0, 90.0)
    degrees[~((degrees >= low) & (degrees <= high))] = np.nan
    # Twice: the remainder of a tiny negative angle rounds to 360.
    return degrees % 360.0 % 360.0 if read is ra_to_deg else degrees


def _parse_numbers(raw: RawColumn, unit: str | None) -> Floats:
    """Read a column of numbers: (n,) float64, NaN where there is none."""
    numbers = _as_numbers(raw.values)
    if numbers is None:
        numbers = np.array([_parse_number(value) for value in raw.values], dtype=np.float64)
    return numbers if unit is None else numbers * _unit_factor(raw.unit, unit)


def _as_numbers(values: Sequence[Any]) -> Floats | None:
    """Convert a column at once: (n,) float64, a copy; None if not all of it is numbers."""
    array = values if isinstance(values, np.ndarray) else None
    if array is not None and array.dtype.kind in "fiu":
        filled = np.ma.filled(np.ma.asarray(array).astype(np.float64), np.nan)
        return np.array(filled, dtype=np.float64)
    try:
        numbers = np.array(list(map(float, values)), dtype=np.float64)
    except (TypeError, ValueError):
        return None
    # Not one by one, which would double the time for a large table.
    texts = "".join(value for value in values if isinstance(value, str))
    return None if "_" in texts or not texts.isascii() else numbers


def _parse_number(value: object) -> float:
    try:
        return np.nan if _is_missing(value) else number_from_text(_cell_text(value))
    except ValueError:
        return np.nan


def _cell_text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _unit_factor(stated: str | None, wanted: str) -> float:
    if not stated:
        return 1.0
    from astropy import units

    try:
        return float(units.Unit(stated).to(wanted))
    except ValueError as error:
        raise TableError(f"a column is in {stated!r}; expected a unit such as {wanted}") from error
