"""Tables as ECSV, a row at a time: readable by astropy, a spreadsheet and a person alike.

Astropy's own writer holds the whole table, which may be millions of rows.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sirenflow.formats.json_file import formula_safe

Cell = str | int | float | bool | None
_QUOTED = re.compile('[,"\r\n]')


_DATATYPES = {str: "string", int: "int64", float: "float64", bool: "bool"}


@dataclass(frozen=True)
class Column:
    """A column of str, int, float or bool; the UCD is the IVOA's term for its content."""

    name: str
    kind: type
    description: str
    unit: str | None = None
    ucd: str | None = None


def header(columns: Iterable[Column], meta: Mapping[str, Cell] | None = None) -> str:
    """Write what comes before the line of names; `meta` is what astropy gives as `Table.meta`."""
    declared = "".join(f"# - {_declared(column)}\n" for column in columns)
    said = f"# meta: {json.dumps(meta)}\n" if meta else ""
    opening = "# %ECSV 1.0\n# ---\n# delimiter: ','\n# datatype:\n"
    return f"{opening}{declared}{said}# schema: astropy-2.0\n"


def write_ecsv(
    path: Path,
    columns: Sequence[Column],
    lines: Iterable[str],
    meta: Mapping[str, Cell] | None = None,
) -> None:
    """Write a table."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write(header(columns, meta))
        stream.write(",".join(column.name for column in columns) + "\n")
        stream.writelines(f"{line}\n" for line in lines)


def cells_to_line(cells: Iterable[Cell]) -> str:
    """Write cells with commas between; None is a missing value.

    A text that a spreadsheet would run as a formula is disarmed by a quote before it.
    """
    return ",".join(map(_written, cells))


def _declared(column: Column) -> str:
    """Write a column's line of the header; JSON is YAML."""
    said = {"name": column.name, "unit": column.unit, "datatype": _DATATYPES[column.kind]}
    said["description"] = column.description
    return json.dumps({key: value for key, value in said.items() if value is not None})


def _written(cell: Cell) -> str:
    if cell is None:
        return ""
    if not isinstance(cell, str):
        return repr(cell)
    text = formula_safe(cell)
    if _QUOTED.search(text):
        return '"' + text.replace('"', '""') + '"'
    return text
