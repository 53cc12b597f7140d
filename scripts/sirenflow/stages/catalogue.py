"""Rule catalogue: the page, the tables and the feed of all superevents."""

from collections.abc import Sequence
from json import loads
from pathlib import Path

from sirenflow.catalogue import CatalogueRow, catalogue_row, newest_first
from sirenflow.catalogue_tables import (
    columns,
    csv_text,
    ecsv_text,
    json_text,
    table,
    votable_text,
)
from sirenflow.errors import ConfigError
from sirenflow.report.catalogue_page import render_catalogue
from sirenflow.report.environment import relative_link
from sirenflow.report.feed import feed_text


def catalogue(
    events: Sequence[Path],
    page: Path,
    ecsv: Path,
    csv: Path,
    json: Path,
    votable: Path,
    feed: Path,
    parquet: Path | None = None,
    candidates: Sequence[Path] = (),
) -> None:
    """Write the catalogue of all superevents.

    Parameters
    ----------
    events
        The event.json of each superevent; its page is index.html beside it.
    page, ecsv, csv, json, votable, feed
        Where the page, the tables and the Atom feed go.
    parquet
        Where one more table goes, if it is wanted.
    candidates
        The page of candidates, if there is one.

    Raises
    ------
    ConfigError
        If Parquet is wanted and pyarrow is not installed.
    """
    # One at a time: all of them in memory would be many times what the catalogue needs of them.
    rows = newest_first(
        catalogue_row(loads(event.read_bytes()), relative_link(event.with_name("index.html"), page))
        for event in events
    )
    if parquet is not None:
        _write_parquet(rows, parquet)
    comma_separated = csv_text(rows)
    _write(csv, comma_separated)
    _write(ecsv, ecsv_text(comma_separated))
    _write(json, json_text(rows))
    _write(votable, votable_text(rows))
    _write(feed, feed_text(rows, relative_link(page, page), relative_link(feed, page)))
    tables = {"ECSV with units": ecsv, "CSV": csv, "JSON": json, "VOTable": votable}
    tables |= {"Parquet": parquet} if parquet else {}
    downloads = {label: relative_link(path, page) for label, path in tables.items()}
    downloads |= {"Atom feed": relative_link(feed, page)}
    downloads |= {"Candidates": relative_link(candidates[0], page)} if candidates else {}
    _write(page, render_catalogue(rows, downloads))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _write_parquet(rows: Sequence[CatalogueRow], path: Path) -> None:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise ConfigError(
            "configuration: parquet is True, and pyarrow is not installed; install "
            "sirenflow[parquet], or set parquet to false"
        ) from error
    types = {str: pa.string(), bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
    schema = pa.schema(
        pa.field(
            column.name,
            types[column.kind],
            metadata={"description": column.description, "unit": column.unit or ""},
        )
        for column in columns()
    )
    values = list(zip(*table(rows), strict=True)) or [()] * len(schema)
    parquet.write_table(pa.table([list(column) for column in values], schema=schema), path)
