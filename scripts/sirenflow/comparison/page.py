"""The page of what changed from one run to another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sirenflow.comparison.differences import Difference
from sirenflow.comparison.priority import heading_of
from sirenflow.comparison.summary import ComparisonSummary, built_by_text
from sirenflow.comparison.text import both_texts, magnitude_text, where_text
from sirenflow.formats.sanitize import text_or_none
from sirenflow.report.html import relative_link, render
from sirenflow.superevent.number_text import integer_text

MOST_QUANTITIES = 100
MOST_PROBLEMS = 50


@dataclass(frozen=True)
class ShownQuantity:
    """A quantity that differs, as the page shows it; `where` is that of the largest difference."""

    heading: str
    name: str
    compared: int
    changed: int
    rounding: int
    superevents: int
    largest: str
    where: str


@dataclass(frozen=True)
class ShownDifference:
    """A difference as the page shows it; links lead to the superevent's page in either results."""

    superevent_id: str
    where: str
    name: str
    old: str
    new: str
    magnitude: str
    rounding: bool
    old_link: str | None
    new_link: str | None


def write_page(page: Path, summary: ComparisonSummary, table: Path, old: Path, new: Path) -> None:
    """Write the page.

    Parameters
    ----------
    page
        Where it goes; links are relative to it.
    summary
        What came of the comparison.
    table
        The table of all differences.
    old, new
        The directories of results; pages of superevents that are there are linked.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    differing = summary.differing()
    html = render(
        "differences.html.j2",
        styles=("differences.css",),
        summary=summary,
        verdict=summary.verdict(integer_text),
        runs=(
            ("OLD", _name(str(old)), built_by_text(summary.made_old), _link(old, page)),
            ("NEW", _name(str(new)), built_by_text(summary.made_new), _link(new, page)),
        ),
        quantities=[
            ShownQuantity(
                heading=heading_of(quantity),
                name=_name(" ".join(quantity)),
                compared=counts.compared,
                changed=counts.changed,
                rounding=counts.rounding,
                superevents=counts.superevents,
                largest=magnitude_text(counts.leading[0]),
                where=where_text(counts.leading[0]),
            )
            for quantity, counts in differing[:MOST_QUANTITIES]
        ],
        more_quantities=len(differing[MOST_QUANTITIES:]),
        same_quantities=len(summary.quantities) - len(differing),
        differences=[_shown(difference, page, old, new) for difference in summary.leading],
        in_table_only=summary.changed + summary.rounding - len(summary.leading),
        problems=[_name(problem, 400) for problem in summary.problems[:MOST_PROBLEMS]],
        more_problems=len(summary.problems[MOST_PROBLEMS:]),
        table=relative_link(table, page),
    )
    page.write_text(html, encoding="utf-8", newline="\n")


def _shown(difference: Difference, page: Path, old: Path, new: Path) -> ShownDifference:
    superevent = difference.superevent_id
    before, after = both_texts(difference)
    return ShownDifference(
        superevent_id=superevent,
        where=where_text(difference).removeprefix(superevent).removeprefix(", "),
        name=_name(f"{difference.file} {difference.quantity}"),
        old=before,
        new=after,
        magnitude=magnitude_text(difference),
        rounding=difference.kind == "rounding",
        old_link=_link(old / superevent, page),
        new_link=_link(new / superevent, page),
    )


def _link(folder: Path, page: Path) -> str | None:
    """Give the address of the page in a folder, None where there is none."""
    target = folder / "index.html"
    return relative_link(target, page) if target.is_file() else None


def _name(text: str, limit: int = 160) -> str:
    return text_or_none(text, limit) or ""
