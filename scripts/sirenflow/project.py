"""Where the workflow is, and what its configuration says for one run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sirenflow.config import SCHEMA_FILE, find_config, load, validate
from sirenflow.durable import replace_file
from sirenflow.errors import ConfigError
from sirenflow.user_path import escape_path

_SNAKEFILE = "Snakefile"
_CLONE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Project:
    """A workflow, and its validated configuration.

    Attributes
    ----------
    snakefile
        The workflow's file.
    config
        Every key, with its value or default.
    changed
        Keys that are set for this run only.
    """

    snakefile: Path
    config: Mapping[str, Any]
    changed: Mapping[str, str]

    @property
    def inbox(self) -> Path:
        """Where alerts are."""
        return Path(self.config["inbox"])

    @property
    def results(self) -> Path:
        """Where products go."""
        return Path(self.config["results"])

    @property
    def private(self) -> Path:
        """Directory, in that of products, for what is none."""
        return self.results / ".sirenflow"

    def arguments(self, target: str, superevents: list[str] | None) -> list[str]:
        """Give the arguments of `snakemake` that make a target, considering some superevents.

        What is set for this run only is written to a file first: as an argument Snakemake would
        take a directory called 2024 for a number, and take the quotes off others.

        Raises
        ------
        InboxError
            If that file cannot be written.
        """
        only = {} if superevents is None else {"superevents": superevents}
        settings = self.private / "config.json"
        replace_file(settings, json.dumps({**_escaped(self.changed), **only}).encode())
        # Snakemake's own lock outlives a run that is killed; the one that we hold does not.
        lock = ["--nolock", "--snakefile", str(self.snakefile)]
        return [target, *lock, "--configfile", str(settings.absolute())]


def _escaped(paths: Mapping[str, str]) -> dict[str, str]:
    """Write paths of the command line as the configuration would have them."""
    return {key: escape_path(path) for key, path in paths.items()}


def find_project(inbox: Path | None = None, results: Path | None = None) -> Project:
    """Find the workflow in the working directory, or else where this package is from.

    Parameters
    ----------
    inbox, results
        Directories in place of the configuration's.

    Raises
    ------
    ConfigError
        If there is no workflow, or its configuration is wrong.
    """
    root = next((place for place in (Path(), _CLONE) if (place / _SNAKEFILE).is_file()), None)
    if root is None:
        raise ConfigError(
            f"no {_SNAKEFILE} in {Path.cwd()}; run this in the directory that was cloned"
        )
    given = {"inbox": inbox, "results": results}
    changed = {key: str(value) for key, value in given.items() if value is not None}
    config = load(find_config(root))
    config = validate({**config, **_escaped(changed)}, root / SCHEMA_FILE)
    return Project(root / _SNAKEFILE, config, changed)
