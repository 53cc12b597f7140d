"""The command that runs a Kafka server for trials."""

import click

from sirenflow.cli.options import EXIT_CODES
from sirenflow.processes import signals


@click.command(epilog=EXIT_CODES, short_help="Run a Kafka server for trials.")
def broker() -> None:
    """Run a small Kafka server on this machine until Ctrl-C: a trial needs no account.

    It accepts connections without a login, keeps the latest 20 MiB in memory and forgets them when
    it ends. Its first line of output is the address for `sirenflow listen --no-auth --url` and
    `sirenflow publish --no-auth --to`.

    Example: sirenflow broker
    """
    from sirenflow.kafka.broker import embedded_broker

    with signals.stop_event() as stopping, embedded_broker() as address:
        click.echo(address.url)
        _print_next_steps(address.url)
        stopping.wait()


def _print_next_steps(url: str) -> None:
    for line in (
        "In another terminal, store what is sent to it:",
        f"  sirenflow listen --no-auth --url {url}",
        "In a third, send to it:",
        f"  sirenflow publish samples --no-auth --to {url}",
        "Ctrl-C ends it.",
    ):
        click.echo(line, err=True)
