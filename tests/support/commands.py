"""The command as a user runs it, for the tests of the command line."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from click.testing import CliRunner, Result

from sirenflow.cli import main

PROGRAM = [sys.executable, "-c", "from sirenflow.cli import main; main(prog_name='sirenflow')"]


def sirenflow(*arguments: str | Path) -> Result:
    """Run the command in this process; loggers have their levels of before afterwards."""
    levels = {name: logging.getLogger(name).level for name in logging.root.manager.loggerDict}
    try:
        return CliRunner().invoke(main, [str(argument) for argument in arguments])
    finally:
        for name in list(logging.root.manager.loggerDict):
            logging.getLogger(name).setLevel(levels.get(name, logging.NOTSET))


def run(*arguments: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, with this environment and no other."""
    return subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={"PATH": "/usr/bin:/bin", **environ},
    )


def all_commands(
    group: click.Group = main, above: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Command]]:
    """Give every command, also those within others, with the words that call it."""
    for name, command in sorted(group.commands.items()):
        words = (*above, name)
        yield " ".join(words), command
        if isinstance(command, click.Group):
            yield from all_commands(command, words)


def example_of(command: str) -> str:
    """Give the arguments of the example in a command's help."""
    shown = sirenflow(*command.split(), "--help").stdout
    example = re.search(r"Example: sirenflow (.*(?:\n +\S.*)*)\n\n", shown)
    assert example, shown
    return " ".join(example[1].split())


def one_line(done: subprocess.CompletedProcess[str] | Result) -> str:
    """Return the one line that a command wrote, to standard error."""
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("sirenflow: ")
    return done.stderr.removeprefix("sirenflow: ").rstrip("\n")
