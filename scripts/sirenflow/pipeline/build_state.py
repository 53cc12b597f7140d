"""Record of which alerts the products were built from, so that finished work costs nothing.

A superevent is due when its alert files differ from those of the last build, whoever wrote them.
Snakemake would find nearly the same, but takes milliseconds per superevent; this takes
microseconds. Nearly: Snakemake compares times, and parameters in its directory ``.snakemake``,
which belongs to one working directory.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from sirenflow import __version__
from sirenflow.config.configuration import config_digest
from sirenflow.files.durable import replace_file
from sirenflow.pipeline.input_state import TABLES, table_digest
from sirenflow.pipeline.snakemake.snakemake_dir import NO_DIRECTORY

_FORMAT = 1


@dataclass(frozen=True)
class BuildState:
    """What the products of a results directory were built from.

    Attributes
    ----------
    shared_digest
        Digest of all that every product depends on: see `shared_digest`.
    superevents
        Digest of the alert files of each superevent that is up to date: see
        `input_state.files_digest`.
    snakemake_dir_id
        The ``.snakemake`` that has the parameters of all of them: see `snakemake_dir_id`. Empty if
        no single one has.
    unreadable
        Digest of the unreadable messages that the catalogue lists: see `Unreadable.digest`.
    """

    shared_digest: str
    superevents: Mapping[str, str] = field(default_factory=dict)
    snakemake_dir_id: str = ""
    unreadable: str = ""

    def valid_for(self, shared_digest: str) -> "BuildState":
        """Return what holds for a global digest: all of it, or nothing."""
        return self if self.shared_digest == shared_digest else BuildState(shared_digest)

    def outdated(self, current: Mapping[str, str]) -> list[str]:
        """List the superevents whose files differ from the recorded ones."""
        return [name for name, files in current.items() if self.superevents.get(name) != files]

    def force_rerun(
        self, current: Mapping[str, str], shared_digest: str, snakemake_dir_id: str
    ) -> list[str]:
        """List the superevents that Snakemake may wrongly take for up to date."""
        differs = self.shared_digest != shared_digest
        are_parameters_lost = differs and self.snakemake_dir_id != snakemake_dir_id
        if snakemake_dir_id == NO_DIRECTORY:  # what is not recorded may be built from anything
            unknown = current.keys() - self.superevents.keys()
        else:
            unknown = set()
        return [
            name
            for name, files in current.items()
            if name in unknown
            or (
                name in self.superevents
                and (are_parameters_lost or self.superevents[name] != files)
            )
        ]

    def with_built(self, built: Mapping[str, str], snakemake_dir_id: str) -> "BuildState":
        """Return a state with more superevents, built with this ``.snakemake``."""
        others = self.superevents.keys() - built.keys()
        is_single = not others or self.snakemake_dir_id == snakemake_dir_id
        return replace(
            self,
            superevents={**self.superevents, **built},
            snakemake_dir_id=snakemake_dir_id if is_single else "",
        )

    def without(self, superevents: Iterable[str]) -> "BuildState":
        """Return a state without these superevents."""
        kept = self.superevents.keys() - set(superevents)
        return replace(self, superevents={name: self.superevents[name] for name in kept})


def shared_digest(config: Mapping[str, Any]) -> str:
    """Digest the version, the configuration, and the tables that it names."""
    tables = [table_digest(config, key) for key in TABLES if config[key]]
    parts = [_FORMAT, __version__, config_digest(config), config["catalogue"], tables]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def read_build_state(file: Path) -> BuildState:
    """Read the state of a results directory; an empty one if the file is missing or damaged."""
    try:
        content = json.loads(file.read_bytes())
        return BuildState(
            content["shared_digest"],
            dict(content["superevents"]),
            content["snakemake_dir_id"],
            content["unreadable"],
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return BuildState("")


def write_build_state(file: Path, state: BuildState) -> None:
    """Write the state of a results directory.

    Raise InboxError if it cannot be written.
    """
    replace_file(file, json.dumps(asdict(state), sort_keys=True).encode())
