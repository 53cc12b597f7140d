"""The catalogue's events as its page's script reads them: JSON in an element of the page.

An event is written once, whatever other events there are; only the numbers that stand for what it
has in common with them are put in when all are known.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from markupsafe import Markup

from sirenflow.catalogue.page_row import ShownRow
from sirenflow.formats.json_file import json_lines
from sirenflow.products.event import Thumbnail

_OWN = {
    *("id", "link", "time", "remnant_number", "distance_number", "area_number", "far_number"),
    *("path_90", "path_50", "peak_x", "peak_y"),
}
"""Columns of which hardly two events share a value."""
_SHOWN = tuple(field.name for field in fields(ShownRow) if field.name != "thumbnail")
_DRAWN = Thumbnail.__struct_fields__
# In ASCII a browser reads the page faster, and keeps it in half the memory.
_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True)
class DataRow:
    """An event as JSON.

    Attributes
    ----------
    text
        A list in the order of the columns, with %d for each value that others may share.
    shared
        Those values, in their order.
    """

    text: str
    shared: tuple[str, ...]


def data_row(row: ShownRow) -> DataRow:
    """Write an event for the script."""
    values = {name: getattr(row, name) for name in _SHOWN}
    if row.link == f"{row.id}/index.html":  # as the workflow has it: no need to say so every time
        values["link"] = None
    values |= {name: getattr(row.thumbnail, name, None) for name in _DRAWN}
    own = (
        _encode(value).replace("%", "%%") if name in _OWN else "%d"
        for name, value in values.items()
    )
    shared = (_encode_shared(value) for name, value in values.items() if name not in _OWN)
    return DataRow(f"[{','.join(own)}]", tuple(shared))


def data_block(rows: Iterable[DataRow]) -> Markup:
    """Write the rows for the script: JSON that cannot end the element it stands in.

    Every row is a list in the order of `columns`, in which each value but a number or a text of its
    own is an index into `values`: most of them are those of many events.
    """
    values: dict[str, int] = {}
    lines = [
        row.text % tuple([values.setdefault(value, len(values)) for value in row.shared])
        for row in rows
    ]
    columns = [*_SHOWN, *_DRAWN] if lines else []
    return Markup(  # noqa: S704 - no "<" in it
        f'{{"columns":{_encode(columns)},"own":{_encode(sorted(_OWN))},'
        f'"rows":[{",".join(lines)}],"values":[{",".join(values)}]}}'
    )


def _encode(value: Any) -> str:
    """Write JSON in which no character can end the element, or begin a comment in it."""
    if isinstance(value, float) or value is None:
        return json_lines(value)
    return _ENCODER.encode(value).replace("<", "\\u003c")


_encode_shared = lru_cache(maxsize=4096, typed=True)(_encode)
