"""Why a sky map has no distance, or none that may be shown: the reasons of page and circular."""

from sirenflow.products.event import SkymapSummary
from sirenflow.superevent.number_text import probability_text


def missing_distance_reason(skymap: SkymapSummary) -> str:
    """Return why a sky map has no mean distance."""
    return skymap.distance_absent_because or "the header of the map gives no distance"


def partial_distance_reason(skymap: SkymapSummary) -> str | None:
    """Return why percentiles of the distance would mislead; None where they do not."""
    if not skymap.is_distance_partial:
        return None
    part = probability_text(skymap.probability_with_distance)
    return f"only {part} of the probability has a distance"
