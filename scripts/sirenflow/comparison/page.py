"""The page of the differences between two runs."""

from pathlib import Path

from sirenflow.comparison.differences import heading_of
from sirenflow.comparison.summary import ComparisonSummary, built_by_text
from sirenflow.comparison.text import both_texts, magnitude_text, where_text
from sirenflow.formats.sanitize import text_or_none
from sirenflow.report.html import relative_link, render
from sirenflow.superevent.number_text import integer_text

MOST_QUANTITIES = 100
MOST_PROBLEMS = 50


def write_page(page: Path, summary: ComparisonSummary, table: Path, old: Path, new: Path) -> None:
    """Write the page; links to the table and to the superevents' pages are relative to it."""
    differing = summary.differing()
    html = render(
        "differences.html.j2",
        styles=("differences.css",),
        summary=summary,
        verdict=summary.verdict(integer_text),
        runs=(
            ("OLD", _short(str(old)), built_by_text(summary.made_old), _link(old, page)),
            ("NEW", _short(str(new)), built_by_text(summary.made_new), _link(new, page)),
        ),
        quantities=differing[:MOST_QUANTITIES],
        more_quantities=len(differing[MOST_QUANTITIES:]),
        same_quantities=len(summary.quantities) - len(differing),
        differences=summary.leading,
        in_table_only=summary.changed + summary.rounding - len(summary.leading),
        problems=[_short(problem, 400) for problem in summary.problems[:MOST_PROBLEMS]],
        more_problems=len(summary.problems[MOST_PROBLEMS:]),
        table=relative_link(table, page),
        heading_of=heading_of,
        short=_short,
        where=where_text,
        magnitude=magnitude_text,
        both=both_texts,
        link_of=lambda superevent_id: [_link(side / superevent_id, page) for side in (old, new)],
    )
    page.write_text(html, encoding="utf-8", newline="\n")


def _link(folder: Path, page: Path) -> str | None:
    """Return the address of the page in a folder, None where there is none."""
    target = folder / "index.html"
    return relative_link(target, page) if target.is_file() else None


def _short(text: str, limit: int = 160) -> str:
    return text_or_none(text, limit) or ""
