"""Alerts and what was measured on their maps to the state of a superevent.

Pure: three dictionaries (alerts.json, localization.json, regions.json) in, one frozen dataclass
out. Any field of a record may be missing, null, of the wrong type or hostile; see
`sirenflow.formats.sanitize`.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from sirenflow import __version__
from sirenflow.alerts.alert_type import ALERT_TYPES, RETRACTION, canonical_type, is_retracted
from sirenflow.alerts.identifier import is_usual, superevent_kind
from sirenflow.formats.sanitize import (
    boolean_or_none,
    https_url_or_none,
    integer_or_none,
    mapping_or_empty,
    mappings,
    number_or_none,
    numbers,
    positive_or_none,
    probabilities,
    text_or_none,
    texts,
    timestamp_or_none,
)
from sirenflow.formats.timestamp import Timestamp
from sirenflow.products.alerts import AlertFile
from sirenflow.products.event import (
    AlertSummary,
    ChirpMass,
    Coincidence,
    EventSummary,
    RejectedAlert,
    SkymapSummary,
    UnreadableMessage,
    Values,
    top_class,
)
from sirenflow.products.regions import MapComparison, NamedLobe, RegionFiles
from sirenflow.superevent.changes import with_comparisons
from sirenflow.superevent.headline import headline
from sirenflow.superevent.map_choice import choose_combined_map, choose_gw_map
from sirenflow.superevent.number_text import SentenceFacts, sentence, sentence_text
from sirenflow.superevent.sub_solar import sub_solar_class, told_has_ssm
from sirenflow.superevent.unreadable_text import NOTHING_UNREADABLE, headline_warning

STATES = {
    "EARLYWARNING": "early_warning",
    "PRELIMINARY": "preliminary",
    "INITIAL": "initial",
    "UPDATE": "update",
    "RETRACTION": "retracted",
}
_SKYMAP_TEXTS = (
    "file",
    "sha256",
    "creator",
    "rejected_because",
    "numbers_withheld_because",
    "distance_absent_because",
)
_SKYMAP_INTEGERS = ("size_bytes", "rows")
_SKYMAP_NUMBERS = (
    "probability_with_distance",
    "peak_ra_deg",
    "peak_dec_deg",
    "area_50_deg2",
    "area_90_deg2",
    "distance_mean_mpc",
    "distance_std_mpc",
    "distance_marginal_mean_mpc",
    "distance_marginal_std_mpc",
    "distance_p05_mpc",
    "distance_p50_mpc",
    "distance_p95_mpc",
)


def summarize_event(
    alerts: Mapping[str, Any],
    localization: Mapping[str, Any],
    regions: Mapping[str, Any] | None = None,
    config_sha256: str | None = None,
    unreadable: Mapping[str, Any] | None = None,
) -> EventSummary:
    """Summarize a superevent from the contents of alerts.json, localization.json, regions.json.

    The alerts come in their order, and keep it. Without regions, the state is told without lobes
    and without comparisons of sky maps. `unreadable` are the messages that claim to be about the
    superevent, as `sirenflow.superevent.unreadable_messages.Unreadable.of` gives them.
    """
    unread = tuple(UnreadableMessage(**each) for each in (unreadable or {}).get("listed", ()))
    unread_count = (unreadable or NOTHING_UNREADABLE)["count"]
    superevent_id = text_or_none(alerts.get("superevent_id"), 64) or "unknown"
    kind = superevent_kind(superevent_id)
    history = _history(
        mappings(alerts.get("alerts")),
        mappings(localization.get("alerts")),
        mappings(mapping_or_empty(regions).get("alerts")),
    )
    retracted = is_retracted(alert.alert_type for alert in history)
    retracted_by, reinstated_by = _retraction(history)
    current = _current(history, retracted_by if retracted else None)
    located = choose_gw_map(history, current)
    combined = choose_combined_map(history, current)
    state = _state(history, retracted)
    return EventSummary(
        sirenflow_version=__version__,
        config_sha256=config_sha256,
        superevent_id=superevent_id,
        unusual_identifier=not is_usual(superevent_id),
        kind=kind,
        state=state,
        retracted=retracted,
        retracted_by=retracted_by,
        reinstated_by=reinstated_by,
        headline=headline(kind, state, current, located, headline_warning(unread, unread_count)),
        sentence=sentence_text(sentence(sentence_facts(kind, state, current, located))),
        gracedb=_gracedb(mappings(alerts.get("alerts"))),
        current=current,
        skymap_alert_number=located.number if located else None,
        combined_skymap_alert_number=combined.number if combined else None,
        history=history,
        rejected_alerts=_rejected(alerts),
        unreadable_message_count=unread_count,
        unreadable_retraction_count=(unreadable or NOTHING_UNREADABLE)["retractions"],
        unreadable_messages=unread,
        quarantine_error=(unreadable or NOTHING_UNREADABLE)["quarantine_error"],
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
        has_ssm=told_has_ssm(values),
    )


def _history(
    alerts: Sequence[Mapping[str, Any]],
    localizations: Sequence[Mapping[str, Any]],
    regions: Sequence[Mapping[str, Any]],
) -> tuple[AlertSummary, ...]:
    located, parted = _by_number(localizations), _by_number(regions)
    history: list[AlertSummary] = []
    trigger_time: str | None = None
    for alert in alerts:
        values = _values(alert)
        trigger_time = (values.trigger_time if values else None) or trigger_time
        number = integer_or_none(alert.get("number")) or 0
        place, parts = located.get(number, {}), parted.get(number, {})
        history.append(_alert_summary(alert, place, parts, values, trigger_time))
    return with_comparisons(
        history, _comparisons(parted, "since_previous"), _comparisons(parted, "since_first")
    )


def _by_number(entries: Sequence[Mapping[str, Any]]) -> dict[int, Mapping[str, Any]]:
    return {integer_or_none(entry.get("number")) or 0: entry for entry in entries}


def _comparisons(parted: Mapping[int, Mapping[str, Any]], key: str) -> dict[int, MapComparison]:
    found = {number: _comparison(parts.get(key)) for number, parts in parted.items()}
    return {number: comparison for number, comparison in found.items() if comparison}


def _comparison(sent: object) -> MapComparison | None:
    return MapComparison(**sent) if isinstance(sent, dict) else None


def _alert_summary(
    alert: Mapping[str, Any],
    place: Mapping[str, Any],
    parts: Mapping[str, Any],
    values: Values | None,
    trigger_time: str | None,
) -> AlertSummary:
    lobes = {entry.get("kind"): entry for entry in mappings(parts.get("maps"))}
    skymaps = {
        entry.get("kind"): _skymap(entry, lobes.get(entry.get("kind"), {}))
        for entry in mappings(place.get("skymaps"))
    }
    created, trigger = (timestamp_or_none(t) for t in (alert.get("time_created"), trigger_time))
    record = mapping_or_empty(alert.get("record"))
    return AlertSummary(
        number=integer_or_none(alert.get("number")) or 0,
        alert_type=text_or_none(alert.get("alert_type"), 64) or "unknown",
        time_created=created.display() if created else None,
        utc_assumed=_utc_assumed(record, values),
        sha256=text_or_none(alert.get("sha256"), 64),
        also_received_as=_also_received_as(alert),
        delay_s=_seconds_between(trigger, created) if created and trigger else None,
        values=values,
        skymap=skymaps.get("gw"),
        skymap_absent_because=None
        if "gw" in skymaps
        else text_or_none(place.get("skymap_absent_because")) or "not provided",
        combined_skymap=skymaps.get("combined"),
        external_coinc=_coincidence(mapping_or_empty(record.get("external_coinc"))),
        combined_with_gw=_comparison(parts.get("combined_with_gw")),
    )


def _seconds_between(earlier: Timestamp, later: Timestamp) -> float:
    return round((later.to_datetime() - earlier.to_datetime()).total_seconds(), 3)


def _utc_assumed(record: Mapping[str, Any], values: Values | None) -> tuple[str, ...]:
    """Name the times that are used and were sent without a zone."""
    sent = {"time_created": record.get("time_created")}
    if values is not None:
        sent["trigger_time"] = mapping_or_empty(record.get("event")).get("time")
    read = {name: timestamp_or_none(time) for name, time in sent.items()}
    return tuple(name for name, time in read.items() if time and not time.zone_given)


def _also_received_as(alert: Mapping[str, Any]) -> tuple[AlertFile, ...]:
    return tuple(
        AlertFile(
            file=text_or_none(entry.get("file")),
            format=text_or_none(entry.get("format"), 24),
            sha256=text_or_none(entry.get("sha256"), 64),
            size_bytes=integer_or_none(entry.get("size_bytes")),
        )
        for entry in mappings(alert.get("also_received_as"))
    )


def _values(alert: Mapping[str, Any]) -> Values | None:
    """Read the event record; a retraction has none, whatever it carries."""
    event = mapping_or_empty(mapping_or_empty(alert.get("record")).get("event"))
    if not event or alert.get("alert_type") == RETRACTION:
        return None
    trigger = timestamp_or_none(event.get("time"))
    far = number_or_none(event.get("far"))
    group = text_or_none(event.get("group"), 24)
    return Values(
        trigger_time=trigger.rounded() if trigger else None,
        far=far if far is not None and far >= 0 else None,
        significant=boolean_or_none(event.get("significant")),
        instruments=texts(event.get("instruments")),
        group=group,
        pipeline=text_or_none(event.get("pipeline"), 24),
        search=text_or_none(event.get("search"), 24),
        classification=probabilities(event.get("classification")),
        properties=probabilities(event.get("properties")),
        mchirp_source=_chirp_mass(mapping_or_empty(event.get("mchirp_source"))),
        duration=positive_or_none(event.get("duration")),
        central_frequency=positive_or_none(event.get("central_frequency")),
        is_burst=(group or "").casefold() == "burst",
    )


def _chirp_mass(sent: Mapping[str, Any]) -> ChirpMass | None:
    """Read the histogram; None where its numbers are none, or make no histogram."""
    edges, shares = (numbers(sent.get(name)) for name in ("bin_edges", "probabilities"))
    if len(shares) == 0 or len(edges) != len(shares) + 1:
        return None
    rising = all(low < high for low, high in pairwise(edges))
    return ChirpMass(edges, shares) if rising and all(0 <= p <= 1 for p in shares) else None


def _skymap(entry: Mapping[str, Any], parts: Mapping[str, Any]) -> SkymapSummary:
    read: dict[str, Any] = {"kind": text_or_none(entry.get("kind")) or "unknown"}
    read |= {name: text_or_none(entry.get(name)) for name in _SKYMAP_TEXTS}
    read |= {name: integer_or_none(entry.get(name)) for name in _SKYMAP_INTEGERS}
    read |= {name: number_or_none(entry.get(name)) for name in _SKYMAP_NUMBERS}
    return SkymapSummary(
        **read,
        lobes_90=tuple(NamedLobe(**lobe) for lobe in parts.get("lobes_90", ())),
        lobes_90_count=parts.get("lobes_90_count"),
        region_files=RegionFiles(**parts["files"]) if parts else None,
    )


def _coincidence(sent: Mapping[str, Any]) -> Coincidence | None:
    if not sent:
        return None
    notice = sent.get("gcn_notice_id")
    number = integer_or_none(notice)
    return Coincidence(
        observatory=text_or_none(sent.get("observatory"), 40),
        search=text_or_none(sent.get("search"), 24),
        gcn_notice_id=text_or_none(notice, 40) if number is None else str(number),
        ivorn=text_or_none(sent.get("ivorn")),
        time_difference=number_or_none(sent.get("time_difference")),
        time_coincidence_far=positive_or_none(sent.get("time_coincidence_far")),
        time_sky_position_coincidence_far=positive_or_none(
            sent.get("time_sky_position_coincidence_far")
        ),
    )


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


def _gracedb(alerts: Sequence[Mapping[str, Any]]) -> str | None:
    """Give the GraceDB address of the last alert that has one, if it is http or https."""
    records = (mapping_or_empty(alert.get("record")) for alert in reversed(alerts))
    sent = (mapping_or_empty(record.get("urls")).get("gracedb") for record in records)
    return next((url for url in map(https_url_or_none, sent) if url), None)


def _rejected(alerts: Mapping[str, Any]) -> tuple[RejectedAlert, ...]:
    return tuple(
        RejectedAlert(
            file=text_or_none(entry.get("file")),
            sha256=text_or_none(entry.get("sha256"), 64),
            reason=text_or_none(entry.get("reason"), 400),
        )
        for entry in mappings(alerts.get("rejected"))
    )
