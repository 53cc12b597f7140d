"""Candidates that lie in a superevent's 90 % region, now or in any alert: for page and table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sirenflow.report.environment import alert_name
from sirenflow.wording import probability_text

WITHIN = 0.9
"""Credible level on the sky within which a candidate is told of on the pages."""
MOST_ON_PAGE = 50
_CANDIDATE = ("row", "name", "ra_deg", "dec_deg", "distance_mpc", "time")


@dataclass(frozen=True)
class Then:
    """The level that one alert gave to a candidate, or several that read the same."""

    label: str
    credible_level: float


@dataclass(frozen=True)
class CandidateRow:
    """A candidate and a superevent: then and now. None where it cannot be told.

    `then` are the alerts before the one that stands, `now` the level in that one.
    """

    superevent_id: str
    kind: str
    retracted: bool
    trigger_time: str | None
    row: int
    name: str | None
    ra_deg: float
    dec_deg: float
    distance_mpc: float | None
    time: str | None
    then: tuple[Then, ...]
    now: float | None
    now_3d: float | None
    probability_per_mpc3: float | None
    days_after_t0: float | None
    in_window: bool | None

    @property
    def order(self) -> tuple[bool, bool, bool, float, str, str]:
        """Key that sorts what matters first: real ones, not retracted, in time, well inside."""
        level = 2.0 if self.now is None else self.now
        return (
            self.kind != "real",
            self.retracted,
            self.in_window is False,
            level,
            self.superevent_id,
            self.name or "",
        )


@dataclass(frozen=True)
class CandidatesSection:
    """What the event page says of candidates."""

    rows: tuple[CandidateRow, ...]
    left_out: int
    listed: int
    window: str
    absent_because: str | None


def candidates_section(product: Mapping[str, Any] | None) -> CandidatesSection | None:
    """Prepare the event page's section from the content of candidates.json."""
    if product is None:
        return None
    rows = sorted(rows_within(product), key=lambda row: row.order)
    return CandidatesSection(
        rows=tuple(rows[:MOST_ON_PAGE]),
        left_out=len(rows[MOST_ON_PAGE:]),
        listed=len(product["candidates"]),
        window=window_text(product["days_before"], product["days_after"]),
        absent_because=product["absent_because"],
    )


def window_text(before: float, after: float) -> str:
    """Write the window around T0."""
    return f"{_days(before)} before T₀ to {_days(after)} after"


def _days(number: float) -> str:
    return "1 day" if number == 1 else f"{number:g} days"


def rows_within(product: Mapping[str, Any]) -> list[CandidateRow]:
    """Give the candidates of candidates.json that are within 90 % in some alert, in its order."""
    return [
        _row(product, candidate)
        for candidate in product["candidates"]
        if any(match["credible_level"] <= WITHIN for match in candidate["matches"])
    ]


def _row(product: Mapping[str, Any], candidate: Mapping[str, Any]) -> CandidateRow:
    standing = product["standing_alert_number"]
    types = {alert["number"]: alert["alert_type"] for alert in product["alerts"]}
    matches = candidate["matches"]
    now = next((m for m in matches if m["alert_number"] == standing), None)
    then = [m for m in matches if m["alert_number"] != standing]
    last: Mapping[str, Any] = now or then[-1]
    return CandidateRow(
        **{key: product[key] for key in ("superevent_id", "kind", "retracted", "trigger_time")},
        **{key: candidate[key] for key in _CANDIDATE},
        then=_then([(m["alert_number"], m["credible_level"]) for m in then], types),
        now=now["credible_level"] if now else None,
        now_3d=now["credible_level_3d"] if now else None,
        probability_per_mpc3=now["probability_per_mpc3"] if now else None,
        days_after_t0=last["days_after_t0"],
        in_window=last["in_window"],
    )


def _then(levels: list[tuple[int, float]], types: Mapping[int, str]) -> tuple[Then, ...]:
    """Bring neighbours that read the same together: the same map is often sent again."""
    runs: list[tuple[list[int], float]] = []
    for number, level in levels:
        if runs and probability_text(runs[-1][1]) == probability_text(level):
            runs[-1][0].append(number)
        else:
            runs.append(([number], level))
    return tuple(
        Then(
            f"{numbers[0]} {alert_name(types[numbers[0]])}"
            if len(numbers) == 1
            else f"{numbers[0]} to {numbers[-1]}",
            level,
        )
        for numbers, level in runs
    )
