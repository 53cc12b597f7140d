"""Event page and catalogue page from templates: every value escaped, nothing fetched, no script."""

import hashlib
import os
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sirenflow import __version__, wording
from sirenflow.catalogue import CatalogueRow
from sirenflow.event import AlertSummary, EventSummary, SkymapSummary
from sirenflow.report.figures import bar_segments, class_style, distance_figure
from sirenflow.report.skyplot import SkyFigure, sky_frame
from sirenflow.summary import sentence_facts

_TEMPLATES = Path(__file__).parent / "templates"
_STYLES = ("theme.css", "layout.css", "parts.css", "figures.css", "catalogue.css")
_STATES = {
    "early_warning": ("◔", "Early warning", "amber"),
    "preliminary": ("◐", "Preliminary", "amber"),
    "initial": ("●", "Initial", "green"),
    "update": ("●", "Update", "green"),
    "retracted": ("✕", "Retracted", "red"),
    "no_readable_alert": ("?", "No readable alert", "grey"),
}

_ALERT_NAMES = {
    "EARLYWARNING": "Early warning",
    "PRELIMINARY": "Preliminary",
    "INITIAL": "Initial",
    "UPDATE": "Update",
    "RETRACTION": "Retraction",
}
_FORMAT_NAMES = {"avro": "Avro", "json": "JSON"}


@dataclass(frozen=True)
class Ribbon:
    """The bar on top: state as icon, words and colour."""

    icon: str
    words: str
    tone: str


@dataclass(frozen=True)
class EventLinks:
    """Relative addresses of the products beside the page."""

    skymaps: str
    event: str
    localization: str
    alerts: str
    catalogue: str = "../index.html"


def ribbon(kind: str, state: str, significant: bool | None) -> Ribbon:
    """Choose icon, words and colour: test alerts first, then retraction, then significance."""
    icon, words, tone = _STATES[state]
    if significant is False and tone in ("amber", "green"):
        words, tone = f"{words}, low significance", "grey"
    if kind != "real":
        words, tone = f"{kind} · {words}", "test"
    return Ribbon(icon, words, tone)


def skymap_problem(alert: AlertSummary | None) -> str | None:
    """Say why an alert has no GW map to show, None where it has one."""
    if alert is None:
        return "no alert with event values"
    if alert.skymap is None:
        absent = alert.skymap_absent_because
        return "the alert carries no sky map" if absent in (None, wording.ABSENT) else absent
    skymap = alert.skymap
    if skymap.rejected_because is not None:
        return f"sky map rejected: {skymap.rejected_because}"
    if skymap.numbers_withheld_because is not None:
        return f"numbers withheld: {skymap.numbers_withheld_because}"
    return None


def skymap_label(summary: EventSummary) -> str | None:
    """Name the alert whose map stands; where it is an earlier one, say so."""
    located, current = summary.skymap_alert or summary.current, summary.current
    if located is None or current is None:
        return None
    name = f"{_alert_name(located.alert_type)}, alert {located.number}"
    if located.number == current.number:
        return name
    return f"{name}; alert {current.number} carries no sky map"


def percentiles_problem(skymap: SkymapSummary) -> str | None:
    """Say why the marginal distance of a map is not shown, None where it is."""
    if skymap.has_percentiles:
        return None
    if skymap.is_distance_partial:
        part = wording.probability_text(skymap.probability_with_distance)
        return (
            f"only {part} of the probability has a distance: "
            "percentiles withheld here, see localization.json"
        )
    return skymap.distance_absent_because or "the map gives no percentiles"


def distance_problem(skymap: SkymapSummary | None, problem: str | None) -> str:
    """Say why there is no mean distance: the map's reason, else why there is no map."""
    if skymap is None:
        return problem or "the alert carries no sky map"
    return skymap.distance_absent_because or "the header of the map gives no distance"


def relative_link(target: Path, page: Path) -> str:
    """Give the address of a product as seen from a page, safe in an attribute."""
    return quote(Path(os.path.relpath(target, page.parent)).as_posix())


