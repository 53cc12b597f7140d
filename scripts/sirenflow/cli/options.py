"""Options, argument types and exit codes that several commands share."""

import os
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from sirenflow.config.configuration import read_settings
from sirenflow.config.user_path import UserPathError, expand_home
from sirenflow.formats.sanitize import number_from_text

EXIT_CODES = "Exit codes: 0 done; 1 stopped by an error; 2 wrong usage."
REJECTED_EXIT_CODES = (
    "Exit codes: 0 done; 1 stopped by an error; 2 wrong usage; 3 done, but some were rejected."
)
RUN_EXIT_CODES = (
    "Exit codes: 0 done; 1 something failed, the rest is done; 2 wrong usage; 3 done, but alerts "
    "were rejected by this run, or a directory of the inbox, the quarantine or a table is left out "
    "(also when nothing is new); 75 another run works on these results; 130 stopped by Ctrl-C; "
    "143 stopped by SIGTERM."
)

_SETTING = re.compile(r"--(config|directory|snakefile)|-[Cds]")


def directory(text: str) -> Path:
    """Read a directory's path, which need not exist yet."""
    if not text:  # as of a variable that is not set; it would be the working directory
        raise click.BadParameter("expected a directory, found nothing")
    try:
        text = expand_home(text)  # the shell does not for --inbox=~/alerts
    except UserPathError as error:
        raise click.BadParameter(f"{text!r}: {error}") from None
    if Path(text).exists() and not Path(text).is_dir():
        raise click.BadParameter(f"{text!r} is a file; expected a directory")
    return Path(text)


def time_text(text: str) -> datetime:
    """Read a time, UTC."""
    from sirenflow.crossmatch.source_time import TimeTextError, time_from

    try:
        return time_from(text)
    except TimeTextError as error:
        raise click.BadParameter(str(error)) from None


def positive(text: str) -> float:
    """Read a number above 0; click's own range lets NaN pass."""
    try:
        number = number_from_text(str(text))  # click also passes the default
    except ValueError:
        number = 0.0
    if not 0 < number <= 1e6:
        raise click.BadParameter(f"{text!r}; expected a number above 0, and no more than a million")
    return number


def renamed_option(old: str, new: str) -> Callable[[Any], Any]:
    """Return a decorator that refuses an option of version 0.3 with its new name."""

    def refuse(_ctx: click.Context, _option: click.Parameter, given: str | None) -> None:
        if given is not None:
            raise click.UsageError(f"{old} is now {new}")

    note = f"Renamed to {new}."
    return click.option(old, hidden=True, expose_value=False, callback=refuse, help=note)


def _configured_inbox(_ctx: click.Context, _option: click.Parameter, given: Path | None) -> Path:
    configured = read_settings().inbox  # a wrong configuration is an error with --inbox, too
    return given or configured


def _inbox_option(callback: Callable[..., Path] | None) -> Callable[[Any], Any]:
    return click.option(
        "--inbox",
        metavar="DIRECTORY",
        type=directory,
        callback=callback,
        help="Directory of the alerts.  [default: `inbox` of config/config.yaml, or ./inbox]",
    )


inbox_option = _inbox_option(_configured_inbox)
"""The inbox: a path."""
inbox_setting = _inbox_option(None)
"""The inbox in place of the configured one; None if it is not given."""
results_option = click.option(
    "--results",
    metavar="DIRECTORY",
    type=directory,
    help="Directory of the products.  [default: `results` of config/config.yaml, or ./results]",
)
cores_option = click.option(
    "--cores",
    metavar="N",
    type=click.IntRange(1, 1024),
    default=lambda: len(os.sched_getaffinity(0)),
    show_default="all cores of the machine",
    help="Number of jobs that run at the same time.",
)
no_auth_option = click.option(
    "--no-auth", is_flag=True, help="Connect without a login, as to `sirenflow broker`."
)


def format_option(text_help: str, json_help: str) -> Callable[[Any], Any]:
    """Return the option that selects output for readers or for programs."""
    return click.option(
        "--format",
        "output_format",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help=f"text: {text_help}. json: {json_help}.",
    )


def run_format_option(command: Any) -> Any:
    """Add the option on the output of a run."""
    command = renamed_option("--log", "--format")(command)
    return format_option(
        "a summary at the end, and a progress bar on a terminal", "one line of JSON per job"
    )(command)


def _without_settings(
    _ctx: click.Context, _argument: click.Parameter, given: tuple[str, ...]
) -> tuple[str, ...]:
    """Refuse options that would make Snakemake work on files other than those considered here."""
    for word in given:
        if _SETTING.match(word):
            raise click.UsageError(f"{word} is not allowed here; edit config/config.yaml instead")
    return given


snakemake_arguments = click.argument(
    "snakemake", nargs=-1, type=click.UNPROCESSED, callback=_without_settings
)


def is_debugging(ctx: click.Context) -> bool:
    """Return whether `sirenflow --debug` was given."""
    return bool(ctx.find_root().params["debug"])
