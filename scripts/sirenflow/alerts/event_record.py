"""Values of an alert's record, cleaned. Pure.

Any field of a record may be missing, null, of the wrong type or hostile; see
`sirenflow.formats.sanitize`.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from sirenflow.alerts.alert_type import RETRACTION
from sirenflow.formats.sanitize import (
    boolean_or_none,
    https_url_or_none,
    integer_or_none,
    mapping_or_empty,
    number_or_none,
    numbers,
    positive_or_none,
    probabilities,
    text_or_none,
    texts,
    timestamp_or_none,
)
from sirenflow.products.alerts import ChirpMass, Coincidence, EventValues


def read_values(alert_type: str, record: Mapping[str, Any]) -> EventValues | None:
    """Read the event record; None in a retraction, whatever it carries."""
    event = mapping_or_empty(record.get("event"))
    if not event or alert_type == RETRACTION:
        return None
    trigger = timestamp_or_none(event.get("time"))
    far = number_or_none(event.get("far"))
    group = text_or_none(event.get("group"), 24)
    return EventValues(
        trigger_time=trigger.rounded() if trigger else None,
        far=far if far is not None and far >= 0 else None,
        significant=boolean_or_none(event.get("significant")),
        instruments=texts(event.get("instruments")),
        group=group,
        pipeline=text_or_none(event.get("pipeline"), 24),
        search=text_or_none(event.get("search"), 24),
        classification=probabilities(event.get("classification")),
        properties=probabilities(event.get("properties")),
        mchirp_source=_read_chirp_mass(mapping_or_empty(event.get("mchirp_source"))),
        duration=positive_or_none(event.get("duration")),
        central_frequency=positive_or_none(event.get("central_frequency")),
        is_burst=(group or "").casefold() == "burst",
    )


def read_coincidence(record: Mapping[str, Any]) -> Coincidence | None:
    """Read the external coincidence; None where there is none."""
    sent = mapping_or_empty(record.get("external_coinc"))
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


def times_without_zone(record: Mapping[str, Any], values: EventValues | None) -> tuple[str, ...]:
    """Name the times that are used and were sent without a time zone."""
    sent = {"time_created": record.get("time_created")}
    if values is not None:
        sent["trigger_time"] = mapping_or_empty(record.get("event")).get("time")
    read = {name: timestamp_or_none(time) for name, time in sent.items()}
    return tuple(name for name, time in read.items() if time and not time.zone_given)


def read_gracedb_url(record: Mapping[str, Any]) -> str | None:
    """Read the GraceDB address; None if it is not http or https."""
    return https_url_or_none(mapping_or_empty(record.get("urls")).get("gracedb"))


def _read_chirp_mass(sent: Mapping[str, Any]) -> ChirpMass | None:
    """Read the histogram; None where it is not one."""
    edges, shares = (numbers(sent.get(name)) for name in ("bin_edges", "probabilities"))
    if len(shares) == 0 or len(edges) != len(shares) + 1:
        return None
    rising = all(low < high for low, high in pairwise(edges))
    return ChirpMass(edges, shares) if rising and all(0 <= p <= 1 for p in shares) else None
