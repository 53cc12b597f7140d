"""Columns of a user's own table: CSV, ECSV, FITS or Parquet, by the ending of its name.

CSV, FITS and Parquet are read a block at a time, so that a catalogue of many millions of rows takes
no more memory than what is kept of it. Nothing is ever unpickled.
"""

import csv
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sirenflow.crossmatch.time_scale import FitsTimeFrame, offline_astropy, times_to_utc
from sirenflow.errors import TableError

BLOCK_ROWS = 100_000


@dataclass(frozen=True, eq=False)
class RawColumn:
    """Some rows of one column, as the file has them.

    Attributes
    ----------
    values : (n,)
        Numbers, texts, bytes or times; a masked array, or None, where there is no value.
    """

    values: Sequence[Any]
    unit: str | None = None
    time_frame: FitsTimeFrame | None = None


Block = dict[str, RawColumn]


def read_columns(path: Path, names: Sequence[str]) -> Iterator[Block]:
    """Read some columns of a table, in the order of its rows.

    Raise TableError if the file is missing, of another kind or damaged, or lacks a column.

    Parameters
    ----------
    path
        The file: .csv, .ecsv, .fits, .fit, .fits.gz or .parquet.
    """
    name = path.name.lower()
    for ending, read in _READERS.items():
        if name.endswith(ending):
            with _name_table_in_errors(path):
                _check_regular_file(path)
                yield from read(path, list(dict.fromkeys(names)))
            return
    raise TableError(f"{path}: expected a table that ends in {', '.join(_READERS)}")


@contextmanager
def _name_table_in_errors(path: Path) -> Iterator[None]:
    """Say of any error of the libraries which table it is about."""
    try:
        yield
    except TableError as error:
        raise TableError(f"{path}: {error}") from error.__cause__
    except FileNotFoundError as error:
        raise TableError(f"{path} does not exist") from error
    except ModuleNotFoundError as error:
        raise TableError(f'{path}: Parquet needs pip install "sirenflow[parquet]"') from error
    except OSError as error:
        raise TableError(f"{path} cannot be read: {error.strerror or error}") from error
    except Exception as error:  # of four libraries; what a damaged file does to them is not told
        reason = " ".join(str(error).split())[:300]
        raise TableError(f"{path} cannot be read: {reason or type(error).__name__}") from error


def _check_regular_file(path: Path) -> None:
    """Refuse a named pipe, device or socket: to open or read one may never end."""
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # opening a directory fails at once
        kinds = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}
        found = kinds.get(stat.S_IFMT(mode), "a device")
        raise TableError(f"is {found}; expected a regular file")


def _check_columns(names: Sequence[str], found: Sequence[str]) -> None:
    missing = [name for name in names if name not in found]
    if missing:
        shown = ", ".join(found[:30]) + (", ..." if len(found) > 30 else "")
        raise TableError(f"has no column {', '.join(map(repr, missing))}; found {shown or 'none'}")
    twice = [name for name in names if [*found].count(name) > 1]
    if twice:
        raise TableError(
            f"has more than one column {', '.join(map(repr, twice))}; expected one of each name"
        )


def _read_csv(path: Path, names: Sequence[str]) -> Iterator[Block]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        rows = csv.reader(stream)
        found = [name.strip() for name in next(rows, [])]
        _check_columns(names, found)
        places = [found.index(name) for name in names]
        last = max(places)
        block: list[list[str]] = []
        for row in rows:
            if len(row) > len(found) and any(map(str.strip, row[len(found) :])):
                raise TableError(
                    f"line {rows.line_num} has {len(row)} values for {len(found)} columns; "
                    "expected a point in decimal numbers, and quotes around a text with a comma"
                )
            if len(row) > last:
                block.append([row[place] for place in places])
            elif row:  # a row cut short lacks values; an empty line is no row
                block.append([row[place] if place < len(row) else "" for place in places])
            if len(block) == BLOCK_ROWS:
                yield _columns_from_rows(names, block)
                block = []
        yield _columns_from_rows(names, block)


def _columns_from_rows(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Block:
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    return {name: RawColumn(column) for name, column in zip(names, columns, strict=True)}


def _read_ecsv(path: Path, names: Sequence[str]) -> Iterator[Block]:
    from astropy.table import Table

    with offline_astropy():
        table = Table.read(path, format="ascii.ecsv")
    _check_columns(names, table.colnames)
    yield {name: _column_from_astropy(table[name], name) for name in names}


def _column_from_astropy(column: Any, name: str) -> RawColumn:
    from astropy.table import Column
    from astropy.time import Time

    if isinstance(column, Time) and column.ndim == 1:
        return RawColumn(times_to_utc(column))
    if not isinstance(column, Column):
        kind = type(column).__name__
        raise TableError(f"column {name!r} is of the type {kind}; expected numbers, texts or times")
    return RawColumn(column, None if column.unit is None else str(column.unit))


def _read_fits(path: Path, names: Sequence[str]) -> Iterator[Block]:
    from astropy.io import fits

    with fits.open(path, memmap=not path.name.lower().endswith(".gz")) as units:
        table = next((unit for unit in units if isinstance(unit, fits.BinTableHDU)), None)
        if table is None:
            raise TableError("has no binary table")
        _check_columns(names, table.columns.names)
        for start in range(0, max(len(table.data), 1), BLOCK_ROWS):
            rows = table.data[start : start + BLOCK_ROWS]
            # Copied, as the file is closed before they are used.
            yield {
                name: RawColumn(
                    _mask_nulls(rows[name], table.columns[name]),
                    _column_unit(table, name),
                    FitsTimeFrame.of_column(table.header, table.columns.names.index(name) + 1),
                )
                for name in names
            }


def _column_unit(table: Any, name: str) -> str | None:
    return str(table.columns[name].unit) if table.columns[name].unit else None


def _mask_nulls(values: Any, column: Any) -> Any:
    null = column.null
    is_null = null not in (None, "") and np.asarray(values).dtype.kind in "iu"
    return np.ma.masked_equal(values, null) if is_null else np.array(values)


def _read_parquet(path: Path, names: Sequence[str]) -> Iterator[Block]:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        _check_columns(names, file.schema_arrow.names)
        for batch in file.iter_batches(batch_size=BLOCK_ROWS, columns=list(names)):
            yield {name: RawColumn(_column_from_arrow(batch.column(name))) for name in names}


def _column_from_arrow(column: Any) -> Any:
    from pyarrow import types

    if types.is_floating(column.type) or (types.is_integer(column.type) and not column.null_count):
        return column.to_numpy(zero_copy_only=False)
    if types.is_timestamp(column.type):
        return column.cast("timestamp[us]", safe=False).to_pylist()
    return column.to_pylist()


_READERS: dict[str, Callable[[Path, Sequence[str]], Iterator[Block]]] = {
    ".csv": _read_csv,
    ".ecsv": _read_ecsv,
    ".fits": _read_fits,
    ".fit": _read_fits,
    ".fits.gz": _read_fits,
    ".parquet": _read_parquet,
}
