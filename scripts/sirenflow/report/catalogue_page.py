"""The catalogue page: what its templates are given."""

from collections.abc import Mapping, Sequence

from sirenflow.catalogue import CatalogueRow
from sirenflow.report.environment import render


def render_catalogue(rows: Sequence[CatalogueRow], downloads: Mapping[str, str]) -> str:
    """Render the catalogue page.

    Parameters
    ----------
    rows
        One a superevent, newest first.
    downloads
        Address of each table as seen from the page, by its label.
    """
    real = [row for row in rows if row.kind == "real"]
    latest = next((row for row in real or rows if row.alert_type is not None), None)
    return render(
        "catalogue.html.j2",
        styles=("catalogue.css",),
        rows=rows,
        real=real,
        latest=latest,
        downloads=downloads,
    )
