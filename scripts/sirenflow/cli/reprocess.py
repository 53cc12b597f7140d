"""The command that rebuilds all products in another directory."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:  # slow to import for the commands beside these
    pass
from sirenflow.cli.options import (
    RUN_EXIT_CODES,
    cores_option,
    directory,
    inbox_setting,
    run_format_option,
    snakemake_arguments,
)
from sirenflow.cli.run import make_products
from sirenflow.cli.run_report import RunReport, stoppable


@click.command(epilog=RUN_EXIT_CODES, short_help="Rebuild all products in another directory.")
@inbox_setting
@click.option(
    "--results",
    metavar="DIRECTORY",
    type=directory,
    required=True,
    help="New directory for products; an interrupted reprocessing is continued.",
)
@cores_option
@run_format_option
@snakemake_arguments
def reprocess(
    inbox: Path | None,
    results: Path,
    cores: int,
    output_format: str,
    snakemake: tuple[str, ...],
) -> None:
    """Rebuild the products of all alerts in another directory, with this version and configuration.

    The alerts are those of the inbox, or of another one given by --inbox, such as an archive. Then
    `sirenflow compare OLD NEW` lists which numbers changed, and by how much. Arguments after -- are
    passed to Snakemake: `-- --workflow-profile profiles/slurm --jobs 20` uses a cluster.

    Example: sirenflow reprocess --results results-2027
    """
    report = RunReport(output_format)
    with stoppable(report):
        from sirenflow.errors import ConfigError
        from sirenflow.pipeline.build_plan import Selection
        from sirenflow.pipeline.project import find_project

        if results.resolve() == find_project(inbox).results.resolve():
            raise ConfigError(
                f"{results} holds the current products; name another directory with --results"
            )
        sys.exit(
            make_products(inbox, results, Selection(everything=True), cores, report, snakemake)
        )
