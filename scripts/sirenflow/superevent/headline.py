"""The one line that wakes somebody up: plain ASCII, as short as a message to a phone may be."""

import re
import unicodedata

from sirenflow.products.alerts import EventValues
from sirenflow.products.event import AlertSummary, SkymapSummary, top_class
from sirenflow.superevent.number_text import (
    area_text,
    distance_text,
    duration_text,
    false_alarm_text,
    frequency_text,
    probability_text,
)
from sirenflow.superevent.sub_solar import shown_has_ssm, sub_solar_class

# A text message holds 160, and names the superevent besides; only hostile values are cut.
_LIMIT = 140
# Of an observatory; "Einstein Probe" has 14.
_LONGEST_NAME = 20
_SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"
_POWER = re.compile(rf"\s?×\s?10([{_SUPERSCRIPTS}]+)")
_TO_DIGITS = str.maketrans(_SUPERSCRIPTS, "0123456789-")
_SIGNS = str.maketrans(
    {"\u202f": "", "\u00a0": " ", "×": "x", "²": "2", "±": "+/-", "−": "-", "–": "-"}
    | {"…": "...", "→": "->", "°": " deg", "σ": " sigma"}
)


def headline(
    kind: str,
    state: str,
    current: AlertSummary | None,
    located: AlertSummary | None,
    warning: str = "",
) -> str:
    """Write the line: "CBC (HasRemnant=91%), 186 Mpc, 270 deg2, FAR ~1 per 3.2 yr".

    An external coincidence comes after the source: "possible Fermi coincidence". Where the line
    would be longer than 140 characters, the alert of the map, then the distance, then the area are
    left out.

    Parameters
    ----------
    current, located
        The alert whose values are used, and the one whose GW map is.
    warning
        What comes before the state: that a message could not be read.
    """
    opening = "" if kind == "real" else "TEST, do not observe: "
    opening += warning
    if state == "retracted":
        opening += "RETRACTED: "
    if current is None or current.values is None:
        told = "no readable alert" if state == "no_readable_alert" else "no alert with values"
        return ascii_text(opening + told)
    distance, area, earlier = _place(current, located)
    source = [_source(current.values), *_coincidence(current)]
    trust = [_rate(current.values.far)]
    trust += ["low significance"] if current.values.significant is False else []
    # From all there is to what must be said; the first that fits counts.
    places: tuple[list[str], ...] = ([*distance, area + earlier], [*distance, area], [area], [])
    lines = [ascii_text(opening + ", ".join([*source, *place, *trust])) for place in places]
    shortest = lines[-1]
    cut = shortest if len(shortest) <= _LIMIT else f"{shortest[: _LIMIT - 3]}..."
    return next((line for line in lines if len(line) <= _LIMIT), cut)


def ascii_text(text: str) -> str:
    """Write a text in printable ASCII on one line.

    The signs that we use are spelt out, powers of ten as "e21", letters lose their accents, and
    anything else is "?". Thousands stand together: ASCII has no thin space.
    """
    if text.isascii() and text.isprintable():
        return text
    spelt = _POWER.sub(lambda power: f"e{power[1].translate(_TO_DIGITS)}", text)
    letters = unicodedata.normalize("NFKD", spelt.translate(_SIGNS))
    kept = (sign for sign in letters if not unicodedata.combining(sign))
    return "".join(sign if " " <= sign <= "~" else "?" for sign in kept)


def _place(current: AlertSummary, located: AlertSummary | None) -> tuple[list[str], str, str]:
    """Write the distance, if there is one to write, the area, and whose map is used."""
    skymap: SkymapSummary | None = located.skymap if located else None
    if located is None or skymap is None:
        return [], "no usable sky map" if current.skymap else "no sky map", ""
    distance = []
    if skymap.distance_mean_mpc is not None:
        distance = [f"{distance_text(skymap.distance_mean_mpc)} Mpc"]
    elif current.values and not current.values.is_burst:
        distance = ["no distance"]
    earlier = "" if located is current else f" (map of alert {located.number})"
    return distance, f"{area_text(skymap.area_90_deg2)} deg2", earlier


def _coincidence(current: AlertSummary) -> list[str]:
    if current.external_coinc is None:
        return []
    observatory = (current.external_coinc.observatory or "external")[:_LONGEST_NAME]
    return [f"possible {observatory} coincidence"]


def _rate(far_hz: float | None) -> str:
    text = false_alarm_text(far_hz)
    return f"FAR ~{text}" if text.startswith("1 per") else f"FAR {text}"


def _source(values: EventValues) -> str:
    details: list[str] = []
    if values.is_burst:
        if values.duration is not None:
            details.append(duration_text(values.duration))
        if values.central_frequency is not None:
            details.append(frequency_text(values.central_frequency))
    else:
        sub_solar, has_ssm = sub_solar_class(values), shown_has_ssm(values)
        details += [sub_solar] if sub_solar else []
        details += [_equation("HasSSM", has_ssm)] if has_ssm is not None else []
        if "HasRemnant" in values.properties:
            details.append(_equation("HasRemnant", values.properties["HasRemnant"]))
    source, probability = top_class(values.classification)
    if source == "Terrestrial" and probability is not None:  # the properties suppose it is not
        details.append(_equation("Terrestrial", probability))
    group = values.group or "Event"
    return f"{group} ({', '.join(details)})" if details else group


def _equation(name: str, probability: float) -> str:
    text = probability_text(probability)
    return f"{name}{'' if text[0] in '<>' else '='}{text}"
