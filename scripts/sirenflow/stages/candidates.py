"""Rule candidates: every candidate against every alert of one superevent."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from msgspec import structs

from sirenflow.crossmatch.candidates import (
    CrossmatchedAlert,
    Positions,
    days_between,
    is_in_window,
    match_alerts,
)
from sirenflow.crossmatch.positions import NEARBY_LEVEL
from sirenflow.formats.sanitize import time_or_none
from sirenflow.products.base import load_product, write_product
from sirenflow.products.candidates import (
    Candidates,
    MatchedAlert,
    MatchedCandidate,
    MatchedMap,
    SkyMatch,
)
from sirenflow.products.source_tables import Candidate, CandidateTable
from sirenflow.superevent.load import SupereventReader
from sirenflow.superevent.map_choice import map_problem


def candidates(
    alerts: Path,
    localization: Path,
    skymaps: Path,
    listed: Path,
    candidates: Path,
    days_before: float,
    days_after: float,
) -> None:
    """Compare candidates with the sky maps of one superevent.

    Parameters
    ----------
    candidates
        Written: where each lies in each distinct map, if within `NEARBY_LEVEL` on the sky, and its
        time after T0.
    """
    superevent = SupereventReader(alerts, localization, skymaps)
    summary = superevent.summary
    known = load_product(listed, CandidateTable)
    sources = known.candidates
    found = match_alerts(summary, superevent.read_skymap, _positions(sources))
    maps = list(dict.fromkeys(alert.map for alert in found))
    trigger = summary.current.values if summary.current else None
    trigger_time = trigger.trigger_time if trigger else None
    near = [np.flatnonzero(each.result.level <= NEARBY_LEVEL).tolist() for each in maps]

    def describe(index: int) -> MatchedCandidate:
        days = days_between(time_or_none(trigger_time), time_or_none(sources[index].time))
        in_window = is_in_window(days, days_before, days_after)
        candidate = structs.asdict(sources[index])
        return MatchedCandidate(**candidate, days_after_t0=days, in_window=in_window)

    product = Candidates(
        superevent_id=summary.superevent_id,
        category=summary.category,
        retracted=summary.retracted,
        trigger_time=trigger_time,
        skymap_alert_number=next((a.number for a in found if a.is_current), None),
        days_before=days_before,
        days_after=days_after,
        problems_of_table=known.problems,
        absence_reason=known.unusable_reason
        or (None if found else map_problem(summary.current) or "the sky map cannot be read"),
        farthest_level=NEARBY_LEVEL,
        listed=len(sources),
        alerts=tuple(_describe_alert(alert, maps.index(alert.map)) for alert in found),
        maps=tuple(
            MatchedMap(
                sha256=each.sha256,
                farther=len(sources) - len(indices),
                matches=tuple(
                    SkyMatch(row=sources[i].row, **structs.asdict(each.match(i))) for i in indices
                ),
            )
            for each, indices in zip(maps, near, strict=True)
        ),
        candidates=tuple(describe(index) for index in sorted(set().union(*near))),
    )
    write_product(candidates, product)


def _positions(sources: Sequence[Candidate]) -> Positions:
    distances = [source.distance_mpc for source in sources]
    return Positions(
        ra_deg=np.array([source.ra_deg for source in sources], dtype=np.float64),
        dec_deg=np.array([source.dec_deg for source in sources], dtype=np.float64),
        distance_mpc=np.array(distances, dtype=np.float64),  # NaN for None
        time=[time_or_none(source.time) for source in sources],
    )


def _describe_alert(alert: CrossmatchedAlert, index: int) -> MatchedAlert:
    return MatchedAlert(
        number=alert.number,
        alert_type=alert.alert_type,
        trigger_time=alert.trigger_time,
        is_current=alert.is_current,
        skymap_index=index,
    )
