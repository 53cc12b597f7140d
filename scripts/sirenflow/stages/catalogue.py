"""Rule catalogue: the page, the tables and the feed of all superevents."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sirenflow.catalogue.cache import read_entries
from sirenflow.catalogue.feed import ENTRIES, feed_text
from sirenflow.catalogue.page import render_catalogue
from sirenflow.catalogue.row import CatalogueRow, newest_alerts, signal_order
from sirenflow.catalogue.tables import COLUMNS, csv_text, data_frame, json_text, votable_text
from sirenflow.errors import ConfigError
from sirenflow.formats.ecsv import header
from sirenflow.report.html import relative_link
from sirenflow.superevent.unreadable_text import NOTHING_UNREADABLE


def catalogue(
    events: Sequence[Path],
    page: Path,
    ecsv: Path,
    csv: Path,
    json: Path,
    votable: Path,
    feed: Path,
    parquet: Path | None = None,
    memory: str | Path | None = None,
    candidates: Sequence[Path] = (),
    unreadable: Mapping[str, Any] | None = None,
) -> None:
    """Write the catalogue of all superevents.

    Raise ConfigError if Parquet is wanted and pyarrow is not installed.

    Parameters
    ----------
    memory
        A private file: what was read the last time, so that only what is new is read. The products
        are the same without it, and with one that is not there, damaged or of another version.
    unreadable
        Messages that could not be read, as `Unreadable.all` returns them.
    """
    unread = unreadable or NOTHING_UNREADABLE
    entries = read_entries(events, page, Path(memory) if memory else None)
    entries.sort(key=lambda entry: signal_order(entry.row), reverse=True)
    rows = [entry.row for entry in entries]
    if parquet is not None:
        _write_parquet(rows, parquet)
    comma_separated = csv_text(rows)
    _write(csv, comma_separated)
    _write(ecsv, header(COLUMNS) + comma_separated)
    _write(json, json_text(rows, unread))
    _write(votable, votable_text(rows))
    newest = newest_alerts(rows, ENTRIES)
    _write(feed, feed_text(newest, relative_link(page, page), relative_link(feed, page)))
    tables = {"ECSV with units": ecsv, "CSV": csv, "JSON": json, "VOTable": votable}
    tables |= {"Parquet": parquet} if parquet else {}
    downloads = {label: relative_link(path, page) for label, path in tables.items()}
    downloads |= {"Atom feed": relative_link(feed, page)}
    downloads |= {"Candidates": relative_link(candidates[0], page)} if candidates else {}
    _write(page, render_catalogue(entries, downloads, unread))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _write_parquet(rows: Sequence[CatalogueRow], path: Path) -> None:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise ConfigError(
            "configuration: catalogue: parquet is true, and pyarrow is not installed; install "
            "sirenflow[parquet], or set parquet to false"
        ) from error
    types = {str: pa.string(), bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
    schema = pa.schema(
        pa.field(
            column.name,
            types[column.kind],
            metadata={"description": column.description, "unit": column.unit or ""},
        )
        for column in COLUMNS
    )
    frame = data_frame(rows)
    parquet.write_table(pa.Table.from_pandas(frame, schema=schema, preserve_index=False), path)
