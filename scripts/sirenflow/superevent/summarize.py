"""Typed alerts, and what was measured on their maps, to the state of a superevent. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import structs

from sirenflow import __version__
from sirenflow.alerts.alert_type import ALERT_TYPES, RETRACTION, canonical_type, is_retracted
from sirenflow.alerts.identifier import is_usual, superevent_kind
from sirenflow.formats.sanitize import time_or_none
from sirenflow.products.alerts import AlertRecord, Alerts, AlertValues, RejectedAlert
from sirenflow.products.base import shared
from sirenflow.products.event import (
    AlertSummary,
    EventSummary,
    SkymapSummary,
    Superevent,
    UnreadableMessage,
    top_class,
)
from sirenflow.products.localization import Localization, LocalizedAlert, LocalizedMap
from sirenflow.products.regions import AlertRegions, MapRegions, Regions
from sirenflow.products.skymap import SkymapNumbers
from sirenflow.superevent.changes import with_comparisons
from sirenflow.superevent.headline import headline
from sirenflow.superevent.map_choice import choose_combined_map, choose_gw_map
from sirenflow.superevent.sentence import SentenceFacts, sentence, sentence_text
from sirenflow.superevent.sub_solar import shown_has_ssm, sub_solar_class
from sirenflow.superevent.unreadable_text import NOTHING_UNREADABLE, headline_warning

STATES = {
    "EARLYWARNING": "early_warning",
    "PRELIMINARY": "preliminary",
    "INITIAL": "initial",
    "UPDATE": "update",
    "RETRACTION": "retracted",
}


def summarize_superevent(alerts: Alerts, localization: Localization) -> Superevent:
    """Find which alert and which sky maps are current, and whether the superevent is retracted."""
    return _superevent(alerts, _history(alerts, localization, None))


def summarize_event(
    alerts: Alerts,
    localization: Localization,
    regions: Regions | None = None,
    config_sha256: str | None = None,
    unreadable: Mapping[str, Any] | None = None,
) -> EventSummary:
    """Describe a superevent as event.json does, without the thumbnail.

    Parameters
    ----------
    alerts, localization
        Contents of alerts.json and localization.json; alerts keep their order.
    regions
        Content of regions.json; None gives neither lobes nor comparisons of sky maps.
    unreadable
        Messages that claim to be about the superevent, as
        `sirenflow.superevent.unreadable_messages.Unreadable.of` returns them.
    """
    unread = unreadable or NOTHING_UNREADABLE
    messages = tuple(UnreadableMessage(**each) for each in unread["listed"])
    history = with_comparisons(_history(alerts, localization, regions), regions)
    event = _superevent(alerts, history)
    state, current, located = event.state, event.current, event.skymap_alert
    warning = headline_warning(messages, unread["count"])
    facts = sentence_facts(event.category, state, current, located)
    return EventSummary(
        **structs.asdict(event),
        sirenflow_version=__version__,
        config_sha256=config_sha256,
        unusual_identifier=not is_usual(event.superevent_id),
        summary_line=headline(event.category, state, current, located, warning),
        summary_text=sentence_text(sentence(facts)),
        gracedb=next((alert.gracedb for alert in alerts.alerts[::-1] if alert.gracedb), None),
        rejected_alerts=tuple(
            RejectedAlert(**shared(rejected, RejectedAlert)) for rejected in alerts.rejected
        ),
        unreadable_message_count=unread["count"],
        unreadable_retraction_count=unread["retractions"],
        unreadable_messages=messages,
        quarantine_error=unread["quarantine_error"],
    )


def _superevent(alerts: Alerts, history: tuple[AlertSummary, ...]) -> Superevent:
    retracted = is_retracted(alert.alert_type for alert in history)
    retracted_by, reinstated_by = _retraction(history)
    current = _current(history, retracted_by if retracted else None)
    located = choose_gw_map(history, current)
    combined = choose_combined_map(history, current)
    return Superevent(
        superevent_id=alerts.superevent_id,
        category=superevent_kind(alerts.superevent_id),
        state=_state(history, retracted),
        retracted=retracted,
        retracted_by=retracted_by,
        reinstated_by=reinstated_by,
        current=current,
        skymap_alert_number=located.number if located else None,
        combined_skymap_alert_number=combined.number if combined else None,
        history=history,
    )


def _current(history: Sequence[AlertSummary], retracted_by: int | None) -> AlertSummary | None:
    """Find the last alert with values; of a retracted superevent, the last before retraction."""
    for alert in reversed(history):
        if alert.values and (retracted_by is None or alert.number < retracted_by):
            return alert
    return None


def _state(history: Sequence[AlertSummary], retracted: bool) -> str:
    """Return the state after the last alert.

    That of an unknown type is in upper case, so that it cannot be taken for one of `STATES`.
    """
    if not history:
        return "no_readable_alert"
    alert_type = RETRACTION if retracted else history[-1].alert_type
    try:
        return STATES.get(alert_type) or canonical_type(alert_type)
    except ValueError:
        return "UNKNOWN"


def sentence_facts(
    kind: str, state: str, current: AlertSummary | None, located: AlertSummary | None
) -> SentenceFacts:
    """Gather what the plain sentence says of the current alert and of the one with the map."""
    if current is None or current.values is None:
        return SentenceFacts(kind=kind, state=state, has_values=False)
    values, skymap = current.values, located.skymap if located else None
    source, probability = top_class(values.classification)
    return SentenceFacts(
        kind=kind,
        state=state,
        is_burst=values.is_burst,
        source_class=source,
        source_probability=probability,
        has_remnant=values.properties.get("HasRemnant"),
        distance_mean_mpc=skymap.distance_mean_mpc if skymap else None,
        distance_std_mpc=skymap.distance_std_mpc if skymap else None,
        distance_alert_number=located.number if located and located is not current else None,
        duration_s=values.duration,
        central_frequency_hz=values.central_frequency,
        sub_solar=sub_solar_class(values),
        has_ssm=shown_has_ssm(values),
    )


def _history(
    alerts: Alerts, localization: Localization, regions: Regions | None
) -> tuple[AlertSummary, ...]:
    located = {entry.number: entry for entry in localization.alerts}
    parted = {entry.number: entry for entry in regions.alerts} if regions else {}
    history: list[AlertSummary] = []
    trigger_time: str | None = None
    for alert in alerts.alerts:
        trigger_time = (alert.values.trigger_time if alert.values else None) or trigger_time
        place = located.get(alert.number, LocalizedAlert(number=alert.number))
        parts = parted.get(alert.number, AlertRegions(number=alert.number))
        history.append(_summarize_alert(alert, place, parts, trigger_time))
    return tuple(history)


def _summarize_alert(
    alert: AlertRecord, place: LocalizedAlert, parts: AlertRegions, trigger_time: str | None
) -> AlertSummary:
    regions = {entry.kind: entry for entry in parts.maps}
    skymaps = {
        entry.kind: _summarize_skymap(entry, regions.get(entry.kind)) for entry in place.skymaps
    }
    absent = None if "gw" in skymaps else place.no_skymap_reason or "not provided"
    return AlertSummary(
        **shared(alert, AlertValues),
        latency_s=_seconds_between(trigger_time, alert.time_created),
        skymap=skymaps.get("gw"),
        no_skymap_reason=absent,
        combined_skymap=skymaps.get("combined"),
        combined_with_gw=parts.combined_with_gw,
    )


def _summarize_skymap(entry: LocalizedMap, parts: MapRegions | None) -> SkymapSummary:
    return SkymapSummary(
        **shared(entry, SkymapNumbers),
        lobes_90=parts.lobes_90 if parts else (),
        lobes_90_count=parts.lobes_90_count if parts else None,
        region_files=parts.files if parts else None,
    )


def _seconds_between(earlier: str | None, later: str | None) -> float | None:
    start, end = time_or_none(earlier), time_or_none(later)
    return round((end - start).total_seconds(), 3) if start and end else None


def _retraction(history: Sequence[AlertSummary]) -> tuple[int | None, int | None]:
    """Find the first of the last run of retractions, and the first alert with values after it.

    Alerts of unknown types are left out.
    """
    retracted_by = reinstated_by = None
    in_run = False
    for alert in (alert for alert in history if alert.alert_type in ALERT_TYPES):
        if alert.alert_type == RETRACTION:
            if not in_run:
                retracted_by, reinstated_by = alert.number, None
        elif retracted_by is not None and reinstated_by is None and alert.values:
            reinstated_by = alert.number
        in_run = alert.alert_type == RETRACTION
    return retracted_by, reinstated_by
