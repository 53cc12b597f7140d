"""The command that crossmatches a position with every sky map."""

import re
import sys
from datetime import datetime
from pathlib import Path

import click
from tqdm import tqdm

from sirenflow.cli.options import EXIT_CODES, renamed_option, results_option, time_text
from sirenflow.cli.terminal import printable
from sirenflow.config.configuration import read_settings
from sirenflow.formats.sanitize import number_from_text
from sirenflow.observing.angles import dec_to_deg, ra_to_deg
from sirenflow.processes import exit_codes


class _TakesNegatives(click.Command):
    """A command that reads -17.3 as an argument, not as options."""

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


@click.command(
    cls=_TakesNegatives, epilog=EXIT_CODES, short_help="Find a position in all sky maps."
)
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
@results_option
@click.option("--superevent", metavar="ID", help="Search the sky maps of this superevent only.")
@renamed_option("--event", "--superevent")
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Also list superevents whose 99 % credible region does not contain the position.",
)
def crossmatch(
    ra: float,
    dec: float,
    distance: float | None,
    time: datetime | None,
    results: Path | None,
    superevent: str | None,
    everything: bool,
) -> None:
    """Crossmatch a position with the sky maps of all superevents, alert by alert.

    RA and DEC are ICRS, in degrees, or as 12:34:56.7 (hours) and -12:34:56.7. DISTANCE is a
    luminosity distance in Mpc. Listed for each alert: the credible level (probability of all
    positions of at least the same density, or searched probability), the probability density
    (1/deg2) and, with a distance, both in volume (1/Mpc3). A star marks the alert whose sky map is
    current. Real superevents are listed first, retracted ones last. The command reads products of
    the workflow, not the inbox.

    Example: sirenflow crossmatch 10:34:24 -26.78 97 --time 2026-04-19T03:00Z
    """
    from sirenflow.crossmatch.superevents import (
        crossmatch_superevent,
        find_superevents,
        format_table,
    )
    from sirenflow.errors import SirenflowError

    configured = read_settings().results
    superevents = find_superevents(results or configured, superevent)
    matched, broken = [], 0
    hidden = not sys.stderr.isatty()
    with tqdm(superevents, unit=" superevents", disable=hidden, leave=False) as progress:
        for path in progress:
            try:
                matched.append(crossmatch_superevent(path, ra, dec, distance, time))
            except SirenflowError as error:
                broken += 1
                progress.write(printable(f"sirenflow: {error}"), file=sys.stderr)
    for line in format_table(matched, everything):
        click.echo(printable(line))
    if broken:
        sys.exit(exit_codes.ERROR)
