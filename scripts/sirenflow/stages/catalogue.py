"""Rule catalogue: the page and the tables of all superevents."""

import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sirenflow.catalogue import CatalogueRow, catalogue_row, newest_first
from sirenflow.report.catalogue_page import render_catalogue
from sirenflow.report.environment import relative_link

if TYPE_CHECKING:
    import pandas as pd

_DTYPES: dict[Any, Any] = {str: "string", bool: "boolean", int: "Int64", float: "Float64"}
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def catalogue(events: Sequence[Path], page: Path, ecsv: Path, csv: Path) -> None:
    """Write the catalogue of all superevents.

    Parameters
    ----------
    events
        The event.json of each superevent; its page is index.html beside it.
    page, ecsv, csv
        Where the page and the tables go.
    """
    rows = newest_first(
        catalogue_row(
            json.loads(event.read_text(encoding="utf-8")),
            relative_link(event.with_name("index.html"), page),
        )
        for event in events
    )
    table = _table(rows)
    table.to_csv(csv, index=False, lineterminator="\n", encoding="utf-8")
    _write_ecsv(table, ecsv)
    downloads = {"ECSV with units": relative_link(ecsv, page), "CSV": relative_link(csv, page)}
    page.write_text(render_catalogue(rows, downloads), encoding="utf-8", newline="\n")


def formula_safe(text: str | None) -> str | None:
    """Disarm a text that a spreadsheet would run as a formula, by a quote before it."""
    return f"'{text}" if text is not None and text.startswith(_FORMULA_STARTS) else text


def _columns() -> list[tuple[str, Any, dict[str, Any]]]:
    """Give name, pandas type and metadata of each column of the tables."""
    return [
        (column.name, dtype, dict(column.metadata))
        for column in fields(CatalogueRow)
        for kind, dtype in _DTYPES.items()
        if column.metadata and column.type in (kind, kind | None)
    ]


def _table(rows: Sequence[CatalogueRow]) -> "pd.DataFrame":
    import pandas as pd

    def cell(row: CatalogueRow, name: str) -> Any:
        value = getattr(row, name)
        return formula_safe(value) if isinstance(value, str) else value

    return pd.DataFrame(
        {
            name: pd.array([cell(row, name) for row in rows], dtype=dtype)
            for name, dtype, _ in _columns()
        }
    )


def _write_ecsv(table: "pd.DataFrame", path: Path) -> None:
    import numpy as np
    from astropy.table import MaskedColumn, Table

    kinds: dict[str, Any] = {
        "string": str,
        "boolean": bool,
        "Int64": np.int64,
        "Float64": np.float64,
    }
    fillers: dict[str, Any] = {"string": "", "boolean": False, "Int64": 0, "Float64": 0.0}
    content = Table()
    for name, dtype, metadata in _columns():
        content[name] = MaskedColumn(
            table[name].fillna(fillers[dtype]).to_numpy(dtype=kinds[dtype]),
            mask=table[name].isna().to_numpy(dtype=bool),
            unit=metadata["unit"],
            description=metadata["description"],
        )
    content.write(path, format="ascii.ecsv", delimiter=",", overwrite=True)
