"""A missing distance has a reason, and percentiles of part of the probability are withheld."""

from __future__ import annotations

from typing import Any

import pytest

from sirenflow.products.event import SkymapSummary
from sirenflow.superevent.map_choice import missing_distance_reason, partial_distance_reason
from sirenflow.superevent.number_text import NARROW_SPACE


def skymap(**values: Any) -> SkymapSummary:
    return SkymapSummary(kind="gw", **values)


def test_reason_of_the_map_comes_before_the_general_one() -> None:
    assert missing_distance_reason(skymap(distance_absent_because="no DISTMU")) == "no DISTMU"
    assert missing_distance_reason(skymap()) == "the header of the map gives no distance"


@pytest.mark.parametrize("part", [None, 0.0, 1.0])
def test_distance_of_all_or_none_of_the_probability_is_not_partial(part: float | None) -> None:
    assert partial_distance_reason(skymap(probability_with_distance=part)) is None


def test_partial_distance_says_how_much_has_one() -> None:
    reason = partial_distance_reason(skymap(probability_with_distance=0.6))
    assert reason == f"only 60{NARROW_SPACE}% of the probability has a distance"
