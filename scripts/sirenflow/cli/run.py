"""The command that brings products up to date with the inbox."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:  # slow to import for the commands beside these
    from sirenflow.pipeline.build_plan import Selection
from sirenflow.cli.options import (
    RUN_EXIT_CODES,
    cores_option,
    inbox_setting,
    renamed_option,
    results_option,
    run_format_option,
    snakemake_arguments,
    time_text,
)
from sirenflow.cli.run_report import RunReport, stoppable


def _since(_ctx: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    """Read a time; return it as written in the file names of alerts."""
    return None if text is None else f"{time_text(text):%Y%m%dT%H%M%S}"


@click.command(epilog=RUN_EXIT_CODES, short_help="Bring products up to date with the inbox.")
@inbox_setting
@results_option
@cores_option
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Check every superevent, also without new alerts: products that are missing or out of "
    "date are rebuilt.",
)
@click.option(
    "--superevent",
    "superevents",
    metavar="ID",
    multiple=True,
    help="Check this superevent; may be given more than once.",
)
@renamed_option("--event", "--superevent")
@click.option(
    "--since",
    metavar="TIME",
    callback=_since,
    help="Check superevents with an alert created at TIME or later: UTC, as 2026-11-22T17:00Z or "
    "2026-11-22.7 (decimal day).",
)
@run_format_option
@snakemake_arguments
def run(
    inbox: Path | None,
    results: Path | None,
    cores: int,
    everything: bool,
    superevents: tuple[str, ...],
    since: str | None,
    output_format: str,
    snakemake: tuple[str, ...],
) -> None:
    """Bring the products of new alerts, and the catalogue, up to date: by hand, or from cron.

    Finished products are not rebuilt, so the command can be run every minute. Without --all,
    --superevent or --since it processes superevents whose alert files changed since the last build,
    and all superevents after a change of the configuration or of the version. An interrupted run is
    completed. A superevent that fails is retried by the next run and does not affect the others.
    Rejected alerts are reported by the run that reads them, and on their superevent's page. Pages
    of superevents whose alerts were removed are left in place, but not listed in the catalogue. If
    the inbox is empty and the last run processed superevents (its file system may not be mounted),
    the command keeps the catalogue and exits with 1; --all accepts the empty inbox.

    Only one run at a time can use a results directory; a second one exits with 75. Arguments after
    -- are passed to Snakemake.

    Example: sirenflow run

    In a crontab: * * * * * cd /home/me/sirenflow && .venv/bin/sirenflow run
    """
    if sum([everything, bool(superevents), since is not None]) > 1:
        raise click.UsageError("choose one of --all, --superevent and --since")
    report = RunReport(output_format)
    with stoppable(report):
        from sirenflow.pipeline.build_plan import Selection

        selection = Selection(everything, tuple(superevents), since)
        sys.exit(make_products(inbox, results, selection, cores, report, snakemake))


def make_products(
    inbox: Path | None,
    results: Path | None,
    selection: "Selection",
    cores: int,
    report: RunReport,
    snakemake: tuple[str, ...],
) -> int:
    """Run the workflow once; return the exit code."""
    from sirenflow.pipeline.project import find_project
    from sirenflow.pipeline.run import run as run_workflow

    project = find_project(inbox, results)
    outcome = run_workflow(project, selection, cores, report.add, snakemake)
    return report.close(project, outcome)
