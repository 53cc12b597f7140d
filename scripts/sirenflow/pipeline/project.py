"""Where the workflow is, and what its configuration says for one run."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sirenflow.config.configuration import find_config, load
from sirenflow.config.user_path import escape_path
from sirenflow.config.validation import validate
from sirenflow.config.workflow_files import ROOT
from sirenflow.files.durable import replace_file

_SNAKEFILE = "Snakefile"
_MARK = "# This is the workflow of Sirenflow:"
_PROFILE = Path("profiles", "default")


@dataclass(frozen=True)
class Project:
    """A workflow, and its validated configuration.

    Attributes
    ----------
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
        """Return the arguments of `snakemake` that make a target, considering some superevents.

        What is set for this run only is written to a file first: as an argument Snakemake would
        take a directory called 2024 for a number, and take the quotes off others. Raise InboxError
        if that file cannot be written.
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
        own = self.snakefile.parent / _PROFILE
        profile = own if own.is_dir() else ROOT / _PROFILE
        return ["--snakefile", str(self.snakefile), "--workflow-profile", str(profile)]


def _escaped(paths: Mapping[str, str]) -> dict[str, str]:
    """Write paths of the command line as the configuration would have them."""
    return {key: escape_path(path) for key, path in paths.items()}


def find_project(inbox: Path | None = None, results: Path | None = None) -> Project:
    """Find the workflow in the working directory, or else in this package.

    A Snakefile in the working directory is Sirenflow's if it has the line that says so: that of a
    clone, or of `sirenflow init`. Any other is ignored. Raise ConfigError if the configuration is
    wrong.
    """
    root = Path() if _is_ours(Path(_SNAKEFILE)) else ROOT
    given = {"inbox": inbox, "results": results}
    changed = {key: str(value) for key, value in given.items() if value is not None}
    file = find_config(root)
    options = [f"--{key}" for key in changed]
    config = validate({**load(file), **_escaped(changed)}, " and ".join([str(file), *options]))
    return Project(root / _SNAKEFILE, config, changed)


def _is_ours(snakefile: Path) -> bool:
    """Return whether a file is a Snakefile of Sirenflow, and not that of another workflow."""
    try:
        text = snakefile.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return any(line.startswith(_MARK) for line in text.splitlines())
