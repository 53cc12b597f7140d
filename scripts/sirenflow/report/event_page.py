"""The page of a superevent."""

from dataclasses import dataclass

from sirenflow.products.candidates import Candidates
from sirenflow.products.event import AlertSummary, EventSummary, SkymapSummary
from sirenflow.products.galaxies import Galaxies
from sirenflow.products.visibility import Visibility
from sirenflow.report.candidates import candidates_section
from sirenflow.report.figures.bars import chirp_mass_histogram
from sirenflow.report.figures.draw import Drawings
from sirenflow.report.figures.history import area_figure, distance_history_figure
from sirenflow.report.figures.visibility import visibility_figure
from sirenflow.report.html import alert_name, render, ribbon, utc_text
from sirenflow.superevent import sentence
from sirenflow.superevent.combined_map_text import combined_phrases, warning_text
from sirenflow.superevent.map_choice import (
    absence_word,
    map_problem,
    missing_distance_reason,
    partial_distance_reason,
)
from sirenflow.superevent.sub_solar import shown_has_ssm, sub_solar_class
from sirenflow.superevent.summarize import sentence_facts

# A superevent has a dozen alerts; the page must not grow without limit.
_MOST_ALERTS = 24


@dataclass(frozen=True)
class EventLinks:
    """Relative addresses of the products beside the page."""

    skymaps: str
    event: str
    localization: str
    alerts: str
    regions: str
    regions_json: str
    circular: str
    galaxies: str | None = None
    catalogue: str = "../index.html"


def map_label(used: AlertSummary | None, current: AlertSummary | None) -> str | None:
    """Name the alert whose map is used; that of an earlier one with the time it was sent."""
    shown = used or current
    if shown is None or current is None:
        return None
    name = alert_name(shown.alert_type)
    if shown.number == current.number:
        return f"{name}, alert {shown.number}"
    sent = "" if shown.time_created is None else f", {utc_text(shown.time_created)[:16]} UTC"
    return f"sky map of alert {shown.number}, {name}{sent}"


def percentiles_problem(skymap: SkymapSummary) -> str | None:
    """Return why the marginal distance of a map is not shown, None where it is."""
    if skymap.has_percentiles:
        return None
    if partial := partial_distance_reason(skymap):
        return f"{partial}: percentiles withheld here, see localization.json"
    return skymap.distance_absent_because or "the map gives no percentiles"


@dataclass(frozen=True)
class Sections:
    """Products of optional rules; None where the configuration has none."""

    visibility: Visibility | None = None
    galaxies: Galaxies | None = None
    candidates: Candidates | None = None


def render_event(
    summary: EventSummary,
    drawings: Drawings,
    sections: Sections,
    circular: str,
    links: EventLinks,
) -> str:
    """Render the page of a superevent; `circular` is the text for e-mail."""
    current = summary.current
    values = current.values if current else None
    located = summary.skymap_alert
    skymap = located.skymap if located else None
    problem = map_problem(located or current)
    joint = summary.combined_alert
    facts = sentence_facts(summary.category, summary.state, current, located)
    untrusted = [
        (alert, skymap)
        for alert in summary.history
        for skymap in (alert.skymap, alert.combined_skymap)
        if skymap and not skymap.is_usable
    ]
    mchirp = values.mchirp_source if values else None
    shown_history = summary.history[-_MOST_ALERTS:]
    latest = summary.history[-1] if summary.history else None
    return render(
        "event.html.j2",
        styles=("visibility.css",),
        summary=summary,
        current=current,
        values=values,
        sub_solar=sub_solar_class(values) if values else None,
        has_ssm=shown_has_ssm(values) if values else None,
        skymap=skymap,
        skymap_label=map_label(located, current),
        skymap_is_earlier=located is not None and located is not current,
        unused_problem=map_problem(current) if located is not current else None,
        absence=absence_word(current),
        combined=joint.combined_skymap if joint else None,
        combined_phrases=combined_phrases(summary),
        maps_disagree=warning_text(summary) is not None,
        combined_label=map_label(joint, current),
        combined_is_earlier=joint is not None and joint is not current,
        combined_problem=map_problem(current, "combined") if joint is not current else None,
        latest=latest,
        shown_history=shown_history,
        sentence=sentence.sentence(facts),
        ribbon=ribbon(
            summary.category,
            summary.state,
            values.significant if values else None,
            latest.alert_type if latest else None,
        ),
        problem=problem,
        drawings=drawings,
        chirp_mass=chirp_mass_histogram(mchirp) if mchirp else None,
        area_history=area_figure(shown_history),
        distance_history=distance_history_figure(shown_history),
        distance_problem=missing_distance_reason(skymap)
        if skymap
        else problem or "the alert carries no sky map",
        percentiles_problem=percentiles_problem(skymap) if skymap else None,
        visibility=visibility_figure(sections.visibility) if sections.visibility else None,
        galaxies=sections.galaxies,
        candidates=candidates_section(sections.candidates),
        circular=circular,
        links=links,
        rejected_skymaps=[entry for entry in untrusted if not _is_withheld(entry[1])],
        withheld_skymaps=[entry for entry in untrusted if _is_withheld(entry[1])],
    )


def _is_withheld(skymap: SkymapSummary) -> bool:
    """Return whether a map is delivered as sent and only its numbers are not."""
    return skymap.file is not None and skymap.rejection_reason is None
