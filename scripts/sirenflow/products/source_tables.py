"""Models of what is read once of a user's table of galaxies or candidates."""

from typing import Annotated, Literal

from sirenflow.products.base import (
    Count,
    Latitude,
    Number,
    Record,
    RightAscension,
    UtcTime,
    described,
)


class RowProblem(Record, frozen=True):
    """What was wrong with rows of a table."""

    reason: Annotated[str, described("What becomes of the rows, and why")]
    rows: Annotated[Number, described("How many rows")]


class SourceTable(Record, frozen=True, kw_only=True):
    """A user's table, checked."""

    problems: Annotated[
        tuple[RowProblem, ...], described("What was wrong with rows, the most frequent first")
    ] = ()
    unusable_reason: Annotated[str | None, described("Why the table cannot be used")] = None
    read_again: Annotated[
        bool, described("Whether the next run reads the table even if it has not changed")
    ] = False


class GalaxyTable(SourceTable, frozen=True, kw_only=True):
    """Content of galaxy_catalogue.json: how many galaxies of the user's table are usable."""

    schema_version: Annotated[Literal[2], described("Version of this schema")] = 2
    galaxies: Annotated[Count, described("Galaxies that are usable")] = 0


class Candidate(Record, frozen=True, kw_only=True):
    """A candidate of the user's table."""

    row: Annotated[Number, described("Number of its row in the table, from 1")]
    name: Annotated[str | None, described("Name, cleaned")]
    ra_deg: Annotated[RightAscension, described("Right ascension (ICRS)", "deg")]
    dec_deg: Annotated[Latitude, described("Declination (ICRS)", "deg")]
    distance_mpc: Annotated[float | None, described("Luminosity distance", "Mpc")]
    time: Annotated[UtcTime | None, described("Time, UTC")]


class CandidateTable(SourceTable, frozen=True, kw_only=True):
    """Content of candidate_list.json: the usable candidates of the user's table."""

    schema_version: Annotated[Literal[2], described("Version of this schema")] = 2
    candidates: Annotated[
        tuple[Candidate, ...], described("Usable candidates in the table's order")
    ] = ()
