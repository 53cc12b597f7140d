"""The command that makes products as alerts arrive."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:  # slow to import for the commands beside these
    pass
from sirenflow.cli.options import (
    cores_option,
    inbox_setting,
    is_debugging,
    results_option,
    run_format_option,
    snakemake_arguments,
)
from sirenflow.cli.terminal import log_to_stderr

_EXIT_CODES = (
    "Exit codes: 0 stopped by a signal; 1 stopped by an error; 2 wrong usage; 75 another watch "
    "works on these results."
)


@click.command(epilog=_EXIT_CODES, short_help="Make products as alerts arrive.")
@inbox_setting
@results_option
@cores_option
@run_format_option
@snakemake_arguments
@click.pass_context
def watch(
    ctx: click.Context,
    inbox: Path | None,
    results: Path | None,
    cores: int,
    output_format: str,
    snakemake: tuple[str, ...],
) -> None:
    """Make products whenever alerts arrive in the inbox, until Ctrl-C.

    The command first does what `sirenflow run` does. Then it keeps its libraries loaded, waits for
    alerts that the listener or `sirenflow ingest` stores, and processes alerts that arrive together
    in one run. After a change of the configuration it rebuilds the superevent of the next alert
    first, then all others; without an alert, within five minutes. On network file systems it checks
    the inbox every two seconds. A run that fails is reported, and retried with the next alert or
    after five minutes.

    Arguments after -- are passed to Snakemake. `sirenflow listen --watch` also runs the listener.

    Example: sirenflow watch
    """
    from sirenflow.files import lock
    from sirenflow.pipeline.build_plan import Selection, plan_build
    from sirenflow.pipeline.build_state import shared_digest
    from sirenflow.pipeline.project import find_project
    from sirenflow.pipeline.watch import Watch

    log_to_stderr(is_debugging(ctx))
    project = find_project(inbox, results)
    options = [f"--cores={cores}", f"--format={output_format}"]
    options += [f"--{key}={value}" for key, value in project.changed.items()]
    command = ["run", *options, *(["--", *snakemake] if snakemake else [])]
    with lock.exclusive(project.private / "watch"):
        watching = Watch(
            project.inbox,
            command,
            lambda: plan_build(find_project(inbox, results), Selection()).is_anything_due,
            lambda: shared_digest(find_project(inbox, results).config),
            "sirenflow.cli:run_in_child",
        )
        watching.until_stopped()
