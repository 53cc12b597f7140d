"""Sub-solar-mass candidates: what stands in place of the classes that their alerts lack. Pure.

HasSSM is the probability that at least one component has less than one solar mass, given an
astrophysical source (LVK user guide, https://emfollow.docs.ligo.org/userguide/content.html). The
search SSM gives no source classes. What search an alert is of says which masses were looked for,
not which were found: that is HasSSM's to say.
"""

from sirenflow.products.alerts import EventValues
from sirenflow.superevent.sentence import SUB_SOLAR, SUB_SOLAR_SEARCH

_PROBABLE = 0.5
# From here on the words of the sentence are "possible" and more.
_WORTH_TELLING = 0.33


def is_of_sub_solar_search(values: EventValues) -> bool:
    """Return whether an alert is of the search for sub-solar masses."""
    return _is_ssm(values.search) and not values.is_burst


def _is_ssm(search: str | None) -> bool:
    return (search or "").casefold() == "ssm"


def sub_solar_class(values: EventValues) -> str | None:
    """Return what to call a candidate without source classes; None where it is not sub-solar.

    Classes whose probabilities are all 0 are none.
    "sub-solar mass" where HasSSM is at least 0.5, whatever the search; "sub-solar search" where the
    search is SSM and HasSSM is lower or unknown.
    """
    if any(values.classification.values()) or values.is_burst:
        return None
    probability = has_ssm(values)
    if probability is not None and probability >= _PROBABLE:
        return SUB_SOLAR
    return SUB_SOLAR_SEARCH if _is_ssm(values.search) else None


def has_ssm(values: EventValues) -> float | None:
    """Return HasSSM; None where the alert does not give it."""
    return values.properties.get("HasSSM")


def shown_has_ssm(values: EventValues) -> float | None:
    """Return HasSSM where a reader should be told: of the search SSM, or possible and more."""
    value = has_ssm(values)
    if value is None or values.is_burst:
        return None
    return value if is_of_sub_solar_search(values) or value >= _WORTH_TELLING else None
