"""Tables of the catalogue as text: CSV, ECSV, JSON and VOTable of the same rows.

Every number is written as event.json has it, a missing value as an empty cell or null. ECSV and
VOTable are written here, in 0.15 s each for the 10,000 superevents of benchmarks/catalogue.py, at
each new alert: astropy's ``Table.write`` of the same table takes 3 s and 2 s. The tests read both
back with astropy.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

from sirenflow.catalogue.row import CatalogueRow
from sirenflow.formats import ecsv
from sirenflow.products.base import columns_of, version_of
from sirenflow.products.catalogue import Catalogue, CatalogueColumns
from sirenflow.superevent.unreadable_text import NOTHING_UNREADABLE

if TYPE_CHECKING:
    from pandas import DataFrame

# Types of a column in pandas and VOTable.
_TYPES: dict[type, tuple[Any, str]] = {
    str: ("string", 'datatype="unicodeChar" arraysize="*"'),
    bool: ("boolean", 'datatype="boolean"'),
    int: ("Int64", 'datatype="long"'),
    float: ("Float64", 'datatype="double"'),
}
_VOTABLE_UNITS = {"deg2": "deg**2"}
# All but the characters of XML 1.0, which has no way to write these.
_ENCODE = json.JSONEncoder(sort_keys=True, allow_nan=False).encode
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


COLUMNS = columns_of(CatalogueColumns)
"""Columns of the tables, in order."""
_NAMES = tuple(column.name for column in COLUMNS)
_values: Callable[[CatalogueRow], tuple[Any, ...]] = attrgetter(*_NAMES)


def data_frame(rows: Iterable[CatalogueRow]) -> "DataFrame":
    """Return the table as pandas has it; the types are those that can miss a value."""
    import pandas as pd

    values = list(zip(*map(_values, rows), strict=True))
    return pd.DataFrame(
        {
            column.name: pd.array(list(cells), dtype=_TYPES[column.kind][0])
            for column, cells in zip(COLUMNS, values or [()] * len(COLUMNS), strict=True)
        }
    )


def csv_text(rows: Iterable[CatalogueRow]) -> str:
    """Write CSV, with a line of names."""
    lines = (ecsv.cells_to_line(_values(row)) for row in rows)
    return "\n".join((",".join(_NAMES), *lines, ""))


def json_text(
    rows: Iterable[CatalogueRow], unreadable: Mapping[str, Any] = NOTHING_UNREADABLE
) -> str:
    """Write JSON: the columns with unit and description, a line per event, unreadable messages."""
    described = {
        column.name: {"unit": column.unit, "description": column.description} for column in COLUMNS
    }
    events = ",\n".join(_ENCODE(dict(zip(_NAMES, _values(row), strict=True))) for row in rows)
    return (
        f'{{"columns": {_ENCODE(described)},\n'
        f'"events": [\n{events}\n],\n"schema_version": {version_of(Catalogue)},\n'
        f'"unreadable_message_count": {_ENCODE(unreadable["count"])},\n'
        f'"unreadable_retraction_count": {_ENCODE(unreadable["retractions"])},\n'
        f'"unreadable_messages": {_ENCODE(unreadable["listed"])},\n'
        f'"quarantine_error": {_ENCODE(unreadable["quarantine_error"])}}}\n'
    )


def votable_text(rows: Iterable[CatalogueRow]) -> str:
    """Write a VOTable 1.4; an empty cell is a missing value."""
    described = "".join(map(_votable_field, COLUMNS))
    data = "".join(
        f"<TR><TD>{'</TD><TD>'.join(map(_votable_cell, _values(row)))}</TD></TR>\n" for row in rows
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">\n'
        '<RESOURCE type="results">\n'
        '<TABLE name="catalogue">\n'
        "<DESCRIPTION>Gravitational-wave superevents, one a row</DESCRIPTION>\n"
        f"{described}<DATA><TABLEDATA>\n{data}</TABLEDATA></DATA>\n"
        "</TABLE>\n</RESOURCE>\n</VOTABLE>\n"
    )


def xml_safe(text: str) -> str:
    """Write U+FFFD for every character that XML 1.0 cannot hold."""
    return _NOT_XML.sub("\ufffd", text)


def _votable_field(column: ecsv.Column) -> str:
    unit = _VOTABLE_UNITS.get(column.unit or "", column.unit)
    named = {"ID": column.name, "name": column.name, "unit": unit, "ucd": column.ucd}
    attributes = " ".join(f"{name}={quoteattr(value)}" for name, value in named.items() if value)
    return (
        f"<FIELD {attributes} {_TYPES[column.kind][1]}>"
        f"<DESCRIPTION>{escape(column.description)}</DESCRIPTION></FIELD>\n"
    )


def _votable_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value if value.isalnum() and value.isascii() else escape(xml_safe(value))
    return str(value).lower() if isinstance(value, bool) else repr(value)
