"""The `sirenflow` command."""

from __future__ import annotations

import click

from sirenflow import __version__
from sirenflow.cli.archive import ingest, show
from sirenflow.cli.compare import compare
from sirenflow.cli.locate import locate
from sirenflow.cli.quarantine import quarantine
from sirenflow.cli.stream import broker, health, listen, publish
from sirenflow.cli.terminal import EXIT_BUSY, EXIT_CODES, printable
from sirenflow.cli.workflow import reprocess, run, watch
from sirenflow.errors import BusyError, SirenflowError
from sirenflow.modes import refuse_others

__all__ = ["main", "printable"]


class _Commands(click.Group):
    """A group that reports its errors as one line, unless asked for the traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except SirenflowError as error:
            if ctx.params["debug"]:
                raise
            click.echo(f"sirenflow: {printable(str(error))}", err=True)
            ctx.exit(EXIT_BUSY if isinstance(error, BusyError) else 1)


@click.group(
    cls=_Commands, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="sirenflow", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show tracebacks, and what the libraries log.")
def main(debug: bool) -> None:  # noqa: ARG001 - `invoke` reads it
    """Gravitational-wave alerts in; sky maps, numbers, reports and a catalogue out.

    Bring alerts in with `sirenflow listen` as they are sent, or with `sirenflow ingest` from an
    archive. Then `sirenflow run`, or `sirenflow watch`, makes products: look at results/index.html.
    """
    refuse_others()


for _command in (
    broker,
    compare,
    health,
    ingest,
    listen,
    locate,
    publish,
    quarantine,
    reprocess,
    run,
    show,
    watch,
):
    main.add_command(_command)
