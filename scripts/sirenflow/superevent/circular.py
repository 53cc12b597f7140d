"""The state of a superevent as plain text, from which an astronomer may write to others.

ASCII, 78 columns, in our own words. It is a draft and says so twice: nobody has read it yet.
"""

import textwrap
from collections.abc import Iterable, Iterator, Mapping

from sirenflow.alerts.alert_type import ALERT_TYPES
from sirenflow.products.alerts import ChirpMass, Coincidence, EventValues
from sirenflow.products.event import AlertSummary, Comparison, EventSummary, SkymapSummary
from sirenflow.products.regions import NamedLobe
from sirenflow.superevent import number_text
from sirenflow.superevent.change_text import change_phrases
from sirenflow.superevent.combined_map_text import combined_gain_text, warning_text
from sirenflow.superevent.headline import ascii_text
from sirenflow.superevent.map_choice import (
    MapKind,
    map_of,
    map_problem,
    missing_distance_reason,
    partial_distance_reason,
)
from sirenflow.superevent.sub_solar import sub_solar_class
from sirenflow.superevent.unreadable_text import warning

_COLUMNS = 78
_LABEL = 22
_RULE = "-" * _COLUMNS
_NOT_A_CIRCULAR = "This is not a GCN Circular. It is an automatic draft that nobody has checked."
_NOT_A_POSITION = "(ICRS); the centre of a cell of the map, not a measured position"
_STATES = {"no_readable_alert": "no readable alert", "early_warning": "early warning"}
_SIGNIFICANCE = {True: "significant", False: "low significance", None: number_text.ABSENT}

Row = tuple[str, str]


def circular_text(summary: EventSummary) -> str:
    """Write the draft: lines of printable ASCII, each ended by a line feed.

    Parameters
    ----------
    summary
        Content of event.json. Its numbers are rounded here as on the page.
    """
    lines: list[str] = []
    opening = (summary.summary_line, *_warnings(summary), _NOT_A_CIRCULAR, summary.summary_text)
    for paragraph in opening:
        lines += [*_wrapped(paragraph), ""]
    lines += _section(f"SUPEREVENT {summary.superevent_id}", _event(summary))
    current, located = summary.current, summary.skymap_alert
    if current and current.values:
        lines += _section("SOURCE", _source(current.values))
        lines += _section("WHERE AND HOW FAR", _place(current, located))
        for comparison in (current.since_previous, current.since_first):
            if comparison:
                lines += _since(comparison, current.number)
        if current.external_coinc:
            observatory = current.external_coinc.observatory or "an unnamed observatory"
            heading = f"POSSIBLE COINCIDENCE WITH {observatory}"
            lines += _section(heading, _coincidence(current.external_coinc))
            lines += _section("COMBINED SKY MAP", _combined(summary, current))
    lines += _section("FILES", _files(summary))
    lines += [
        _RULE,
        *_wrapped(_NOT_A_CIRCULAR),
        *_wrapped(f"sirenflow {summary.sirenflow_version}"),
    ]
    return "\n".join(lines) + "\n"


def _warnings(summary: EventSummary) -> Iterator[str]:
    if summary.category != "real":
        yield "TEST ALERT, DO NOT OBSERVE"
    if summary.unusual_identifier:
        yield (
            f"UNUSUAL IDENTIFIER: {summary.superevent_id} does not follow the usual naming; by its "
            f"first character it is {summary.category}."
        )
    unread = warning(
        summary.unreadable_message_count, summary.unreadable_retraction_count, "this superevent"
    )
    if unread:
        them = "it" if summary.unreadable_message_count == 1 else "them"
        yield f"WARNING: {unread}. What follows does not take {them} into account."
    if summary.retracted:
        yield f"RETRACTED BY ALERT {summary.retracted_by}. What follows is for the record only."
    elif summary.reinstated_by is not None:
        yield (
            f"Retracted by alert {summary.retracted_by}, then confirmed by alert "
            f"{summary.reinstated_by}: the candidate stands."
        )


