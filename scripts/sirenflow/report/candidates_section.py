"""Candidates that lie in a superevent's 90 % region, now or in any alert: for page and table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sirenflow.report.html import alert_name
from sirenflow.superevent.number_text import probability_text

WITHIN = 0.9
"""Credible level on the sky within which a candidate is told of on the pages."""
MOST_ON_PAGE = 50
_CANDIDATE = (
    *("row", "name", "ra_deg", "dec_deg", "distance_mpc", "time"),
    *("days_after_t0", "in_window"),
)


@dataclass(frozen=True)
class Then:
    """The level that one alert gave to a candidate, or several that read the same.

    None is beyond `NEARBY_LEVEL`.
    """

    label: str
    credible_level: float | None


@dataclass(frozen=True)
class CandidateRow:
    """A candidate and a superevent: then and now. None where it cannot be told.

    `then` are the alerts before the one that stands, `now` the level in that one, None beyond
    `NEARBY_LEVEL`; `has_now` tells whether any stands.
    """

    superevent_id: str
    category: str
    retracted: bool
    trigger_time: str | None
    row: int
    name: str | None
    ra_deg: float
    dec_deg: float
    distance_mpc: float | None
    time: str | None
    then: tuple[Then, ...]
    has_now: bool
    now: float | None
    now_3d: float | None
    probability_per_mpc3: float | None
    days_after_t0: float | None
    in_window: bool | None

    @property
    def order(self) -> tuple[bool, bool, bool, float, str, str]:
        """Key that sorts what matters first: real ones, not retracted, in time, well inside."""
        level = self.now if self.now is not None else 1.0 if self.has_now else 2.0
        return (
            self.category != "real",
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
    absence_reason: str | None


def candidates_section(product: Mapping[str, Any] | None) -> CandidatesSection | None:
    """Prepare the event page's section from the content of candidates.json."""
    if product is None:
        return None
    rows = sorted(rows_within(product), key=lambda row: row.order)
    return CandidatesSection(
        rows=tuple(rows[:MOST_ON_PAGE]),
        left_out=len(rows[MOST_ON_PAGE:]),
        listed=product["listed"],
        window=window_text(product["days_before"], product["days_after"]),
        absence_reason=product["absence_reason"],
    )


def window_text(before: float, after: float) -> str:
    """Write the window around T0."""
    return f"{_days(before)} before T₀ to {_days(after)} after"


def _days(number: float) -> str:
    return "1 day" if number == 1 else f"{number:g} days"


def rows_within(product: Mapping[str, Any]) -> list[CandidateRow]:
    """Give the candidates of candidates.json that are within 90 % in some alert, in its order."""
    maps = [{match["row"]: match for match in each["matches"]} for each in product["maps"]]
    within = {
        row
        for matches in maps
        for row, match in matches.items()
        if match["credible_level"] <= WITHIN
    }
    standing = [alert["skymap_index"] for alert in product["alerts"] if alert["is_current"]]
    earlier = _same_map([alert for alert in product["alerts"] if not alert["is_current"]])
    return [
        _row(product, candidate, maps, standing[0] if standing else None, earlier)
        for candidate in product["candidates"]
        if candidate["row"] in within
    ]


def _row(
    product: Mapping[str, Any],
    candidate: Mapping[str, Any],
    maps: Sequence[Mapping[int, Mapping[str, Any]]],
    standing: int | None,
    earlier: Sequence[_Run],
) -> CandidateRow:
    row = candidate["row"]
    found = maps[standing].get(row) if standing is not None else None
    now: Mapping[str, Any] = found or {}
    return CandidateRow(
        **{key: product[key] for key in ("superevent_id", "category", "retracted", "trigger_time")},
        **{key: candidate[key] for key in _CANDIDATE},
        then=_then([(run, maps[run.map].get(row)) for run in earlier]),
        has_now=standing is not None,
        now=now.get("credible_level"),
        now_3d=now.get("credible_level_3d"),
        probability_per_mpc3=now.get("probability_per_mpc3"),
    )


@dataclass(frozen=True)
class _Run:
    """Alerts one after the other: the numbers of the first and the last, the first's type."""

    first: int
    last: int
    alert_type: str
    map: int

    @property
    def label(self) -> str:
        if self.first == self.last:
            return f"{self.first} {alert_name(self.alert_type)}"
        return f"{self.first} to {self.last}"


def _same_map(alerts: Sequence[Mapping[str, Any]]) -> list[_Run]:
    """Bring neighbours with the same map together, once for all candidates."""
    runs: list[_Run] = []
    for alert in alerts:
        if runs and runs[-1].map == alert["skymap_index"]:
            runs[-1] = replace(runs[-1], last=alert["number"])
        else:
            runs.append(
                _Run(alert["number"], alert["number"], alert["alert_type"], alert["skymap_index"])
            )
    return runs


def _then(levels: Sequence[tuple[_Run, Mapping[str, Any] | None]]) -> tuple[Then, ...]:
    """Bring neighbours that read the same together."""
    runs: list[tuple[_Run, float | None]] = []
    for run, match in levels:
        level = match["credible_level"] if match else None
        if runs and level_text(runs[-1][1]) == level_text(level):
            runs[-1] = (replace(runs[-1][0], last=run.last), runs[-1][1])
        else:
            runs.append((run, level))
    return tuple(Then(run.label, level) for run, level in runs)


def level_text(level: float | None) -> str:
    """Write a level; None, beyond `NEARBY_LEVEL`, reads as 1 does: >99 %."""
    return probability_text(1.0 if level is None else level)
