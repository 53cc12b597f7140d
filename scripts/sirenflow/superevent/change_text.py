"""What changed since an earlier alert, in words: "HasRemnant 88 → 91 %; 90 % area 796 → 270 deg²".

Only what a reader would see is told: a change that rounding hides is in event.json alone.
"""

from collections.abc import Callable, Iterator, Mapping

from sirenflow.formats.sanitize import time_or_none
from sirenflow.products.event import Change, Comparison
from sirenflow.products.regions import MapComparison
from sirenflow.superevent.number_text import (
    NARROW_SPACE,
    area_text,
    distance_text,
    duration_text,
    false_alarm_text,
    frequency_text,
    integer_text,
    probability_text,
    seconds_text,
    signed_text,
)

_ARROW = " → "
_PER_CENT = f"{NARROW_SPACE}%"
_LEAST_SHIFT_DEG = 0.05
_LEAST_SHIFT_SIGMA = 0.05
_MANY_TIMES = 10
# Those that decide an observation come first; others follow as sent.
_PROPERTIES = ("properties.HasRemnant", "properties.HasNS", "properties.HasMassGap")
_SIGNIFICANCE = {
    True: "now significant",
    False: "now of low significance",
    None: "significance no longer provided",
}


def change_phrases(comparison: Comparison) -> tuple[str, ...]:
    """Say what changed, one phrase a matter; that nothing did, where nothing did."""
    changes = {change.name: change for change in comparison.changes}
    told = (*_source(changes), *_place(changes, comparison), *_trust(changes))
    skymap = comparison.skymap
    if skymap is not None and skymap.identical:
        of = "" if skymap.number == comparison.number else f" as in alert {skymap.number}"
        told = (*told, f"same sky map{of}")
    if told and not all(phrase.startswith("same sky map") for phrase in told):
        return told
    return (*told, "no change beyond rounding" if changes else "no value changed")


def _source(changes: Mapping[str, Change]) -> Iterator[str]:
    if "source_class" in changes:
        yield from _texts("most probable source", changes["source_class"])
    properties = (name for name in changes if name.startswith("properties."))
    classes = (name for name in changes if name.startswith("classification."))
    for name in (*classes, *sorted(properties, key=_rank)):
        yield from _pair(name.partition(".")[2], changes[name], probability_text, _PER_CENT)
    for name, text in (("duration", duration_text), ("central_frequency", frequency_text)):
        if name in changes:
            yield from _pair(name.replace("_", " "), changes[name], text)


def _rank(name: str) -> int:
    return _PROPERTIES.index(name) if name in _PROPERTIES else len(_PROPERTIES)


def _place(changes: Mapping[str, Change], comparison: Comparison) -> Iterator[str]:
    skymap = comparison.skymap
    area, distance = changes.get("area_90_deg2"), changes.get("distance_mean_mpc")
    if area and area.after is None:
        yield "no usable sky map"
        return
    if skymap and not skymap.identical and skymap.number != comparison.number:
        yield f"compared with the sky map of alert {skymap.number}"
    if area:
        yield from (text + _growth(skymap) for text in _pair("90 % area", area, area_text, " deg²"))
    if skymap and not skymap.identical:
        yield from _overlap(skymap)
    if distance:
        sigma = _sigma(skymap)
        yield from (text + sigma for text in _pair("distance", distance, distance_text, " Mpc"))


def _overlap(skymap: MapComparison) -> Iterator[str]:
    if skymap.peak_shift_deg is not None and skymap.peak_shift_deg >= _LEAST_SHIFT_DEG:
        yield f"peak moved {skymap.peak_shift_deg:.1f}°"
    if skymap.overlap_90_of_new is not None and skymap.probability_in_old_90 is not None:
        yield (
            f"the old 90 % region holds {probability_text(skymap.probability_in_old_90)} of the "
            f"new probability and {probability_text(skymap.overlap_90_of_new)} of the new area"
        )


def _trust(changes: Mapping[str, Change]) -> Iterator[str]:
    if "far" in changes:
        yield from _pair("FAR", changes["far"], false_alarm_text)
    if "significant" in changes:
        after = changes["significant"].after
        yield _SIGNIFICANCE[after if isinstance(after, bool) else None]
    for name in ("group", "pipeline", "search"):
        if name in changes:
            yield from _texts(name, changes[name])
    if "instruments" in changes:
        yield from _texts("detectors", changes["instruments"])
    if "external_coinc" in changes:
        change = changes["external_coinc"]
        if change.after is None:
            yield f"coincidence with {change.before} no longer named"
        else:
            yield f"possible coincidence with {change.after}"
    if "trigger_time" in changes:
        yield from _signal_time(changes["trigger_time"])


def _signal_time(change: Change) -> Iterator[str]:
    before, after = (time_or_none(value) for value in (change.before, change.after))
    if before and after:
        yield f"T₀ moved by {seconds_text((after - before).total_seconds())}"
    else:
        yield from _texts("T₀", change)


def _texts(name: str, change: Change) -> Iterator[str]:
    before, after = (
        None if value is None else str(value) for value in (change.before, change.after)
    )
    yield from _told(name, before, after)


def _pair(
    name: str, change: Change, write: Callable[[float | None], str], unit: str = ""
) -> Iterator[str]:
    """Write both values, the unit once; nothing where rounding makes them the same."""
    before, after = (
        None if value is None else write(_number(value)).removesuffix(unit) + unit
        for value in (change.before, change.after)
    )
    yield from _told(name, before, after, unit)


def _told(name: str, before: str | None, after: str | None, unit: str = "") -> Iterator[str]:
    if before == after:
        return
    if after is None:
        yield f"{name} no longer provided (was {before})"
    elif before is None:
        yield f"{name} now {after}"
    else:
        yield f"{name} {before.removesuffix(unit)}{_ARROW}{after}"


def _growth(skymap: MapComparison | None) -> str:
    if skymap is None or skymap.area_90_ratio is None:
        return ""
    ratio = skymap.area_90_ratio
    if ratio >= _MANY_TIMES:
        return f" ({integer_text(ratio)} times)"
    per_cent = round(100 * (ratio - 1))
    return f" ({per_cent:+d}{_PER_CENT})".replace("-", "−") if per_cent else ""


def _sigma(skymap: MapComparison | None) -> str:
    shift = skymap.distance_shift_sigma if skymap else None
    if shift is None or abs(shift) < _LEAST_SHIFT_SIGMA:
        return ""
    return f" ({signed_text(shift, 1)}σ)"


def _number(value: float | str | bool | None) -> float | None:
    return float(value) if isinstance(value, int | float) else None
