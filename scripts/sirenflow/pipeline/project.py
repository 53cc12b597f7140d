"""Where the workflow is, and what its configuration says for one run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sirenflow.config.configuration import find_config, load, validate_read
from sirenflow.config.user_path import escape_path
from sirenflow.config.workflow_files import ROOT
from sirenflow.errors import ConfigError
from sirenflow.files.durable import replace_file

_SNAKEFILE = "Snakefile"
_MARK = "# This is the workflow of Sirenflow:"
_RULES = Path("workflow", "rules", "extract.smk")
_PROFILE = Path("profiles", "default")


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
        return [target, "--nolock", *self.options, "--configfile", str(settings.absolute())]

    @property
    def options(self) -> list[str]:
        """Options that name the workflow and its profile.

        Snakemake would take the profile from the working directory, which may be that of another
        workflow.
        """
        profile = self.snakefile.parent / _PROFILE
        return ["--snakefile", str(self.snakefile), "--workflow-profile", str(profile)]


def _escaped(paths: Mapping[str, str]) -> dict[str, str]:
    """Write paths of the command line as the configuration would have them."""
    return {key: escape_path(path) for key, path in paths.items()}


def find_project(inbox: Path | None = None, results: Path | None = None) -> Project:
    """Find the workflow in the working directory, or else where this package is from.

    A Snakefile in the working directory is ours if it has the line by which it says so, and our
    rules are beside it. Any other is left alone.

    Parameters
    ----------
    inbox, results
        Directories in place of the configuration's.

    Raises
    ------
    ConfigError
        If there is no workflow, or its configuration is wrong.
    """
    root = next((place for place in (Path(), ROOT) if _is_ours(place)), None)
    if root is None:
        raise ConfigError(
            f"no {_SNAKEFILE} of Sirenflow in {Path.cwd()} or {ROOT}; run this in the directory "
            "that was cloned"
        )
    given = {"inbox": inbox, "results": results}
    changed = {key: str(value) for key, value in given.items() if value is not None}
    file = find_config(root)
    options = [f"--{key}" for key in changed]
    config = validate_read({**load(file), **_escaped(changed)}, " and ".join([str(file), *options]))
    return Project(root / _SNAKEFILE, config, changed)


def _is_ours(directory: Path) -> bool:
    """Return whether a directory has our Snakefile, and not that of another workflow."""
    try:
        text = (directory / _SNAKEFILE).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    is_marked = any(line.startswith(_MARK) for line in text.splitlines())
    return is_marked and (directory / _RULES).is_file()
