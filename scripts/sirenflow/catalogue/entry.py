"""A superevent of the catalogue, written for each product by itself. Pure.

What is written of one superevent does not depend on the others, so that it can be kept.
"""

import json
from typing import NamedTuple

from msgspec import convert, to_builtins

from sirenflow.catalogue.page_data import DataRow, data_row
from sirenflow.catalogue.page_row import shown_row
from sirenflow.catalogue.row import CatalogueRow
from sirenflow.catalogue.tables import csv_line, json_line, votable_line

_ENCODE = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class CatalogueEntry(NamedTuple):
    """A superevent: what it is ordered, counted and chosen by, and its row in every product.

    There are thousands: a tuple is made ten times as fast as a dataclass.

    Attributes
    ----------
    csv, votable, json
        The row in each table.
    data
        The row in the data of the page.
    values
        All fields of the `CatalogueRow`, as JSON.
    """

    superevent_id: str
    category: str
    retracted: bool
    significant: bool | None
    alert_type: str | None
    time_created: str | None
    trigger_time: str | None
    class_name: str
    csv: str
    votable: str
    json: str
    values: str
    data: DataRow

    @property
    def row(self) -> CatalogueRow:
        """The row itself."""
        return convert(json.loads(self.values), CatalogueRow)

    def to_line(self) -> str:
        """Write everything in a line of printable ASCII, for `from_line`."""
        rest = (self.json, self.values, self.data.text, *self.data.shared)
        return "\t".join((_ENCODE(self[:_ENCODED]), *rest))


_ENCODED = CatalogueEntry._fields.index("json")


def catalogue_entry(row: CatalogueRow) -> CatalogueEntry:
    """Write a row for all products."""
    return CatalogueEntry(
        superevent_id=row.superevent_id,
        category=row.category,
        retracted=row.retracted,
        significant=row.significant,
        alert_type=row.alert_type,
        time_created=row.time_created,
        trigger_time=row.trigger_time,
        class_name=row.class_name,
        csv=csv_line(row),
        votable=votable_line(row),
        json=json_line(row),
        values=_ENCODE(to_builtins(row)),
        data=data_row(shown_row(row)),
    )


def from_line(line: str) -> CatalogueEntry:
    """Read what `CatalogueEntry.to_line` wrote."""
    encoded, in_json, values, text, *shared = line.split("\t")
    return CatalogueEntry._make(
        (*json.loads(encoded), in_json, values, DataRow(text, tuple(shared)))
    )
