"""The line that wakes somebody up says what is known, what is not, and what to leave alone."""

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from summaries import summarize

from sirenflow.products.event import AlertSummary
from sirenflow.superevent.headline import ascii_text, headline
from sirenflow.superevent.summarize import STATES

EVENT = {
    "far": 1 / (3.2 * 31557600),
    "significant": True,
    "group": "CBC",
    "properties": {"HasNS": 1.0, "HasRemnant": 0.91},
    "classification": {"BNS": 0.95, "Terrestrial": 0.05},
}
MAP = {
    "kind": "gw",
    "file": "x.fits",
    "area_90_deg2": 269.6,
    "distance_mean_mpc": 186.2,
    "probability_with_distance": 1.0,
}
FLAT = MAP | {"distance_mean_mpc": None}


def line(
    *events: dict[str, Any] | None,
    maps: dict[int, dict[str, Any]] | None = None,
    superevent_id: str = "S261122ab",
    **changed: Any,
) -> str:
    """Write the line after alerts with these events, None for a retraction."""
    sent = events or (EVENT | changed,)
    alerts = [
        {"number": number, "alert_type": "UPDATE" if event else "RETRACTION"}
        | {"record": {"event": event}}
        for number, event in enumerate(sent, start=1)
    ]
    skymaps = {1: MAP} if maps is None else maps
    located = [{"number": number, "skymaps": [skymap]} for number, skymap in skymaps.items()]
    content = {"superevent_id": superevent_id, "alerts": alerts}
    return summarize(content, {"alerts": located}).summary_line


def test_line_names_source_distance_area_and_rate() -> None:
    assert line() == "CBC (HasRemnant=91%), 186 Mpc, 270 deg2, FAR ~1 per 3.2 yr"


@pytest.mark.parametrize(
    ("remnant", "text"),
    [(0.0, "HasRemnant<1%"), (0.01, "HasRemnant=1%"), (0.99, "HasRemnant=99%"), (1.0, ">99%)")],
)
def test_remnant_is_rounded_without_false_certainty(remnant: float, text: str) -> None:
    assert text in line(properties={"HasRemnant": remnant})


@pytest.mark.parametrize(
    ("far", "text"),
    [
        (1.14177774199959e-41, "FAR ~1 per 2.8e33 yr"),
        (1 / (5200 * 31557600), "FAR ~1 per 5200 yr"),
        (2.0, "FAR ~1 per 0.50 s"),
        (0.0, "FAR 0 as sent"),
        (None, "FAR not provided"),
    ],
)
def test_rate_is_written_in_ascii(far: float | None, text: str) -> None:
    assert line(far=far).endswith(text)


def test_burst_has_duration_and_frequency_for_a_remnant_and_no_distance() -> None:
    burst = {"group": "Burst", "duration": 0.0111, "central_frequency": 153.2, "properties": {}}
    assert line(**burst, maps={1: FLAT}).startswith("Burst (11 ms, 153 Hz), 270 deg2, FAR")
    assert line(**(burst | {"duration": None})).startswith("Burst (153 Hz), ")


def test_probable_noise_is_said_beside_what_supposes_it_is_none() -> None:
    """HasRemnant is conditional on an astrophysical source."""
    noise = line(classification={"BNS": 0.1, "Terrestrial": 0.9})
    assert noise.startswith("CBC (HasRemnant=91%, Terrestrial=90%), ")
    assert "Terrestrial" not in line()


def test_low_significance_is_said_and_unknown_is_not_low() -> None:
    assert line(significant=False).endswith(", low significance")
    assert "significance" not in line(significant=None) + line()


@pytest.mark.parametrize(
    ("maps", "text"),
    [
        ({}, ", no sky map, "),
        ({1: MAP | {"not_measured_reason": "sums to 2"}}, ", no usable sky map, "),
        ({1: FLAT}, ", no distance, 270 deg2, "),
    ],
)
def test_what_the_map_does_not_give_is_said(maps: dict[int, dict[str, Any]], text: str) -> None:
    assert text in line(maps=maps)


