"""Text of a difference: both values, and by how much they differ."""

from sirenflow.comparison.differences import Difference
from sirenflow.comparison.values import Value
from sirenflow.formats.sanitize import number_or_none, text_or_none

_MOST_CHARACTERS = 80
# A change to more than so many times the value, or less than that part of it, is told as a factor.
_FACTOR = 2.0


def value_text(value: Value) -> str:
    """Write a value; of a long list, how long it is."""
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case tuple():
            text = ", ".join(map(value_text, value))
            return text if len(text) <= _MOST_CHARACTERS else f"{len(value)} values"
    number = number_or_none(value)
    if number is None:
        return text_or_none(str(value), _MOST_CHARACTERS) or "nothing"
    return f"{number:.10g}"


def magnitude_text(difference: Difference) -> str:
    """Write by how much a value differs, or what became of it."""
    magnitude = difference.magnitude
    unit = f" {magnitude.unit}" if magnitude.unit else ""
    if difference.kind not in ("changed", "rounding"):
        return difference.kind
    if magnitude.separation_deg is not None:
        return f"{magnitude.separation_deg:.3g} deg apart"
    if magnitude.relative is not None:
        factor = (
            magnitude.new / magnitude.old if magnitude.old and magnitude.new is not None else 1.0
        )
        is_large = factor > _FACTOR or 0 < factor < 1 / _FACTOR
        return f"×{factor:.3g}" if is_large else f"{100 * magnitude.relative:+.3g} %"
    if magnitude.absolute is not None:
        return f"{magnitude.absolute:+.3g}{unit}"
    if difference.old is None or difference.new is None:
        return "now known" if difference.old is None else "no longer known"
    return "differs"


def where_text(difference: Difference) -> str:
    """Write of which superevent, alert and part of it a value is."""
    alert = None
    if difference.alert_number is not None:
        alert = f"alert {difference.alert_number} {difference.alert_type}"
    elif difference.alert is not None:
        alert = f"alert {difference.alert[:12]}"
    words = (difference.superevent_id, alert, difference.part)
    return text_or_none(", ".join(word for word in words if word)) or ""


def both_texts(difference: Difference) -> tuple[str, str]:
    """Write both values; of a list of numbers, those that differ most."""
    if difference.kind in ("only in OLD", "only in NEW") and difference.new == difference.old:
        is_old = difference.kind == "only in OLD"
        return ("there", "absent") if is_old else ("absent", "there")
    magnitude, values = difference.magnitude, (difference.old, difference.new)
    if isinstance(values[0], tuple) and magnitude.old is not None:
        return f"{magnitude.old:.10g} of {len(values[0])}", f"{value_text(magnitude.new)}"
    unit = f" {magnitude.unit}" if magnitude.unit and magnitude.new is not None else ""
    old, new = map(value_text, values)
    if old == new and magnitude.new is not None:  # in the digits that are left out
        old, new = map(repr, values)
    return old, f"{new}{unit}"
