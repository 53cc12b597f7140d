"""The command that compares two directories of results."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
from tqdm import tqdm

from sirenflow.cli.options import directory
from sirenflow.cli.terminal import printable
from sirenflow.processes import exit_codes

if TYPE_CHECKING:
    from sirenflow.comparison.differences import SupereventComparison
    from sirenflow.comparison.summary import ComparisonSummary

_COMPARED_EXIT_CODES = (
    "Exit codes: 0 nothing changed, rounding aside; 1 stopped by an error, or a file could not be "
    "compared; 2 wrong usage; 4 done, and values changed."
)
_MOST_PROBLEMS = 10


@click.command(epilog=_COMPARED_EXIT_CODES, short_help="Compare two directories of results.")
@click.argument("old", metavar="OLD", type=directory)
@click.argument("new", metavar="NEW", type=directory)
@click.option(
    "--output",
    metavar="DIRECTORY",
    type=directory,
    help="Directory to write changes.ecsv and changes.html to.  [default: not written]",
)
def compare(old: Path, new: Path, output: Path | None) -> None:
    """List the values that differ between two directories of results.

    OLD and NEW are results of two runs: of two versions, two configurations or two inboxes. Alerts
    are matched by their hash, maps by their kind. Every value of the JSON products is compared; the
    most important differences come first: alerts that are rejected or newly read, states,
    positions, areas, distances. A relative difference of 1e-9 or less is counted as rounding. Pages
    and region files are not compared.

    Example: sirenflow compare results results-new --output changes
    """
    from sirenflow.comparison.page import write_page
    from sirenflow.comparison.summary import ComparisonSummary
    from sirenflow.comparison.superevents import compare_superevent, superevents_of_results
    from sirenflow.comparison.table import write_differences
    from sirenflow.errors import SirenflowError, os_errors_as

    superevents = sorted(superevents_of_results(old) | superevents_of_results(new))
    summary = ComparisonSummary()
    hidden = not sys.stderr.isatty()
    with tqdm(superevents, unit=" superevents", disable=hidden, leave=False) as progress:
        compared = (compare_superevent(old / name, new / name) for name in progress)
        gathered = _gather(compared, summary)
        if output is None:
            for _ in gathered:
                pass
        else:
            with os_errors_as(SirenflowError, output, "written"):
                output.mkdir(parents=True, exist_ok=True)
                table, page = output / "changes.ecsv", output / "changes.html"
                write_differences(table, gathered, str(old), str(new))
                write_page(page, summary, table, old, new)
    for line in summary.lines(str(old), str(new)):
        click.echo(printable(line))
    if output is not None:
        click.echo(printable(f"written: {page}, {table}"))
    for problem in summary.problems[:_MOST_PROBLEMS]:
        click.echo(printable(f"sirenflow: not compared: {problem}"), err=True)
    if summary.problems[_MOST_PROBLEMS:]:
        click.echo(f"sirenflow: and {len(summary.problems) - _MOST_PROBLEMS:,} more", err=True)
    if summary.problems:
        sys.exit(exit_codes.ERROR)
    if summary.changed:
        sys.exit(exit_codes.CHANGED)


def _gather(
    compared: "Iterable[SupereventComparison]", summary: "ComparisonSummary"
) -> "Iterator[SupereventComparison]":
    for comparison in compared:
        summary.add(comparison)
        yield comparison