def _event(summary: EventSummary) -> Iterator[Row]:
    latest, current = (summary.history or (None,))[-1], summary.current
    state = _STATES.get(summary.state, summary.state)
    if latest is not None:
        if latest.alert_type not in ALERT_TYPES:
            unknown = f"{latest.alert_type} (unknown alert type)"
            state = f"retracted, followed by {unknown}" if summary.retracted else unknown
        state += f", alert {latest.number}, sent {_sent(latest)}"
    yield "State", state
    if latest is not None:
        yield "Delay", number_text.latency_text(latest.latency_s)
    if summary.rejected_alerts:
        yield "Not readable", f"{len(summary.rejected_alerts)} more, see alerts.json"
    yield "GraceDB", _given(summary.gracedb)
    values = current.values if current else None
    if current is None or values is None:
        return
    yield "Values of alert", f"{current.number}, {current.alert_type}"
    yield "T0", _utc(values.trigger_time, "trigger_time" in current.utc_assumed)
    yield "Detectors", " ".join(values.instruments) or number_text.ABSENT
    for name in ("group", "pipeline", "search"):
        yield name.capitalize(), _given(getattr(values, name))
    yield "Significance", _SIGNIFICANCE[values.significant]
    yield "False-alarm rate", _rate(values.far)


def _source(values: EventValues) -> Iterator[Row]:
    if values.is_burst:
        yield "Duration", number_text.duration_text(values.duration)
        yield "Central frequency", number_text.frequency_text(values.central_frequency)
    sub_solar = sub_solar_class(values)
    yield "Classes", sub_solar or _probabilities(values.classification)
    yield "If astrophysical", _probabilities(values.properties)
    if values.mchirp_source:
        yield "Chirp mass", _chirp_mass(values.mchirp_source)


def _place(current: AlertSummary, located: AlertSummary | None) -> Iterator[Row]:
    skymap = located.skymap if located else None
    if located is None or skymap is None:
        yield "Sky map", _none_used(current, "gw")
        return
    if located.number != current.number:
        yield "Sky map", _earlier(located, current, "gw")
    yield "Distance", _distance(skymap)
    if skymap.probability_with_distance:
        yield "Distance, 5-95 %", _percentiles(skymap)
    yield "50 % area", f"{number_text.area_text(skymap.area_50_deg2)} deg2"
    yield "90 % area", f"{number_text.area_text(skymap.area_90_deg2)} deg2"
    yield from _lobes(skymap)
    yield "Peak", _cell(skymap)


def _lobes(skymap: SkymapSummary) -> Iterator[Row]:
    if skymap.lobes_90_count is None:
        return
    parts = "one part" if skymap.lobes_90_count == 1 else f"{skymap.lobes_90_count} parts"
    shown = len(skymap.lobes_90)
    most = f"; the {shown} most probable:" if shown < skymap.lobes_90_count else ":"
    yield "90 % region", parts + most
    for lobe in skymap.lobes_90:
        yield "", _lobe(lobe)


def _lobe(lobe: NamedLobe) -> str:
    ra, dec = (
        number_text.signed_text(degrees, 1).removeprefix("+")
        for degrees in (lobe.ra_deg, lobe.dec_deg)
    )
    return (
        f"{number_text.probability_text(lobe.probability)} in {lobe.constellation}, "
        f"RA {ra} Dec {dec} deg, {number_text.area_text(lobe.area_deg2)} deg2"
    )


def _since(comparison: Comparison, number: int) -> list[str]:
    phrases = change_phrases(comparison)
    heading = f"ALERT {number} AGAINST ALERT {comparison.number}"
    return [
        heading,
        *(line for phrase in phrases for line in _wrapped(phrase, first="  - ", others="    ")),
        "",
    ]


def _coincidence(coincidence: Coincidence) -> Iterator[Row]:
    yield "Search", _given(coincidence.search)
    yield "GCN notice", _given(coincidence.gcn_notice_id)
    yield "IVORN", _given(coincidence.ivorn)
    as_sent = "" if coincidence.time_difference is None else ", sign as sent"
    yield "Time difference", number_text.seconds_text(coincidence.time_difference) + as_sent
    yield "Joint FAR, time", _rate(coincidence.time_coincidence_far)
    yield "Joint FAR, with sky", _rate(coincidence.time_sky_position_coincidence_far)


def _combined(summary: EventSummary, current: AlertSummary) -> Iterator[Row]:
    joint = summary.combined_alert
    combined = joint.combined_skymap if joint else None
    if joint is None or combined is None:
        yield "Sky map", _none_used(current, "combined")
        return
    if joint.number != current.number:
        yield "Sky map", _earlier(joint, current, "combined")
    warning, gain = warning_text(summary), combined_gain_text(summary)
    if warning is not None:
        yield "Warning", warning
    yield "50 % area", f"{number_text.area_text(combined.area_50_deg2)} deg2"
    yield "90 % area", f"{number_text.area_text(combined.area_90_deg2)} deg2"
    if gain is not None:
        yield "Against GW alone", gain
    yield from _lobes(combined)
    yield "Peak", _cell(combined)


