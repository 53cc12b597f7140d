"""Which of a superevent's sky maps are used: one choice, which all products share.

Products are about the current alert, the last one with an event record. Where its map of a kind is
absent or cannot be used, the newest usable map of an earlier alert is used and labelled: a bad map
never hides a good one. A map of a later alert is never used: such an alert has no event record, or
comes after a retraction.
"""

from collections.abc import Sequence
from typing import Literal

from sirenflow.products.event import AlertSummary, SkymapSummary
from sirenflow.superevent.number_text import ABSENT, probability_text

MapKind = Literal["gw", "combined"]
MAP_NAMES: dict[MapKind, str] = {"gw": "sky map", "combined": "combined sky map"}


def choose_gw_map(
    history: Sequence[AlertSummary], current: AlertSummary | None
) -> AlertSummary | None:
    """Find the alert whose gravitational-wave map is used; None where no alert has a usable one."""
    return None if current is None else _newest(_until(history, current), "gw")


def choose_combined_map(
    history: Sequence[AlertSummary], current: AlertSummary | None
) -> AlertSummary | None:
    """Find the alert whose combined map is used; None where no alert has a usable one.

    None too where the current alert names no coincidence any more. Maps of a coincidence with
    another observatory are not considered; case and surrounding blanks of its name do not matter.
    """
    if current is None or current.external_coinc is None:
        return None
    observatory = _plain_name(current.external_coinc.observatory)
    same = [
        alert
        for alert in _until(history, current)
        if alert.external_coinc and _plain_name(alert.external_coinc.observatory) == observatory
    ]
    return _newest(same, "combined")


def map_of(alert: AlertSummary, kind: MapKind) -> SkymapSummary | None:
    """Return the map of a kind that an alert carries, usable or not."""
    return alert.skymap if kind == "gw" else alert.combined_skymap


def map_problem(alert: AlertSummary | None, kind: MapKind = "gw") -> str | None:
    """Explain why an alert's own map cannot be used; None where it can.

    The text begins in lower case and has no full stop.
    """
    if alert is None:
        return "no alert has event values"
    skymap, name = map_of(alert, kind), f"the {MAP_NAMES[kind]} of alert {alert.number}"
    if skymap is None:
        return f"alert {alert.number} carries no {MAP_NAMES[kind]}"
    if skymap.rejection_reason is not None:
        return f"{name} cannot be used: {skymap.rejection_reason}"
    if skymap.not_measured_reason is not None:
        return f"the numbers of {name} are withheld: {skymap.not_measured_reason}"
    return None if skymap.is_usable else f"{name} has no file"


def absence_word(alert: AlertSummary | None, kind: MapKind = "gw") -> str:
    """Return the word in place of the numbers of an alert's map; see `absence_text`."""
    skymap = map_of(alert, kind) if alert is not None else None
    rejected = skymap is not None and bool(skymap.file is None or skymap.rejection_reason)
    return absence_text(skymap is not None, rejected)


def absence_text(is_sent: bool, is_rejected: bool) -> str:
    """Return what to write in place of the numbers of a map that cannot be used.

    Parameters
    ----------
    is_rejected
        Whether it is no sky map at all; False where only its numbers are withheld.
    """
    if not is_sent:
        return ABSENT
    return "unusable" if is_rejected else "withheld"


def _plain_name(observatory: str | None) -> str:
    return (observatory or "").strip().casefold()


def _until(history: Sequence[AlertSummary], current: AlertSummary) -> Sequence[AlertSummary]:
    return history[: history.index(current) + 1]


def _newest(alerts: Sequence[AlertSummary], kind: MapKind) -> AlertSummary | None:
    usable = ((alert, map_of(alert, kind)) for alert in reversed(alerts))
    return next((alert for alert, skymap in usable if skymap and skymap.is_usable), None)


def missing_distance_reason(skymap: SkymapSummary) -> str:
    """Return why a sky map has no mean distance."""
    return skymap.distance_absent_because or "the header of the map gives no distance"


def partial_distance_reason(skymap: SkymapSummary) -> str | None:
    """Return why percentiles of the distance would mislead; None where they do not."""
    if not skymap.is_distance_partial:
        return None
    part = probability_text(skymap.probability_with_distance)
    return f"only {part} of the probability has a distance"
