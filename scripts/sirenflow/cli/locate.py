"""Where one position lies in every sky map."""

from __future__ import annotations

import re
import sys
from datetime import datetime
from pathlib import Path

import click
from tqdm import tqdm

from sirenflow.cli.terminal import EXIT_CODES, directory, printable, time_text
from sirenflow.config.configuration import read_settings
from sirenflow.formats.sanitize import number_from_text
from sirenflow.observing.angles import dec_to_deg, ra_to_deg


class _TakesNegatives(click.Command):
    """A command that takes -17.3 for an argument, not for options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [re.sub(r"^-(?=[.\d])", " -", arg) for arg in args])


def _ra(text: str) -> float:
    angle = ra_to_deg(text)
    if angle is None:
        raise click.BadParameter(f"{text.strip()!r}; expected degrees (-180 to 360), or 12:34:56.7")
    return angle


def _dec(text: str) -> float:
    angle = dec_to_deg(text)
    if angle is None:
        raise click.BadParameter(f"{text.strip()!r}; expected degrees (-90 to 90), or -12:34:56.7")
    return angle


def _distance(text: str) -> float:
    try:
        number = number_from_text(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= 1e6:
        raise click.BadParameter(
            f"{text.strip()!r}; expected Mpc, above 0 and no more than a million"
        )
    return number


@click.command(cls=_TakesNegatives, epilog=EXIT_CODES)
@click.argument("ra", metavar="RA", type=_ra)
@click.argument("dec", metavar="DEC", type=_dec)
@click.argument("distance", metavar="[DISTANCE]", type=_distance, required=False)
@click.option(
    "--time",
    metavar="TIME",
    type=time_text,
    help="Time of the source in UTC, as 2026-04-19T03:12Z, 2026-04-19.1339 (decimal day) or MJD; "
    "listed as days after T0.",
)
@click.option(
    "--results",
    metavar="DIRECTORY",
    type=directory,
    help="Where the products are.  [default: `results` of config/config.yaml, or ./results]",
)
@click.option("--event", metavar="ID", help="Look into this superevent alone.")
@click.option("--all", "everything", is_flag=True, help="List those too that are beyond 99 %.")
def locate(
    ra: float,
    dec: float,
    distance: float | None,
    time: datetime | None,
    results: Path | None,
    event: str | None,
    everything: bool,
) -> None:
    """Find a position in the sky maps of all superevents, alert by alert.

    RA and DEC are ICRS, in degrees, or as 12:34:56.7 (hours) and -12:34:56.7. DISTANCE is a
    luminosity distance in Mpc. For each alert: the credible level (the probability of all places
    as dense or denser), the probability density (1/deg2) and, with a distance, both in space
    (1/Mpc3). The star marks the alert whose sky map stands. Real events come first, retracted ones
    last. Products of the workflow are read, not the inbox.

    Example: sirenflow locate 10:34:24 -26.78 97 --time 2026-04-19T03:00Z
    """
    from sirenflow.crossmatch.superevents import (
        crossmatch_superevent,
        find_superevents,
        format_table,
    )
    from sirenflow.errors import SirenflowError

    events = find_superevents(results or read_settings().results, event)
    located, broken = [], 0
    with tqdm(events, unit=" events", disable=not sys.stderr.isatty(), leave=False) as progress:
        for path in progress:
            try:
                located.append(crossmatch_superevent(path, ra, dec, distance, time))
            except SirenflowError as error:
                broken += 1
                progress.write(printable(f"sirenflow: {error}"), file=sys.stderr)
    for line in format_table(located, everything):
        click.echo(printable(line))
    if broken:
        sys.exit(1)
