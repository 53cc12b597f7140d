"""Compare the combined sky map with the gravitational-wave map, in words."""

from sirenflow.products.event import EventSummary
from sirenflow.products.regions import MapComparison
from sirenflow.superevent.number_text import (
    NARROW_SPACE,
    area_text,
    gain_text,
    probability_text,
    shift_text,
)
from sirenflow.superevent.sentence import Phrase

LEAST_SHARE = 0.5
"""Share of the combined probability in the GW 90 % region below which the page warns.

Most of the combined probability then lies where the GW map puts a tenth of its own. If both maps
are right about one source, the expected share is 0.9, and by Markov's inequality a share below 0.5
has a probability of at most 0.1 / 0.5 = 20 %, one below 0.1 of at most 11 %. The two are then more
likely unrelated, or one of the maps is wrong; that the combined region is small says nothing.
"""


def combined_phrases(summary: EventSummary) -> tuple[Phrase, ...]:
    """Compare the combined map with the GW map in a sentence or two; a warning comes first.

    Empty where one of the maps has no area. The GW map that was compared is named where the page
    shows another one.
    """
    maps, comparison = _areas(summary), _comparison(summary)
    if maps is None:
        return ()
    moved = held = ""
    if comparison is not None:
        moved = f"{_base_text(summary)}; the peak moves {shift_text(comparison.peak_shift_deg)}"
        share = probability_text(comparison.probability_in_old_90)
        held = f", and the GW region holds {share} of the combined probability"
    areas = f", {' → '.join(map(area_text, maps))} deg²"
    warning = warning_text(summary)
    if warning is not None:
        return (
            Phrase(warning, strong=True),
            Phrase(f" If they do share one source: {gain_text(*maps)}{areas}{moved}."),
        )
    return (
        Phrase("If both have one source: "),
        Phrase(gain_text(*maps), strong=True),
        Phrase(f"{areas}{moved}{held}."),
    )


def warning_text(summary: EventSummary) -> str | None:
    """Warn in a sentence that the maps hardly overlap; None where they overlap, or it is unknown.

    The threshold is `LEAST_SHARE`.
    """
    comparison = _comparison(summary)
    if comparison is None or comparison.probability_in_old_90 >= LEAST_SHARE:
        return None
    share = comparison.probability_in_old_90
    held = f"less than 1{NARROW_SPACE}%" if share < 0.01 else f"only {probability_text(share)}"
    return (
        f"The combined map disagrees with the gravitational-wave map{_of_alert(summary)}: the GW "
        f"90{NARROW_SPACE}% region holds {held} of the combined probability."
    )


def combined_gain_text(summary: EventSummary) -> str | None:
    """Compare the 90 % areas alone: "90 % area 14 times smaller"; None where one is unknown."""
    maps = _areas(summary)
    return gain_text(*maps) + _base_text(summary) if maps else None


def _comparison(summary: EventSummary) -> MapComparison | None:
    return summary.combined_alert.combined_with_gw if summary.combined_alert else None


def _of_alert(summary: EventSummary) -> str:
    """Name the alert of the GW map that was compared; empty where it is the map that is used."""
    comparison = _comparison(summary)
    if comparison is None or comparison.number == summary.skymap_alert_number:
        return ""
    return f" of alert {comparison.number}"


def _base_text(summary: EventSummary) -> str:
    alert = _of_alert(summary)
    return f", compared with the gravitational-wave map{alert}" if alert else ""


def _areas(summary: EventSummary) -> tuple[float, float] | None:
    """Return the 90 % areas of the GW map that was compared, and of the combined map, deg2."""
    joint, comparison = summary.combined_alert, _comparison(summary)
    base = summary.alert(comparison.number) if comparison else summary.skymap_alert
    alone = base.skymap.area_90_deg2 if base and base.skymap else None
    combined = joint.combined_skymap.area_90_deg2 if joint and joint.combined_skymap else None
    return (alone, combined) if alone and combined else None
