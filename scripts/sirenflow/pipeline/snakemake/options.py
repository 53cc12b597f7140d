"""Which of Snakemake's options leave it to build all targets with the given configuration."""

import re
from collections.abc import Sequence

# Options that change neither which jobs are run, nor with what configuration.
_NEUTRAL_OPTIONS = re.compile(
    r"--(workflow-)?profile|--executor|-e|--jobs|--cores|-[jc]\d*|--local-cores|--latency-wait|-w"
    r"|--(default-|set-)?resources|--set-threads|--groups|--group-components|--keep-going|-k"
    r"|--retries|-T|--max-.*|--scheduler.*|--(slurm|htcondor|kubernetes)-.*|--shared-fs-usage"
    r"|--verbose|--quiet|-q|--printshellcmds|-p|--show-failed-logs"
    # The other ones of profiles/default and profiles/slurm.
    r"|--force-use-threads|--rerun-incomplete|--keep-incomplete"
)


def keeps_targets(arguments: Sequence[str]) -> bool:
    """Return whether Snakemake builds all targets with these arguments: no dry run, for example.

    Options that are not known here count as if they would not.
    """
    options = [word.partition("=")[0] for word in arguments if word.startswith("-")]
    return all(_NEUTRAL_OPTIONS.fullmatch(option) for option in options)