def render_event(summary: EventSummary, figures: Mapping[str, SkyFigure], links: EventLinks) -> str:
    """Render the page of one superevent.

    Parameters
    ----------
    summary
        Content of event.json.
    figures
        The maps that stand and may be drawn, by kind: "gw", "combined".
    links
        Where the downloads are, as seen from the page.
    """
    current = summary.current
    values = current.values if current else None
    located = summary.skymap_alert
    skymap = located.skymap if located else None
    problem = skymap_problem(located or current)
    facts = sentence_facts(summary.kind, summary.state, current, located)
    untrusted = [
        (alert, skymap)
        for alert in summary.history
        for skymap in (alert.skymap, alert.combined_skymap)
        if skymap and not skymap.is_trusted
    ]
    return _render(
        "event.html.j2",
        summary=summary,
        current=current,
        values=values,
        skymap=skymap,
        skymap_label=skymap_label(summary),
        skymap_is_earlier=located is not None and located is not current,
        combined=current.combined_skymap if current else None,
        latest=summary.history[-1] if summary.history else None,
        sentence=wording.sentence(facts),
        ribbon=ribbon(summary.kind, summary.state, values.significant if values else None),
        problem=problem,
        figures=figures,
        distance=distance_figure(skymap) if skymap else None,
        distance_problem=distance_problem(skymap, problem),
        percentiles_problem=percentiles_problem(skymap) if skymap else None,
        links=links,
        rejected_skymaps=[entry for entry in untrusted if not _is_withheld(entry[1])],
        withheld_skymaps=[entry for entry in untrusted if _is_withheld(entry[1])],
    )


def render_catalogue(rows: Sequence[CatalogueRow], downloads: Mapping[str, str]) -> str:
    """Render the catalogue page.

    Parameters
    ----------
    rows
        One a superevent, newest first.
    downloads
        Address of each table as seen from the page, by its label.
    """
    real = [row for row in rows if row.kind == "real"]
    latest = next((row for row in real or rows if row.alert_type is not None), None)
    return _render("catalogue.html.j2", rows=rows, real=real, latest=latest, downloads=downloads)


def _is_withheld(skymap: SkymapSummary) -> bool:
    """Tell whether a map is delivered as sent and only its numbers are not."""
    return skymap.file is not None and skymap.rejected_because is None


def _alert_name(alert_type: str) -> str:
    return _ALERT_NAMES.get(alert_type, alert_type)


def _format_name(name: str | None) -> str:
    return wording.ABSENT if name is None else _FORMAT_NAMES.get(name, name)


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _render(template: str, **values: object) -> str:
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    # autoescape is True, not select_autoescape(), which leaves *.html.j2 unescaped.
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "probability": wording.probability_text,
        "false_alarm": wording.false_alarm_text,
        "frequency": wording.frequency_text,
        "area": wording.area_text,
        "distance": wording.distance_text,
        "duration": wording.duration_text,
        "delay": wording.delay_text,
        "signed_delay": wording.signed_delay_text,
        "degrees": wording.degrees_text,
        "seconds": wording.seconds_text,
        "total": wording.total_text,
        "megabytes": wording.megabytes_text,
        "utc": utc_text,
        "utc_seconds": lambda time: utc_text(time).partition(".")[0],
        "alert_name": _alert_name,
        "format_name": _format_name,
        "first_upper": _first_upper,
        "given": lambda value: wording.ABSENT if value is None else value,
        "quoted": lambda name: quote(name, safe=""),
        "segments": bar_segments,
        "class_style": class_style,
    }
    style = "".join((_TEMPLATES / name).read_text(encoding="utf-8") for name in _STYLES)
    environment.globals |= {
        "style": Markup(style),  # noqa: S704 - our own file
        "distance_range": wording.distance_range_text,
        "style_hash": b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        "frame": sky_frame(),
        "gain": wording.gain_text,
        "ribbon_of": ribbon,
        "problem_of": skymap_problem,
        "likelihood_words": wording.LIKELIHOOD_WORDS,
        "certainty_words": wording.CERTAINTY_WORDS,
        "version": __version__,
    }
    return environment


def utc_text(time: str | None) -> str:
    """Write an ISO 8601 UTC time for a reader: a space for T, no Z (the page says UTC)."""
    return wording.ABSENT if time is None else time.replace("T", " ").removesuffix("Z")
