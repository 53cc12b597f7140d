"""Rule candidate_table: all candidates against the sky maps of all superevents."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sirenflow.crossmatch.candidates import days_between, is_in_window
from sirenflow.formats.ecsv import Column, cells_to_line, write_ecsv
from sirenflow.formats.sanitize import time_or_none
from sirenflow.products.base import Record, columns_of, load_product
from sirenflow.products.candidates import Candidates, MatchedAlert, MatchedCandidate, PositionMatch
from sirenflow.products.source_tables import Candidate, CandidateTable
from sirenflow.report.candidates import CandidatesPage, render_candidates
from sirenflow.report.html import relative_link

_CANDIDATE = columns_of(Candidate)
_SUPEREVENT = columns_of(Candidates, "superevent_id", "category", "retracted")
_ALERTS = (
    Column("alert_number", int, "Number of the first alert with this sky map and this T0"),
    Column("alerts", str, "Numbers of all alerts with this sky map and this T0, as 1-3 5"),
    Column("alert_type", str, "Type of the first of them"),
    Column("is_current", bool, "Whether the sky map of one of them stands: the candidate now"),
    Column("trigger_time", str, "T0 as these alerts have it, UTC"),
)
_PLACE = columns_of(PositionMatch)
_TIME = columns_of(MatchedCandidate, "days_after_t0", "in_window")
_META = {
    "left_out": "candidates beyond the credible level 0.999 on the sky, in each sky map; "
    "candidates.json of each superevent counts them"
}


def candidate_table(events: Sequence[Path], listed: Path, table: Path, page: Path) -> None:
    """Write the table of all candidates and sky maps, and the page of those that match.

    Parameters
    ----------
    table, page
        Written: candidates.ecsv with a row for each candidate, distinct sky map and T0 of a
        superevent, but those beyond `NEARBY_LEVEL`; and the page with those within 90 % in some
        alert.
    """
    known = load_product(listed, CandidateTable)
    names = {candidate.row: candidate.name for candidate in known.candidates}
    problem = known.unusable_reason
    gathered = CandidatesPage(names, known.problems, problem)
    read = _gather(sorted(events), page, gathered)
    lines = (line for product in read for line in _pairs(product))
    meta = {**_META, "unusable_reason": problem} if problem else _META
    write_ecsv(table, (*_CANDIDATE, *_SUPEREVENT, *_ALERTS, *_PLACE, *_TIME), lines, meta)
    html = render_candidates(gathered, relative_link(table, page))
    page.write_text(html, encoding="utf-8", newline="\n")


def _gather(events: Iterable[Path], page: Path, gathered: CandidatesPage) -> Iterator[Candidates]:
    """Read each superevent's candidates once, for the page and for the table."""
    for event in events:
        product = load_product(event, Candidates)
        gathered.add(product, relative_link(event.with_name("index.html"), page))
        yield product


def _pairs(product: Candidates) -> Iterator[str]:
    """Yield a line for each candidate, map and T0: millions, so each part is written once."""
    superevent = _cells(product, _SUPEREVENT)
    candidates = {each.row: _cells(each, _CANDIDATE) for each in product.candidates}
    times = {each.row: time_or_none(each.time) for each in product.candidates}
    found = {
        (match.row, index): _cells(match, _PLACE)
        for index, each in enumerate(product.maps)
        for match in each.matches
    }
    alerts = [
        (index, cells_to_line(cells), time_or_none(cells[-1]))
        for index, cells in _alike(product.alerts)
    ]
    for row, candidate in candidates.items():
        for index, alert, t0 in alerts:
            if (row, index) in found:
                days = days_between(t0, times[row])
                in_window = is_in_window(days, product.days_before, product.days_after)
                time = cells_to_line((days, in_window))
                yield f"{candidate},{superevent},{alert},{found[row, index]},{time}"


def _cells(record: Record, columns: Iterable[Column]) -> str:
    return cells_to_line(getattr(record, column.name) for column in columns)


def _alike(alerts: Iterable[MatchedAlert]) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Group alerts with the same map and T0; yield the map's index and the cells of `_ALERTS`."""
    together: dict[tuple[int, str | None], list[MatchedAlert]] = {}
    for alert in alerts:
        together.setdefault((alert.skymap_index, alert.trigger_time), []).append(alert)
    for (index, trigger_time), group in together.items():
        numbers = runs_text([alert.number for alert in group])
        is_current = any(alert.is_current for alert in group)
        yield index, (group[0].number, numbers, group[0].alert_type, is_current, trigger_time)


def runs_text(numbers: Sequence[int]) -> str:
    """Write rising numbers, those in a row as the first and the last: 1-3 5."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1] = [runs[-1][0], number]
        else:
            runs.append([number])
    return " ".join("-".join(map(str, run)) for run in runs)
