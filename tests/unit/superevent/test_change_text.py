"""What changed is told in the words of a reader, and nothing that rounding hides."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sirenflow.products.event import Change, Comparison
from sirenflow.products.regions import MapComparison
from sirenflow.superevent.change_text import change_phrases
from sirenflow.superevent.number_text import NARROW_SPACE, NO_BREAK

GROWN: dict[str, Any] = {
    "number": 1,
    "identical": False,
    "peak_shift_deg": 4.06,
    "area_50_ratio": 0.3,
    "area_90_ratio": 0.339,
    "overlap_90_deg2": 83.7,
    "overlap_90_of_new": 0.31,
    "overlap_90_of_old": 0.105,
    "probability_in_old_50": 0.2,
    "probability_in_old_90": 0.66,
    "distance_shift_sigma": -0.31,
}
OVERLAP = "the old 90 % region holds 66 % of the new probability and 31 % of the new area"


def told(
    *changed: tuple[str, Any, Any], number: int = 1, skymap: dict[str, Any] | None = None
) -> list[str]:
    """Write the phrases, with plain spaces."""
    compared = MapComparison(**skymap) if skymap else None
    comparison = Comparison(number, tuple(Change(*one) for one in changed), compared)
    phrases = change_phrases(comparison)
    return [p.replace(NARROW_SPACE, " ").replace(NO_BREAK, " ") for p in phrases]


AREA = ("area_90_deg2", 796.2, 270.4)
DISTANCE = ("distance_mean_mpc", 197.6, 186.2)


@pytest.mark.parametrize(
    ("change", "phrase"),
    [
        (("source_class", "BNS", "NSBH"), "most probable source BNS → NSBH"),
        (("source_class", None, "BNS"), "most probable source now BNS"),
        (("classification.BNS", 0.94, 0.999), "BNS 94 → >99 %"),
        (("properties.HasRemnant", 0.88, 0.91), "HasRemnant 88 → 91 %"),
        (("properties.HasSSM", None, 0.0), "HasSSM now <1 %"),
        (("properties.HasNS", 0.5, None), "HasNS no longer provided (was 50 %)"),
        (("duration", 0.011, 0.058), "duration 11 ms → 58 ms"),
        (("central_frequency", 39.2, 234.1), "central frequency 39 Hz → 234 Hz"),
        (AREA, "90 % area 796 → 270 deg²"),
        (("area_90_deg2", None, 24219.1), "90 % area now 24 219 deg²"),
        (("area_90_deg2", 270.4, None), "no usable sky map"),
        (DISTANCE, "distance 198 → 186 Mpc"),
        (("distance_mean_mpc", 186.2, None), "distance no longer provided (was 186 Mpc)"),
        (("far", 1 / 31557600, 1.14177774199959e-41), "FAR 1 per 1.0 yr → 1 per 2.8 × 10³³ yr"),
        (("far", 0.0, None), "FAR no longer provided (was 0 as sent)"),
        (("significant", False, True), "now significant"),
        (("significant", None, False), "now of low significance"),
        (("significant", True, None), "significance no longer provided"),
        (("pipeline", "pycbc", "MBTA"), "pipeline pycbc → MBTA"),
        (("instruments", "H1 L1", "H1 L1 V1"), "detectors H1 L1 → H1 L1 V1"),
        (("external_coinc", None, "Fermi"), "possible coincidence with Fermi"),
        (("external_coinc", "Fermi", None), "coincidence with Fermi no longer named"),
        (
            ("trigger_time", "2026-11-22T03:08:04.741Z", "2026-11-22T03:08:04.730Z"),
            "T₀ moved by −0.011 s",
        ),
        (("trigger_time", None, "2026-11-22T03:08:04.741Z"), "T₀ now 2026-11-22T03:08:04.741Z"),
    ],
)
def test_change_reads_right(change: tuple[str, Any, Any], phrase: str) -> None:
    assert told(change) == [phrase]


def test_map_is_compared_in_numbers() -> None:
    assert told(AREA, DISTANCE, skymap=GROWN) == [
        "90 % area 796 → 270 deg² (−66 %)",
        "peak moved 4.1°",
        OVERLAP,
        "distance 198 → 186 Mpc (−0.3σ)",
    ]


@pytest.mark.parametrize(
    ("ratio", "growth"),
    [(0.012, " (−99 %)"), (1.5, " (+50 %)"), (13.2, " (13 times)"), (1.004, ""), (None, "")],
)
def test_growth_is_in_per_cent_until_it_is_many_times(ratio: float | None, growth: str) -> None:
    skymap = GROWN | {"area_90_ratio": ratio}
    assert told(AREA, skymap=skymap)[0] == f"90 % area 796 → 270 deg²{growth}"


def test_map_of_an_alert_further_back_is_named() -> None:
    """The alert before carried no map: the comparison is with the newest that did."""
    phrases = told(("area_90_deg2", None, 270.4), number=2, skymap=GROWN)
    assert phrases[:2] == ["compared with the sky map of alert 1", "90 % area now 270 deg² (−66 %)"]
    same = told(("area_90_deg2", None, 270.4), number=2, skymap=GROWN | {"identical": True})
    assert same[-1] == "same sky map as in alert 1"


def test_nothing_changed_is_said() -> None:
    identical = GROWN | {"identical": True, "peak_shift_deg": 0.0}
    assert told() == ["no value changed"]
    assert told(skymap=identical) == ["same sky map", "no value changed"]
    assert told(("significant", None, True), skymap=identical) == [
        "now significant",
        "same sky map",
    ]


def test_what_rounding_hides_is_not_told() -> None:
    hidden = (
        ("properties.HasRemnant", 0.911, 0.912),
        ("area_90_deg2", 270.4, 270.3),
        ("distance_mean_mpc", 186.2, 186.4),
        ("far", 9.91e-9, 9.92e-9),
        ("peak_ra_deg", 84.90, 84.91),
    )
    assert told(*hidden) == ["no change beyond rounding"]
    still = GROWN | {"peak_shift_deg": 0.01, "overlap_90_of_new": None}
    assert told(*hidden, skymap=still) == ["no change beyond rounding"]


def test_remnant_comes_before_the_other_properties_and_after_the_source() -> None:
    names = ("properties.HasNS", "properties.x", "properties.HasRemnant", "classification.BNS")
    phrases = told(*((name, 0.2, 0.4) for name in names), ("source_class", "BBH", "BNS"))
    assert [p.split()[0] for p in phrases] == ["most", "BNS", "HasRemnant", "HasNS", "x"]


VALUES = st.none() | st.floats(0, 1.7e308) | st.text(max_size=5) | st.booleans()
NAMES = st.sampled_from(
    ["far", "area_90_deg2", "distance_mean_mpc", "trigger_time", "significant", "properties.x"]
)


@given(
    changed=st.lists(st.builds(Change, NAMES, VALUES, VALUES), max_size=4),
    numbers=st.lists(st.none() | st.floats(0, 1e9), min_size=9, max_size=9),
    number=st.integers(1, 3),
)
def test_any_values_give_phrases(
    changed: list[Change], numbers: list[float | None], number: int
) -> None:
    """The values of one name are of one type in fact; here they need not be."""
    skymap = MapComparison(number, False, *numbers)
    phrases = change_phrases(Comparison(1, tuple(changed), skymap))
    assert phrases
    assert all(phrase and "None" not in phrase and "nan" not in phrase for phrase in phrases)
