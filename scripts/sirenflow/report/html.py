"""Pages from templates: every value escaped, nothing fetched, only our own scripts run."""

import hashlib
import os
from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sirenflow import __version__
from sirenflow.alerts.alert_type import ALERT_TYPES
from sirenflow.formats.sanitize import timestamp_or_none
from sirenflow.products.event import AlertSummary
from sirenflow.report.figures.bars import bar_segments, class_segments, class_style
from sirenflow.report.figures.sky import sky_frame
from sirenflow.superevent import number_text, sentence
from sirenflow.superevent.change_text import change_phrases
from sirenflow.superevent.map_choice import absence_word
from sirenflow.superevent.sub_solar import sub_solar_class
from sirenflow.superevent.unreadable_text import warning

_TEMPLATES = Path(__file__).parent / "templates"
_STYLES = ("theme.css", "layout.css", "parts.css", "figures.css")
_SCRIPTS = ("page.js",)
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


class Ribbon(NamedTuple):
    """The bar on top: state as icon, words and colour."""

    icon: str
    words: str
    tone: str


class Inline(NamedTuple):
    """A style sheet or script inside a page, and the hash by which the page's policy allows it."""

    text: Markup
    hash: str


def render(
    template: str, styles: Sequence[str] = (), scripts: Sequence[str] = (), **values: object
) -> str:
    """Render a page; `styles` and `scripts` are files it needs beyond those of every page."""
    return (
        _environment()
        .get_template(template)
        .render(
            style=_inline(*_STYLES, *styles),
            scripts=[_inline(name) for name in (*_SCRIPTS, *scripts)],
            **values,
        )
    )


def ribbon(
    kind: str, state: str, significant: bool | None, alert_type: str | None = None
) -> Ribbon:
    """Choose icon, words and colour: test alerts first, then retraction, then significance.

    `alert_type` is that of the last alert, which is the words where the state is unknown.
    """
    icon, words, tone = _STATES.get(state) or ("?", alert_type or state, "amber")
    if significant is False and tone in ("amber", "green"):
        words, tone = f"{words}, low significance", "grey"
    if kind != "real":
        words, tone = f"{kind} · {words}", "test"
    return Ribbon(icon, words, tone)


def relative_link(target: Path, page: Path) -> str:
    """Return the address of a product as seen from a page, safe in an attribute."""
    return quote(Path(os.path.relpath(target, page.parent)).as_posix())


def alert_name(alert_type: str) -> str:
    """Write an alert type for a reader: "Early warning"."""
    return _ALERT_NAMES.get(alert_type, alert_type)


def _format_name(name: str | None) -> str:
    return number_text.ABSENT if name is None else _FORMAT_NAMES.get(name, name)


def _zone_note(alert: AlertSummary, time: str) -> str:
    """Return a note to a time of an alert that was sent without a zone; empty for any other."""
    return f" ({number_text.UTC_ASSUMED})" if time in alert.utc_assumed else ""


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]


@cache
def _inline(*names: str) -> Inline:
    text = "".join((_TEMPLATES / name).read_text(encoding="utf-8") for name in names)
    digest = b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Inline(Markup(text), f"sha256-{digest}")  # noqa: S704 - our own files


def compile_templates() -> None:
    """Compile every template: all of them take four times longer than a page."""
    environment = _environment()
    for name in environment.list_templates(extensions=["j2"]):
        environment.get_template(name)


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
        # probability_text is the filter "probability", and so on.
        name.removesuffix("_text"): function
        for name, function in (vars(number_text) | globals()).items()
        if name.endswith("_text")
    }
    environment.filters |= {
        "since": change_phrases,
        "unreadable_warning": warning,
        "zone_note": _zone_note,
        "alert_name": alert_name,
        "absence_word": absence_word,
        "sub_solar": sub_solar_class,
        "format_name": _format_name,
        "first_upper": _first_upper,
        "given": lambda value: number_text.ABSENT if value is None else value,
        "quoted": lambda name: quote(name, safe=""),
        "segments": bar_segments,
        "class_segments": class_segments,
        "class_style": class_style,
    }
    environment.globals |= {
        "distance_range": number_text.distance_range_text,
        "frame": sky_frame(),
        "ribbon_of": ribbon,
        "known_types": ALERT_TYPES,
        "likelihood_words": sentence.LIKELIHOOD_WORDS,
        "certainty_words": sentence.CERTAINTY_WORDS,
        "version": __version__,
    }
    return environment


def utc_text(time: str | None) -> str:
    """Write an ISO 8601 UTC time for a reader: a space for T, no Z (the page says UTC)."""
    return number_text.ABSENT if time is None else time.replace("T", " ").removesuffix("Z")


def utc_seconds_text(time: str | None) -> str:
    """Write an ISO 8601 UTC time as `utc_text`, rounded to the second."""
    timestamp = timestamp_or_none(time)
    return utc_text(timestamp.rounded(0) if timestamp else time)
