"""The `sirenflow` command."""

import os
import pwd
from contextlib import suppress
from typing import Any

import click

from sirenflow import __version__
from sirenflow.cli import standard_streams
from sirenflow.cli.broker import broker
from sirenflow.cli.compare import compare
from sirenflow.cli.crossmatch import crossmatch
from sirenflow.cli.health import health
from sirenflow.cli.ingest import ingest
from sirenflow.cli.init import init
from sirenflow.cli.listen import listen
from sirenflow.cli.options import EXIT_CODES
from sirenflow.cli.publish import publish
from sirenflow.cli.quarantine import quarantine
from sirenflow.cli.reprocess import reprocess
from sirenflow.cli.run import run
from sirenflow.cli.show import show
from sirenflow.cli.terminal import printable
from sirenflow.cli.watch import watch
from sirenflow.errors import BusyError, SirenflowError
from sirenflow.files.durable import refuse_others
from sirenflow.pipeline import stage_workers
from sirenflow.processes import exit_codes, process_limit
from sirenflow.processes.supervised_commands import STDIN_OPTION, stop_with_standard_input

__all__ = ["main", "printable"]


_RENAMED = {"locate": "crossmatch"}


class _Commands(click.Group):
    """A group that reports its errors as one line, unless asked for the traceback."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if (name := args[0]) in _RENAMED:
            ctx.fail(f"the command {name} is now {_RENAMED[name]}")
        return super().resolve_command(ctx, args)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        standard_streams.repair()
        _find_home()
        try:
            return super().main(*args, **kwargs)
        except SystemExit as end:
            if end.code in (0, None) and standard_streams.has_lost_output():
                click.echo("sirenflow: standard output cannot be written", err=True)
                raise SystemExit(1) from None
            raise

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except SirenflowError as error:
            if ctx.params["debug"]:
                raise
            click.echo(f"sirenflow: {printable(str(error))}", err=True)
            ctx.exit(exit_codes.BUSY if isinstance(error, BusyError) else exit_codes.ERROR)
        except (OSError, RuntimeError) as error:
            if ctx.params["debug"] or not process_limit.is_limit_error(error):
                raise
            click.echo(f"sirenflow: {process_limit.MESSAGE}", err=True)
            ctx.exit(exit_codes.ERROR)


def _find_home() -> None:
    """Set HOME, where logins are, from the table of users if it is not set, as a shell does."""
    if not os.environ.get("HOME"):
        with suppress(KeyError):  # the user id has no entry in the table of users
            os.environ["HOME"] = pwd.getpwuid(os.getuid()).pw_dir


@click.group(
    cls=_Commands, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="sirenflow", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show tracebacks and the logs of libraries.")
@click.option(STDIN_OPTION, "stops_with_stdin", is_flag=True, hidden=True)
def main(debug: bool, stops_with_stdin: bool) -> None:  # noqa: ARG001 - `invoke` reads `debug`
    """Gravitational-wave alerts in; sky maps, numbers, reports and a catalogue out.

    Write a working directory with `sirenflow init`. Bring alerts in with `sirenflow listen` as they
    are sent, or with `sirenflow ingest` from an archive. Then `sirenflow run`, or `sirenflow
    watch`, makes products: look at results/index.html.
    """
    refuse_others()
    if stops_with_stdin:
        stop_with_standard_input()


def run_in_child(arguments: list[str]) -> None:
    """Run a command in a process that was forked, and ends without exit handlers."""
    try:
        main(arguments, prog_name="sirenflow")
    finally:
        stage_workers.stop()


for _command in (
    broker,
    compare,
    crossmatch,
    health,
    ingest,
    init,
    listen,
    publish,
    quarantine,
    reprocess,
    run,
    show,
    watch,
):
    main.add_command(_command)
