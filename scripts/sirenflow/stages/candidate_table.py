"""Rule candidate_table: all candidates against all alerts of all superevents."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sirenflow.ecsv import Column, cells_to_line, write_ecsv
from sirenflow.report.candidates_page import CandidatesPage, render_candidates
from sirenflow.report.environment import relative_link

_CANDIDATE = (
    Column("row", "int64", "Number of the candidate's row in its table, from 1"),
    Column("name", "string", "Of the candidate"),
    Column("ra_deg", "float64", "Right ascension (ICRS) of the candidate", "deg"),
    Column("dec_deg", "float64", "Declination (ICRS) of the candidate", "deg"),
    Column("distance_mpc", "float64", "Luminosity distance of the candidate", "Mpc"),
    Column("time", "string", "Of the candidate, UTC"),
)
_SUPEREVENT = (
    Column("superevent_id", "string", "Identifier of the superevent"),
    Column("kind", "string", "real, mock or test; by the identifier"),
    Column("retracted", "bool", "Whether the last readable alert is a retraction"),
)
_ALERT = (
    Column("alert_type", "string", "Type of the alert"),
    Column("standing", "bool", "Whether this alert's sky map stands: the candidate now"),
    Column("trigger_time", "string", "T0 as this alert has it, UTC"),
)
_MATCH = (
    Column("alert_number", "int64", "Number of the alert"),
    Column("credible_level", "float64", "Probability of all places on the sky as dense or denser"),
    Column("probability_per_deg2", "float64", "Probability density on the sky", "deg-2"),
    Column("credible_level_3d", "float64", "Probability of all denser places in space"),
    Column("probability_per_mpc3", "float64", "Probability density in space", "Mpc-3"),
    Column("days_after_t0", "float64", "Of the candidate's time", "d"),
    Column("in_window", "bool", "Whether that is in the window around T0"),
)


def candidate_table(events: Sequence[Path], table: Path, page: Path) -> None:
    """Write the table of all candidates and alerts, and the page of those that match.

    Parameters
    ----------
    events
        The candidates.json of each superevent; its page is index.html beside it.
    table, page
        Written: candidates.ecsv with every pair, and the page with those within 90 % in some alert.
    """
    gathered = CandidatesPage()
    read = _gather(sorted(events), page, gathered)
    lines = (line for product in read for line in _pairs(product))
    write_ecsv(table, (*_CANDIDATE, *_SUPEREVENT, *_ALERT, *_MATCH), lines)
    html = render_candidates(gathered, relative_link(table, page))
    page.write_text(html, encoding="utf-8", newline="\n")


def _gather(
    events: Iterable[Path], page: Path, gathered: CandidatesPage
) -> Iterator[dict[str, Any]]:
    """Read each superevent's candidates once, for the page and for the table."""
    for event in events:
        product: dict[str, Any] = json.loads(event.read_text(encoding="utf-8"))
        gathered.add(product, relative_link(event.with_name("index.html"), page))
        yield product


def _pairs(product: dict[str, Any]) -> Iterator[str]:
    """Give a line for each candidate and alert: millions, so each part is written once."""
    superevent = cells_to_line(product[column.name] for column in _SUPEREVENT)
    alerts = [cells_to_line(alert[column.name] for column in _ALERT) for alert in product["alerts"]]
    for candidate in product["candidates"]:
        said = cells_to_line(candidate[column.name] for column in _CANDIDATE)
        for alert, match in zip(alerts, candidate["matches"], strict=True):
            found = cells_to_line(match[column.name] for column in _MATCH)
            yield f"{said},{superevent},{alert},{found}"
