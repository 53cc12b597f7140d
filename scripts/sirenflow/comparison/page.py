"""The page of what changed from one run to another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sirenflow.comparison.differences import Difference
from sirenflow.comparison.priority import heading_of
from sirenflow.comparison.summary import Tally, made_text
from sirenflow.comparison.text import amount_text, both_texts, where_text
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
    amount: str
    rounding: bool
    old_link: str | None
    new_link: str | None


def write_page(page: Path, tally: Tally, table: Path, old: Path, new: Path) -> None:
    """Write the page.

    Parameters
    ----------
    page
        Where it goes; links are relative to it.
    tally
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
    differing = tally.differing()
    html = render(
        "differences.html.j2",
        styles=("differences.css",),
        tally=tally,
        verdict=tally.verdict(integer_text),
        runs=(
            ("OLD", _name(str(old)), made_text(tally.made_old), _link(old, page)),
            ("NEW", _name(str(new)), made_text(tally.made_new), _link(new, page)),
        ),
        quantities=[
            ShownQuantity(
                heading=heading_of(quantity),
                name=_name(" ".join(quantity)),
                compared=counts.compared,
                changed=counts.changed,
                rounding=counts.rounding,
                superevents=counts.superevents,
                largest=amount_text(counts.leading[0]),
                where=where_text(counts.leading[0]),
            )
            for quantity, counts in differing[:MOST_QUANTITIES]
        ],
        more_quantities=len(differing[MOST_QUANTITIES:]),
        same_quantities=len(tally.quantities) - len(differing),
        differences=[_shown(difference, page, old, new) for difference in tally.leading],
        in_table_only=tally.changed + tally.rounding - len(tally.leading),
        problems=[_name(problem, 400) for problem in tally.problems[:MOST_PROBLEMS]],
        more_problems=len(tally.problems[MOST_PROBLEMS:]),
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
        amount=amount_text(difference),
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
