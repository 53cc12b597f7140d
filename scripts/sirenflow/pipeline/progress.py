"""What a run tells while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Planned:
    """There is something to do.

    Attributes
    ----------
    jobs
        How many jobs there will be.
    """

    jobs: int


@dataclass(frozen=True)
class Job:
    """A job ended.

    Attributes
    ----------
    stage
        Its rule.
    superevent
        What it is about; None for all superevents.
    failed
        Whether it failed.
    log
        File that says why.
    said
        What Snakemake says of a failure, for a log that could not be written.
    """

    stage: str
    superevent: str | None
    failed: bool = False
    log: str | None = None
    said: str = ""


@dataclass(frozen=True)
class Trouble:
    """Something went wrong that is no job's.

    Attributes
    ----------
    text
        What Snakemake says of it.
    """

    text: str


Event = Planned | Job | Trouble
Observer = Callable[[Event], None]
