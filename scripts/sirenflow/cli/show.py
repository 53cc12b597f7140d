"""The command that prints one alert."""

from pathlib import Path

import click

from sirenflow.alerts.alert import parse_alert
from sirenflow.cli.options import EXIT_CODES
from sirenflow.errors import AlertError


@click.command(epilog=EXIT_CODES, short_help="Print the content of one alert.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def show(file: Path) -> None:
    """Print an alert's most probable position, distance and record.

    The position (deg, ICRS) is the centre of the sky map's pixel of greatest probability density,
    the distance (Mpc) the mean and standard deviation in the map's header. FILE is an alert in Avro
    or GCN JSON.

    Example: sirenflow show samples/MS260607d-02-initial.avro
    """
    from sirenflow.superevent.alert_text import describe

    try:
        alert = parse_alert(file.read_bytes())
    except AlertError as error:
        raise AlertError(f"{file}: {error}") from error
    click.echo(describe(alert))
