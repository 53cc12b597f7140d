"""A cluster's node: all jobs of a submission in one Snakemake."""

from __future__ import annotations

import os
import sys

from sirenflow.processes import interpreter

_ON_NODE = ["--executor", "local", "--force-use-threads", "--keep-going"]


def share_one_process() -> None:
    """Begin the Snakemake of a submission anew, so that it runs the jobs in threads of its own.

    They share its warm workers then, instead of starting a Snakemake each, one after another, and
    one that fails does not stop the others. Executors pass neither wish on to the node.
    """
    if sys.argv[-len(_ON_NODE) :] != _ON_NODE:
        command = [*interpreter.COMMAND, "-m", "snakemake", *sys.argv[1:], *_ON_NODE]
        os.execv(command[0], command)  # noqa: S606 - this program, with its own arguments
