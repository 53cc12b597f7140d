"""A new working directory: configuration, profiles, Snakefile, README and sample alerts."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sirenflow.config.workflow_files import DEFAULT_CONFIG, PROFILES, ROOT, SAMPLES, TEMPLATE
from sirenflow.files.durable import write_durably


@dataclass(frozen=True)
class Created:
    """What was done in a working directory."""

    written: tuple[Path, ...]
    existing: tuple[Path, ...]


def create_working_directory(directory: Path, *, with_samples: bool = False) -> Created:
    """Write the files of a working directory that do not exist.

    Raise InboxError if a file cannot be written.
    """
    written: list[Path] = []
    existing: list[Path] = []
    for name, source in _files(with_samples):
        path = directory / name
        (written if write_durably(path, source.read_bytes()) else existing).append(path)
    return Created(tuple(written), tuple(existing))


def _files(with_samples: bool) -> Iterator[tuple[Path, Path]]:
    """Pair each file's name in the working directory with the file to copy."""
    for name in ("README.md", "Snakefile"):
        yield Path(name), TEMPLATE / name
    samples = SAMPLES.glob("*-*.*") if with_samples else ()
    for source in sorted([DEFAULT_CONFIG, *PROFILES.rglob("*.*"), *samples]):
        yield source.relative_to(ROOT), source