def _files(summary: EventSummary) -> Iterator[Row]:
    located, joint, current = summary.skymap_alert, summary.combined_alert, summary.current
    listed = (located, joint, current, *summary.history[-1:])
    used = {alert.number: alert for alert in listed if alert}
    for number, alert in sorted(used.items()):
        yield f"Alert {number}", f"{alert.alert_type}, sent {_sent(alert)}"
        yield "", f"sha256 {_given(alert.sha256)}"
    skymaps = (
        ("Sky map", located.skymap if located else None),
        ("Combined sky map", joint.combined_skymap if joint else None),
    )
    for label, skymap in skymaps:
        if skymap is not None and skymap.file is not None:
            yield label, f"skymaps/{skymap.file}"
            yield "", f"sha256 {_given(skymap.sha256)}"
            if skymap.region_files is not None:
                yield "Its 90 % region", f"regions/{skymap.region_files.moc_90}"
    yield "Settings", "those that the products depend on"
    yield "", f"sha256 {_given(summary.config_sha256)}"


def _none_used(current: AlertSummary, kind: MapKind) -> str:
    problem = map_problem(current, kind)
    return number_text.ABSENT if map_of(current, kind) is None else f"not used, because {problem}"


def _earlier(used: AlertSummary, current: AlertSummary, kind: MapKind) -> str:
    sent = _utc(used.time_created)
    problem = map_problem(current, kind)
    return f"of alert {used.number}, {used.alert_type}, sent {sent}; {problem}"


def _distance(skymap: SkymapSummary) -> str:
    if skymap.distance_mean_mpc is None:
        return f"{number_text.ABSENT}: {missing_distance_reason(skymap)}"
    distance = number_text.distance_text(skymap.distance_mean_mpc, skymap.distance_std_mpc)
    what = "mean" if skymap.distance_std_mpc is None else "mean and standard deviation"
    return f"{distance} Mpc ({what})"


def _percentiles(skymap: SkymapSummary) -> str:
    low, high = skymap.distance_p05_mpc, skymap.distance_p95_mpc
    if partial := partial_distance_reason(skymap):
        return f"withheld: {partial}"
    return (
        number_text.ABSENT
        if low is None or high is None
        else number_text.distance_range_text(low, high)
    )


def _cell(skymap: SkymapSummary) -> str:
    ra, dec = map(number_text.degrees_text, (skymap.peak_ra_deg, skymap.peak_dec_deg))
    return f"RA {ra}, Dec {dec} {_NOT_A_POSITION}"


def _chirp_mass(histogram: ChirpMass) -> str:
    most = max(histogram.probabilities)
    low = histogram.probabilities.index(most)
    edges = " to ".join(map(number_text.digits_text, histogram.bin_edges[low : low + 2]))
    return f"most probably {edges} solar masses ({number_text.probability_text(most)})"


def _probabilities(shares: Mapping[str, float]) -> str:
    told = (f"{name} {number_text.probability_text(share)}" for name, share in shares.items())
    return ", ".join(told) or number_text.ABSENT


def _rate(hertz: float | None) -> str:
    if hertz is None or hertz <= 0:
        return number_text.false_alarm_text(hertz)
    interval, frequency = number_text.false_alarm_text(hertz), number_text.frequency_text(hertz)
    return interval if interval == frequency else f"{interval} ({frequency})"


def _utc(time: str | None, assumed: bool = False) -> str:
    if time is None:
        return number_text.ABSENT
    note = f" ({number_text.UTC_ASSUMED})" if assumed else ""
    return f"{time.replace('T', ' ').removesuffix('Z')} UTC{note}"


def _sent(alert: AlertSummary) -> str:
    return _utc(alert.time_created, "time_created" in alert.utc_assumed)


def _given(text: str | None) -> str:
    return number_text.ABSENT if text is None else text


def _section(heading: str, rows: Iterable[Row]) -> list[str]:
    """Write a heading and its rows; one without a label goes on with the row above."""
    lines = _wrapped(heading)
    for label, text in rows:
        if label:
            lines += _wrapped(text, first=f"  {label:{_LABEL - 2}}", others=" " * _LABEL)
        else:
            lines += _wrapped(text, first="    ", others="    ")
    return [*lines, ""]


def _wrapped(text: str, first: str = "", others: str = "") -> list[str]:
    """Break a text, made ASCII, into lines; a long word is broken too."""
    told = ascii_text(text).rstrip()
    if told and len(first) + len(told) <= _COLUMNS:  # most are: nothing to be searched for
        return [first + told]
    return textwrap.wrap(
        told,
        _COLUMNS,
        initial_indent=first,
        subsequent_indent=others,
        break_on_hyphens=False,
    ) or [first.rstrip()]