def test_small_area_has_its_digits() -> None:
    assert ", 0.13 deg2, " in line(maps={1: MAP | {"area_90_deg2": 0.128}})


def test_map_of_an_earlier_alert_is_named() -> None:
    assert ", 270 deg2 (map of alert 1), " in line(EVENT, EVENT)
    assert "map of alert" not in line(EVENT, EVENT, maps={2: MAP})


def test_retraction_comes_first_and_keeps_the_values_for_the_record() -> None:
    assert line(EVENT, None).startswith("RETRACTED: CBC (HasRemnant=91%), 186 Mpc")
    assert line(None) == "RETRACTED: no alert with values"
    assert "RETRACTED" not in line(EVENT, None, EVENT)


@pytest.mark.parametrize("superevent_id", ["MS261122ab", "TS261122ab"])
def test_test_alert_says_so_before_anything_else(superevent_id: str) -> None:
    opening = "TEST, do not observe: "
    assert line(superevent_id=superevent_id).startswith(f"{opening}CBC")
    retracted = line(EVENT, None, superevent_id=superevent_id)
    assert retracted.startswith(f"{opening}RETRACTED: CBC")


def test_nothing_readable_is_not_an_alert() -> None:
    event = summarize({"superevent_id": "S261122ab"}, {})
    assert event.summary_line == "no readable alert"


@pytest.mark.parametrize(
    ("text", "ascii_only"),
    [
        ("1 585 ± 30 Mpc, 24\u202f219 deg²", "1 585 +/- 30 Mpc, 24219 deg2"),
        ("2.8\u00a0×\u00a010³³\u00a0yr", "2.8e33 yr"),
        ("5.0 × 10⁻¹ s", "5.0e-1 s"),
        ("Boötes, T₀, 88 → 91\u202f%, −17.3°", "Bootes, T0, 88 -> 91%, -17.3 deg"),
        ("a\nb\x1b[31m\u202e\ud800漢", "a?b?[31m???"),
    ],
)
def test_signs_are_spelt_out_and_the_rest_is_replaced(text: str, ascii_only: str) -> None:
    assert ascii_text(text) == ascii_only


NUMBERS = st.none() | st.floats(0, 1.7e308) | st.sampled_from([5e-324, 1e-300, 0.0])
PARTS = st.floats(0, 1)
TEXTS = st.text(min_size=1, max_size=24)


@given(
    kind=st.sampled_from(["real", "mock", "test"]),
    state=st.sampled_from([*STATES.values(), "no_readable_alert"]),
    group=st.none() | TEXTS,
    shares=st.dictionaries(st.sampled_from(["HasRemnant", "Terrestrial", "BNS"]), PARTS),
    measures=st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS),
    is_burst=st.booleans(),
)
def test_any_values_give_one_short_line_of_printable_ascii(
    kind: str,
    state: str,
    group: str | None,
    shares: dict[str, float],
    measures: tuple[float | None, ...],
    is_burst: bool,
) -> None:
    alert = _sample()
    assert alert.values
    assert alert.skymap
    far, duration, frequency, area, distance = measures
    values = structs.replace(
        alert.values,
        group=group,
        far=far,
        properties=shares,
        classification=shares,
        duration=duration,
        central_frequency=frequency,
        is_burst=is_burst,
    )
    skymap = structs.replace(alert.skymap, area_90_deg2=area, distance_mean_mpc=distance)
    current = structs.replace(alert, values=values, skymap=skymap)
    for located in (current, alert, None):
        written = headline(kind, state, current, located)
        assert 0 < len(written) <= 140
        assert set(written) <= set(string.printable) - set(string.whitespace) | {" "}
        assert written.startswith("TEST, do not observe: ") == (kind != "real")
        assert ("RETRACTED: " in written[:40]) == (state == "retracted")


def _sample() -> AlertSummary:
    content = {"alerts": [{"number": 1, "alert_type": "UPDATE", "record": {"event": EVENT}}]}
    event = summarize(content, {"alerts": [{"number": 1, "skymaps": [MAP]}]})
    assert event.current
    return event.current
