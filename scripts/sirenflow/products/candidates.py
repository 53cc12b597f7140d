"""Model of candidates.json."""

from typing import Annotated, Literal

from sirenflow.products.base import (
    Count,
    NonNegative,
    Number,
    Probability,
    Record,
    SupereventProduct,
    UtcTime,
    described,
)
from sirenflow.products.event import Category
from sirenflow.products.source_tables import Candidate, RowProblem


class PositionMatch(Record, frozen=True, kw_only=True):
    """Where one position lies in one sky map."""

    credible_level: Annotated[
        Probability,
        described(
            "Probability of all places on the sky that are as dense or denser", maximum=0.999
        ),
    ]
    probability_per_deg2: Annotated[
        NonNegative, described("Probability density on the sky", "deg-2")
    ]
    credible_level_3d: Annotated[
        Probability | None,
        described("Probability of all denser places in space; null without a distance"),
    ]
    probability_per_mpc3: Annotated[
        NonNegative | None,
        described("Probability density in space; null without a distance", "Mpc-3"),
    ]


class SkyMatch(PositionMatch, frozen=True, kw_only=True):
    """Where one candidate lies in one sky map."""

    row: Annotated[Number, described("Number of the candidate's row in the table")]


class MatchedMap(Record, frozen=True, kw_only=True):
    """A distinct sky map, and the candidates in it."""

    sha256: Annotated[str | None, described("SHA-256 of the map's bytes")]
    farther: Annotated[
        Count, described("Candidates beyond farthest_level, which are not in matches")
    ]
    matches: Annotated[
        tuple[SkyMatch, ...], described("The other candidates, in the table's order")
    ]


class MatchedAlert(Record, frozen=True, kw_only=True):
    """An alert with a usable sky map."""

    number: Annotated[Number, described("Number of the alert")]
    alert_type: Annotated[str, described("Type of the alert")]
    trigger_time: Annotated[UtcTime | None, described("T0 of this alert, UTC")]
    is_current: Annotated[bool, described("Whether its sky map is the one that is used")]
    skymap_index: Annotated[Count, described("Position of its sky map in maps, from 0")]


class MatchedCandidate(Candidate, frozen=True, kw_only=True):
    """A candidate in the matches of any map."""

    days_after_t0: Annotated[
        float | None,
        described("Its time after trigger_time; null where either is unknown", "d"),
    ]
    in_window: Annotated[bool | None, described("Whether that is in the window")]


class Candidates(SupereventProduct, frozen=True, kw_only=True):
    """Content of candidates.json: candidates against every alert of one superevent."""

    schema_version: Annotated[Literal[2], described("Version of this schema")] = 2
    category: Annotated[Category, described("real, mock or test, by the identifier")]
    trigger_time: Annotated[UtcTime | None, described("T0 of the current alert, UTC")]
    skymap_alert_number: Annotated[
        Number | None, described("Number of the alert whose sky map is used")
    ]
    days_before: Annotated[NonNegative, described("Start of the window before T0", "d")]
    days_after: Annotated[NonNegative, described("End of the window after T0", "d")]
    problems_of_table: Annotated[
        tuple[RowProblem, ...], described("What was wrong with rows, the most frequent first")
    ]
    absence_reason: Annotated[str | None, described("Why candidates are compared with no alert")]
    farthest_level: Annotated[
        float,
        described(
            "Credible level on the sky beyond which a candidate is only counted", const=0.999
        ),
    ]
    listed: Annotated[
        Count, described("Candidates that were compared: all usable ones of the table")
    ]
    alerts: Annotated[tuple[MatchedAlert, ...], described("Alerts with a usable sky map, in order")]
    maps: Annotated[
        tuple[MatchedMap, ...],
        described("Distinct sky maps of these alerts, in order of first appearance"),
    ]
    candidates: Annotated[
        tuple[MatchedCandidate, ...],
        described("Candidates in the matches of any map, in the table's order"),
    ]
