"""What has been made of which alerts, so that finished work costs nothing.

The truth is the inbox itself: a superevent is to be made when its files are not those of which it
was made the last time, whoever wrote them and however. Snakemake would find nearly the same, but it
takes milliseconds a superevent for it, and this takes microseconds. Nearly: Snakemake judges by
times, and by what it noted in the working directory, which may be another one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from sirenflow import __version__
from sirenflow.config.configuration import digest
from sirenflow.files.durable import replace_file
from sirenflow.pipeline.input_state import TABLES, table_digest

_FORMAT = 1


@dataclass(frozen=True)
class Record:
    """What the products of a results directory were made of.

    Attributes
    ----------
    basis
        Digest of all that every product depends on: see `basis_of`.
    superevents
        Digest of the alert files of each superevent that is done: see `input_state.files_digest`.
    notes
        Where Snakemake noted of all these how it made them: see `notes`. Empty if not together.
    unreadable
        Digest of the messages that the catalogue says could not be read: see `Unreadable.digest`.
    """

    basis: str
    superevents: Mapping[str, str] = field(default_factory=dict)
    notes: str = ""
    unreadable: str = ""

    def on(self, basis: str) -> Record:
        """Give what holds on a basis: all of it, or nothing."""
        return self if self.basis == basis else Record(basis)

    def overtaken(self, current: Mapping[str, str], basis: str, notes: str) -> list[str]:
        """List the superevents that must be made anew, whatever Snakemake thinks of them."""
        unnoted = self.basis != basis and self.notes != notes
        return [
            name
            for name, files in current.items()
            if name in self.superevents and (unnoted or self.superevents[name] != files)
        ]

    def outdated(self, current: Mapping[str, str]) -> list[str]:
        """List the superevents of which there are other files than those in the record."""
        return [name for name, files in current.items() if self.superevents.get(name) != files]

    def with_done(self, done: Mapping[str, str], notes: str) -> Record:
        """Give a record in which more is done, of which notes were taken there."""
        others = self.superevents.keys() - done.keys()
        everywhere = notes if not others or self.notes == notes else ""
        return replace(self, superevents={**self.superevents, **done}, notes=everywhere)

    def without(self, superevents: Iterable[str]) -> Record:
        """Give a record in which these are not done."""
        return self.only(self.superevents.keys() - set(superevents))

    def only(self, superevents: Iterable[str]) -> Record:
        """Give a record without the superevents that are not named."""
        kept = set(superevents) & set(self.superevents)
        return replace(self, superevents={name: self.superevents[name] for name in kept})


def basis_of(config: Mapping[str, Any]) -> str:
    """Digest of the version, of the configuration, and of the tables that it names."""
    tables = [table_digest(config, key) for key in TABLES if config[key]]
    said = [_FORMAT, __version__, digest(config), config["catalogue"], tables]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def notes() -> str:
    """Tell Snakemake's directory, in the working directory, from any other, and from a new one."""
    try:
        return f"{Path('.snakemake').resolve()} {Path('.snakemake').stat().st_ino}"
    except OSError:
        return "none"


def read_record(file: Path) -> Record:
    """Read the record of a results directory; an empty one if there is none."""
    try:
        content = json.loads(file.read_bytes())
        unreadable = content.get("unreadable", "")
        return Record(content["basis"], dict(content["superevents"]), content["notes"], unreadable)
    except (
        OSError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
    ):  # absent, or damaged: nothing is done
        return Record("")


def write_record(file: Path, record: Record) -> None:
    """Write the record of a results directory.

    Raises
    ------
    InboxError
        If it cannot be written.
    """
    replace_file(file, json.dumps(asdict(record), sort_keys=True).encode())
